"""Wait for the start of sessions that end instead, in each mode, with and without `soft_fail`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag

from airflow_provider_ionq.sensors.session import IonQSessionSensor

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}


@dag(schedule=None, default_args={"retries": 3, "retry_delay": timedelta(seconds=1)})
def ends_early() -> None:
    """Each task waits for the session that the run's conf has under its name."""
    for mode, arguments in MODES.items():
        for kind, soft_fail in {"fails": False, "skips": True}.items():
            task_id = f"{mode}_{kind}"
            IonQSessionSensor(
                task_id=task_id,
                session_id=f"{{{{ dag_run.conf['{task_id}'] }}}}",
                status="started",
                poke_interval=3,
                timeout=120,
                soft_fail=soft_fail,
                **arguments,
            )


ends_early()
