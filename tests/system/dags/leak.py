"""Work of every kind in a session that is created and ended here; the conf of the run names the connection."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_ionq.sensors.session import IonQSessionSensor
from airflow_provider_ionq.task_groups.session import ionq_session

CONNECTION = "{{ dag_run.conf['connection'] }}"


@task(retries=0)
def succeeds(session_id: str) -> str:
    """Succeed."""
    return session_id


@task(retries=0)
def fails(session_id: str) -> None:
    """Fail."""
    raise RuntimeError(session_id)


@task(retries=0, execution_timeout=timedelta(seconds=2))
def times_out(session_id: str) -> None:
    """Take too long."""
    time.sleep(600)


@task(retries=0)
def is_skipped(session_id: str) -> None:
    """Be skipped."""
    raise AirflowSkipException(session_id)


@task(retries=0)
def runs_on(session_id: str, dag_run: Any = None) -> None:
    """Run for as long as a file is there."""
    while Path(dag_run.conf["hold"]).exists():
        time.sleep(0.2)


KINDS: dict[str, Any] = {
    "succeeds": succeeds,
    "fails": fails,
    "times_out": times_out,
    "is_skipped": is_skipped,
    "runs_on": runs_on,
}


def session_of(adopt: bool = False) -> Any:
    """Return the group whose session is not to leak."""
    return ionq_session(
        "bell", backend="qpu.forte-1", duration_limit_min=60, ionq_conn_id=CONNECTION, adopt_lost_session=adopt
    )


for name, kind in KINDS.items():
    with DAG(f"leak_{name}", schedule=None, max_active_runs=64), session_of() as session:
        kind.override(task_id="work")(session.session_id)

with DAG("leak_adopts", schedule=None, max_active_runs=64), session_of(adopt=True) as session:
    succeeds.override(task_id="work")(session.session_id)

with DAG("leak_defers", schedule=None, max_active_runs=64), session_of() as session:
    IonQSessionSensor(
        task_id="work",
        session_id=session.session_id,
        status="started",
        ionq_conn_id=CONNECTION,
        deferrable=True,
        poke_interval=2,
        timeout=timedelta(minutes=10),
        retries=0,
    )
