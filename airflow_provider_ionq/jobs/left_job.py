"""
The job that an earlier try of a task left, until this try continues with it or replaces it. Without Airflow.

Rules of this file: a try that ends for good before it continues with the job of an earlier try cancels it, because
nothing would wait for it any more; the error of the try is more important than any error here, so none is raised.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.jobs.cancel import cancel_job, request_cancellation
from airflow_provider_ionq.jobs.search import find_own
from airflow_provider_ionq.jobs.submit import JOB_WORDING, KEPT
from airflow_provider_ionq.waiting.safe_log import SafeLog
from airflow_provider_ionq.waiting.stop import end_in_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.jobs.intent import JobMemory
    from airflow_provider_ionq.waiting.request_clients import RequestClients


class LeftJob:
    """
    The job of an earlier try.

    All that Airflow knows is read here: a signal handler cannot query it.

    :param memory: storage that outlives the process of a try.
    :param identity: identity of the task; see :mod:`~airflow_provider_ionq.jobs.token`.
    :param clients_of: returns clients with a connection, or with that of the task for None.
    :param log: the task's logger.
    :param cancel: whether a job is cancelled when its task is killed.
    :param sleep: function that waits a number of seconds.
    """

    def __init__(
        self,
        memory: JobMemory,
        identity: str,
        clients_of: Callable[[str | None], RequestClients],
        log: Any,
        *,
        cancel: bool,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._job_id = memory.item_id()
        self._intent = memory.intent()
        self._identity = identity
        self._log = SafeLog(log)
        self._cancel = cancel
        self._sleep = sleep
        self._clients: RequestClients | Exception = LookupError("no job")
        if self._exists:
            try:
                self._clients = clients_of(None if self._intent is None else self._intent.connection)
            except Exception as error:  # a secrets backend may raise anything
                self._clients = error

    def cancel(self, *, always: bool = False) -> None:
        """
        Cancel the job, which no other try will continue with. Searches for it if its id is unknown.

        :param always: cancel it also if a job is not cancelled when its task is killed.
        """
        self._end(self._cancel_and_confirm, is_wanted=self._cancel or always)

    def request_cancellation(self) -> None:
        """Request the cancellation of the job within the seconds that a killed task has left."""
        self._end(self._request, is_wanted=self._cancel)

    @property
    def _exists(self) -> bool:
        return self._job_id is not None or self._intent is not None

    def _end(self, end: Callable[[RequestClients], None], *, is_wanted: bool) -> None:
        if not self._exists:
            return
        if self._job_id is None:
            job = "the job that an earlier try may have submitted"
        else:
            job = f"job {self._job_id}, which an earlier try submitted"
        if not is_wanted:
            self._log.warning("This task is ending without cancelling %s, because %s. It may cost money.", job, KEPT)
            return
        self._log.warning("This task is ending: cancelling %s.", job)
        try:
            if isinstance(self._clients, Exception):
                raise self._clients
            end(self._clients)
        except Exception as error:  # a person must know
            self._log.error("Could not cancel %s. It may cost money: %s", job, error)

    def _cancel_and_confirm(self, clients: RequestClients) -> None:
        for job_id in self._find(clients):
            cancel_job(clients.current, job_id, self._log, sleep=self._sleep)

    def _request(self, clients: RequestClients) -> None:
        if self._job_id is None:
            raise LookupError("its id is unknown, and a killed task has no time to search for it")

        def request(job_id: str, seconds: float) -> bool:
            return request_cancellation(clients.within(seconds / 2), job_id)

        end_in_time(self._job_id, JOB_WORDING, request, self._log)

    def _find(self, clients: RequestClients) -> list[str]:
        """Return the id of the job; of all jobs of the task that may still run if it is unknown."""
        if self._job_id is not None:
            return [self._job_id]
        assert self._intent is not None, "without an id and an intent there is nothing to find"
        found = find_own(clients.single_attempt, self._intent, self._identity, sleep=self._sleep)
        return [one.job_id for one in found if one.is_open]
