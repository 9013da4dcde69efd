"""
Map a failed request to an error class and a message.

Every text from a response goes through :func:`~airflow_provider_ionq.api.redaction.quoted`.
"""

from __future__ import annotations

import http.client
import json
import math
import re
import socket
import ssl
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import requests
import urllib3

from airflow_provider_ionq.api.errors import (
    IonQApiError,
    IonQAuthenticationError,
    IonQConfigurationError,
    IonQConflictError,
    IonQConnectionError,
    IonQError,
    IonQGoneError,
    IonQNotFoundError,
    IonQPermissionError,
    IonQRateLimitError,
    IonQResponseError,
    IonQServerError,
    IonQTimeoutError,
    IonQUnreachableError,
)
from airflow_provider_ionq.api.redaction import quoted
from airflow_provider_ionq.api.settings import INSTALL_SOCKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.api.settings import ClientSettings

UNREACHABLE = " - check the API address (host) of the connection, and verify and proxies in its extra"
"""Advice for a failure that persists."""

REQUEST_ID_CHARACTERS = 100

TIMED_OUT = (TimeoutError, requests.Timeout, urllib3.exceptions.ReadTimeoutError)

BROKEN = (http.client.HTTPException, ConnectionResetError, ConnectionAbortedError, BrokenPipeError, *TIMED_OUT)
"""Causes of an established connection that broke or was too slow."""

REFUSALS = frozenset(int(status) for status in http.HTTPStatus if 400 <= status < 500) - {408}
"""Statuses of a request that was rejected unprocessed. Gateways add others, which give no such guarantee."""

RESULT_PATH = re.compile("/jobs/[^/]+/(results|artifacts|variants)/")

MAY_HAVE_APPLIED = " - the server may still have processed it"

Problem = tuple[type[IonQError], str]
"""The class and the text of an error."""


def connection_error(request_line: str, error: Exception, settings: ClientSettings, *, sent: bool) -> IonQError:
    """
    Return the error for a request without a complete response.

    :param request_line: the request, for the message.
    :param error: the exception from requests, urllib3 or the socket.
    :param settings: the client's settings.
    :param sent: whether a byte of the request may have been sent.
    """
    causes = list(_causes(error))
    root = next((cause for cause in causes if isinstance(cause, OSError) and cause.strerror), causes[-1])
    detail = quoted(str(root) or type(root).__name__, settings)
    if _any(causes, TIMED_OUT):
        missing = "complete response" if sent else "connection"
        return failed(
            IonQTimeoutError, f"{request_line}: no {missing} within {settings.timeout_seconds:g} s", sent=sent
        )
    error_class, problem = _broken_answer(causes, detail) if sent else _no_connection(error, causes, detail)
    return failed(error_class, f"{request_line}: {problem}", sent=sent)


def failed(error_class: type[IonQError], text: str, *, sent: bool) -> IonQError:
    """
    Return the error for a request without a usable response.

    :param text: the text, which begins with the request line.
    :param sent: whether a byte of the request may have been sent.
    """
    may_have_applied = sent and not text.startswith("GET ")
    return error_class(text + (MAY_HAVE_APPLIED if may_have_applied else ""), may_have_applied=may_have_applied)


def _no_connection(error: Exception, causes: list[BaseException], detail: str) -> Problem:
    # urllib3 also raises ProxyError when an established connection to the proxy breaks.
    if isinstance(error, requests.exceptions.ProxyError) and not _any(causes, BROKEN):
        return IonQUnreachableError, f"the proxy failed: {detail}{UNREACHABLE}"
    if _any(causes, (requests.exceptions.SSLError, ssl.SSLError)):
        return IonQUnreachableError, f"the TLS connection failed: {detail}{UNREACHABLE}"
    if _any(causes, socket.gaierror):
        return IonQUnreachableError, f"the host is unknown: {detail}{UNREACHABLE}"
    if _any(causes, ConnectionRefusedError):
        return IonQUnreachableError, f"the host refused the connection: {detail}{UNREACHABLE}"
    if isinstance(error, (requests.ConnectionError, urllib3.exceptions.ProtocolError)):
        return IonQConnectionError, f"the connection broke before the request was sent: {detail}"
    if isinstance(error, requests.exceptions.InvalidSchema):
        # Here requests raises this only for a SOCKS proxy of the environment: the API address begins with http or
        # https, and the connection's proxies are checked.
        detail = f"the proxy is a SOCKS proxy: {INSTALL_SOCKS}"
    return IonQConfigurationError, f"the request could not be made: {detail}"


def _broken_answer(causes: list[BaseException], detail: str) -> Problem:
    alerts = [cause for cause in causes if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or "")]
    if alerts:
        # With TLS 1.3 a server rejects a missing client certificate only after the request.
        return IonQUnreachableError, f"the TLS connection failed: {detail}{UNREACHABLE}"
    if _any(causes, (http.client.RemoteDisconnected, http.client.IncompleteRead)) or (
        _any(causes, OSError) and not _any(causes, (http.client.HTTPException, urllib3.exceptions.InvalidHeader))
    ):
        return IonQConnectionError, f"the connection broke: {detail}"
    return IonQResponseError, f"the response cannot be read: {detail}"


def api_error(
    request_line: str,
    response: requests.Response,
    body: bytes | bytearray,
    settings: ClientSettings,
    *,
    is_whole: bool,
    sent: bool,
) -> IonQApiError:
    """
    Return the error for a response whose status is not a success.

    :param request_line: the request, for the message.
    :param response: the response.
    :param body: its body, decompressed.
    :param settings: the client's settings.
    :param is_whole: whether `body` is complete.
    :param sent: whether a byte of the request may have been sent.
    """
    message = quoted(_api_message(response, body), settings, is_whole=is_whole) or "no body"
    status = response.status_code
    request_id = request_id_of(response, settings)
    text = f"{request_line} answered {status}: {message}"
    if 300 <= status < 400:
        text += " (redirects are not followed: check the API address (host) of the connection)"
    elif status == 401:
        text += " - the API key was rejected: check the API key (password) of the connection"
    elif status == 404 and RESULT_PATH.match(request_line.partition(settings.base_url)[2]):
        text += " - the result is not there yet, or it was deleted"
    elif status == 410:
        text += " - IonQ no longer has it"
    elif status == 404 and request_line.partition(settings.base_url)[2].startswith("/jobs/"):
        text += " - either the job id or the API key's project is wrong, or the job was deleted"
    elif status == 404 and request_line.partition(settings.base_url)[2].startswith("/sessions"):
        text += (
            " - either the session id or the API key's project is wrong, or sessions are not enabled for this"
            " account (they are in beta: IonQ's support enables them per organisation)"
        )
    may_have_applied = sent and not request_line.startswith("GET ") and status not in REFUSALS
    return api_error_class(status)(
        f"{text} {id_text(request_id)}" + (MAY_HAVE_APPLIED if may_have_applied else ""),
        status=status,
        message=message,
        request_id=request_id,
        retry_after_seconds=retry_after_seconds(response.headers.get("Retry-After"), response.headers.get("Date")),
        may_have_applied=may_have_applied,
    )


def api_error_class(status: int) -> type[IonQApiError]:
    """Return the exception class for an HTTP status."""
    if status >= 500:
        return IonQServerError
    return {
        401: IonQAuthenticationError,
        403: IonQPermissionError,
        404: IonQNotFoundError,
        409: IonQConflictError,
        410: IonQGoneError,
        429: IonQRateLimitError,
    }.get(status, IonQApiError)


def request_id_of(response: requests.Response, settings: ClientSettings) -> str | None:
    """Return the `x-request-id` of a response, or None without one."""
    return quoted(response.headers.get("x-request-id", ""), settings, REQUEST_ID_CHARACTERS).strip() or None


def retry_after_seconds(value: str | None, now: str | None) -> float | None:
    """
    Parse a `Retry-After` header.

    :param value: seconds or an HTTP date; None without a header.
    :param now: the response's own `Date`, to which a date is relative: the local clock may be off.
    :return: seconds from now, never negative; None without a header or if it is invalid.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        then, answered = epoch_seconds(value), epoch_seconds(now)
        if then is None or answered is None:
            return None
        seconds = then - answered
    return max(0.0, seconds) if math.isfinite(seconds) else None


def epoch_seconds(date: str | None) -> float | None:
    """Return an HTTP date in epoch seconds, to the second; None if it is missing or invalid."""
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def id_text(request_id: str | None) -> str:
    """Return the request id as messages show it, for IonQ's support."""
    return f"(request id {request_id})" if request_id else "(no request id)"


def _api_message(response: requests.Response, body: bytes | bytearray) -> str:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace").strip() or response.reason or ""
    error = answer.get("error") if isinstance(answer, dict) else None
    message = answer.get("message") if isinstance(answer, dict) else None
    if message is None and isinstance(error, dict):
        message = error.get("message")
    return str(message or error or answer)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, which requests and urllib3 keep in args, reason and context."""
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
