"""Create a session when the device has capacity, and leave it open."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator

with DAG("queue_for_capacity", schedule=None, max_active_runs=64, max_active_tasks=64):
    IonQCreateSessionOperator(
        task_id="create",
        backend="qpu.forte-enterprise-1",
        duration_limit_min=60,
        poke_interval=10,
        timeout=timedelta(minutes=30),
    )
