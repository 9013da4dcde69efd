"""
Arguments of the four tasks of a session group that take precedence over the default arguments of the DAG.

Default arguments apply to these tasks as to any other, unless they could keep a session open, lose it, or make a task
that needs no worker wait for one. The tables below set those arguments.
"""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import TaskGroup


class _NotGiven:
    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Any = _NotGiven()
"""Marks an argument that was not given: default arguments, and then the operator's default, apply."""

FEWEST_CREATE_RETRIES = 2
CREATE_RETRY_DELAY = timedelta(seconds=30)
"""Short: a crashed try may have created a session, which costs money until the next try continues with it."""

FEWEST_END_RETRIES = 20
SHORTEST_END_RETRY_DELAY = timedelta(minutes=1)
"""Together they outlast an outage of 15 minutes."""


def _known(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that operators of the installed Airflow have."""
    known = inspect.signature(BaseOperator.__init__).parameters
    return {name: value for name, value in arguments.items() if name in known}


OF_EVERY_TASK: dict[str, Any] = _known(
    {
        "trigger_rule": "all_success",
        # Another run must not keep the session of this one open.
        "depends_on_past": False,
        "wait_for_downstream": False,
        # A policy could end the retries early.
        "retry_policy": None,
        # A default would give all tasks the same name.
        "task_display_name": None,
    }
)

OF_TASKS_WITHOUT_A_WORKER: dict[str, Any] = _known(
    {
        **OF_EVERY_TASK,
        # With any of these, Airflow runs an EmptyOperator on a worker.
        "on_execute_callback": None,
        "on_success_callback": None,
        "inlets": None,
        "outlets": None,
    }
)

OF_CREATE: dict[str, Any] = _known(
    {
        **OF_EVERY_TASK,
        "retry_delay": CREATE_RETRY_DELAY,
        "retry_exponential_backoff": False,
        "max_retry_delay": None,
        # The tasks inside and the end task read the session from these XComs.
        "multiple_outputs": True,
        "do_xcom_push": True,
        # If this hook failed after the session was created, the session would not be handed on.
        "post_execute": None,
    }
)

OF_END: dict[str, Any] = _known(
    {
        **OF_EVERY_TASK,
        "retry_exponential_backoff": False,
        "max_retry_delay": None,
        "execution_timeout": None,
        # If any of these failed, or did not return, the session would stay open. Inactive assets fail a task.
        "pre_execute": None,
        "post_execute": None,
        "on_execute_callback": None,
        "inlets": None,
        "outlets": None,
        # The end gets the next free worker: tasks that wait behind it cost nothing yet.
        "pool": "default_pool",
        "pool_slots": 1,
        "priority_weight": 1_000_000,
        "weight_rule": "absolute",
        "task_concurrency": None,
        "max_active_tis_per_dag": None,
        # Never reached, but with any limit Airflow does not consider the run deadlocked before the end has run. Without
        # one it does when `create_session` is marked failed later: it stops the work, ends the run, and runs no
        # teardown.
        "max_active_tis_per_dagrun": 1_000_000,
    }
)


def given(**arguments: Any) -> dict[str, Any]:
    """Return the arguments that were given."""
    return {name: value for name, value in arguments.items() if value is not NOT_GIVEN}


def default_argument(group: TaskGroup, name: str) -> Any:
    """Return a default argument for the tasks of a group: the group's, or else the DAG's; None if neither has it."""
    return {**(group.dag.default_args or {}), **(group.default_args or {})}.get(name)


def retries(group: TaskGroup, given: Any, fewest: int) -> Any:
    """
    Return the retries of one of the group's tasks.

    :param given: the validated argument; if not given, the default argument applies.
    :param fewest: lower bound of the default argument.
    """
    if given is not NOT_GIVEN:
        return given
    default = default_argument(group, "retries")
    try:
        return max(int(default or 0), fewest)
    except (TypeError, ValueError):
        return fewest


def callbacks(group: TaskGroup, name: str) -> list[Any]:
    """Return the callbacks that default arguments give for an event, such as `on_failure_callback`."""
    default = default_argument(group, name)
    if default is None:
        return []
    return list(default) if isinstance(default, (list, tuple)) else [default]
