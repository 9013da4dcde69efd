"""
Which arguments the four tasks of a session group have, whatever the default arguments of the DAG say.

Default arguments apply to these tasks as to any other, unless they could keep a session open, lose it, or make a task
that needs no worker wait for one. The tables below name those and set them.
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
"""Stands for an argument that the author did not write: default arguments, and then the operator's default, apply."""

FEWEST_CREATE_RETRIES = 2
CREATE_RETRY_DELAY = timedelta(seconds=30)
"""Short: a try that crashed may have opened a session, which costs money until the next try goes on with it."""

FEWEST_END_RETRIES = 20
SHORTEST_END_RETRY_DELAY = timedelta(minutes=1)
"""Together they outlast an outage of 15 minutes by far."""


def _known(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return those arguments that operators of the installed Airflow have."""
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
        # With any of these Airflow would have an EmptyOperator wait for a worker.
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
        # Both are how the tasks inside and the end learn of the session.
        "multiple_outputs": True,
        "do_xcom_push": True,
        # If this hook failed after the session was opened, the session would not be handed on.
        "post_execute": None,
    }
)

OF_END: dict[str, Any] = _known(
    {
        **OF_EVERY_TASK,
        "retry_exponential_backoff": False,
        "max_retry_delay": None,
        "execution_timeout": None,
        # If any of these failed, or did not return, the session would stay open. Airflow refuses inactive assets so.
        "pre_execute": None,
        "post_execute": None,
        "on_execute_callback": None,
        "inlets": None,
        "outlets": None,
        # The next free worker is for the end: what waits behind it costs nothing yet.
        "pool": "default_pool",
        "pool_slots": 1,
        "priority_weight": 1_000_000,
        "weight_rule": "absolute",
        "task_concurrency": None,
        "max_active_tis_per_dag": None,
        # Out of reach, but with any limit at all Airflow never takes the run for deadlocked while the end is to come.
        # Else it does so when `create_session` is marked failed later: it stops the work, ends the run, and runs no
        # teardown.
        "max_active_tis_per_dagrun": 1_000_000,
    }
)


def given(**arguments: Any) -> dict[str, Any]:
    """Return the arguments that the author wrote."""
    return {name: value for name, value in arguments.items() if value is not NOT_GIVEN}


def default_argument(group: TaskGroup, name: str) -> Any:
    """Return a default argument as it applies to the tasks of a group: the group's, or else the DAG's; None if none."""
    return {**(group.dag.default_args or {}), **(group.default_args or {})}.get(name)


def retries(group: TaskGroup, asked_for: Any, fewest: int) -> Any:
    """
    Return the retries of one of the group's tasks.

    :param asked_for: as the author wrote it, already checked; otherwise the default argument counts if it is more than
        the fewest.
    """
    if asked_for is not NOT_GIVEN:
        return asked_for
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
