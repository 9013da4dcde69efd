"""A session whose first request the API rejects; every supported Airflow version can parse this file."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ionq.task_groups.session import ionq_session


@task(retries=0)
def work(session_id: str) -> None:
    """Take the id."""


with (
    DAG("refused_once", schedule=None),
    ionq_session("bell", backend="qpu.forte-1", duration_limit_min=60, ionq_conn_id="ionq_refusing") as session,
):
    work(session.session_id)
