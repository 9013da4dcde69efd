"""
A loop that submits one job after the other and can be resumed, without Airflow.

Rules of this file:

- The token of a job names its place in the loop, so a later try finds the job of each place.
- A completed job for the same input is not submitted again. An open one is waited for. One that failed or was canceled
  is replaced by another with the next number.
- Before each request the place is stored through Airflow: a process that no longer runs the task fails there.
- A job of an earlier try is cancelled as soon as it is known that nothing will wait for it.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import (
    IonQCreateStoppedError,
    IonQJobTimeoutError,
    IonQResultsError,
)
from airflow_provider_ionq.jobs.cancel import cancel_job
from airflow_provider_ionq.jobs.earlier import OwnJob, choose
from airflow_provider_ionq.jobs.failure import job_failed
from airflow_provider_ionq.jobs.loop_creation import LoopCreation, LoopKnowledge
from airflow_provider_ionq.jobs.loop_open import OpenJobs
from airflow_provider_ionq.jobs.loop_record import LoopRecord, PlaceMemory
from airflow_provider_ionq.jobs.loop_results import read_results
from airflow_provider_ionq.jobs.loop_search import EarlierJobs
from airflow_provider_ionq.jobs.loop_wait import LoopFigures, LoopWait
from airflow_provider_ionq.jobs.submit import KEPT
from airflow_provider_ionq.jobs.token import Token, place_identity
from airflow_provider_ionq.waiting.create_once import CreateOnce
from airflow_provider_ionq.waiting.request_clients import RequestClients
from airflow_provider_ionq.waiting.safe_log import SafeLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.jobs.intent import JobIntent
    from airflow_provider_ionq.jobs.loop_record import LoopStore
    from airflow_provider_ionq.jobs.loop_wait import LoopTask
    from airflow_provider_ionq.jobs.request import JobRequest
    from airflow_provider_ionq.jobs.submit_options import SubmitOptions
    from airflow_provider_ionq.results.models import CircuitResult

_NOTICE_SECONDS = 1.0
"""Longest time in which a wait notices that its task is being killed."""


class JobLoop:
    """
    The jobs of one loop.

    :param task: the task in which it runs.
    :param identity: identity of the task; see :mod:`~airflow_provider_ionq.jobs.token`.
    :param loop: name of the loop, or its number among the loops of the task that have no name.
    :param generation: changes when the task is cleared.
    :param options: how a job is submitted.
    :param store: storage that outlives this process.
    :param log: the task's logger.
    :param interval: time between two polls of a job, in seconds.
    :param seconds: longest wait for a job, in seconds.
    :param sleep: function that waits a number of seconds.
    """

    def __init__(
        self,
        task: LoopTask,
        identity: str,
        loop: str | int,
        generation: int,
        options: SubmitOptions,
        store: LoopStore,
        log: Any,
        *,
        interval: float,
        seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.figures = LoopFigures()
        self.place = 0
        """Number of the last job, from 1."""
        self.is_stopped = False
        self._task = task
        self._identity = identity
        self._loop = loop
        self._generation = generation
        self._options = dataclasses.replace(options, on_changed_input="resubmit")
        self._log = SafeLog(log)
        self._sleep_seconds = sleep
        self._record = LoopRecord(store)
        self._earlier = EarlierJobs(self._record, self._identity_of, generation, sleep=self._sleep)
        self._knowledge = LoopKnowledge()
        self._open = OpenJobs(self._log, sleep)
        self._creator: CreateOnce[Job, JobIntent] | None = None
        self._settings = task.read_settings()
        self._clients = RequestClients(self._settings, task)
        self._wait = LoopWait(task, self._knowledge, self.figures, self._log, interval, seconds, self._sleep)
        self._took_another_way = False
        self._failed: str | None = None
        """Fingerprint of the last run if it raised an error."""

    def resume(self) -> None:
        """
        Find the jobs of earlier tries; cancel those from before a clear of the task that will not be used again.

        :raises IonQNotReadableError: if they cannot be listed.
        """
        self._earlier.load(self._clients)
        found = list(self._earlier.after(0))
        for place, one in found:
            if one.is_open:
                self._open.add(one.job_id, self._record.places[place].connection)
            if one.token.generation == self._generation:
                self._knowledge.jobs[one.job_id] = one.job
        completed = sum(one.is_good and not one.is_open for _, one in found)
        if found:
            self._log.info(
                "Number of jobs that earlier tries of this loop submitted: %s, of which %s are completed and %s open.",
                len(found),
                completed,
                len(self._open),
            )
        if not self._options.reuse_on_clear:
            for place, one in found:
                if one.token.generation != self._generation:
                    self._cancel(place, one, "it was submitted before the task was cleared")

    def run(self, request: JobRequest) -> list[CircuitResult]:
        """
        Run the job of the next place, unless an earlier try has completed it; return the results of its circuits.

        If the last run failed, and this one is for the same work, it is the same run again, and has the same place.

        :param request: the job.
        :raises IonQResultsError: if the results cannot be read.
        :raises IonQJobFailedError: if it failed or was canceled.
        :raises IonQJobTimeoutError: if it did not end in time.
        :raises IonQError: if it cannot be submitted or read.
        """
        self.check_not_stopped()
        fingerprint = request.fingerprint()
        is_again = fingerprint == self._failed
        if not is_again:
            self._cancel_left()
            self.place += 1
        self._failed = fingerprint
        results = self._run_at_place(request, fingerprint, is_again=is_again)
        self._failed = None
        return results

    def finish(self) -> None:
        """Cancel the jobs of earlier tries that the loop did not reach, and a job whose failure was ignored."""
        self._cancel_left()
        for place, one in self._earlier.after(self.place):
            self._cancel(place, one, "the loop ended before its place")

    def stop(self) -> None:
        """Submit no further job, and request the cancellation of the open ones, within the seconds that are left."""
        self.is_stopped = True
        if self._creator is not None:
            self._creator.stop()
        if self._options.cancel_on_kill:
            self._open.request_cancellations(self._clients)
        else:
            self._open.warn_that_they_go_on(KEPT)

    def check_not_stopped(self) -> None:
        """
        Check that the task may go on.

        :raises IonQCreateStoppedError: after :meth:`stop`. Airflow continues a task after `on_kill`.
        """
        if self.is_stopped:
            raise IonQCreateStoppedError("The task is being killed: the loop submits no further job.")

    def _identity_of(self, place: int) -> str:
        return place_identity(self._identity, self._loop, place)

    def _run_at_place(self, request: JobRequest, fingerprint: str, *, is_again: bool) -> list[CircuitResult]:
        self._refresh_clients()
        if is_again:
            self._earlier.search_again(self._clients)
        self._earlier.check_still_there(self.place, self._clients)
        token = Token(self._identity_of(self.place), self._generation, 0, fingerprint)
        known = self._record.places.get(self.place)
        elsewhere = known is not None and not self._clients.is_current(known.connection)
        choice = choose(
            self._earlier.at(self.place), token, reuse_on_clear=self._options.reuse_on_clear, elsewhere=elsewhere
        )
        for one, reason in choice.cancel:
            self._cancel(self.place, one, reason)
        if choice.keep is not None and not choice.keep.is_open:
            if not is_again:
                self.figures.read_back += 1
                self._log.info("Run %s: job %s of an earlier try is completed.", self.place, choice.keep.job_id)
            return self._results(choice.keep.job, request)
        if choice.keep is None and choice.changed:
            self._take_another_way(choice.changed[-1], elsewhere=elsewhere)
        return self._results(self._submit_or_continue(request, choice.keep), request)

    def _submit_or_continue(self, request: JobRequest, keep: OwnJob | None) -> Job:
        memory = PlaceMemory(self._record, self.place, self._generation, None if keep is None else keep.job_id)
        creation = LoopCreation(
            self._knowledge,
            self.place,
            self._job_ids(),
            self._settings,
            request,
            self._identity_of(self.place),
            self._generation,
            self._options,
            memory,
            self._task,
            self._log,
            clients=self._clients,
            sleep=self._sleep,
        )
        self._creator = creator = CreateOnce(creation, memory, self._log, sleep=self._sleep)
        job = creator.create()
        assert job is not None, "IonQ has no limit of jobs to wait for"
        if keep is None or keep.job_id != job["id"]:
            self.figures.submitted += 1
        self._open.discard(job["id"])
        try:
            job = self._wait.until_final(self._clients.current, job, self.place)
        except IonQJobTimeoutError:
            self._creator = None  # the job has been cancelled
            raise
        self._creator = None
        if job["status"] != "completed":
            raise job_failed(job)
        return job

    def _results(self, job: Job, request: JobRequest) -> list[CircuitResult]:
        try:
            return read_results(self._clients.current, job, request)
        except IonQResultsError as error:
            advice = "" if error.retryable else " To run the loop anew, clear the task, without reuse_on_clear."
            raise IonQResultsError(
                f"Run {self.place} of the loop is completed, and no other job was submitted: {error}{advice}",
                error.job_id,
                retryable=error.retryable,
                reason=error.reason,
            ) from None

    def _take_another_way(self, old: OwnJob, *, elsewhere: bool) -> None:
        """Log once that the loop differs from an earlier try, whose open jobs are then of no use."""
        if not self._took_another_way:
            self._log.warning(
                "The loop differs from an earlier try: its run %s was submitted as job %s %s. The loop continues"
                " with new jobs. To make it resumable, make it deterministic, for instance with a fixed seed.",
                self.place,
                old.job_id,
                "with another Airflow connection" if elsewhere else "for another input",
            )
        self._took_another_way = True
        for place, one in self._earlier.after(self.place):
            self._cancel(place, one, "the loop runs another circuit than before")

    def _cancel(self, place: int, one: OwnJob, reason: str) -> None:
        job = self._open.cancel(self._clients, place, one, reason)
        if job is not None and job["id"] in self._knowledge.jobs:
            self._knowledge.jobs[job["id"]] = job

    def _cancel_left(self) -> None:
        """Cancel a job of this try whose wait failed, and whose failure was ignored."""
        creator, self._creator = self._creator, None
        if creator is None or creator.item_id is None:
            return
        self._log.warning("Cancelling job %s, because its failure was ignored.", creator.item_id)
        job = cancel_job(self._clients.current, creator.item_id, self._log, sleep=self._sleep_seconds)
        self._knowledge.jobs[job["id"]] = job

    def _job_ids(self) -> set[str]:
        """Return the ids of all jobs since the task was cleared."""
        histories = [place.history for place in self._record.places.values()]
        return {job_id for history in histories if history.generation == self._generation for job_id in history.job_ids}

    def _refresh_clients(self) -> None:
        settings = self._task.read_settings()
        if settings != self._settings:
            self._settings = settings
            self._clients = RequestClients(settings, self._task)

    def _sleep(self, seconds: float) -> None:
        left = seconds
        while left > 0:
            self.check_not_stopped()
            self._sleep_seconds(min(left, _NOTICE_SECONDS))
            left -= _NOTICE_SECONDS
        self.check_not_stopped()
