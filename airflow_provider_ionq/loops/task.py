"""The task in which a loop runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, get_current_context

from airflow_provider_ionq.operators.job_task import JobInTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.providers.common.compat.sdk import BaseOperator, Context

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.jobs.summary import JobSummary

_LABELS = "_ionq_loops"
"""The attribute of an operator with the loops that its current try has begun."""


class LoopInTask(JobInTask):
    """
    The :class:`~airflow_provider_ionq.jobs.loop.LoopTask` of a task.

    :param ionq_conn_id: id of the Airflow connection.
    :param context: the task's context.
    """

    def __init__(self, ionq_conn_id: str, context: Context) -> None:
        self.connection = ionq_conn_id
        super().__init__(ionq_conn_id, context, self.read_settings())

    def read_settings(self) -> ClientSettings:
        """Read the Airflow connection."""
        from airflow_provider_ionq.hooks.ionq import IonQHook

        return IonQHook(self.connection).get_settings()

    def ended(self, job: Job, summary: JobSummary) -> None:
        """Send the figures of a job as metrics."""
        from airflow_provider_ionq.utils import metrics

        metrics.gauge_job(self.connection, summary)


def running_task() -> Context:
    """
    Return the context of the running task.

    :raises RuntimeError: outside of a task.
    """
    try:
        return get_current_context()
    except (AirflowException, RuntimeError):
        raise RuntimeError(
            "ionq_jobs works only inside a running task: use it in the function of a @task, or in execute of an"
            " operator. In a script, use IonQHook.run_job."
        ) from None


def label_of_loop(context: Context, name: str | None) -> str | int:
    """
    Return the text that identifies a loop in its task: its name, or its number among the loops without a name.

    :param context: the task's context.
    :param name: the name; None without one.
    :raises ValueError: if this try has begun a loop with the same name: the second would read the jobs of the first.
    """
    ti: Any = context["ti"]
    attempt, labels = vars(ti.task).get(_LABELS, (None, ()))
    if attempt != ti.try_number:
        labels = ()
    if name is not None and name in labels:
        raise ValueError(f"The task already has a loop with the name {name!r}: give each ionq_jobs another name.")
    label = name if name is not None else 1 + sum(isinstance(one, int) for one in labels)
    vars(ti.task)[_LABELS] = (ti.try_number, (*labels, label))
    return label


@contextmanager
def on_kill_too(operator: BaseOperator, stop: Callable[[], None]) -> Iterator[None]:
    """
    Call a function when the task is killed, before the operator's own `on_kill`.

    :param operator: the operator of the running task.
    :param stop: the function.
    """
    own = operator.on_kill

    def on_kill() -> None:
        try:
            stop()
        finally:
            own()

    # In the instance's own dictionary, which Airflow's checks of attributes do not see.
    attributes = vars(operator)
    before = attributes.get("on_kill")
    attributes["on_kill"] = on_kill
    try:
        yield
    finally:
        if before is None:
            del attributes["on_kill"]
        else:
            attributes["on_kill"] = before
