"""An Airflow database, and a DAG folder with the example DAGs."""

from __future__ import annotations

import shutil

import pytest

from airflow_provider_ionq.task_groups import end
from tests.examples.dag_runs import EXAMPLES, dags_folder


@pytest.fixture(scope="session", autouse=True)
def _airflow_with_the_examples() -> None:
    from airflow.utils.db import initdb

    initdb()
    dags_folder().mkdir(parents=True, exist_ok=True)
    for path in EXAMPLES:
        shutil.copy(path, dags_folder())


@pytest.fixture(autouse=True)
def _stopped_tasks_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the end of a session not wait for the end of a stopped task: here it has ended."""
    monkeypatch.setattr(end, "STOPPING_SECONDS", 0.0)
