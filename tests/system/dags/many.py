"""Many deferred sensors, and a task that needs a worker while they wait."""

from __future__ import annotations

from airflow.sdk import dag, get_current_context, task

from airflow_provider_ionq.sensors.session import IonQSessionSensor


@task
def session_ids() -> list[str]:
    """Return the ids that the run was given."""
    return list((get_current_context()["dag_run"].conf or {})["session_ids"])


@task
def work() -> str:
    """Need a worker."""
    return "worked"


@dag(schedule=None)
def many() -> None:
    """Wait for as many sessions as the run was given."""
    IonQSessionSensor.partial(task_id="wait", status="started", deferrable=True, poke_interval=3, timeout=300).expand(
        session_id=session_ids()
    )


@dag(schedule=None)
def ordinary() -> None:
    """Do a little work."""
    work()


many()
ordinary()
