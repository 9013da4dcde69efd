"""Create a session, run a job in it and end it, even if the job fails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_ionq.operators.job import IonQRunJobOperator
from airflow_provider_ionq.task_groups.session import ionq_session

BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]


@task
def report(job: Any) -> str:
    """Return what the job has cost."""
    return f"the job on {job['backend']} is {job['status']}, and has cost {job['summary']['cost']} US dollars"


@dag(schedule=None)
def work_in_session() -> None:
    """Work in a session that is created and ended here."""
    with ionq_session(
        "session", backend="qpu.forte-1", duration_limit_min=60, max_cost_usd=100, poke_interval=3
    ) as session:
        run = IonQRunJobOperator(
            task_id="run",
            backend="qpu.forte-1",
            circuit=BELL,
            session_id=session.session_id,
            poke_interval=3,
            timeout=timedelta(minutes=2),
        )
        report(run.output)


work_in_session()
