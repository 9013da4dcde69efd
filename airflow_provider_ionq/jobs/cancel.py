"""
Cancel a job and read the outcome, without Airflow.

Rules of this file: a job is read before it is cancelled, because the API may also cancel a completed job; only a read
confirms a cancellation; a job that completed meanwhile is a completed job.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQError, IonQInvalidIdError, IonQNotEndedError, IonQNotFoundError
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.jobs.failure import is_final

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds between the attempts."""


def cancel_job(client: IonQClient, job_id: str, log: Any, *, sleep: Callable[[float], None] = time.sleep) -> Job:
    """
    Cancel a job unless it is final, and return its JSON as read afterwards.

    :param client: client for up to 5 attempts of up to three requests.
    :param job_id: id of the job.
    :param log: logger for the outcome and for failed attempts.
    :param sleep: function that waits a number of seconds.
    :raises IonQInvalidIdError: before any request.
    :raises IonQNotFoundError: if there is no such job.
    :raises IonQNotEndedError: if the end of the job is not confirmed.
    """
    reason = ""
    for pause in (*PAUSES, None):
        try:
            job = client.get_job(job_id)
            if is_final(job):
                log.info("Job %s has the status %s.", job_id, json_text(job["status"]))
                return job
            client.cancel_job(job_id)
            job = client.get_job(job_id)
            if is_final(job):
                log.info(
                    "Requested the cancellation of job %s: it has the status %s.", job_id, json_text(job["status"])
                )
                return job
            reason = f"it has the status {json_text(job['status'])}"
        except (IonQInvalidIdError, IonQNotFoundError):
            raise
        except IonQError as error:
            reason = str(error)
            log.warning("Job %s is not cancelled yet: %s", job_id, error)
            if not error.retryable and not error.may_have_applied:
                break
        if pause is not None:
            sleep(pause)
    raise IonQNotEndedError(f"The cancellation of job {job_id} is not confirmed, and it may cost money: {reason}.")


def request_cancellation(client: IonQClient, job_id: str) -> bool:
    """
    Request the cancellation of a job unless it is final, without confirmation; return whether it was requested.

    :param client: client for up to two requests.
    :param job_id: id of the job.
    """
    if is_final(client.get_job(job_id)):
        return False
    client.cancel_job(job_id)
    return True
