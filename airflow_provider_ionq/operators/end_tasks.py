"""
Find the tasks that end the session of a create task, and determine whether they will still run in this run.

A run can be cleared in part: then the task that creates a session may run again without the task that ends it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import XComArg

from airflow_provider_ionq.api.errors import IonQNoEndTaskError
from airflow_provider_ionq.operators.end_session import IonQEndSessionOperator
from airflow_provider_ionq.utils.tasks import states_in_run

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow.providers.common.compat.sdk import BaseOperator, Context

STILL_TO_COME = frozenset({None, "up_for_retry"})
"""Airflow evaluates the trigger rule again before a retry, which thus waits for the task that creates the session."""

RESTARTING = "restarting"
"""The task was cleared while it ran, and will run again once it is killed."""


def missing_end_reason(operator: BaseOperator, context: Context) -> str | None:
    """
    Return why no task of this run would end a session that is created now; None when an end task will still run.

    A create task without an end task, such as one that is tried alone, always returns None.

    :param operator: the task that creates the session.
    :param context: the context of that task.
    :raises IonQNoEndTaskError: when Airflow cannot be queried, or the end task is being cleared.
    """
    finished = []
    for task_id in end_task_ids(operator):
        try:
            states = states_in_run(context, operator, [task_id])
        except Exception as error:  # Airflow raises many classes, which differ by version
            raise IonQNoEndTaskError(
                f"It cannot be determined whether {task_id} will still run in this run, so no session was requested:"
                f" {type(error).__name__}: {error}",
                retryable=True,
            ) from None
        if RESTARTING in states:
            raise IonQNoEndTaskError(
                f"{task_id} is being cleared while it runs, so no session was requested: a retry finds it ready.",
                retryable=True,
            )
        if final_states := states - STILL_TO_COME:
            finished.append(f"{task_id} (now {', '.join(sorted(map(str, final_states)))})")
    if not finished:
        return None
    return (
        f"No task would end a session created now: {' and '.join(finished)} will not run after this task in this run."
        f" Clear the run with its existing tasks, not only the failed ones: at least {operator.task_id} and"
        f" {' and '.join(text.partition(' ')[0] for text in finished)}."
    )


def end_task_ids(operator: BaseOperator) -> list[str]:
    """
    Return the ids of the tasks that end the session of a create task: its teardowns, and the operators that end it.

    :param operator: the task that creates the session.
    """
    if not operator.has_dag():
        return []
    downstream: Any = operator.get_flat_relatives(upstream=False)
    return sorted(task.task_id for task in downstream if _ends_session_of(operator, task))


def _ends_session_of(operator: BaseOperator, task: Any) -> bool:
    if task.is_teardown and operator.is_setup and operator.task_id in task.upstream_task_ids:
        return not task.inherits_from_empty_operator
    if not issubclass(class_of(task), IonQEndSessionOperator):
        return False
    dag: Any = operator.dag
    create_ids = {other.task_id for other in dag.tasks if issubclass(class_of(other), type(operator))}
    named = tasks_named(argument_of(task, "session_id"), create_ids)
    # A task that names no create task is assumed to end this session: it may receive the id indirectly.
    return not named or operator.task_id in named


def tasks_named(value: Any, task_ids: Collection[str]) -> set[str]:
    """
    Return the tasks to which an argument refers: it is their output, or names them in quotes, as a template does.

    :param value: the argument, not rendered.
    :param task_ids: ids of the tasks to look for.
    """
    named = {source.task_id for source, _ in XComArg.iter_xcom_references(value)} & set(task_ids)
    if isinstance(value, str):
        named |= {name for name in task_ids if re.search(rf"""["']{re.escape(name)}["']""", value)}
    return named


def class_of(task: Any) -> type:
    """Return the class of a task, mapped or not."""
    given = getattr(task, "operator_class", None)
    return given if isinstance(given, type) else type(task)


def argument_of(task: Any, name: str) -> Any:
    """Return an argument of a task, mapped or not."""
    if not hasattr(task, "partial_kwargs"):
        return getattr(task, name, None)
    mapped = getattr(task.expand_input, "value", None)
    return task.partial_kwargs.get(name, mapped.get(name) if isinstance(mapped, dict) else mapped)
