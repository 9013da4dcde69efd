"""Return a session's JSON from a sensor in each mode and from the operator."""

from __future__ import annotations

import json
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ionq.operators.session import IonQGetSessionOperator
from airflow_provider_ionq.sensors.session import IonQSessionSensor

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
SESSION_ID = "{{ dag_run.conf['session_id'] }}"


@task
def pull(value: Any) -> dict[str, str]:
    """Say what arrived here: its type, and its JSON."""
    return {"type": type(value).__name__, "json": json.dumps(value)}


@dag(schedule=None)
def hand_on() -> None:
    """Wait in three ways; get what was waited for."""
    for mode, arguments in MODES.items():
        wait = IonQSessionSensor(
            task_id=mode, session_id=SESSION_ID, status="started", poke_interval=3, timeout=120, **arguments
        )
        pull.override(task_id=f"pull_{mode}")(wait.output)
        if mode == "poke":
            get = IonQGetSessionOperator(task_id="get", session_id=SESSION_ID)
            wait >> get
            pull.override(task_id="pull_get")(get.output)
            pull.override(task_id="pull_get_status")(get.output["status"])  # type: ignore[index]


hand_on()
