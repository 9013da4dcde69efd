"""Wait for the jobs of a loop, and keep its figures, without Airflow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ionq.api.errors import IonQError
from airflow_provider_ionq.jobs.failure import is_final
from airflow_provider_ionq.jobs.intent import JobTask
from airflow_provider_ionq.jobs.resource import JOBS
from airflow_provider_ionq.jobs.summary import describe, summarize
from airflow_provider_ionq.jobs.wait import end_late_wait, wait_until_final
from airflow_provider_ionq.waiting.backoff import single_attempt_settings
from airflow_provider_ionq.waiting.blocking_poller import BlockingPoller
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.jobs.loop_creation import LoopKnowledge
    from airflow_provider_ionq.jobs.summary import JobSummary


class LoopTask(JobTask, Protocol):
    """Access of a loop to the task in which it runs."""

    def read_settings(self) -> ClientSettings:
        """Return the settings of the current Airflow connection, which may change while the loop runs."""

    def ended(self, job: Job, summary: JobSummary) -> None:
        """Handle the end of a job that the loop has waited for."""


@dataclass(slots=True)
class LoopFigures:
    """
    What a loop has done in this try.

    :param submitted: number of submitted jobs.
    :param read_back: number of completed jobs of earlier tries.
    :param waited_seconds: time in which it waited for jobs.
    :param cost: cost of the jobs that it waited for, as far as it is known.
    :param cost_unit: the unit of the cost; None if nothing is known.
    """

    submitted: int = 0
    read_back: int = 0
    waited_seconds: float = 0.0
    cost: float = 0.0
    cost_unit: str | None = None


class LoopWait:
    """
    The waits of a loop for its jobs.

    :param task: the task in which it runs.
    :param knowledge: what its submissions share.
    :param figures: what it has done.
    :param log: the task's logger.
    :param interval: time between two polls of a job, in seconds.
    :param seconds: longest wait for a job, in seconds.
    :param sleep: function that waits a number of seconds; raises to end the wait.
    """

    def __init__(
        self,
        task: LoopTask,
        knowledge: LoopKnowledge,
        figures: LoopFigures,
        log: Any,
        interval: float,
        seconds: float,
        sleep: Callable[[float], None],
    ) -> None:
        self._task = task
        self._knowledge = knowledge
        self._figures = figures
        self._log = log
        self._interval = interval
        self._seconds = seconds
        self._sleep = sleep
        self._poller = BlockingPoller(JOBS, task.connection, self._single_attempt_settings, log)

    def until_final(self, client: IonQClient, job: Job, run: int) -> Job:
        """
        Wait for a job, and return its JSON when it is final.

        :param client: a client of the API.
        :param job: the job.
        :param run: its number in the loop.
        :raises IonQJobTimeoutError: if it did not end in time.
        """
        began = time.monotonic()
        try:
            job = wait_until_final(
                self._poller, job, interval=self._interval, seconds=self._seconds, log=self._log, sleep=self._sleep
            )
        finally:
            self._figures.waited_seconds += time.monotonic() - began
        if not is_final(job):
            limit = duration_text(self._seconds)
            job = end_late_wait(client, job["id"], limit, self._log, cancel=True, sleep=self._sleep)
        self._end(client, job, run)
        return job

    def _end(self, client: IonQClient, job: Job, run: int) -> None:
        """Log the figures of an ended job."""
        self._knowledge.jobs[job["id"]] = job
        cost = None
        try:
            cost = client.get_job_cost(job["id"])
        except IonQError as error:
            self._log.warning("The cost of job %s cannot be read: %s", job["id"], error)
        else:
            self._knowledge.costs.note(job, cost)
        summary = summarize(job, cost)
        details = describe(summary)
        self._log.info("Run %s: job %s has the status %s%s.", run, job["id"], job["status"], details and f": {details}")
        if summary["cost"] is not None:
            self._figures.cost += summary["cost"]
            self._figures.cost_unit = summary["cost_unit"]
        self._task.ended(job, summary)

    def _single_attempt_settings(self) -> ClientSettings:
        # The poller itself repeats failed requests.
        return single_attempt_settings(self._task.read_settings())
