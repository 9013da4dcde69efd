"""Tasks that run one job each, with the options that matter when it is submitted twice or left running."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowFailException, task

from airflow_provider_ionq.operators.job import IonQRunJobOperator
from airflow_provider_ionq.task_groups.session import ionq_session

CONNECTION = "{{ dag_run.conf['connection'] }}"
BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]


def fail_once(context: Any, result: Any) -> None:
    """Fail the first try of a task whose job is completed."""
    if context["ti"].try_number == 1:
        raise RuntimeError(result["id"])


ON_WORKER: dict[str, Any] = {"deferrable": False, "poke_interval": 1}
KINDS: dict[str, dict[str, Any]] = {
    "waits_on_worker": ON_WORKER,
    "defers": {},
    "fails_once": {"post_execute": fail_once},
    "outlives_its_task": {"cancel_on_kill": False},
    "outlives_its_try": {**ON_WORKER, "execution_timeout": timedelta(seconds=15), "cancel_on_timeout": False},
    "times_out": {"timeout": 6},
    "times_out_on_worker": {**ON_WORKER, "timeout": 6},
    "is_resubmitted": {**ON_WORKER, "on_changed_input": "resubmit"},
    "is_reused": {"reuse_on_clear": True},
    "has_budget": {"max_cost_usd": 20},
    "is_left_alone": {"wait_for_completion": False},
}


def job(**options: Any) -> dict[str, Any]:
    """Return the arguments of a task that runs a job."""
    return {
        "task_id": "run",
        "backend": "qpu.forte-1",
        "circuit": BELL,
        "shots": "{{ dag_run.conf.get('shots', 100) }}",
        "poke_interval": 2,
        "timeout": timedelta(minutes=10),
        "ionq_conn_id": CONNECTION,
        "retries": 3,
        "retry_delay": timedelta(seconds=1),
        **options,
    }


for name, options in KINDS.items():
    with DAG(f"job_{name}", schedule=None, max_active_runs=64):
        IonQRunJobOperator(**job(**options))


def run(dag_run: Any = None) -> Any:
    """Return a circuit that depends on the run's conf, or fail because of it."""
    if dag_run.conf.get("fails"):
        raise AirflowFailException("The conf says so.")
    return [{"gate": "ry", "target": 0, "rotation": dag_run.conf.get("shots", 100) / 100}]


for name, options in {"defers": {}, "waits_on_worker": ON_WORKER}.items():
    with DAG(f"function_{name}", schedule=None, max_active_runs=64):
        of_job = {key: value for key, value in job(**options).items() if key not in ("circuit", "shots")}
        task.ionq_job(**of_job)(run)()

with DAG("job_is_mapped", schedule=None, max_active_runs=64):
    arguments = job()
    del arguments["shots"]
    IonQRunJobOperator.partial(**arguments).expand(shots=[100, 200])

with (
    DAG("job_in_session", schedule=None, max_active_runs=64),
    ionq_session("bell", backend="qpu.forte-1", duration_limit_min=60, ionq_conn_id=CONNECTION) as session,
):
    IonQRunJobOperator(**job(session_id=session.session_id))
