"""Loops inside session groups, which have the session and the budget of their group."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, task, task_group

from airflow_provider_ionq.loops import ionq_jobs
from airflow_provider_ionq.operators.job import IonQRunJobOperator
from airflow_provider_ionq.task_groups.session import ionq_session

QPU = "qpu.forte-1"


def turn(angle: float) -> list[dict[str, Any]]:
    return [{"gate": "ry", "target": 0, "rotation": angle}]


def run(name: str, backend: str = QPU, **arguments: Any) -> str:
    with ionq_jobs(backend, name=name, poke_interval=0.1, **arguments) as jobs:
        return str(jobs.run(turn(0.1))["job_id"])


with DAG("loops_in_groups", schedule=None, params={"rehearse": False}):

    @task
    def in_session() -> str:
        return run("in session")

    @task
    def with_its_id(session_id: str) -> str:
        return run("with its id", session_id=session_id)

    @task
    def on_simulator() -> str:
        return run("on simulator", "simulator")

    @task
    def mapped(number: int) -> str:
        return run(f"mapped {number}")

    @task
    def alone() -> str:
        return run("alone")

    @task_group
    def each(number: int) -> None:
        with ionq_session("own", backend=QPU, duration_limit_min=60, rehearse="{{ params.rehearse }}"):

            @task
            def in_own_session(number: int) -> str:
                return run(f"in own session {number}")

            in_own_session(number)

    with ionq_session(
        "shared", backend=QPU, duration_limit_min=60, max_cost_usd=70, rehearse="{{ params.rehearse }}"
    ) as session:
        jobs = [in_session(), with_its_id(session.session_id), on_simulator(), mapped.expand(number=[1, 2])]
        IonQRunJobOperator(
            task_id="plain", backend=QPU, circuit=turn(0.3), name="plain", poke_interval=0.1, deferrable=False
        )

    each.expand(number=[1, 2])
    alone()
