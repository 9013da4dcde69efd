"""
Use a session if it is started in time, and the simulator otherwise.

Situation: a nightly run prefers the priority of a session, and falls back to the simulator instead of failing.

You need: a connection `ionq_default` of type IonQ, a running triggerer, and the session's id, given when the DAG is
triggered: `{"session_id": "..."}`.

You will see: `wait_for_session` succeeds, or is skipped because of `soft_fail`: when the session ends before it is
started, when its id is wrong, or after the time-out. `choose` runs in both cases and picks the branch.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_ionq.sensors.session import IonQSessionSensor

with DAG(
    "example_ionq_optional_session",
    schedule=None,
    doc_md=__doc__,
    params={"session_id": Param("", type="string", description="id of the IonQ session")},
    tags=["ionq", "example"],
):
    wait = IonQSessionSensor(
        task_id="wait_for_session",
        session_id="{{ params.session_id }}",
        status="started",
        soft_fail=True,
        deferrable=True,
        poke_interval=60,
        timeout=timedelta(hours=1),
    )

    @task.branch(trigger_rule="all_done")
    def choose(ti: Any = None) -> str:
        """Pick the branch: a skipped sensor has pushed nothing."""
        return "in_session" if ti.xcom_pull(task_ids="wait_for_session") else "on_simulator"

    @task
    def in_session() -> str:
        """Placeholder for the work in the session."""
        return "in_session"

    @task
    def on_simulator() -> str:
        """Placeholder for the work on the simulator."""
        return "on_simulator"

    wait >> choose() >> [in_session(), on_simulator()]
