"""Create a session, wait until it is started, work in it and end it, even if the work fails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ionq.sensors.session import IonQSessionSensor
from airflow_provider_ionq.task_groups.session import ionq_session


@task
def work(session: Any, dag_run: Any = None) -> str:
    """Say in which session the work is done; fail if the run is asked to."""
    if dag_run.conf.get("fail"):
        raise RuntimeError("the work fails, as it was asked to")
    return f"worked on {session['backend']} in the session that was started at {session['started_at']}"


@dag(schedule=None)
def work_in_session() -> None:
    """Work in a session that is opened and ended here."""
    with ionq_session("session", backend="qpu.forte-1", duration_limit_min=60, poke_interval=3) as session:
        started = IonQSessionSensor(
            task_id="wait",
            session_id=session.session_id,
            status="started",
            deferrable=True,
            poke_interval=3,
            timeout=timedelta(minutes=2),
        )
        work(started.output)


work_in_session()
