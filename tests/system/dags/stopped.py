"""Sessions in DAGs that skip, stop or wait in their own ways; the conf of the run names the connection."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_ionq.task_groups.session import ionq_session


def session_of(backend: Any = "qpu.forte-1") -> Any:
    """Return the group whose session is not to leak."""
    return ionq_session(
        "bell",
        backend=backend,
        duration_limit_min=60,
        ionq_conn_id="{{ dag_run.conf['connection'] }}",
        poke_interval=5,
    )


@task(retries=0)
def work(session_id: str) -> str:
    """Succeed."""
    return session_id


@task(retries=0)
def other_work(session_id: str, dag_run: Any = None) -> None:
    """Run for as long as a file is there."""
    while Path(dag_run.conf["hold"]).exists():
        time.sleep(0.2)


@task(retries=0)
def work_fails_beside_other(session_id: str, dag_run: Any = None) -> None:
    """Fail as soon as the other work is seen to run."""
    while not Path(f"{dag_run.conf['hold']}.seen").exists():
        time.sleep(0.2)
    raise RuntimeError(session_id)


@task(retries=0)
def first_fails(session_id: str, number: int) -> None:
    """Fail in one of several groups."""
    if number == 0:
        raise RuntimeError(session_id)


@task(retries=0)
def skipped() -> str:
    """Choose no backend."""
    raise AirflowSkipException("none")


@task(retries=0)
def failing() -> str:
    """Choose no backend, either."""
    raise RuntimeError("none")


@task.short_circuit(retries=0)
def stops_here(session_id: str) -> bool:
    """Have everything downstream skipped."""
    return False


@task.branch(retries=0)
def goes_nowhere(session_id: str) -> None:
    """Have the next tasks skipped, of which the group's own is one."""


with DAG("leak_fails_fast", schedule=None, max_active_runs=64, fail_fast=True), session_of() as session:
    work_fails_beside_other.override(task_id="work")(session.session_id)
    other_work(session.session_id)

with DAG("leak_fails_fast_beside", schedule=None, max_active_runs=64, fail_fast=True):
    work_fails_beside_other.override(task_id="beside")("none")
    with session_of() as session:
        work(session.session_id)

with DAG("leak_tidies_up", schedule=None, max_active_runs=64):
    with session_of() as session:
        work(session.session_id)
    session >> work.override(task_id="tidy_up", trigger_rule="all_done")("none")

with DAG("leak_is_mapped", schedule=None, max_active_runs=64):

    @task_group
    def each(number: int) -> None:
        """Work in a session of its own."""
        with session_of() as session:
            first_fails.override(task_id="work")(session.session_id, number)

    each.expand(number=[0, 1])

with DAG("leak_is_mapped_and_runs_on", schedule=None, max_active_runs=64):

    @task_group
    def each_runs_on(number: int) -> None:
        """Work in a session of its own for as long as a file is there."""
        with session_of() as session:
            other_work.override(task_id="work")(session.session_id)

    each_runs_on.expand(number=[0, 1])

with DAG("leak_argument_is_skipped", schedule=None, max_active_runs=64), session_of(skipped()) as session:
    work(session.session_id)

with DAG("leak_argument_fails", schedule=None, max_active_runs=64), session_of(failing()) as session:
    work(session.session_id)

with DAG("leak_short_circuits", schedule=None, max_active_runs=64), session_of() as session:
    stops_here.override(task_id="gate")(session.session_id) >> work(session.session_id)

with DAG("leak_branches_off", schedule=None, max_active_runs=64), session_of() as session:
    goes_nowhere.override(task_id="work")(session.session_id)

with DAG("leak_waits", schedule=None, max_active_runs=64), session_of() as session:
    work(session.session_id)

with DAG("leak_changes", schedule=None, max_active_runs=64), session_of("{{ dag_run.conf['backend'] }}") as session:
    other_work.override(task_id="work")(session.session_id)
