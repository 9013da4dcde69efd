"""
How a request leaves and an answer comes back, over `requests`, without Airflow.

Rules of this file: a request leaves in one place, :meth:`Transport._send`; the API key is in the `Authorization`
header and nowhere else; what fails is told as an :mod:`~airflow_provider_ionq.errors` class that says whether the
request may have had its effect all the same.
"""

from __future__ import annotations

import json
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from airflow_provider_ionq import __version__
from airflow_provider_ionq.errors import IonQError, IonQResponseError
from airflow_provider_ionq.failures import epoch_seconds, id_text, no_answer, quoted, refusal, surely_not_sent

if TYPE_CHECKING:
    from airflow_provider_ionq.settings import ClientSettings

MAX_RETRY_PAUSE_SECONDS = 60.0
READ_AT_ONCE = 64 * 1024
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504, *range(520, 530)})
PERHAPS_DONE_STATUSES = frozenset({*range(200, 300), 408, 499, *range(500, 600)})
"""After these nobody knows whether a request that changes something has done so."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A success.

    :param what: the request, for messages: `GET https://api.ionq.co/v0.4/sessions`.
    :param body: as it came, decompressed.
    :param request_id: `x-request-id`; None when there was none.
    :param date: the server's clock when it answered, from its `Date` header, in epoch seconds; None without one.
    """

    what: str
    body: bytes
    request_id: str | None
    date: float | None


class Transport:
    """
    Sends one request at a time, and keeps one connection open in between: use one per thread.

    Redirects are not followed. A GET is sent again after a failure that may pass, `settings.max_retries` times at most;
    anything else only after failures to connect, with which it cannot have had an effect.

    :param settings: key, address, time-out and the rest.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self.settings = settings
        self.body_bytes_read = 0
        self._session = requests.Session()
        self._session.auth = _ApiKeyAuth(settings.api_key)
        self._session.headers.update({"Accept": "application/json", "User-Agent": _user_agent()})
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=_retry_policy(settings.max_retries))
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        # Given with each request because the environment's override what is set on the requests.Session.
        self._verify = None if settings.verify is True else settings.verify
        self._proxies = _proxies_by_scheme(settings)

    def close(self) -> None:
        """Close the connection to the API; a later request opens another."""
        self._session.close()

    def get(self, path: str, params: dict[str, str] | None = None) -> Answer:
        """
        Send a GET.

        :param path: what follows the base URL, percent-encoded.
        :param params: query parameters.
        :raises IonQError: see :mod:`airflow_provider_ionq.errors`.
        """
        return self._send("GET", path, params=params)

    def change(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """
        Send a request that changes something, once.

        :param method: `POST` or `PUT`.
        :param path: what follows the base URL, percent-encoded.
        :param body: sent as JSON; None for no body.
        :raises IonQError: its `perhaps_done` says whether it may have had its effect.
        """
        # On a new connection: one kept open may be closed by the server just now, and nobody could tell what it read.
        self.close()
        try:
            return self._send(method, path, body=body)
        except IonQError as error:
            if error.perhaps_done:
                error.args = (f"{error.args[0]} - it may have had its effect all the same", *error.args[1:])
            raise

    def decoded(self, answer: Answer) -> Any:
        """
        Return the JSON of an answer.

        :raises IonQResponseError: when it is none.
        """
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self.unreadable(answer, "is not JSON") from None

    def unreadable(self, answer: Answer, problem: str) -> IonQResponseError:
        """
        Return the error that says what is wrong with an answer.

        :param answer: a success that is not what was asked for.
        :param problem: what is wrong, to follow the words "the answer".
        """
        beginning = quoted(answer.body.decode(errors="replace"), self.settings)
        error = IonQResponseError(f"{answer.what}: the answer {problem}: {beginning!r} {id_text(answer.request_id)}")
        error.perhaps_done = not answer.what.startswith("GET ")
        return error

    def _send(
        self, method: str, path: str, params: dict[str, str] | None = None, body: dict[str, Any] | None = None
    ) -> Answer:
        what = f"{method} {self.settings.base_url}{path}"
        try:
            response = self._session.request(
                method,
                self.settings.base_url + path,
                params=params,
                json=body,
                timeout=self.settings.timeout_seconds,
                verify=self._verify,
                proxies=self._proxies,
                allow_redirects=False,
                stream=True,
            )
            content = self._read(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if isinstance(error, requests.RequestException):
                error.request = None  # it carries the API key in its headers
            failure = no_answer(what, error, self.settings)
            failure.perhaps_done = method != "GET" and not surely_not_sent(error)
            raise failure from error
        self.body_bytes_read += len(content)
        if response.status_code not in ((200,) if method == "GET" else (200, 201)):
            refused = refusal(what, response, content, self.settings)
            refused.perhaps_done = method != "GET" and response.status_code in PERHAPS_DONE_STATUSES
            raise refused
        headers = response.headers
        return Answer(what, content, headers.get("x-request-id"), epoch_seconds(headers.get("Date")))

    def _read(self, response: requests.Response) -> bytes:
        """Read the body; requests' own time-out is for each part of it, and parts may come for ever."""
        deadline = time.monotonic() + self.settings.timeout_seconds
        parts = []
        try:
            while part := response.raw.read1(READ_AT_ONCE, decode_content=True):
                if time.monotonic() > deadline:
                    raise TimeoutError("the answer began in time, and did not end")
                parts.append(part)
        except BaseException:
            response.close()
            raise
        return b"".join(parts)


class _ApiKeyAuth(AuthBase):
    """Sets the header; being an AuthBase it also keeps `~/.netrc` from setting another."""

    def __init__(self, api_key: str) -> None:
        self._header = f"apiKey {api_key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class _CappedRetry(Retry):
    """urllib3's Retry, with the pause that the server asks for capped."""

    def get_retry_after(self, response: Any) -> float | None:
        try:
            asked = super().get_retry_after(response)
        except urllib3.exceptions.InvalidHeader:
            return None  # else a header that cannot be read turns an outage into an error without retries
        return None if asked is None else min(asked, MAX_RETRY_PAUSE_SECONDS)


def _retry_policy(max_retries: int) -> Retry:
    return _CappedRetry(
        total=max_retries,
        redirect=0,
        other=0,
        status_forcelist=RETRIED_STATUSES,
        allowed_methods=frozenset({"GET"}),
        backoff_factor=0.5,
        raise_on_status=False,
        respect_retry_after_header=True,
    )


def _proxies_by_scheme(settings: ClientSettings) -> dict[str, str] | None:
    if settings.proxies is None:
        return None
    # requests prefers a scheme's entry to "all", so that the environment's https_proxy would win over ours.
    proxies = dict(settings.proxies)
    if "all" in proxies:
        proxies = {"http": proxies["all"], "https": proxies["all"], **proxies}
    return proxies


def _user_agent() -> str:
    return f"airflow-provider-ionq/{__version__} python/{platform.python_version()} requests/{requests.__version__}"
