"""Work that outlasts its downstream tasks; every supported Airflow version can parse this file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ionq.task_groups.session import ionq_session


@task(retries=0)
def succeeds(session_id: str) -> bool:
    """Succeed."""
    return True


@task(retries=0)
def fails(session_id: str) -> None:
    """Fail."""
    raise RuntimeError(session_id)


@task.short_circuit(retries=0)
def stops(session_id: str) -> bool:
    """Have the task `after` skipped."""
    return False


@task(retries=0)
def slow(session_id: str, dag_run: Any = None) -> None:
    """Run for as long as a file is there."""
    while Path(dag_run.conf["hold"]).exists():
        time.sleep(0.2)


@task(retries=0)
def after(quick: Any, slow: Any) -> None:
    """Take what both return."""


def session_of(name: str) -> Any:
    """Return a group whose session may not end before `slow` does."""
    return ionq_session(name, backend="qpu.forte-1", duration_limit_min=60)


with DAG("outlasts", schedule=None):
    with session_of("a_failure") as session:
        after(fails(session.session_id), slow(session.session_id))
    with session_of("a_skip") as session:
        after(stops(session.session_id), slow(session.session_id))
    with session_of("the_first_to_succeed") as session:
        first = after.override(trigger_rule="one_success")
        first(succeeds(session.session_id), slow(session.session_id))
