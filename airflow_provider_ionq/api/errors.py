"""
Exceptions of the API client.

::

    IonQError
    ├── IonQConfigurationError        an unusable connection; no request was sent
    ├── IonQInvalidIdError            an invalid id; no request was sent
    ├── IonQConnectionError           no complete response arrived
    │   ├── IonQUnreachableError      unknown host, refused connection or failed TLS
    │   └── IonQTimeoutError          no complete response in time
    ├── IonQResponseError             an invalid response
    └── IonQApiError                  an HTTP status other than success
        ├── IonQAuthenticationError   401
        ├── IonQPermissionError       403
        ├── IonQNotFoundError         404
        │   └── IonQAddressError      404 for every path: the API is not at this address
        ├── IonQConflictError         409
        ├── IonQRateLimitError        429
        └── IonQServerError           5xx

``retryable``: whether the same call may succeed later without a change. ``may_have_applied``: whether the server may
have processed a failed request that changes something.
"""

from __future__ import annotations


class IonQError(Exception):
    """Base class of the client's exceptions."""

    retryable = False
    may_have_applied = False
    retry_after_seconds: float | None = None


class IonQConfigurationError(IonQError, ValueError):
    """The connection or the client's settings are invalid. Names the field; a retry does not help."""


class IonQInvalidIdError(IonQError, ValueError):
    """An invalid id of a session, job or backend: empty, `.`, `..` or not a string. A retry does not help."""


class IonQConnectionError(IonQError):
    """The connection broke before a complete response was read. A retry may help."""

    retryable = True


class IonQUnreachableError(IonQConnectionError):
    """Unknown host, refused connection or failed TLS, usually due to a wrong host in the connection."""

    retryable = False


class IonQTimeoutError(IonQConnectionError):
    """No complete response within `timeout_seconds`, from connecting to the last byte. A retry may help."""


class IonQResponseError(IonQError):
    """
    An invalid response. A retry may help.

    It violates HTTP, is larger than the limit, or is a success with an unexpected body.
    """

    retryable = True


class IonQApiError(IonQError):
    """
    A response whose HTTP status is not a success.

    :param text: the full error text.
    :param status: HTTP status.
    :param message: the API's message, at most 200 characters.
    :param request_id: `x-request-id` of the response, for IonQ's support; None without one.
    :param retry_after_seconds: the pause that the API requested, in seconds; None if it requested none.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int,
        message: str = "",
        request_id: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.message = message
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds
        # Proxies in front of the API return 408, 409 or 425 while they cannot reach it.
        self.retryable = status in (408, 409, 425, 429) or status >= 500


class IonQAuthenticationError(IonQApiError):
    """401: the API key is missing, wrong or revoked."""


class IonQPermissionError(IonQApiError):
    """403: the API key is valid but lacks the permission."""


class IonQNotFoundError(IonQApiError):
    """404: no such resource, or, under `/sessions`, sessions are not enabled for the account."""


class IonQAddressError(IonQNotFoundError):
    """404 for every path: the API address in the connection is wrong."""


class IonQConflictError(IonQApiError):
    """409: when a session is created, the session capacity of its device is full."""


class IonQRateLimitError(IonQApiError):
    """429: too many requests."""


class IonQServerError(IonQApiError):
    """5xx: the service or a proxy in front of it failed."""


def naming_connection(error: Exception, ionq_conn_id: str) -> str:
    """
    Return an error's text, which names the Airflow connection once.

    :param error: an exception of the client, the hook or Airflow. Some already name the connection.
    :param ionq_conn_id: id of the Airflow connection.
    """
    connection = f"Airflow connection {ionq_conn_id!r}"
    return str(error) if connection in str(error) else f"{error} ({connection})"


def api_error_class(status: int) -> type[IonQApiError]:
    """Return the exception class for an HTTP status."""
    if status >= 500:
        return IonQServerError
    return {
        401: IonQAuthenticationError,
        403: IonQPermissionError,
        404: IonQNotFoundError,
        409: IonQConflictError,
        429: IonQRateLimitError,
    }.get(status, IonQApiError)
