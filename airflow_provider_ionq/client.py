"""
IonQ's API over `requests`, without Airflow.

Rules of this file: a request leaves in one place, :meth:`IonQClient._get`; the API key is in the `Authorization`
header and nowhere else; an answer is checked for the keys we rely on and otherwise passed on as it came.
"""

from __future__ import annotations

import json
import math
import platform
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeGuard, cast
from urllib.parse import quote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from airflow_provider_ionq import __version__
from airflow_provider_ionq.errors import (
    IonQApiError,
    IonQConfigurationError,
    IonQConnectionError,
    IonQError,
    IonQInvalidIdError,
    IonQResponseError,
    IonQTimeoutError,
    IonQUnreachableError,
    api_error_class,
)
from airflow_provider_ionq.json_items import items_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.models import Backend, Session, Whoami
    from airflow_provider_ionq.settings import ClientSettings

QUOTED_CHARACTERS = 200
MAX_RETRY_PAUSE_SECONDS = 60.0
READ_AT_ONCE = 64 * 1024
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504, *range(520, 530)})


class IonQClient:
    """
    A client of the IonQ API, v0.4.

    Keeps one connection open between calls and makes one call at a time: use one client per thread. Redirects are
    not followed. A GET is sent again after a failure that may pass, `settings.max_retries` times at most.

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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings.base_url!r})"

    def close(self) -> None:
        """Close the connection to the API; a later call opens another."""
        self._session.close()

    def get_session(self, session_id: str) -> Session:
        """
        Return one session.

        :param session_id: id of the session.
        :raises IonQInvalidIdError: before any request.
        :raises IonQResponseError: also when the answer is another session's.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-session
        """
        path = f"/sessions/{path_segment(session_id, 'session_id')}"
        session, body, request_id = self._get(path)
        if not is_session(session):
            raise self._unreadable(path, "is no object with an id and a status", body, request_id)
        if session["id"] != session_id:
            raise self._unreadable(path, f"is of another session than {session_id!r}", body, request_id)
        return session

    def list_sessions(self, active: bool | None = None) -> list[Session]:
        """
        Return the organisation's sessions, ended ones included, each as the API served it.

        The API has no paging and promises no order.

        :param active: only those whose active flag is so; None means all.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-sessions
        """
        return list(self.iter_sessions(active))

    def iter_sessions(self, active: bool | None = None) -> Iterator[Session]:
        """
        Ask once for the organisation's sessions, and decode them one by one.

        For many sessions: other threads go on meanwhile. What is wrong with the answer may show after some of them.

        :param active: only those whose active flag is so; None means all.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-sessions
        """
        path = "/sessions"
        body, request_id = self._get_body(path, None if active is None else {"active": str(active).lower()})
        try:
            yield from items_of(body, "sessions")
        except KeyError:
            raise self._unreadable(path, "has no list of sessions", body, request_id) from None
        except ValueError:
            raise self._unreadable(path, "is not JSON with sessions", body, request_id) from None

    def whoami(self) -> Whoami:
        """
        Return the API key in use: its id, name and project, not its secret.

        https://docs.ionq.com/api-reference/v0.4/util/whoami
        """
        answer, body, request_id = self._get("/whoami")
        if not isinstance(answer, dict) or "key_id" not in answer:
            raise self._unreadable("/whoami", "has no key_id", body, request_id)
        return cast("Whoami", answer)

    def list_backends(self) -> list[Backend]:
        """
        Return the devices and simulators.

        https://docs.ionq.com/api-reference/v0.4/backends/get-backends
        """
        answer, body, request_id = self._get("/backends")
        if not isinstance(answer, list):
            raise self._unreadable("/backends", "is not a list", body, request_id)
        return cast("list[Backend]", answer)

    def get_backend(self, backend: str) -> Backend:
        """
        Return one device or simulator.

        :param backend: its name, such as `qpu.forte-1`.

        https://docs.ionq.com/api-reference/v0.4/backends/get-backend-by-name
        """
        path = f"/backends/{path_segment(backend, 'backend')}"
        answer, body, request_id = self._get(path)
        if not isinstance(answer, dict) or "backend" not in answer:
            raise self._unreadable(path, "has no backend", body, request_id)
        return cast("Backend", answer)

    def _get(self, path: str) -> tuple[Any, bytes, str | None]:
        """Send a GET; return the decoded body, the body itself and the request id."""
        body, request_id = self._get_body(path)
        try:
            return json.loads(body), body, request_id
        except (ValueError, RecursionError):
            raise self._unreadable(path, "is not JSON", body, request_id) from None

    def _get_body(self, path: str, params: dict[str, str] | None = None) -> tuple[bytes, str | None]:
        """Send a GET; return the body and the request id."""
        try:
            response = self._session.request(
                "GET",
                self.settings.base_url + path,
                params=params,
                timeout=self.settings.timeout_seconds,
                verify=self._verify,
                proxies=self._proxies,
                allow_redirects=False,
                stream=True,
            )
            body = self._read(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if isinstance(error, requests.RequestException):
                error.request = None  # it carries the API key in its headers
            raise self._no_answer(path, error) from error
        self.body_bytes_read += len(body)
        request_id = response.headers.get("x-request-id")
        if response.status_code != 200:
            raise self._refusal(path, response, body, request_id)
        return body, request_id

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

    def _no_answer(self, path: str, error: Exception) -> IonQError:
        what = f"GET {self.settings.base_url}{path}"
        causes = list(_causes(error))
        root = next((cause for cause in causes if isinstance(cause, OSError) and cause.strerror), causes[-1])
        detail = self._without_key(str(root))[:QUOTED_CHARACTERS]
        if isinstance(error, requests.exceptions.ProxyError):
            return IonQUnreachableError(f"{what}: the proxy failed: {detail}")
        if isinstance(error, requests.exceptions.SSLError) or _any(causes, ssl.SSLError):
            return IonQUnreachableError(f"{what}: the TLS connection failed: {detail}")
        if _any(causes, socket.gaierror):
            return IonQUnreachableError(f"{what}: the host is unknown: {detail}")
        if _any(causes, ConnectionRefusedError):
            return IonQUnreachableError(f"{what}: the host refused the connection: {detail}")
        if isinstance(error, requests.Timeout) or _any(causes, (TimeoutError, urllib3.exceptions.TimeoutError)):
            return IonQTimeoutError(f"{what}: no whole answer within {self.settings.timeout_seconds:g} s")
        if isinstance(error, (requests.ConnectionError, urllib3.exceptions.ProtocolError)):
            return IonQConnectionError(f"{what}: the connection broke: {detail}")
        if isinstance(error, urllib3.exceptions.DecodeError):
            return IonQResponseError(f"{what}: the answer could not be decompressed: {detail}")
        return IonQConfigurationError(f"{what}: the request could not be made: {detail}")

    def _refusal(self, path: str, response: requests.Response, body: bytes, request_id: str | None) -> IonQApiError:
        message = self._without_key(_api_message(response, body))[:QUOTED_CHARACTERS]
        status = response.status_code
        text = f"GET {self.settings.base_url}{path} answered {status}: {message}"
        if 300 <= status < 400:
            text += " (redirects are not followed: check the connection's host)"
        elif status == 401:
            text += " - the API key was refused: check the connection's password"
        elif status == 404 and path.startswith("/sessions"):
            text += (
                " - either the session id or the API key's project is wrong, or sessions are not enabled for this"
                " account (they are in beta: IonQ's support enables them per organisation)"
            )
        return api_error_class(status)(
            f"{text} {_request_id_text(request_id)}",
            status=status,
            message=message,
            request_id=request_id,
            retry_after_seconds=retry_after_seconds(response.headers.get("Retry-After"), response.headers.get("Date")),
        )

    def _unreadable(self, path: str, problem: str, body: bytes, request_id: str | None) -> IonQResponseError:
        quoted = self._without_key(body.decode(errors="replace"))[:QUOTED_CHARACTERS]
        return IonQResponseError(
            f"GET {self.settings.base_url}{path}: the answer {problem}: {quoted!r} {_request_id_text(request_id)}"
        )

    def _without_key(self, text: str) -> str:
        # Before a text is cut: a key that lies across the cut would be found no more, and its beginning shown.
        return text.replace(self.settings.api_key, "***")


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


def path_segment(value: object, name: str) -> str:
    """
    Percent-encode an id so that it stays one segment of a path, whatever is in it.

    :param value: the id.
    :param name: the argument's name, for the error.
    :raises IonQInvalidIdError: for what is not a string, and for `""`, `.` and `..`, which no encoding protects.
    """
    if not isinstance(value, str):
        raise IonQInvalidIdError(f"{name} must be a string, not {type(value).__name__}")
    if value in ("", ".", ".."):
        raise IonQInvalidIdError(f"{name} must name something, but is {value!r}")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise IonQInvalidIdError(f"{name} holds characters that cannot be encoded: {value!r}") from None


def retry_after_seconds(value: str | None, now: str | None) -> float | None:
    """
    Read a `Retry-After` header.

    :param value: seconds, or an HTTP date; None when there was no header.
    :param now: the answer's own `Date`, against which a date is read: our clock may be off.
    :return: seconds from now, never negative; None when there is no header or it cannot be read.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - parsedate_to_datetime(now or "")).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def is_session(value: Any) -> TypeGuard[Session]:
    """Tell whether a value of the API's JSON has what we rely on in a session: an id and a status."""
    return isinstance(value, dict) and isinstance(value.get("id"), str) and "status" in value


def _api_message(response: requests.Response, body: bytes) -> str:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace").strip() or response.reason or "no body"
    error = answer.get("error") if isinstance(answer, dict) else None
    message = answer.get("message") if isinstance(answer, dict) else None
    if message is None and isinstance(error, dict):
        message = error.get("message")
    return str(message or error or answer)


def _request_id_text(request_id: str | None) -> str:
    return f"(request id {request_id})" if request_id else "(no request id)"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what lies behind it: requests and urllib3 keep that in args, reason and context."""
    seen: set[int] = set()
    pending: list[Any] = [error]
    while pending:
        current = pending.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            pending += [getattr(current, "reason", None), current.__cause__, current.__context__, *current.args]


def _any(causes: list[BaseException], kind: type[BaseException] | tuple[type[BaseException], ...]) -> bool:
    return any(isinstance(cause, kind) for cause in causes)


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
