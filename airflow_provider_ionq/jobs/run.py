"""Run one job for a caller that is not a task instance, without Airflow."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.jobs.failure import is_final, job_failed
from airflow_provider_ionq.jobs.intent import ProcessMemory
from airflow_provider_ionq.jobs.resource import JOBS
from airflow_provider_ionq.jobs.submit import JobCreation
from airflow_provider_ionq.jobs.submit_options import SubmitOptions
from airflow_provider_ionq.jobs.token import unique_identity
from airflow_provider_ionq.jobs.wait import end_late_wait, wait_until_final
from airflow_provider_ionq.waiting.blocking_poller import BlockingPoller
from airflow_provider_ionq.waiting.create_once import CreateOnce
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.jobs.budget import Budget
    from airflow_provider_ionq.jobs.request import JobRequest


def run_job(
    ionq_conn_id: str,
    read_settings: Callable[[], ClientSettings],
    request: JobRequest,
    budget: Budget,
    log: Any,
    *,
    interval: float,
    seconds: float,
) -> Job:
    """
    Submit a job once, wait for it, and return its JSON when it is completed.

    :param ionq_conn_id: id of the Airflow connection, for messages.
    :param read_settings: reads the connection.
    :param request: the job.
    :param budget: the limits of what it may cost.
    :param log: logger.
    :param interval: time between two polls, in seconds.
    :param seconds: longest wait, in seconds; then the job is cancelled.
    :raises IonQBudgetError: if it would cost more, or its price is unknown.
    :raises IonQJobFailedError: if it failed or was canceled.
    :raises IonQJobTimeoutError: if it did not end in time.
    """
    from airflow_provider_ionq.api.client import IonQClient

    settings = read_settings()
    memory = ProcessMemory()
    caller = _Caller(ionq_conn_id)
    options = SubmitOptions(budget=budget)
    creator = CreateOnce(
        JobCreation(settings, request, unique_identity(), 0, options, memory, caller, log), memory, log
    )

    def read_single_attempt_settings() -> ClientSettings:
        # The poller itself repeats failed requests.
        return dataclasses.replace(read_settings(), max_retries=0)

    try:
        job = creator.create()
        assert job is not None, "IonQ has no limit of jobs to wait for"
        poller = BlockingPoller(JOBS, ionq_conn_id, read_single_attempt_settings, log)
        job = wait_until_final(poller, job, interval=interval, seconds=seconds, log=log)
    except BaseException:
        creator.stop()
        raise
    if not is_final(job):
        client = IonQClient(settings, check_address=True)
        job = end_late_wait(client, job["id"], duration_text(seconds), log, cancel=True)
    if job["status"] != "completed":
        raise job_failed(job)
    return job


class _Caller:
    """The :class:`~airflow_provider_ionq.jobs.intent.JobTask` of a caller without a task."""

    def __init__(self, connection: str) -> None:
        self.connection = connection

    def settings_of(self, connection: str) -> None:
        return None

    def hand_on(self, job: Job) -> None:
        """Nothing is shown in Airflow."""
