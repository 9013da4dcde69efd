"""
Create a session, run jobs in it within a budget, and always end it.

Situation: a Bell state is measured with the priority of a session, which costs money while it is open.

You need: a connection `ionq_default` of type IonQ, sessions enabled for the account, and a running triggerer. To try
the DAG first without a session and free of charge, trigger it with `{"rehearse": true}`.

You will see: `bell.create_session` creates the session, and waits without a worker if the device has no capacity; `run`
submits a job once for each number of shots, which starts the session, is deferred until the jobs end, and logs their
histograms; `report` has the counts: about half `00`, half `11`. `bell.end_session` ends the session, also when a job
fails, or when you mark the run as failed.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_ionq.operators.job import IonQRunJobOperator
from airflow_provider_ionq.task_groups.session import ionq_session

BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]

with DAG(
    "example_ionq_session_group",
    schedule=None,
    doc_md=__doc__,
    params={"rehearse": Param(False, type="boolean", description="run the jobs on the simulator, without a session")},
    tags=["ionq", "example"],
):
    # [START group]
    with ionq_session(
        "bell",
        backend="qpu.forte-1",
        duration_limit_min=60,
        cost_limit_usd=500,
        max_cost_usd=100,
        rehearse="{{ params.rehearse }}",
    ) as session:
        run = IonQRunJobOperator.partial(
            task_id="run",
            poke_interval=60,
            backend="qpu.forte-1",
            circuit=BELL,
            session_id=session.session_id,
            results="counts",
        ).expand(shots=[100, 1000])

        @task
        def report(jobs: list[dict[str, Any]]) -> list[dict[str, int]]:
            """Return the counts of the jobs."""
            return [circuit["counts"] for job in jobs for circuit in job["job_results"]["circuits"]]

        report(run.output)
    # [END group]
