"""The parts of Airflow's REST API that the stack needs."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

TIMEOUT_SECONDS = 120.0


class AirflowApi:
    """
    Talk to an API server that takes everybody for an administrator.

    :param url: its root, such as `http://127.0.0.1:8080`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        # Proxies of the caller's environment have no business on the loopback interface.
        self._session.trust_env = False
        # On SQLite a read answers 500 now and then, when a writer holds the lock.
        again = Retry(total=4, backoff_factor=0.3, status_forcelist=(500,), allowed_methods={"GET"})
        self._session.mount(url, HTTPAdapter(max_retries=again))

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def log_in(self) -> None:
        """Take a token and send it from now on."""
        answer = self._session.get(f"{self.url}/auth/token", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def health(self) -> dict[str, Any]:
        """Return what the API server knows of the other components; empty when it does not answer."""
        try:
            answer = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
        except requests.RequestException:
            return {}
        return found

    def get(self, path: str, **query: Any) -> Any:
        """
        Read something.

        :param path: what follows `/api/v2`.
        :param query: its parameters.
        :raises requests.HTTPError: for every answer but a success.
        """
        return self._call("GET", path, params=query)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """
        Make something.

        :param path: what follows `/api/v2`.
        :param body: the JSON to send.
        :raises requests.HTTPError: for every answer but a success.
        """
        return self._call("POST", path, json=body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """
        Change something.

        :param path: what follows `/api/v2`.
        :param body: the JSON to send.
        :raises requests.HTTPError: for every answer but a success.
        """
        return self._call("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        """
        Take something away.

        :param path: what follows `/api/v2`.
        :raises requests.HTTPError: for every answer but a success.
        """
        self._call("DELETE", path)

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._session.request(method, f"{self.url}/api/v2{path}", timeout=TIMEOUT_SECONDS, **arguments)
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text}", response=answer)
        return answer.json() if answer.content else None
