"""A task with a loop of thirty jobs, as a variational algorithm has it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ionq.loops import ionq_jobs
from tests.support import ising

ITERATIONS = 30
BUDGET_USD = ITERATIONS * ising.CIRCUITS * 12.42 + 0.01
"""What the jobs cost, if each is paid once."""

with DAG("loop_of_jobs", schedule=None, max_active_runs=64):

    @task(retries=3, retry_delay=timedelta(0))
    def optimise(dag_run: Any = None) -> float:
        """Return the energy of the last iteration."""
        connection = dag_run.conf["connection"]
        with ionq_jobs(
            "qpu.forte-1", shots=200, max_cost_usd=BUDGET_USD, poke_interval=0.2, ionq_conn_id=connection
        ) as jobs:
            return ising.optimise(jobs, iterations=ITERATIONS, seed=7)

    optimise()
