"""
End a session and confirm that it has ended, without Airflow.

Rules of this file: only a read confirms an end; a session that has already ended is a success; failures are raised,
never swallowed; a job that cannot be cancelled does not keep its session open.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQAddressError, IonQError, IonQInvalidIdError, IonQNotEndedError
from airflow_provider_ionq.api.json_text import json_object, json_text
from airflow_provider_ionq.sessions.request import describe_limits
from airflow_provider_ionq.sessions.target import is_ended
from airflow_provider_ionq.waiting.safe_log import SafeLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Session

ATTEMPTS = 5
LONGEST_PAUSE_SECONDS = 15.0
FINAL_JOB_STATUSES = frozenset({"completed", "failed", "canceled"})


def end_session(
    client: IonQClient, session_id: str, log: Any, *, sleep: Callable[[float], None] = time.sleep
) -> Session:
    """
    End a session, read it back, and return its final JSON.

    :param client: client for up to 5 attempts, with pauses of 1 to 15 s.
    :param session_id: id of the session; a session that has already ended is a success.
    :param log: logger for failed attempts.
    :param sleep: function that waits a number of seconds.
    :raises IonQInvalidIdError: before any request.
    :raises IonQNotEndedError: when its end is not confirmed; at once when the API permanently refuses to show it.
        Names the session and the limits that will end it.
    """
    log = SafeLog(log)
    session: Session | None = None
    pause = 1.0
    for attempt in range(1, ATTEMPTS + 1):
        failure: IonQError | None = None
        try:
            client.end_session(session_id)
        except IonQInvalidIdError:
            raise
        except IonQError as error:
            failure = error
        try:
            session = client.get_session(session_id)
        except IonQError as error:
            # A wrong address also explains why the end request was refused.
            failure = error if isinstance(error, IonQAddressError) else failure or error
            refused = not error.retryable
        else:
            refused = False
            if is_ended(session):
                return session
        status = json_text(session and session["status"])
        reason = failure or f"the API accepted the request, but shows it with status '{status}'"
        log.warning("Attempt %d of %d to end session %s failed: %s", attempt, ATTEMPTS, session_id, reason)
        if refused:
            break
        if attempt < ATTEMPTS:
            sleep(min(max(pause, (failure and failure.retry_after_seconds) or 0.0), LONGEST_PAUSE_SECONDS))
            pause *= 2
    backend = f" on {json_text(session['backend'])}" if session is not None and session.get("backend") else ""
    closes = "Its limits are unknown" if session is None else f"If no task or user ends it, {describe_limits(session)}"
    raise IonQNotEndedError(
        f"The end of session {session_id}{backend} is not confirmed, and it may cost money: {reason}. {closes}."
    ) from None


def cancel_open_jobs(client: IonQClient, session_id: str, log: Any) -> None:
    """
    Cancel the jobs of a session that are neither completed, failed nor cancelled. Errors of the API are only logged.

    :param client: client for one list of the jobs and one request per open job.
    :param session_id: id of the session.
    :param log: logger for cancelled jobs and for failures.
    """
    log = SafeLog(log)
    try:
        jobs = [job for job in client.list_session_jobs(session_id) if not _is_final(job)]
    except IonQError as error:
        log.warning("The jobs of session %s could not be listed; the end cancels queued jobs: %s", session_id, error)
        return
    for job in jobs:
        try:
            client.cancel_job(job["id"])
        except (IonQError, KeyError, TypeError) as error:
            log.warning("A job of session %s was not cancelled; the end cancels queued jobs: %s", session_id, error)
        else:
            log.info("Cancelled job %s of session %s.", job["id"], session_id)


def _is_final(job: object) -> bool:
    status = json_object(job).get("status")
    return isinstance(status, str) and status in FINAL_JOB_STATUSES
