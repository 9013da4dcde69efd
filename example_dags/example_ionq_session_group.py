"""
Create a session, work in it, and always end it.

Situation: a Bell state is measured with the priority of a session, which costs money while it is open.

You need: a connection `ionq_default` of type IonQ, sessions enabled for the account, and a running triggerer.

You will see: `bell.create_session` creates the session, and waits without a worker if the device has no capacity;
`submit` submits a job, which starts the session; `wait` is deferred until IonQ reports that; `report` uses its JSON.
`bell.end_session` ends it, also when a task inside fails, or when you mark the run as failed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.sensors.session import IonQSessionSensor
from airflow_provider_ionq.task_groups.session import ionq_session

BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]

with DAG("example_ionq_session_group", schedule=None, doc_md=__doc__, tags=["ionq", "example"]):
    # [START group]
    with ionq_session("bell", backend="qpu.forte-1", duration_limit_min=60, cost_limit_usd=500) as session:

        @task(retries=0)
        def submit(session_id: str) -> str:
            """Submit a job to the session, once, and return its id."""
            import requests

            settings = IonQHook().get_settings()
            job = {"type": "ionq.circuit.v1", "backend": "qpu.forte-1", "session_id": session_id, "shots": 100}
            job["input"] = {"gateset": "qis", "qubits": 2, "circuit": BELL}
            headers = {"Authorization": f"apiKey {settings.api_key}"}
            answer = requests.post(f"{settings.base_url}/jobs", json=job, headers=headers, timeout=30)
            answer.raise_for_status()
            return str(answer.json()["id"])

        wait = IonQSessionSensor(
            task_id="wait",
            session_id=session.session_id,
            status="started",
            deferrable=True,
            poke_interval=60,
            timeout=timedelta(minutes=30),
        )

        @task
        def report(session: dict[str, Any], job_id: str) -> str:
            """Return a summary of the job and its session."""
            return f"Job {job_id} has priority on {session['backend']} since {session['started_at']}."

        job_id = submit(session.session_id)
        job_id >> wait
        report(wait.output, job_id)
    # [END group]
