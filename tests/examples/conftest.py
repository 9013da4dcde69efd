"""An Airflow database, and a DAG folder with the example DAGs."""

from __future__ import annotations

import shutil

import pytest

from tests.examples.dag_runs import EXAMPLES, dags_folder


@pytest.fixture(scope="session", autouse=True)
def _airflow_with_the_examples() -> None:
    from airflow.utils.db import initdb

    initdb()
    dags_folder().mkdir(parents=True, exist_ok=True)
    for path in EXAMPLES:
        shutil.copy(path, dags_folder())
