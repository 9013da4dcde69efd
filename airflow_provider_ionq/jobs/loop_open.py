"""The jobs of earlier tries of a loop that may still run, and their cancellation, without Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.jobs.cancel import cancel_job, request_cancellation
from airflow_provider_ionq.waiting.stop import KILLED_WITHIN_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.jobs.earlier import OwnJob
    from airflow_provider_ionq.waiting.request_clients import RequestClients
    from airflow_provider_ionq.waiting.safe_log import SafeLog


class OpenJobs:
    """
    The jobs of earlier tries that may be open.

    A signal may call :meth:`request_cancellations` at any moment, also within another method.

    :param log: the task's logger.
    :param sleep: function that waits a number of seconds.
    """

    def __init__(self, log: SafeLog, sleep: Callable[[float], None]) -> None:
        self._log = log
        self._sleep = sleep
        self._connections: dict[str, str | None] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, job_id: str, connection: str | None) -> None:
        """
        Add a job.

        :param job_id: its id.
        :param connection: id of the Airflow connection of its request; None if unknown.
        """
        self._connections[job_id] = connection

    def discard(self, job_id: str) -> None:
        """Remove a job that is no longer one of an earlier try, or is not open."""
        self._connections.pop(job_id, None)

    def cancel(self, clients: RequestClients, place: int, one: OwnJob, reason: str) -> Job | None:
        """
        Cancel a job; return its JSON, or None if it is not open.

        :param clients: the clients of the loop.
        :param place: its place in the loop.
        :param one: the job.
        :param reason: why, for the log.
        """
        if one.job_id not in self._connections:
            return None
        self._log.warning("Cancelling job %s, run %s of an earlier try: %s.", one.job_id, place, reason)
        client = clients.client_of(self._connections[one.job_id])
        job = cancel_job(client, one.job_id, self._log, sleep=self._sleep)
        self.discard(one.job_id)  # a signal may have come in between
        return job

    def request_cancellations(self, clients: RequestClients) -> None:
        """
        Request the cancellation of every job, within the seconds that are left to a task that is being killed.

        :param clients: the clients of the loop.
        """
        for job_id in list(self._connections):
            try:
                client = clients.within(KILLED_WITHIN_SECONDS / 2)
                if request_cancellation(client, job_id):
                    self._log.warning("Requested to cancel job %s of an earlier try.", job_id)
            except Exception as error:  # after any error the job may still run
                self._log.error("Job %s of an earlier try may still cost money: cancel it. %s", job_id, error)
            else:
                self.discard(job_id)

    def warn_that_they_go_on(self, reason: str) -> None:
        """
        Log that the jobs are not cancelled.

        :param reason: why, to follow "because".
        """
        for job_id in self._connections:
            self._log.warning("Job %s of an earlier try goes on, because %s. It may cost money.", job_id, reason)
