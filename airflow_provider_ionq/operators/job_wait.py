"""Wait for the job that a task submitted, and report its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_ionq.api.errors import IonQError, IonQJobTimeoutError
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.jobs.failure import FINAL_STATUSES, is_final, job_failed
from airflow_provider_ionq.operators.job_responsibility import AnswersForOwnJob
from airflow_provider_ionq.operators.job_task import JOB_ID_KEY
from airflow_provider_ionq.utils.deferral import DeferrableMixin, check_event
from airflow_provider_ionq.utils.tasks import fail_on_permanent_errors, push_outputs
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Job, JobCost
    from airflow_provider_ionq.jobs.intent import JobIntent
    from airflow_provider_ionq.waiting.blocking_poller import BlockingPoller
    from airflow_provider_ionq.waiting.create_once import CreateOnce

_NOTICE_SECONDS = 1.0
"""Longest time in which a wait on a worker notices that its task is being killed."""


class WaitsForOwnJob(AnswersForOwnJob, DeferrableMixin):
    """
    A mixin for an operator that waits for the job that it submitted.

    Must precede Airflow's base class.
    """

    poke_interval: float
    deferrable: bool

    def creator(self, context: Context) -> CreateOnce[Job, JobIntent]:
        """Return the submission of this task's job."""
        raise NotImplementedError

    def explain_wait(self, job: Job) -> None:
        """Log the polls and the time-out of a wait."""
        self.log.info(
            "Job %s has the status %s; polling every %s for at most %s.",
            job["id"],
            json_text(job["status"]),
            duration_text(self.poke_interval),
            duration_text(self.timeout),
        )

    def wait_on_worker(self, job: Job) -> Job:
        """
        Wait for a job on the worker; return its JSON when it is final.

        :raises IonQJobTimeoutError: if it is not final within `timeout`.
        """
        from airflow_provider_ionq.jobs.wait import wait_until_final

        job = wait_until_final(
            self._poller(), job, interval=self.poke_interval, seconds=self.timeout, log=self.log, sleep=self._sleep
        )
        return job if is_final(job) else self._end_late(job["id"], self.limit_text())

    def defer_to_job(self, job_id: str, remaining: float, *, first: bool = False) -> NoReturn:
        """
        Continue the wait for a job in the triggerer.

        :param job_id: id of the job.
        :param remaining: the rest of the wait, in seconds.
        :param first: whether the wait continues there for the first time.
        """
        from airflow_provider_ionq.triggers.job import IonQJobTrigger

        trigger = IonQJobTrigger(
            job_id=job_id,
            ionq_conn_id=self.ionq_conn_id,
            status=list(FINAL_STATUSES),
            poke_interval=self.poke_interval,
            remaining=remaining,
            cancel_on_kill=self.cancel_on_kill,
        )
        self.defer_wait(trigger, remaining, first=first, job_id=job_id)

    def execute_complete(
        self,
        context: Context,
        event: dict[str, Any] | None = None,
        deadline: float | None = None,
        job_id: str | None = None,
    ) -> Any:
        """
        Return the result of the job in the trigger's event; poll the job if the event has none.

        :param context: the task's context.
        :param event: the trigger's event.
        :param deadline: when the wait times out, in seconds since the epoch; None restarts `timeout`.
        :param job_id: id of the job; None reads it from the XCom, because `dag.test()` of Airflow 3 drops the argument.
        :raises ValueError: if the event is not from the task's own trigger.
        """
        job_id = job_id or self._submitted_job_id(context)
        event = check_event(event, {"job_id": job_id}, required=["job"], optional=("first_look", "remaining"))
        job = event["job"]
        if job is not None and job.get("id") != job_id:
            raise ValueError(f"The task waits for job {job_id}, but the event has another: {str(event)[:200]}")
        job_id = str(job_id)
        creator = self._creator_for(job_id, context)
        with fail_on_permanent_errors(self.ionq_conn_id), self.responsible(creator, context):
            job = job or self._read(job_id)
            remaining = self.remaining_seconds(event, deadline)
            if remaining <= 0 and not is_final(job or {}):
                job = self._end_late(job_id, self.limit_text())
        if job is None or not is_final(job):
            self.defer_to_job(job_id, remaining)
        return self.end(context, job)

    def on_timeout(self, context: Context, by_execution_timeout: bool = False) -> Any:
        """Read the job a last time after the time-out, and cancel it if `cancel_on_timeout` is set."""
        limit = self.limit_text(by_execution_timeout=by_execution_timeout)
        job_id = self._submitted_job_id(context)
        try:
            with fail_on_permanent_errors(self.ionq_conn_id):
                if job_id is None:
                    raise IonQJobTimeoutError(
                        f"The job did not end within {limit}, and the XCom {JOB_ID_KEY} with its id is gone: it may"
                        " still cost money. Cancel it in IonQ's console."
                    )
                job = self._end_late(job_id, limit)
        except IonQFailException as error:
            if not by_execution_timeout:
                raise
            raise AirflowTaskTimeout(str(error)) from None
        return self.end(context, job)

    def end(self, context: Context, job: Job) -> Any:
        """
        Log the figures of an ended job, send them as metrics, and return its JSON with them as `summary`.

        :param context: the task's context.
        :param job: its JSON.
        :raises IonQJobFailedError: if it failed for a reason that a retry may help.
        :raises IonQFailException: if it failed for another reason, or was canceled.
        """
        from airflow_provider_ionq.jobs.summary import describe, summarize
        from airflow_provider_ionq.utils import metrics

        self.check_not_killed()
        summary = summarize(job, self._cost(job["id"]))
        details = describe(summary)
        self.log.info("Job %s has the status %s%s.", job["id"], job["status"], details and f": {details}")
        metrics.gauge_job(self.ionq_conn_id, summary)
        if job["status"] != "completed":
            with fail_on_permanent_errors(self.ionq_conn_id):
                raise job_failed(job)
        result: Any = {**job, "summary": summary}
        result = self.with_results(result)
        self.check_not_killed()
        return push_outputs(self, context, result)

    def with_results(self, job: Job) -> Job:
        """
        Return the JSON of a completed job with everything else that the task returns.

        :param job: its JSON, with its figures as `summary`.
        """
        return job

    def _creator_for(self, job_id: str, context: Context) -> CreateOnce[Job, JobIntent]:
        """Return the submission of a submitted job; cancel the job if the task has become invalid since."""
        try:
            creator = self.creator(context)
        except IonQFailException as error:
            if not self.cancel_on_kill:
                raise
            from airflow_provider_ionq.hooks.ionq import IonQHook
            from airflow_provider_ionq.jobs.cancel import cancel_job

            try:
                cancel_job(IonQHook(self.ionq_conn_id).get_conn(), job_id, self.log)
            except Exception as failure:  # a secrets backend may raise anything
                raise IonQFailException(
                    f"{error} Job {job_id} was not cancelled, and it may cost money: {failure}", reason=error.reason
                ) from None
            raise
        creator.item_id = job_id
        return creator

    def _submitted_job_id(self, context: Context) -> str | None:
        """Return the id of the job that an earlier process of this try submitted; None without its XCom."""
        ti: Any = context["ti"]
        job_id = ti.xcom_pull(task_ids=ti.task_id, key=JOB_ID_KEY, map_indexes=getattr(ti, "map_index", -1))
        return job_id if isinstance(job_id, str) else None

    def _cost(self, job_id: str) -> JobCost | None:
        from airflow_provider_ionq.hooks.ionq import IonQHook

        try:
            return IonQHook(self.ionq_conn_id).get_job_cost(job_id)
        except IonQError as error:
            self.log.warning("The cost of job %s cannot be read: %s", job_id, error)
            return None

    def _end_late(self, job_id: str, limit: str) -> Job:
        from airflow_provider_ionq.hooks.ionq import IonQHook
        from airflow_provider_ionq.jobs.wait import end_late_wait

        client = IonQHook(self.ionq_conn_id).get_conn()
        return end_late_wait(client, job_id, limit, self.log, cancel=self.cancel_on_timeout)

    def _poller(self) -> BlockingPoller[Job]:
        from airflow_provider_ionq.hooks.ionq import IonQHook
        from airflow_provider_ionq.jobs.resource import JOBS
        from airflow_provider_ionq.waiting.blocking_poller import BlockingPoller

        # The poller itself repeats failed requests.
        hook = IonQHook(self.ionq_conn_id, max_retries=0)
        return BlockingPoller(JOBS, self.ionq_conn_id, hook.get_settings, self.log)

    def _read(self, job_id: str) -> Job | None:
        """Read a job for which the trigger has fired; return None on transient errors."""
        poller = self._poller()
        job = poller.poll(job_id)
        if job is None and poller.outage.refused:
            # A job may be refused while the key is rotated: the second refusal with a fresh key is permanent.
            poller.read_connection_again()
            job = poller.poll(job_id, refused_before=True)
        return job

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.check_not_killed()
            time.sleep(min(left, _NOTICE_SECONDS))
        self.check_not_killed()
