"""Waits that begin, or also end, in the triggerer, and waits for which the triggerer may not be used."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, get_current_context, task

from airflow_provider_ionq.sensors.session import IonQSessionSensor

SESSION_ID = "{{ dag_run.conf['session_id'] }}"
WAITS: dict[str, dict[str, Any]] = {
    "deferrable": {"deferrable": True},
    "start": {"start_from_trigger": True},
    "end": {"end_from_trigger": True},
    "start_and_end": {"start_from_trigger": True, "end_from_trigger": True},
    "params": {"start_from_trigger": True, "session_id": "{{ params.session_id }}", "status": ("started", "ended")},
    "macro": {
        "start_from_trigger": True,
        "session_id": "{{ macros.json.loads('\"' ~ dag_run.conf.session_id ~ '\"') }}",
    },
    "limited": {"start_from_trigger": True, "execution_timeout_seconds": 600},
}
FAILURES: dict[str, dict[str, Any]] = {
    "unknown": {"session_id": "{{ dag_run.conf.unknown_id }}"},
    "unknown_soft": {"session_id": "{{ dag_run.conf.unknown_id }}", "soft_fail": True},
    "nothing": {"session_id": "{{ dag_run.conf.nothing }}"},
    "refused": {"ionq_conn_id": "ionq_refused"},
    "no_connection": {"ionq_conn_id": "ionq_is_not_there"},
    "never": {"session_id": "{{ dag_run.conf.created_id }}", "timeout": 12},
    "never_soft": {"session_id": "{{ dag_run.conf.created_id }}", "timeout": 12, "soft_fail": True},
    "ended": {"session_id": "{{ dag_run.conf.ended_id }}"},
}


def sensor(task_id: str, **arguments: Any) -> IonQSessionSensor:
    """Return a sensor of the task."""
    if seconds := arguments.pop("execution_timeout_seconds", None):
        from datetime import timedelta

        arguments["execution_timeout"] = timedelta(seconds=seconds)
    return IonQSessionSensor(
        **{
            "task_id": task_id,
            "session_id": SESSION_ID,
            "status": "started",
            "poke_interval": 3,
            "timeout": 300,
            "retries": 2,
            **arguments,
        }
    )


@task
def given() -> str:
    """Return the id that the run was given."""
    return str((get_current_context()["dag_run"].conf or {})["session_id"])


@task
def listed(session_id: str) -> list[str]:
    """Return a list to map over."""
    return [session_id]


@dag(schedule=None, params={"session_id": ""})
def without_worker() -> None:
    """Wait in each way."""
    for task_id, arguments in WAITS.items():
        sensor(task_id, **arguments)
    session_id = given()
    sensor("from_task", start_from_trigger=True, session_id=session_id)
    IonQSessionSensor.partial(
        task_id="mapped", status="started", poke_interval=3, timeout=300, start_from_trigger=True, end_from_trigger=True
    ).expand(session_id=listed(session_id))  # type: ignore[arg-type]


@dag(schedule=None)
def failing_without_worker() -> None:
    """Fail in each way, having begun in the triggerer and being allowed to end there."""
    for task_id, arguments in FAILURES.items():
        sensor(task_id, start_from_trigger=True, end_from_trigger=True, **arguments)


without_worker()
failing_without_worker()
