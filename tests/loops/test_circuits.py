"""The circuits of a loop: of each library, one or several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.circuits.layout import CircuitLayout
from airflow_provider_ionq.exceptions import IonQFailException
from tests.loops.runs import LoopTask

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator


def _native() -> Any:
    qiskit: Any = pytest.importorskip("qiskit")
    circuit = qiskit.QuantumCircuit(2)
    circuit.append(pytest.importorskip("qiskit_ionq").GPIGate(0), [1])
    circuit.measure_all()
    return circuit


def test_circuits_of_a_library_are_converted_as_the_gateset_says(ionq_emulator: Emulator) -> None:
    circuit = _native()
    task = LoopTask(ionq_emulator, lambda jobs: [jobs.run(circuit), jobs.run([circuit])], gateset="native", shots=10)
    one, (several,) = task.try_once().value
    assert one["counts"] == several["counts"] == {"10": 10}
    assert one["source"] == "qiskit"


def test_circuit_that_ionq_cannot_run_fails_the_task_by_name(ionq_emulator: Emulator) -> None:
    circuit = _native()
    ending = LoopTask(ionq_emulator, lambda jobs: jobs.run([circuit])).try_once()
    assert isinstance(ending.error, IonQFailException)
    assert "run 1 of the loop: circuits[0]: circuit" in ending.message
    assert "gateset='native'" in ending.message
    assert ionq_emulator.jobs() == []


def test_circuit_whose_registers_are_not_measured_is_refused_before_its_job(ionq_emulator: Emulator) -> None:
    layout = CircuitLayout(1, (("c", (0, 0)),), "qiskit", mid_circuit=True)
    program = {"qasm": "OPENQASM 3.0;\nqubit[1] q;\n", "layout": layout.as_json()}
    ending = LoopTask(ionq_emulator, lambda jobs: jobs.run(program), backend="simulator").try_once()
    assert isinstance(ending.error, IonQFailException)
    assert "used after its measurement" in ending.message
    assert ionq_emulator.jobs() == []
