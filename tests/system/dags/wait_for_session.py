"""Wait for an IonQ session without holding a worker, use its JSON, then read the session once more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ionq.operators.session import IonQGetSessionOperator
from airflow_provider_ionq.sensors.session import IonQSessionSensor

SESSION_ID = "{{ dag_run.conf['session_id'] }}"


@task
def describe(session: Any) -> str:
    """Say in a sentence what the sensor saw."""
    return f"a session on {session['backend']}, {session['status']} at {session['started_at']}"


@dag(schedule=None, default_args={"retries": 2, "retry_delay": timedelta(seconds=3)})
def wait_for_session() -> None:
    """Wait, describe, read again."""
    wait = IonQSessionSensor(
        task_id="wait",
        session_id=SESSION_ID,
        status="started",
        deferrable=True,
        poke_interval=5,
        timeout=120,
    )
    describe(wait.output) >> IonQGetSessionOperator(task_id="read", session_id=SESSION_ID)


wait_for_session()
