"""
Wait for a session, then use its JSON.

Situation: another DAG creates IonQ sessions and submits jobs to them; your work begins when one is started.

You need: a connection `ionq_default` of type IonQ, a running triggerer, and the session's id, given when the DAG is
triggered: `{"session_id": "..."}`.

You will see: `wait_for_session` is deferred, and holds no worker slot, until the session is started. Then `report`
reads device and start time from the JSON that the sensor pushed, and `look_again` fetches the current session.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_ionq.operators.session import IonQGetSessionOperator
from airflow_provider_ionq.sensors.session import IonQSessionSensor

with DAG(
    "example_ionq_wait_for_session",
    schedule=None,
    doc_md=__doc__,
    params={"session_id": Param("", type="string", description="id of the IonQ session")},
    tags=["ionq", "example"],
):
    # [START wait]
    wait = IonQSessionSensor(
        task_id="wait_for_session",
        session_id="{{ params.session_id }}",
        status="started",
        deferrable=True,
        poke_interval=60,
        timeout=timedelta(hours=6),
    )

    @task
    def report(session: dict[str, Any]) -> str:
        """Return on which device the session runs, and since when."""
        text = f"Session {session['id']} runs on {session['backend']} since {session['started_at']}."
        print(text)
        return text

    report(wait.output)
    # [END wait]

    # [START get]
    get = IonQGetSessionOperator(task_id="look_again", session_id="{{ params.session_id }}")

    @task
    def print_status(status: str) -> None:
        """Print one field of the JSON."""
        print(f"Now it is {status}.")

    wait >> get
    print_status(get.output["status"])
    # [END get]
