"""Session groups for tests: created in a DAG, and read as Airflow reads them after it has parsed a DAG file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DAG, task

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2, without that provider
    from airflow.operators.bash import BashOperator  # type: ignore[import-not-found,no-redef]

from airflow_provider_ionq.task_groups.session import ionq_session

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ionq.task_groups.group import IonQSessionGroup

__all__ = ["BashOperator", "dag", "import_error", "parsed", "session", "work"]


def session(group_id: str = "bell", **arguments: Any) -> IonQSessionGroup:
    """Return a session group."""
    return ionq_session(group_id, **{"backend": "qpu.forte-1", "duration_limit_min": 60, **arguments})


def dag(**arguments: Any) -> DAG:
    """Return a DAG."""
    return DAG("dag", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), **arguments)


@task
def work(*_: Any, **__: Any) -> None:
    """Stand for work."""


def parsed(d: DAG) -> DAG:
    """Do with a DAG what Airflow does with it when it has parsed the file."""
    d.validate()
    d.resolve_template_files()
    d.task_group.topological_sort()
    return d


def import_error(folder: Path, code: str) -> str | None:
    """Return the import error that Airflow shows for a DAG file; None if it takes the file."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # before Airflow 3.2
        from airflow.models.dagbag import DagBag  # type: ignore[attr-defined,no-redef,unused-ignore]
    (folder / "file.py").write_text(code)
    errors = DagBag(str(folder)).import_errors
    return next(iter(errors.values()), None)
