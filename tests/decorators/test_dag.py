"""`@task.ionq_job` in a DAG file: arguments of other tasks and templates, mapped, in a session; the cost of parsing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import task

from airflow_provider_ionq.emulator import Step
from tests.waiting.test_time_out import run_dag

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_ionq.emulator import Emulator

DAG_FILE = """
import datetime
from airflow.providers.common.compat.sdk import DAG, task
from airflow_provider_ionq.task_groups.session import ionq_session

with DAG(
    "circuits",
    schedule=None,
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    params={"shots": 300},
    default_args={"poke_interval": 0.05},
) as dag:

    @task
    def qubits():
        return [0, 2]

    @task.ionq_job(backend="simulator", shots="{{ params.shots }}", deferrable=DEFERRABLE)
    def flipped(qubit, note, run_id=None):
        assert run_id, "the context is there"
        assert note == "d.json circuits", note
        return {"circuit": [{"gate": "x", "target": qubit}], "qubits": 3}

    @task.ionq_job(backend="qpu.forte-1", shots=100, multiple_outputs=True, deferrable=DEFERRABLE)
    def in_session(qubit):
        return {"circuit": [{"gate": "x", "target": qubit}], "qubits": 3}

    @task
    def check(of_each, single, counts):
        of_each = list(of_each)
        assert [one["counts"] for one in of_each] == [{"001": 300}, {"100": 300}], of_each
        assert single["counts"] == {"010": 100} == counts, (single, counts)

    numbers = qubits()
    note = "{{ 'd.json' }} {{ dag.dag_id }}"
    of_each = flipped.override(task_id="of_each").partial(note=note).expand(qubit=numbers)
    with ionq_session("session", backend="qpu.forte-1", duration_limit_min=60):
        single = in_session(1)
    check(of_each, single, single["counts"])
"""


@pytest.mark.parametrize("deferrable", [False, True])
def test_run_takes_arguments_and_hands_results_on(ionq_emulator: Emulator, deferrable: bool) -> None:
    ionq_emulator.job_plan = [Step("completed", after_reads=2)]
    states = run_dag("circuits", DAG_FILE.replace("DEFERRABLE", str(deferrable)))
    assert set(states.values()) == {"success"}, states
    assert {index for name, index in states if name == "of_each"} == {0, 1}
    of_session = [job for job in ionq_emulator.jobs() if job["session_id"]]
    assert [job["backend"] for job in of_session] == ["qpu.forte-1"]
    assert len(ionq_emulator.jobs()) == 3


def test_airflow_knows_the_decorator() -> None:
    assert task.ionq_job


PARSE = """
import gc, json, sys, time
from datetime import UTC, datetime
gc.disable()
from airflow.providers.common.compat.sdk import DAG, BaseOperator, task
with DAG("other", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
    @task.bash
    def other():
        return "true"
    other()
getattr(task, "no_such_decorator", None)  # Airflow reads the metadata of all providers
before, began = set(sys.modules), time.process_time()
with DAG("circuits", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
    @task.ionq_job(backend="simulator", shots=100)
    def bell():
        from qiskit import QuantumCircuit
        return QuantumCircuit(2)
    bell()
seconds = time.process_time() - began
print("PARSED" + json.dumps({"seconds": seconds, "modules": sorted(set(sys.modules) - before)}))
"""


def parse(bytecode: Path) -> dict[str, Any]:
    """Parse a DAG file in a new process that finds the compiled bytecode, from the second call on."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run([sys.executable, "-c", PARSE], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout.split("PARSED")[1])
    return parsed


@pytest.mark.one_airflow
def test_parsing_loads_no_library_of_circuits_and_takes_30_ms_at_most(tmp_path: Path) -> None:
    loaded = {name.partition(".")[0] for name in parse(tmp_path)["modules"]}
    assert "airflow_provider_ionq" in loaded
    heavy = {"qiskit", "qiskit_ionq", "cirq", "cirq_ionq", "numpy", "scipy", "sympy", "matplotlib", "ionq_core"}
    assert not heavy & loaded
    assert not {"requests", "urllib3", "httpx", "aiohttp"} & loaded
    # CPU time, and the best of up to five, because other processes share the caches of the processor.
    assert any(parse(tmp_path)["seconds"] < 0.030 for _ in range(5))
