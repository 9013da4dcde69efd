"""The table of bit orders in the documentation is what the libraries and IonQ's own JSON give."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.circuits.program import to_ionq_program
from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from airflow_provider_ionq.hooks.ionq import IonQHook
from tests.support.pages import ROOT

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

__all__ = ["ionq_emulator"]

pytestmark = pytest.mark.one_airflow

ROW = re.compile(r"^\| ((?:IonQ's JSON|Qiskit|Cirq|OpenQASM): .*) \| `([01 ]+)` \| `([\w-]+)` \|$", re.M)
ROWS = ROW.findall((ROOT / "docs" / "results.md").read_text())


def ionq() -> Any:
    return {"qubits": 3, "circuit": [{"gate": "x", "target": 0}]}


def openqasm() -> Any:
    return to_ionq_program('OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; bit[3] c; x q[0]; c = measure q;')


def qiskit(*registers: tuple[str, int], into: tuple[int, ...] = ()) -> Any:
    library = pytest.importorskip("qiskit")
    pytest.importorskip("qiskit_ionq")
    classical = [library.ClassicalRegister(size, name) for name, size in registers]
    circuit = library.QuantumCircuit(library.QuantumRegister(3), *classical)
    circuit.x(0)
    if into:
        circuit.measure([0, 1, 2], list(into))
    else:
        circuit.measure_all()
    return to_ionq_program(circuit)


def cirq(**keys: tuple[int, ...]) -> Any:
    library = pytest.importorskip("cirq")
    pytest.importorskip("cirq_ionq")
    qubits = library.LineQubit.range(3)
    measured = [library.measure(*(qubits[index] for index in indexes), key=key) for key, indexes in keys.items()]
    return to_ionq_program(library.Circuit(library.X(qubits[0]), library.Moment(measured)))


PROGRAMS = [
    ionq,
    qiskit,
    lambda: qiskit(("c", 3), into=(2, 1, 0)),
    lambda: qiskit(("a", 2), ("b", 1), into=(0, 1, 2)),
    lambda: cirq(m=(0, 1, 2)),
    lambda: cirq(a=(0, 1), b=(2,)),
    openqasm,
]


@pytest.mark.parametrize(
    ("row", "program"), list(zip(ROWS, PROGRAMS, strict=True)), ids=[row[0].split(":")[0] for row in ROWS]
)
def test_every_row_is_the_result_of_its_circuit(
    ionq_emulator: Emulator, row: tuple[str, str, str], program: Any
) -> None:
    ionq_emulator.job_seconds = 0
    hook = IonQHook()
    job = hook.run_job("simulator", circuit=program(), shots=100)
    (result,) = hook.get_results(job)["circuits"]
    assert (result["probabilities"], result["bit_order"]) == ({row[1]: 1.0}, row[2])
