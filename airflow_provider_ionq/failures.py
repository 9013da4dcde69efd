"""
What a failed request means: which error, in which words, and whether it may have had its effect.

Every text that may hold the API key goes through :func:`quoted`.
"""

from __future__ import annotations

import http.client
import json
import math
import socket
import ssl
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import requests
import urllib3

from airflow_provider_ionq.errors import (
    IonQApiError,
    IonQConfigurationError,
    IonQConnectionError,
    IonQError,
    IonQResponseError,
    IonQTimeoutError,
    IonQUnreachableError,
    api_error_class,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.settings import ClientSettings

QUOTED_CHARACTERS = 200

UNREACHABLE = " - check the connection's host, and verify and proxies in extra"
"""What a person can do if that lasts."""

BROKEN = (
    http.client.HTTPException,
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    TimeoutError,
    urllib3.exceptions.ReadTimeoutError,
)
"""What is behind a connection that was there, and broke or was too slow."""


def quoted(text: str, settings: ClientSettings) -> str:
    """Return the beginning of a text that came from outside, without the API key."""
    # Before the text is cut: a key that lies across the cut would be found no more, and its beginning shown.
    return text.replace(settings.api_key, "***")[:QUOTED_CHARACTERS]


def no_answer(what: str, error: Exception, settings: ClientSettings) -> IonQError:
    """
    Say why no answer came.

    :param what: the request, for the message.
    :param error: what requests, urllib3 or the socket raised.
    :param settings: those of the client.
    """
    causes = list(_causes(error))
    root = next((cause for cause in causes if isinstance(cause, OSError) and cause.strerror), causes[-1])
    detail = quoted(str(root), settings)
    # urllib3 also blames the proxy for a connection through it that broke after the request was sent.
    if isinstance(error, requests.exceptions.ProxyError) and not _any(causes, BROKEN):
        return IonQUnreachableError(f"{what}: the proxy failed: {detail}{UNREACHABLE}")
    if isinstance(error, requests.exceptions.SSLError) or _any(causes, ssl.SSLError):
        return IonQUnreachableError(f"{what}: the TLS connection failed: {detail}{UNREACHABLE}")
    if _any(causes, socket.gaierror):
        return IonQUnreachableError(f"{what}: the host is unknown: {detail}{UNREACHABLE}")
    if _any(causes, ConnectionRefusedError):
        return IonQUnreachableError(f"{what}: the host refused the connection: {detail}{UNREACHABLE}")
    if isinstance(error, requests.Timeout) or _any(causes, (TimeoutError, urllib3.exceptions.TimeoutError)):
        return IonQTimeoutError(f"{what}: no whole answer within {settings.timeout_seconds:g} s")
    if isinstance(error, (requests.ConnectionError, urllib3.exceptions.ProtocolError)):
        return IonQConnectionError(f"{what}: the connection broke: {detail}")
    if isinstance(error, urllib3.exceptions.DecodeError):
        return IonQResponseError(f"{what}: the answer could not be decompressed: {detail}")
    return IonQConfigurationError(f"{what}: the request could not be made: {detail}")


def refusal(what: str, response: requests.Response, body: bytes, settings: ClientSettings) -> IonQApiError:
    """
    Say what the API answered instead of a success.

    :param what: the request, for the message.
    :param response: the answer.
    :param body: its body, decompressed.
    :param settings: those of the client.
    """
    message = quoted(_api_message(response, body), settings)
    status = response.status_code
    request_id = response.headers.get("x-request-id")
    text = f"{what} answered {status}: {message}"
    if 300 <= status < 400:
        text += " (redirects are not followed: check the connection's host)"
    elif status == 401:
        text += " - the API key was refused: check the connection's password"
    elif status == 404 and what.partition(settings.base_url)[2].startswith("/sessions"):
        text += (
            " - either the session id or the API key's project is wrong, or sessions are not enabled for this"
            " account (they are in beta: IonQ's support enables them per organisation)"
        )
    return api_error_class(status)(
        f"{text} {id_text(request_id)}",
        status=status,
        message=message,
        request_id=request_id,
        retry_after_seconds=retry_after_seconds(response.headers.get("Retry-After"), response.headers.get("Date")),
    )


def surely_not_sent(error: BaseException) -> bool:
    """Tell whether a request failed before its first byte could leave: no name, no connection, no trust."""
    return _any(
        list(_causes(error)),
        (
            socket.gaierror,
            ConnectionRefusedError,
            ssl.SSLCertVerificationError,
            urllib3.exceptions.ConnectTimeoutError,
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidHeader,
        ),
    )


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
        then, asked = epoch_seconds(value), epoch_seconds(now)
        if then is None or asked is None:
            return None
        seconds = then - asked
    return max(0.0, seconds) if math.isfinite(seconds) else None


def epoch_seconds(date: str | None) -> float | None:
    """Return the time of an HTTP date, to the second; None when there is none."""
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def id_text(request_id: str | None) -> str:
    """Return how messages name a request, to quote to IonQ's support."""
    return f"(request id {request_id})" if request_id else "(no request id)"


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
