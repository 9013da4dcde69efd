"""The trigger of the deferrable job sensor, and of the operator that runs a job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.jobs.resource import JOBS
from airflow_provider_ionq.jobs.target import JobTarget
from airflow_provider_ionq.triggers.base import IonQResourceTrigger

if TYPE_CHECKING:
    from collections.abc import Collection


class IonQJobTrigger(IonQResourceTrigger):
    """
    Wait for an IonQ job in the triggerer; all triggers of one connection share one poll.

    Fires once, with `job_id`; `job`: None, because the task reads the whole job itself; `first_look`: whether the job
    was read in the first poll of the wait; and `remaining`: the rest of the time-out in seconds, None if Airflow does
    not expose it. Leaves the outcome to the task, except with `end_from_trigger`. Errors of the API do not fail the
    trigger. The arguments never contain the API key.

    :param job_id: id of the job.
    :param ionq_conn_id: id of the Airflow connection.
    :param status: the awaited status, or a collection of alternatives.
    :param poke_interval: the longest time between two polls, in seconds.
    :param end_from_trigger: end the task as a success from the trigger when the target is met.
    :param push_xcom: push the job's JSON, as a list shows it, when the trigger ends the task, if Airflow supports it.
    :param timeout: the task's time-out in seconds if the wait begins here; None if a worker has already polled.
    :param remaining: the rest of the time-out when a worker deferred the task, in seconds, for use without a triggerer,
        as in `dag.test()`; None if the wait begins here.
    :param cancel_on_kill: cancel the job when a person ends or clears the deferred task (Airflow 3.3).
    """

    arguments = (
        "job_id",
        "ionq_conn_id",
        "status",
        "poke_interval",
        "end_from_trigger",
        "push_xcom",
        "timeout",
        "remaining",
        "cancel_on_kill",
    )
    resource = JOBS

    def __init__(
        self,
        job_id: str,
        ionq_conn_id: str,
        status: str | Collection[str],
        poke_interval: float,
        end_from_trigger: bool = False,
        push_xcom: bool = True,
        timeout: float | None = None,
        remaining: float | None = None,
        cancel_on_kill: bool = False,
    ) -> None:
        super().__init__(
            ionq_conn_id, poke_interval, timeout, remaining, end_from_trigger=end_from_trigger, push_xcom=push_xcom
        )
        self.job_id = job_id
        self.target = JobTarget.of(status)
        self.status = list(self.target.statuses)
        self.cancel_on_kill = cancel_on_kill

    async def on_kill(self) -> None:
        """
        Cancel the job if `cancel_on_kill` is set and the job is not final.

        Airflow 3.3 and later call this when a person marks or clears the deferred task, and when another triggerer has
        taken over the trigger because this one was slow: then the task still waits for the job.
        """
        if self.cancel_on_kill:
            await asyncio.to_thread(self._cancel)

    def _cancel(self) -> None:
        from airflow_provider_ionq.jobs.cancel import cancel_job

        try:
            if self._is_awaited():
                self.log.info("Job %s is not cancelled: its task still waits, in another triggerer.", self.job_id)
                return
            cancel_job(IonQHook(self.ionq_conn_id, max_retries=0).get_conn(), self.job_id, self.log)
        except Exception as error:  # a secrets backend may raise anything, and nobody would see it
            self.log.error("Job %s was not cancelled, and it may cost money: %s", self.job_id, error)  # noqa: TRY400

    def _is_awaited(self) -> bool:
        """Return whether the task is still deferred."""
        ti: Any = getattr(self, "task_instance", None)
        if ti is None:
            return False
        # Not before it is called: only Airflow 3 has it.
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        states = RuntimeTaskInstance.get_task_states(
            dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
        )
        return "deferred" in states.get(ti.run_id, {}).values()
