"""What a task that submits a job stores for its own next try, and the identity by which it finds its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.jobs.intent import History, JobIntent
from airflow_provider_ionq.jobs.token import task_identity
from airflow_provider_ionq.utils.task_memory import TaskMemory

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

STORE_PREFIX = "ionq_job"
HISTORY_KEY = f"{STORE_PREFIX}_history"


class JobMemory(TaskMemory):
    """
    A :class:`~airflow_provider_ionq.jobs.intent.JobMemory` in the task state store of Airflow 3.3.

    Before Airflow 3.3 nothing outlives a process: a later try assumes that the previous one submitted a job, and lists
    all jobs.

    :param context: the task's context.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context, STORE_PREFIX)

    def intent(self) -> JobIntent | None:
        """Return the intent of the last request if it submitted a job or its outcome is unknown, else None."""
        stored = self.intent_json()
        if stored is not None:
            return JobIntent.of_json(stored)
        return JobIntent() if self.outcome_unknown else None

    def store_intent(self, intent: JobIntent) -> None:
        """Store the intent before the request."""
        self.store_intent_json(intent.as_json())

    def history(self) -> History | None:
        """Return the jobs since the task was last cleared; None if nothing is stored."""
        value = None if self._store is None else self._store.get(HISTORY_KEY)
        return History.of_json(value) if isinstance(value, dict) else None

    def store_history(self, history: History) -> None:
        """Store the jobs since the task was last cleared."""
        if self._store is not None:
            self._store.set(HISTORY_KEY, history.as_json())

    def store_id(self, item_id: str) -> None:
        """Store the id of the submitted job, also in the history."""
        super().store_id(item_id)
        intent, history = self.intent(), self.history()
        if intent is not None and intent.token is not None and history is not None:
            self.store_history(history.with_job(intent.token, item_id))

    def publish_id(self, item_id: str) -> None:
        """Do nothing: no other task cancels the job."""


def identity_of(context: Context) -> str:
    """Return the identity of the task instance, which is the same in every try."""
    ti: Any = context["ti"]
    return task_identity(ti.dag_id, ti.run_id, ti.task_id, getattr(ti, "map_index", -1))


def generation_of(context: Context) -> int:
    """
    Return a number that is the same in every try until the task is cleared.

    Airflow adds the tries so far to `max_tries` when it clears a task, and otherwise never changes it. `retries` of the
    task is not part of it: when a DAG file is edited between two tries, the second one must find the job of the first.
    """
    ti: Any = context["ti"]
    return max(0, int(ti.max_tries))
