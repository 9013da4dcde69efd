"""
Send requests and read responses over `requests`, without Airflow.

Rules of this file: requests are sent in one place, :meth:`Transport._attempt`; the API key is only in the
`Authorization` header; a failure raises an :mod:`~airflow_provider_ionq.api.errors` class that tells whether the server
may have processed the request. It has no cause, because the cause's text may hold secrets.
"""

from __future__ import annotations

import json
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase
from urllib3.util import Retry

from airflow_provider_ionq import __version__
from airflow_provider_ionq.api.answer_body import AnswerTooLargeError, read_body
from airflow_provider_ionq.api.bounded_http import BoundedAdapter
from airflow_provider_ionq.api.error_mapping import (
    api_error,
    connection_error,
    epoch_seconds,
    failed,
    id_text,
    request_id_of,
)
from airflow_provider_ionq.api.errors import IonQApiError, IonQConnectionError, IonQError, IonQResponseError
from airflow_provider_ionq.api.redaction import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ionq.api.settings import ClientSettings

MAX_RETRY_PAUSE_SECONDS = 60.0
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504, *range(520, 530)})
MIB = 1024 * 1024
LARGEST_ANSWER = 16 * MIB
"""Default limit of a successful response's body, in bytes."""
LARGEST_ERROR_BODY = 64 * 1024
"""Limit of an error response's body, in bytes; its beginning is quoted."""


@dataclass(frozen=True, slots=True)
class Response:
    """
    A successful response.

    :param request_line: the request, for messages: `GET https://api.ionq.co/v0.4/sessions`.
    :param body: the body, decompressed.
    :param request_id: `x-request-id`; None without one.
    :param date: the server's clock from the `Date` header, in epoch seconds; None without one.
    """

    request_line: str
    body: bytearray
    request_id: str | None
    date: float | None


class Transport:
    """
    Sends one request at a time and keeps one connection open in between: use one per thread.

    Redirects are not followed. A GET is repeated on transient errors, at most `settings.max_retries` times; any other
    request only if nothing of it was sent. `settings.timeout_seconds` limits each attempt, from connecting to the last
    byte of the response; the pauses between attempts are not included.

    :param settings: API key, address, time-out and other settings.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self.settings = settings
        self.body_bytes_read = 0
        self._session = _Session()
        self._session.auth = _ApiKeyAuth(settings.api_key)
        self._session.headers.update(
            {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _user_agent()}
        )
        self._retry = Retry(total=settings.max_retries, backoff_factor=0.5)
        self._adapter = BoundedAdapter()
        self._session.mount("https://", self._adapter)
        self._session.mount("http://", self._adapter)
        # Passed with each request: the environment overrides the settings of the requests.Session.
        self._verify = None if settings.verify is True else settings.verify
        self._proxies = _proxies_by_scheme(settings)

    def __reduce__(self) -> tuple[Any, ...]:
        """Give a copy, as Airflow makes of its tasks, its own connections."""
        return type(self), (self.settings,)

    def close(self) -> None:
        """Close the connection to the API; a later request opens another."""
        self._session.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, limit: int = LARGEST_ANSWER) -> Response:
        """
        Send a GET.

        :param path: the path after the base URL, percent-encoded.
        :param params: query parameters; a list repeats the parameter.
        :param limit: size limit of a successful response's body, in bytes, decompressed.
        :raises IonQError: see :mod:`airflow_provider_ionq.api.errors`.
        """
        return self._send("GET", path, params=params, limit=limit)

    def send_once(self, method: str, path: str, body: dict[str, Any] | None = None) -> Response:
        """
        Send a request that changes something, once.

        :param method: `POST`, `PUT` or `DELETE`.
        :param path: the path after the base URL, percent-encoded.
        :param body: sent as JSON; None for no body.
        :raises IonQError: `may_have_applied` tells whether the server may have processed the request.
        """
        # On a new connection: the server may be closing the open one, and the outcome would be unknown.
        self.close()
        return self._send(method, path, body=body)

    def decoded(self, answer: Response) -> Any:
        """
        Return the JSON of a response.

        :raises IonQResponseError: if the body is not JSON.
        """
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self.unreadable(answer, "is not JSON") from None

    def unreadable(self, answer: Response, problem: str) -> IonQResponseError:
        """
        Return the error for a successful response with an unexpected body.

        :param answer: the response.
        :param problem: the problem, to follow the words "the response".
        """
        beginning = answer.body[:LARGEST_ERROR_BODY]
        is_whole = len(beginning) == len(answer.body)
        shown = quoted(beginning.decode(errors="replace"), self.settings, is_whole=is_whole)
        return IonQResponseError(
            f"{answer.request_line}: the response {problem}: {shown!r} {id_text(answer.request_id)}",
            may_have_applied=not answer.request_line.startswith("GET "),
        )

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: dict[str, Any] | None = None,
        limit: int = LARGEST_ANSWER,
    ) -> Response:
        # The policy and the pauses are urllib3's. Its loop is not used: it reads discarded bodies without a limit, and
        # logs text from servers.
        retry = self._retry
        while True:
            try:
                return self._attempt(method, path, params, body, limit)
            except IonQError as error:
                if not retry.total or not self._may_be_repeated(method, error):
                    raise
                requested = error.retry_after_seconds
            retry = retry.increment(method, path)
            time.sleep(retry.get_backoff_time() if requested is None else min(requested, MAX_RETRY_PAUSE_SECONDS))

    def _may_be_repeated(self, method: str, error: IonQError) -> bool:
        if isinstance(error, IonQApiError):
            return method == "GET" and error.status in RETRIED_STATUSES
        return isinstance(error, IonQConnectionError) and (method == "GET" or not self._adapter.exchange.sent)

    def _attempt(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: dict[str, Any] | None, limit: int
    ) -> Response:
        outcome = self._outcome(method, path, params, body, limit)
        if isinstance(outcome, Response):
            self.body_bytes_read += len(outcome.body)
            return outcome
        raise outcome

    def _outcome(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: dict[str, Any] | None, limit: int
    ) -> Response | IonQError:
        """Send a request once; return an error instead of raising it, so that it has no cause and no context."""
        request_line = f"{method} {self.settings.base_url}{path}"
        content = bytearray()
        response, is_success, is_whole = None, True, False
        try:
            self._adapter.exchange.begin(self.settings.timeout_seconds)
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
            is_success = response.status_code in ((200,) if method == "GET" else (200, 201))
            read_body(response, limit if is_success else LARGEST_ERROR_BODY, content)
            is_whole = True
        except AnswerTooLargeError:
            if is_success:
                text = f"{request_line}: the response is larger than the limit of {limit // MIB} MiB"
                return failed(IonQResponseError, text, sent=self._adapter.exchange.sent)
        except Exception as error:  # the libraries may raise anything on a malformed response
            if response is None or is_success:
                return connection_error(request_line, error, self.settings, sent=self._adapter.exchange.sent)
        finally:
            if response is not None and not is_whole:
                response.close()
        assert response is not None
        if not is_success:
            sent = self._adapter.exchange.sent
            return api_error(request_line, response, content, self.settings, is_whole=is_whole, sent=sent)
        date = epoch_seconds(response.headers.get("Date"))
        return Response(request_line, content, request_id_of(response, self.settings), date)


class _Session(requests.Session):
    """Does not follow redirects, nor resolve their targets: that would read their bodies without a limit."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: no redirect."""


class _ApiKeyAuth(AuthBase):
    """Sets the header; as an AuthBase it also prevents `~/.netrc` from setting another."""

    def __init__(self, api_key: str) -> None:
        self._header = f"apiKey {api_key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


def _proxies_by_scheme(settings: ClientSettings) -> dict[str, str] | None:
    if settings.proxies is None:
        return None
    # requests prefers a scheme's entry to "all", so the environment's https_proxy would override the connection's.
    proxies = dict(settings.proxies)
    if "all" in proxies:
        proxies = {"http": proxies["all"], "https": proxies["all"], **proxies}
    return proxies


def _user_agent() -> str:
    return f"airflow-provider-ionq/{__version__} python/{platform.python_version()} requests/{requests.__version__}"
