"""What the operators and sensors share: rendered arguments, errors told in a task's terms, what Airflows differ in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowNotFoundException
from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple

from airflow_provider_ionq.api.errors import IonQError, naming_connection
from airflow_provider_ionq.api.ids import id_of, parsed
from airflow_provider_ionq.exceptions import IonQFailException

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow.providers.common.compat.sdk import BaseOperator, Context

    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.hooks.ionq import IonQHook

NULL_CANNOT_BE_PUSHED = (3, 0, 0) <= get_base_airflow_version_tuple() < (3, 1, 0)
"""Airflow 3.0 refuses an XCom that is null; one that is missing is pulled as None all the same."""


XCOM_RETURN_KEY = "return_value"

TIMED_OUT_AIRFLOW_2 = "Trigger/execution timeout"
"""What Airflow 2 says when a trigger's time is up, which there ends with `execution_timeout` at the latest."""

TIMED_OUT = ("Trigger timeout", TIMED_OUT_AIRFLOW_2)

SESSION_ID_AS_MAP_INDEX = "{{ task.session_id | string | truncate(64) }}"
"""The default `map_index_template`. Airflow's column for it has 250 characters, and PostgreSQL refuses more."""

CLEAR_EXISTING_TASKS = (
    "If this task was cleared alone, clear the whole run or session group instead: clear existing tasks, not only"
    " failed ones, so that another session is opened."
)
"""What to do when a task meets a session that had ended before the task ran."""

_JINJA_MARKS = ("{{", "{%", "{#")
_QUOTED_CHARACTERS = 100


class SessionId:
    """
    The templated attribute `session_id` of operators and sensors: for a session's JSON it is the id in it.

    An attribute, because Airflow assigns what it has rendered: so the id is also what Airflow shows among the rendered
    fields and as the label of a mapped task.
    """

    def __get__(self, operator: Any, owner: type | None = None) -> Any:
        """Return the id, or whatever else was given for it."""
        if operator is None:
            return self
        try:
            return vars(operator)["session_id"]
        except KeyError:
            raise AttributeError("session_id") from None

    def __set__(self, operator: Any, value: object) -> None:
        """Take an id, a session's JSON, or its text."""
        # In the instance's own dictionary, which is what Airflow copies.
        vars(operator)["session_id"] = id_of(value)


class TakesSessionId:
    """
    What operators and sensors on one session share: the argument `session_id`, and the id as a mapped task's label.

    To be named before Airflow's own base class. The label is the default; a `map_index_template` of the author's wins.
    """

    session_id = SessionId()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # A task that is not mapped itself has a label too, in a mapped task group.
        if "map_index_template" not in kwargs and self.map_index_template is None:
            self.map_index_template: str | None = SESSION_ID_AS_MAP_INDEX

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Set the arguments of a mapped task that are the same for all its instances; see Airflow's own method."""
        partial: Any = super().partial(**kwargs)  # type: ignore[misc]
        # Airflow reads the label's template from here, not from the instance that it makes on a worker.
        if "map_index_template" not in kwargs and partial.kwargs.get("map_index_template") is None:
            partial.kwargs["map_index_template"] = SESSION_ID_AS_MAP_INDEX
        return partial


def look_at_session(hook: IonQHook, session_id: object) -> Session:
    """
    Return a session's JSON for a task.

    :param hook: the hook to ask through.
    :param session_id: the rendered argument; what can be no id is refused before any request.
    :raises IonQFailException: for what asking again does not change; names the connection.
    :raises IonQError: for what may pass.
    """
    with fail_on_permanent_errors(hook.ionq_conn_id):
        return hook.get_session(checked_session_id(session_id))


@contextmanager
def fail_on_permanent_errors(ionq_conn_id: str) -> Iterator[None]:
    """
    Turn what asking again does not change into an error that Airflow does not retry, and let the rest pass.

    :param ionq_conn_id: named in the error.
    :raises IonQFailException: in place of errors that are not retryable, and of a connection that is not there.
    """
    try:
        yield
    except (IonQError, AirflowNotFoundException) as error:
        if isinstance(error, IonQError) and error.retryable:
            raise
        # Without the cause, which says the same: a log that a person reads has one traceback, not two.
        raise IonQFailException(naming_connection(error, ionq_conn_id), reason=error) from None


def checked_session_id(session_id: object) -> str:
    """
    Return the id that `session_id` rendered to.

    :param session_id: the rendered argument: an id, or a session's JSON or the text of it.
    :raises IonQFailException: when it can be no id; says what it rendered to, and what to write instead.
    """
    found = id_of(session_id)
    if not isinstance(found, str) or parsed(found) is not found or found.strip() in ("", ".", "..", "None"):
        shown = repr(session_id)
        if len(shown) > _QUOTED_CHARACTERS:
            shown = f"{shown[:_QUOTED_CHARACTERS]}..."
        raise IonQFailException(
            f"session_id must be the id of an IonQ session, but it rendered to {shown}"
            f" ({type(session_id).__name__}): {_what_to_write(session_id)}"
        )
    return found


def _what_to_write(session_id: object) -> str:
    given = parsed(session_id)
    if isinstance(given, Mapping) and not isinstance(given.get("id"), str):
        return 'the object has no "id"; give the id itself, such as create.output["id"]'
    if isinstance(given, Sequence) and not isinstance(given, str):
        return "give one id, or map the task over the list with .expand(session_id=...)"
    return "check that the task that gives it pushes one"


def is_rendered_later(value: object) -> bool:
    """Tell whether an argument is a template, has one in it, or comes from another task."""
    if isinstance(value, str):
        return any(mark in value for mark in _JINJA_MARKS)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(is_rendered_later, value))
    return hasattr(value, "resolve") or callable(value)


@contextmanager
def refusals_name_task(operator: BaseOperator) -> Iterator[None]:
    """
    Name the task in the error of an argument that is refused when the DAG is parsed.

    :param operator: the operator or sensor that is being made.
    :raises ValueError: in place of a ValueError, or of the AirflowException that Airflow 2 raises.
    """
    try:
        yield
    except (ValueError, AirflowException) as error:
        task_id = getattr(operator, "task_id", None)
        if task_id is None or type(error) not in (ValueError, AirflowException):
            raise
        raise type(error)(f"Task {task_id!r}: {error}") from error


def is_run_again(context: Context) -> bool:
    """Tell whether the task has been retried or cleared: this is not its first try in the run."""
    try_number = getattr(context["ti"], "try_number", None)
    return isinstance(try_number, int) and try_number > 1


def push_outputs(operator: BaseOperator, context: Context, session: Session) -> Session:
    """
    Return what an operator with `multiple_outputs` returns, so that every Airflow takes it.

    :param operator: pushes the fields from here where Airflow would refuse one that is null.
    :param context: the task's.
    :param session: what is returned.
    """
    if operator.multiple_outputs and NULL_CANNOT_BE_PUSHED:
        operator.multiple_outputs = False
        for name, value in session.items():
            if value is not None:
                context["ti"].xcom_push(name, value)
    return session


def push_session(operator: BaseOperator, context: Context, session: Session) -> None:
    """
    Push what Airflow would push when `execute` has returned a session, and have it push nothing more.

    Airflow fails the task when its own push fails, and nobody is there any more who could end the session.

    :param operator: the task, as it runs.
    :param context: the task's.
    :param session: what `execute` returns.
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
    # Only Airflow itself can push what a task downstream is mapped over.
    operator.do_xcom_push = operator.has_dag() and next(iter(operator.iter_mapped_dependants()), None) is not None


def states_in_run(context: Context, operator: BaseOperator, task_ids: Collection[str]) -> set[str | None]:
    """
    Return the states that tasks of this run have now.

    Of a task in the mapped group that the operator is in too, that is the state of the instance that belongs to it; of
    any other, the states of all its mapped instances. A task that this run does not have adds none.

    :param context: the operator's.
    :param operator: the task that asks.
    :param task_ids: which tasks.
    """
    ti: Any = context["ti"]
    own_index = getattr(ti, "map_index", -1)
    beside = {name for name in task_ids if own_index >= 0 and _are_mapped_together(operator, name)}
    others = set(task_ids) - beside
    # Airflow expands the tasks of a mapped group one by one: until then the instance has no index of its own.
    return _states(context, others) | (_states(context, beside, own_index) or _states(context, beside, -1))


def _are_mapped_together(operator: BaseOperator, task_id: str) -> bool:
    dag: Any = operator.dag
    group = operator.get_closest_mapped_task_group()
    other = dag.get_task(task_id).get_closest_mapped_task_group()
    return group is not None and other is not None and group.group_id == other.group_id


def _states(context: Context, task_ids: Collection[str], map_index: int | None = None) -> set[str | None]:
    """Return the states of tasks: those of all their instances, or of one."""
    if not task_ids:
        return set()  # Airflow would take it for all tasks
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
