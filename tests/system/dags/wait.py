"""One DAG for each mode and pace of waiting; the conf of the run names the session and the connection."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_ionq.sensors.session import IonQSessionSensor
from tests.system.modes import MODES, PACES

for name, mode in MODES.items():
    for rhythm, pace in PACES.items():
        with DAG(dag_id=f"wait_{name}_{rhythm}", schedule=None, max_active_runs=100):
            IonQSessionSensor(
                task_id="wait",
                session_id="{{ dag_run.conf['session_id'] }}",
                ionq_conn_id="{{ dag_run.conf['ionq_conn_id'] }}",
                status="started",
                poke_interval=pace.poke_interval,
                timeout=pace.timeout,
                retries=3,
                retry_delay=timedelta(seconds=1),
                **mode.arguments,
            )
