"""Helpers of the operators and sensors: rendered arguments, task errors, differences between Airflow versions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowNotFoundException
from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple

from airflow_provider_ionq.api.errors import IonQError
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.waiting.connection import naming_connection

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow.providers.common.compat.sdk import BaseOperator, Context

    from airflow_provider_ionq.api.models import Session

NULL_CANNOT_BE_PUSHED = (3, 0, 0) <= get_base_airflow_version_tuple() < (3, 1, 0)
"""Airflow 3.0 rejects a null XCom; a missing one is also pulled as None."""


XCOM_RETURN_KEY = "return_value"

CLEAR_EXISTING_TASKS = (
    "If this task was cleared alone, clear the whole run or session group instead: clear existing tasks, not only"
    " failed ones, so that another session is created."
)
"""Advice for a task whose session had ended before the task ran."""

Item = TypeVar("Item", bound=Mapping[str, Any])
"""A session's or job's JSON."""

_JINJA_MARKS = ("{{", "{%", "{#")


@contextmanager
def fail_on_permanent_errors(ionq_conn_id: str) -> Iterator[None]:
    """
    Convert permanent errors to an error that Airflow does not retry; transient errors propagate unchanged.

    :param ionq_conn_id: id of the Airflow connection, named in the error.
    :raises IonQFailException: in place of errors that are not retryable, and of an undefined connection.
    """
    try:
        yield
    except (IonQError, AirflowNotFoundException) as error:
        if isinstance(error, IonQError) and error.retryable:
            raise
        # Without the cause, which has the same text: the task's log shows one traceback, not two.
        raise IonQFailException(naming_connection(error, ionq_conn_id), reason=error) from None


def is_rendered_later(value: object) -> bool:
    """Return whether an argument is a template, contains one, or comes from another task."""
    if isinstance(value, str):
        return any(mark in value for mark in _JINJA_MARKS)
    if isinstance(value, Mapping):
        return any(map(is_rendered_later, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(is_rendered_later, value))
    return hasattr(value, "resolve") or callable(value)


def seconds_of(name: str, value: float | timedelta) -> float:
    """
    Return a duration in seconds.

    :param name: name of the argument, for the error.
    :param value: seconds, or a timedelta.
    :raises ValueError: if it is not above 0.
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ValueError(f"{name} must be a number of seconds above 0, or such a timedelta, not {value!r}")
    return float(seconds)


@contextmanager
def refusals_name_task(operator: BaseOperator) -> Iterator[None]:
    """
    Name the task in the error for an argument that is rejected when the DAG is parsed.

    :param operator: the operator or sensor under construction.
    :raises ValueError: in place of a ValueError; an AirflowException of Airflow 2 keeps its class.
    """
    try:
        yield
    except (ValueError, AirflowException) as error:
        task_id = getattr(operator, "task_id", None)
        if task_id is None or type(error) not in (ValueError, AirflowException):
            raise
        raise type(error)(f"Task {task_id!r}: {error}") from None


def is_run_again(context: Context) -> bool:
    """Return whether the task was retried or cleared, so that this is not its first try in the run."""
    try_number = getattr(context["ti"], "try_number", None)
    return isinstance(try_number, int) and try_number > 1


def push_outputs(operator: BaseOperator, context: Context, item: Item) -> Item:
    """
    Return the session or job of an operator with `multiple_outputs`, in a form that every Airflow version accepts.

    :param operator: the operator; its outputs are pushed here if Airflow would reject a null output.
    :param context: the task's context.
    :param item: the JSON to return.
    """
    if operator.multiple_outputs and NULL_CANNOT_BE_PUSHED:
        operator.multiple_outputs = False
        for name, value in item.items():
            if value is not None:
                context["ti"].xcom_push(name, value)
    return item


def push_session(operator: BaseOperator, context: Context, session: Session) -> None:
    """
    Push the XComs that Airflow would push after `execute` returns a session, and stop Airflow from pushing them again.

    If Airflow's own push fails, the task fails when it can no longer end the session.

    :param operator: the running task.
    :param context: the task's context.
    :param session: the return value of `execute`.
    """
    if not operator.do_xcom_push:
        return
    ti: Any = context["ti"]
    if operator.multiple_outputs:
        for name, value in session.items():
            if not (value is None and NULL_CANNOT_BE_PUSHED):
                ti.xcom_push(name, value)
    ti.xcom_push(XCOM_RETURN_KEY, session)
    operator.multiple_outputs = False
    # Only Airflow can push a value over which a downstream task is mapped.
    operator.do_xcom_push = operator.has_dag() and next(iter(operator.iter_mapped_dependants()), None) is not None


def states_in_run(context: Context, operator: BaseOperator, task_ids: Collection[str]) -> set[str | None]:
    """
    Return the current states of tasks of this run.

    For a task in the operator's own mapped group, only the instance with the same map index counts; for any other task,
    all its mapped instances. A task that is not in this run adds no state.

    :param context: the operator's context.
    :param operator: the calling task.
    :param task_ids: ids of the tasks.
    """
    ti: Any = context["ti"]
    own_index = getattr(ti, "map_index", -1)
    grouped = {name for name in task_ids if own_index >= 0 and _are_mapped_together(operator, name)}
    others = set(task_ids) - grouped
    # Airflow expands the tasks of a mapped group one by one: before that, an instance has no map index.
    return _states(context, others) | (_states(context, grouped, own_index) or _states(context, grouped, -1))


def _are_mapped_together(operator: BaseOperator, task_id: str) -> bool:
    dag: Any = operator.dag
    group = operator.get_closest_mapped_task_group()
    other = dag.get_task(task_id).get_closest_mapped_task_group()
    return group is not None and other is not None and group.group_id == other.group_id


def _states(context: Context, task_ids: Collection[str], map_index: int | None = None) -> set[str | None]:
    """Return the states of all instances of the tasks, or of those with one map index."""
    if not task_ids:
        return set()  # Airflow would return all tasks
    ti: Any = context["ti"]
    if hasattr(ti, "get_task_states"):
        of_instance = {} if map_index is None else {"map_index": map_index}
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=sorted(task_ids), run_ids=[ti.run_id], **of_instance)
        return {state for by_task in states.values() for state in by_task.values()}
    run: Any = context["dag_run"]  # Airflow 2
    return {
        other.state
        for other in run.get_task_instances()
        if other.task_id in task_ids and map_index in (None, getattr(other, "map_index", -1))
    }
