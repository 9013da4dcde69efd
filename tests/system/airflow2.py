"""A real Airflow 2. Its API would need a web server and a login, so tests read its database and run its commands."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.system import logs
from tests.system.stack import PARSED_WITHIN_SECONDS, AirflowStack, TaskInstance

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK_FAILED = """
import sys
from airflow.api.common.mark_tasks import set_dag_run_state_to_failed
from airflow.models import DagBag
dag_id, run_id = sys.argv[1:]
dag = DagBag(read_dags_from_db=True).get_dag(dag_id)
assert set_dag_run_state_to_failed(dag=dag, run_id=run_id, commit=True)
"""
HEARD_OF_WITHIN = timedelta(seconds=30)


class Airflow2Stack(AirflowStack):
    """
    Run an Airflow 2 with a LocalExecutor for as long as the context is open.

    Its scheduler parses the DAG files. There is no API server, and so no `api`, and no XCom that it would give.
    """

    commands: Mapping[str, tuple[str, ...]] = {
        "scheduler": ("scheduler", "--skip-serve-logs"),
        "triggerer": ("triggerer", "--skip-serve-logs"),
    }

    def _log_in(self) -> None:
        """Do nothing: there is nobody to log in to."""

    def is_healthy(self) -> bool:
        """Tell whether scheduler and triggerer have reported lately that they run."""
        running = "SELECT job_type FROM job WHERE state = 'running' AND latest_heartbeat > now() - :within"
        jobs = {row["job_type"] for row in self.query(running, within=HEARD_OF_WITHIN)}
        return jobs >= {"SchedulerJob", "TriggererJob"}

    def trigger_dag(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run and return its id, as on Airflow 3."""
        parsed = "SELECT 1 FROM dag JOIN serialized_dag USING (dag_id) WHERE dag_id = :dag AND NOT is_paused"
        self.wait_until(
            lambda: bool(self.query(parsed, dag=dag_id)),
            PARSED_WITHIN_SECONDS,
            f"DAG {dag_id} to be parsed",
            lambda: f"{self.query('SELECT * FROM import_error')}\n{logs.of_components(self)}",
        )
        run_id = f"test__{dag_id}__{self.query('SELECT count(*) AS n FROM dag_run')[0]['n']}"
        self.run_command("dags", "trigger", "--run-id", run_id, "--conf", json.dumps(conf or {}), dag_id)
        return run_id

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return a run's state."""
        rows = self.query("SELECT state FROM dag_run WHERE dag_id = :dag AND run_id = :run", dag=dag_id, run=run_id)
        return str(rows[0]["state"])

    def connect(self, connection_id: str, connection: dict[str, Any]) -> None:
        """Add an Airflow connection, as on Airflow 3."""
        self.run_command("connections", "add", connection_id, "--conn-json", json.dumps(connection))

    def mark_run(self, dag_id: str, run_id: str, state: str = "failed") -> None:
        """Mark a run as failed, as the UI does; no command of Airflow 2 does it."""
        self.run_python("-c", MARK_FAILED, dag_id, run_id)

    def clear_failed(self, dag_id: str, run_id: str) -> None:
        """Have the failed tasks of the DAG's only run, and those that could not run because of them, run again."""
        self.run_command("tasks", "clear", "--yes", "--only-failed", dag_id)

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Return a run's task instances."""
        rows = self.query(
            "SELECT task_id, map_index, state, try_number, start_date, end_date FROM task_instance"
            " WHERE dag_id = :dag AND run_id = :run",
            dag=dag_id,
            run=run_id,
        )
        dates = ("start_date", "end_date")
        return [TaskInstance(**row | {name: row[name] and row[name].isoformat() for name in dates}) for row in rows]
