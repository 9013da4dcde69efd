"""
What the API client can raise.

::

    IonQError
    ├── IonQConfigurationError        a connection that cannot be used; no request was sent
    ├── IonQInvalidIdError            an id that cannot name anything; no request was sent
    ├── IonQConnectionError           no whole answer arrived
    │   ├── IonQUnreachableError      unknown host, refused connection, TLS: nobody there who speaks for IonQ
    │   └── IonQTimeoutError          no answer in time
    ├── IonQResponseError             an answer that cannot be read as what was asked for
    └── IonQApiError                  an HTTP status other than success
        ├── IonQAuthenticationError   401
        ├── IonQPermissionError       403
        ├── IonQNotFoundError         404
        │   └── IonQAddressError      404 for everything: the API is not at this address
        ├── IonQConflictError         409
        ├── IonQRateLimitError        429
        └── IonQServerError           5xx

``retryable`` says of each whether the same call may succeed later although nobody changes anything;
``may_have_applied`` whether a request that changes something may have done so although it failed.
"""

from __future__ import annotations


class IonQError(Exception):
    """Root of everything that the client raises."""

    retryable = False
    may_have_applied = False
    retry_after_seconds: float | None = None


class IonQConfigurationError(IonQError, ValueError):
    """The connection or the client's settings cannot be used. Names the field; a retry does not help."""


class IonQInvalidIdError(IonQError, ValueError):
    """An id that cannot name a session or backend: empty, `.`, `..` or not a string. A retry does not help."""


class IonQConnectionError(IonQError):
    """The connection broke before a whole answer was read. A retry may help."""

    retryable = True


class IonQUnreachableError(IonQConnectionError):
    """Unknown host, refused connection or failed TLS: most often a wrong host in the connection."""

    retryable = False


class IonQTimeoutError(IonQConnectionError):
    """No whole answer within `timeout_seconds`, from connecting to the last byte. A retry may help."""


class IonQResponseError(IonQError):
    """
    An answer that cannot be read as what was asked for. A retry may help.

    It breaks the rules of HTTP, is larger than the limit, or is a success whose body is something else.
    """

    retryable = True


class IonQApiError(IonQError):
    """
    An answer whose HTTP status is not a success.

    :param text: the whole message.
    :param status: HTTP status.
    :param message: what the API said, at most 200 characters.
    :param request_id: `x-request-id` of the answer, to quote to IonQ's support; None when there was none.
    :param retry_after_seconds: the pause the API asked for, in seconds; None when it did not.
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
        # 408, 409 and 425 are what proxies in front of the API answer while they cannot reach it.
        self.retryable = status in (408, 409, 425, 429) or status >= 500


class IonQAuthenticationError(IonQApiError):
    """401: the API key is missing, wrong or revoked."""


class IonQPermissionError(IonQApiError):
    """403: the API key is valid and may not do this."""


class IonQNotFoundError(IonQApiError):
    """404: no such resource; under `/sessions` also an account for which sessions are not enabled."""


class IonQAddressError(IonQNotFoundError):
    """404, but not for what was asked for: the address of the API in the connection is wrong."""


class IonQConflictError(IonQApiError):
    """409: when a session is created, the session capacity of its device is full."""


class IonQRateLimitError(IonQApiError):
    """429: too many requests."""


class IonQServerError(IonQApiError):
    """5xx: the service or a proxy in front of it failed."""


def naming_connection(error: Exception, ionq_conn_id: str) -> str:
    """
    Return an error's text with the Airflow connection that it concerns, named once.

    :param error: what the client, the hook or Airflow raised. What is wrong with a connection's fields names it.
    :param ionq_conn_id: id of the Airflow connection.
    """
    connection = f"Airflow connection {ionq_conn_id!r}"
    return str(error) if connection in str(error) else f"{error} ({connection})"


def api_error_class(status: int) -> type[IonQApiError]:
    """Return the class for an HTTP status."""
    if status >= 500:
        return IonQServerError
    return {
        401: IonQAuthenticationError,
        403: IonQPermissionError,
        404: IonQNotFoundError,
        409: IonQConflictError,
        429: IonQRateLimitError,
    }.get(status, IonQApiError)
