"""
Wait for fifty sessions at once, at the cost of one request per interval.

Situation: a campaign runs in many sessions, and the evaluation begins when all of them have ended.

You need: a connection `ionq_default` of type IonQ, a running triggerer, and sessions in the account.

You will see: `wait` mapped over the newest sessions, all of its task instances deferred at the same time, holding no
worker slot. The triggerer reads the list of sessions once per interval for all of them. This DAG ends no session:
`wait` only reads.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.sensors.session import IonQSessionSensor

with DAG("example_ionq_fifty_waits", schedule=None, doc_md=__doc__, tags=["ionq", "example"]):

    @task
    def newest_session_ids(count: int = 50) -> list[str]:
        """Return the ids of the newest sessions of the account."""
        sessions = IonQHook().list_sessions()
        sessions.sort(key=lambda session: session["created_at"], reverse=True)
        return [session["id"] for session in sessions[:count]]

    wait = IonQSessionSensor.partial(
        task_id="wait",
        status="ended",
        deferrable=True,
        poke_interval=60,
        timeout=timedelta(days=1),
    ).expand(session_id=newest_session_ids())

    @task
    def evaluate(sessions: list[dict[str, Any]]) -> int:
        """Count the sessions that were started."""
        started = [session for session in sessions if session["started_at"]]
        print(f"{len(started)} of {len(sessions)} sessions were started.")
        return len(started)

    evaluate(wait.output)
