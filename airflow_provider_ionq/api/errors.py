"""
Errors of the IonQ API, and of creating and ending what costs money there.

::

    IonQError
    ├── IonQConfigurationError        an unusable connection; no request was sent
    ├── IonQInvalidIdError            an invalid id; no request was sent
    ├── IonQConnectionError           no complete response arrived
    │   ├── IonQUnreachableError      unknown host, refused connection or failed TLS
    │   └── IonQTimeoutError          no complete response in time
    ├── IonQResponseError             an invalid response
    ├── IonQApiError                  an HTTP status other than success
    │   ├── IonQAuthenticationError   401
    │   ├── IonQPermissionError       403
    │   ├── IonQNotFoundError         404
    │   │   └── IonQAddressError      404 for every path: the API is not at this address
    │   ├── IonQConflictError         409
    │   ├── IonQGoneError             410
    │   ├── IonQRateLimitError        429
    │   └── IonQServerError           5xx
    ├── IonQSessionLostError          a create request got no response, and there are candidates for its session
    ├── IonQNoEndTaskError            no task of the run is certain to end the session
    ├── IonQNotReadableError          what an earlier try created cannot be read
    ├── IonQNotPublishedError         what was created could not be reported to Airflow, and has ended
    ├── IonQNotEndedError             the end of a session, or a cancellation, is not confirmed
    ├── IonQCreateStoppedError        the task is being killed
    ├── IonQBudgetError               a job would exceed its budget, or its price is unknown
    ├── IonQChangedInputError         an earlier try submitted a job for another input
    ├── IonQJobTimeoutError           a job did not end in time
    ├── IonQJobFailedError            a job failed or was canceled
    └── IonQResultsError              the results of a job cannot be read or stored

``retryable``: whether the same call may succeed later without a change. ``may_have_applied``: whether the server may
have processed a failed request that changes something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

    from airflow_provider_ionq.api.models import Job


class IonQError(Exception):
    """
    Base class of all errors of this module.

    :param text: the full error text.
    :param retryable: whether a retry may help; None means the value of the class.
    :param may_have_applied: whether the server may have processed a failed request that changes something.
    """

    retryable: bool = False
    retry_after_seconds: float | None = None

    def __init__(self, text: str = "", *, retryable: bool | None = None, may_have_applied: bool = False) -> None:
        super().__init__(text)
        if retryable is not None:
            self.retryable = retryable
        self.may_have_applied = may_have_applied


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
    :param may_have_applied: whether the server may have processed a failed request that changes something.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int,
        message: str = "",
        request_id: str | None = None,
        retry_after_seconds: float | None = None,
        may_have_applied: bool = False,
    ) -> None:
        # Proxies in front of the API return 408, 409 or 425 while they cannot reach it.
        retryable = status in (408, 409, 425, 429) or status >= 500
        super().__init__(text, retryable=retryable, may_have_applied=may_have_applied)
        self.status = status
        self.message = message
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds

    def with_advice(self, advice: str) -> Self:
        """Return the same error with advice after its text."""
        return type(self)(
            f"{self} - {advice}",
            status=self.status,
            message=self.message,
            request_id=self.request_id,
            retry_after_seconds=self.retry_after_seconds,
            may_have_applied=self.may_have_applied,
        )


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


class IonQGoneError(IonQApiError):
    """410: what was requested no longer exists."""


class IonQRateLimitError(IonQApiError):
    """429: too many requests."""


class IonQServerError(IonQApiError):
    """5xx: the service or a proxy in front of it failed."""


class IonQSessionLostError(IonQError):
    """
    The response to a create request was lost, and there are candidates for the session that it created.

    A retry does not help: it would find the same candidates.

    :param session_ids: ids of the candidates.
    """

    def __init__(self, text: str, session_ids: list[str]) -> None:
        super().__init__(text)
        self.session_ids = session_ids


class IonQNoEndTaskError(IonQError):
    """
    No task of the run is certain to end the session, so none is left open.

    A retry helps only if it could not be determined whether a task will still end it: then `retryable` is set.
    """


class IonQNotReadableError(IonQError):
    """What an earlier try created, or may have created, cannot be read, so nothing was created. A retry may help."""

    retryable = True


class IonQNotPublishedError(IonQError):
    """What was created could not be reported to Airflow, and has been ended. A retry may help."""

    retryable = True


class IonQNotEndedError(IonQError):
    """An end or a cancellation is not confirmed: what was created may still cost money. A retry may help."""

    retryable = True


class IonQCreateStoppedError(IonQError):
    """The task is being killed: nothing was created, or the end of what was created was requested."""

    retryable = True


class IonQBudgetError(IonQError):
    """
    A job would exceed its budget, or its price cannot be compared with it; the job was not submitted.

    Of two jobs that were submitted to a session at the same moment and do not fit in its budget, the later one was
    cancelled. A retry helps only if a cost may be known later: then `retryable` is set.
    """


class IonQChangedInputError(IonQError):
    """
    An earlier try of the task submitted a job for another input, so no other job was submitted. A retry does not help.

    :param job_id: id of that job.
    """

    def __init__(self, text: str, job_id: str) -> None:
        super().__init__(text)
        self.job_id = job_id


class IonQJobTimeoutError(IonQError):
    """A job did not end in time. Tells whether it was cancelled. A retry does not help."""


class IonQJobFailedError(IonQError):
    """
    A job failed or was canceled. A retry helps only if the failure is the service's fault: then `retryable` is set.

    :param job: its JSON.
    :param code: IonQ's failure code; None without one.
    """

    def __init__(self, text: str, job: Job, *, code: str | None, retryable: bool) -> None:
        super().__init__(text, retryable=retryable)
        self.job = job
        self.code = code


class IonQResultsError(IonQError):
    """
    The results of a job cannot be read or stored. The job itself is not affected: its results can be read again.

    A retry may help, unless the job or one of its circuits has no results, or they are gone: then `retryable` is not
    set.

    :param job_id: id of the job.
    :param reason: the error of a request or a file; None if the job or its results are the reason.
    """

    retryable = True

    def __init__(
        self, text: str, job_id: str, *, retryable: bool | None = None, reason: Exception | None = None
    ) -> None:
        super().__init__(text, retryable=retryable)
        self.job_id = job_id
        self.reason = reason
