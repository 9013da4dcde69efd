"""The environment variables of a temporary Airflow: on the loopback interface, isolated, and with short intervals."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from tests.system.processes import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path


def airflow_environment(
    home: Path, *, api_url: str, database_url: str, dags: Path, task_logs: Path, parallelism: int
) -> dict[str, str]:
    """
    Return the caller's environment with all that begins with AIRFLOW replaced.

    :param home: the AIRFLOW_HOME.
    :param api_url: root of the API server, with its port.
    :param database_url: SQLAlchemy URL of the metadata database.
    :param dags: folder of the DAG files.
    :param task_logs: folder of the tasks' logs.
    :param parallelism: worker slots of the executor.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": api_url,
        "AIRFLOW__API__ENABLE_XCOM_DESERIALIZE_SUPPORT": "True",
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": api_url.rpartition(":")[2],
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{api_url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": str(parallelism),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(task_logs),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        # A worker that was killed together with the process that watches its task is missed after this.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
        "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "2",
        # A triggerer that was killed is missed after this, and another takes its triggers.
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "8",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        # The supervisor of a task may notice its end as late as this. If the task was deferred or rescheduled and
        # is back by then, the scheduler takes the news for the end of the new process, and has it retried.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        # As long a time without the API server as with the interval of 5 s and the 3 heartbeats that are the default.
        "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "15",
        "NO_PROXY": LOOPBACK,
        "PYTHONUNBUFFERED": "1",
        "no_proxy": LOOPBACK,
    }
