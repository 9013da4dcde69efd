"""What results leave in Airflow's database, in a real run of a DAG."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from airflow_provider_ionq.utils.result_store import MAX_XCOM_BYTES
from tests.waiting.test_time_out import run_dag

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ionq.emulator import Emulator

__all__ = ["ionq_emulator"]

pytestmark = pytest.mark.one_airflow

DAG_FILE = """
import datetime
from airflow.providers.common.compat.sdk import DAG, task
from airflow_provider_ionq.operators.job import IonQRunJobOperator
from airflow_provider_ionq.operators.results import IonQGetResultsOperator, load_results

QUBITS, SHOTS = {qubits}, {shots}

with DAG({name!r}, schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as dag:
    run = IonQRunJobOperator(
        task_id="run",
        backend="qpu.forte-1",
        circuit=[{{"gate": "h", "target": target}} for target in range(QUBITS)],
        shots=SHOTS,
        results=["probabilities", "counts"],
        results_path={folder!r},
        deferrable=False,
        poke_interval=0.05,
    )
    get = IonQGetResultsOperator(
        task_id="get", job_id=run.output["id"], results="counts", results_path={folder!r} + "/get"
    )

    @task
    def check(job_results, whole, counts):
        for value in (job_results, whole, counts):
            (circuit,) = load_results(value)["circuits"]
            assert sum(circuit["counts"].values()) == SHOTS
        return len(circuit["counts"])

    check(run.output["job_results"], run.output, get.output)
"""


@pytest.mark.parametrize(
    ("qubits", "shots", "is_stored"), [(2, 100, False), (16, 1_000_000, True)], ids=["small", "large"]
)
def test_database_grows_by_no_more_than_the_limit(
    ionq_emulator: Emulator, tmp_path: Path, qubits: int, shots: int, is_stored: bool
) -> None:
    name = f"sizes_{qubits}"
    states = run_dag(name, DAG_FILE.format(name=name, qubits=qubits, shots=shots, folder=str(tmp_path)))
    assert set(states.values()) == {"success"}, states
    rows = xcoms_of(name)
    assert len(rows) > 10
    assert sum(rows.values()) <= MAX_XCOM_BYTES, rows
    assert (tmp_path / "get").is_dir() is is_stored
    stored = list(tmp_path.glob("*.json"))
    assert bool(stored) is is_stored
    if is_stored:
        assert len(json.loads(stored[0].read_bytes())["circuits"][0]["counts"]) > 60_000


def xcoms_of(dag_id: str) -> dict[tuple[str, str], int]:
    """Return the size of each XCom of a DAG in the database, in bytes, by task and key."""
    from airflow.models.xcom import XCom
    from airflow.utils.session import create_session

    xcom: Any = XCom
    if AIRFLOW_V_3_0_PLUS:
        from airflow.models.xcom import XComModel

        xcom = XComModel
    with create_session() as session:
        rows = session.query(xcom).filter(xcom.dag_id == dag_id).all()
        return {(row.task_id, row.key): size_of(row.value) for row in rows}


def size_of(value: Any) -> int:
    """Return the size of a column of text, bytes or JSON."""
    return len(value) if isinstance(value, (str, bytes)) else len(json.dumps(value))
