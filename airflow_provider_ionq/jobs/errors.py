"""Errors of jobs. `retryable` tells whether the same task may succeed later without a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import IonQError
from airflow_provider_ionq.jobs.failure import describe_end, failure_code, is_retryable

if TYPE_CHECKING:
    from airflow_provider_ionq.api.models import Job


class IonQBudgetError(IonQError):
    """
    A job would exceed its budget, or its price cannot be compared with it; the job was not submitted.

    :param text: the message.
    :param retryable: whether the price may be known later.
    """

    def __init__(self, text: str, *, retryable: bool = False) -> None:
        super().__init__(text)
        self.retryable = retryable


class IonQJobFailedError(IonQError):
    """
    A job failed or was canceled. A retry helps only if the failure code is the service's fault.

    :param job: the job.
    :param text: the message; None describes the end of the job.
    """

    def __init__(self, job: Job, text: str | None = None) -> None:
        described = describe_end(job)
        super().__init__(text or f"{described[0].upper()}{described[1:]}")
        self.job = job
        self.code = failure_code(job)
        self.retryable = is_retryable(job)


class IonQJobNotCancelledError(IonQError):
    """
    The cancellation of a job is not confirmed: it may still run and cost money. A retry may help.

    :param job_id: id of the job.
    :param reason: what was seen.
    """

    retryable = True

    def __init__(self, job_id: str, reason: str) -> None:
        super().__init__(f"The cancellation of job {job_id} is not confirmed, and it may cost money: {reason}.")
        self.job_id = job_id
