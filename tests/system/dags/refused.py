"""Use a key that the API rejects."""

from __future__ import annotations

from airflow.sdk import dag

from airflow_provider_ionq.operators.session import IonQGetSessionOperator
from airflow_provider_ionq.sensors.session import IonQSessionSensor

SESSION_ID = "{{ dag_run.conf['session_id'] }}"


@dag(schedule=None)
def refused() -> None:
    """Fail, each in its own way."""
    IonQGetSessionOperator(task_id="get", session_id=SESSION_ID, ionq_conn_id="ionq_refused")
    IonQSessionSensor(task_id="poke", session_id=SESSION_ID, status="started", ionq_conn_id="ionq_refused")
    IonQSessionSensor(
        task_id="deferrable", session_id=SESSION_ID, status="started", ionq_conn_id="ionq_refused", deferrable=True
    )
    IonQSessionSensor(
        task_id="soft", session_id=SESSION_ID, status="started", ionq_conn_id="ionq_refused", soft_fail=True
    )


refused()
