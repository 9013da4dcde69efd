"""
The properties of a circuit that are known without running it: qubits, gates and errors. No I/O and no lock.

Nothing is compiled: a gate on one qubit counts as a one-qubit gate, and one on n qubits as n - 1 two-qubit gates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.account_data import BACKENDS, shots_of
from airflow_provider_ionq.emulator.failure import Failure
from airflow_provider_ionq.emulator.gates import controls_of, problem_in, targets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_DEBIASING_SHOTS = 500


@dataclass(frozen=True)
class Circuit:
    """
    The size of one circuit.

    :param qubits: number of qubits.
    :param gates_1q: number of gates on one qubit.
    :param gates_2q: number of two-qubit gates.
    :param problem: what makes the circuit impossible on any device; None for a possible circuit.
    """

    qubits: int
    gates_1q: int = 0
    gates_2q: int = 0
    problem: Failure | None = None


def circuits_of(payload: Mapping[str, Any]) -> list[Circuit]:
    """
    Return the circuits of a job; none for a job of another kind.

    :param payload: the valid body of ``POST /jobs``.
    """
    value = payload["input"]
    if payload["type"] == "ionq.circuit.v1":
        return [_circuit(value["circuit"], value["gateset"], value.get("qubits"))]
    if payload["type"] == "ionq.qasm3.v1":
        return [_program(value["data"])]
    return [circuit for part in parts_of(payload) for circuit in circuits_of(part)]


def has_one_circuit(payload: Mapping[str, Any]) -> bool:
    """Return whether a job consists of one circuit."""
    return payload["type"] in ("ionq.circuit.v1", "ionq.qasm3.v1")


def parts_of(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """
    Return the bodies of the jobs of single circuits of which a job consists; none for a job of another kind.

    :param payload: the valid body of ``POST /jobs``.
    """
    if payload["type"] != "ionq.multi-circuit.v1":
        return []
    value = payload["input"]
    own = ("gateset", "qubits", "circuit", "registers")
    shared = {name: value[name] for name in ("gateset", "qubits") if name in value}
    return [
        {
            **payload,
            "type": "ionq.circuit.v1",
            "name": one.get("name"),
            "metadata": None,
            "input": shared | {name: one[name] for name in own if name in one},
        }
        for one in value["circuits"]
    ]


def mitigates(settings: Mapping[str, Any] | None) -> bool:
    """Return whether the settings of a job ask for error mitigation."""
    return bool(((settings or {}).get("error_mitigation") or {}).get("debiasing"))


def stats_of(circuits: Sequence[Circuit]) -> dict[str, Any]:
    """Return the sizes of circuits as a job shows them."""
    if not circuits:
        return {}
    return {
        "qubits": max(circuit.qubits for circuit in circuits),
        "circuits": len(circuits),
        "gate_counts": {
            "1q": sum(circuit.gates_1q for circuit in circuits),
            "2q": sum(circuit.gates_2q for circuit in circuits),
        },
    }


def refusal_of(payload: Mapping[str, Any], circuits: Sequence[Circuit]) -> Failure | None:
    """Return why a valid job fails when it is checked; None for a possible job."""
    backend = payload["backend"]
    available = BACKENDS[backend]["qubits"]
    needed = max((circuit.qubits for circuit in circuits), default=0)
    problems = [circuit.problem for circuit in circuits if circuit.problem]
    if problems:
        return problems[0]
    if payload["type"] == "ionq.multi-circuit.v1" and not circuits:
        return Failure("InvalidInput", "The job has no circuits.")
    if needed > available:
        return Failure("NotEnoughQubits", f"The job needs {needed} qubits, but {backend} has {available}.")
    if mitigates(payload.get("settings")) and shots_of(payload) < _DEBIASING_SHOTS:
        return Failure("DebiasingError", f"Debiasing needs at least {_DEBIASING_SHOTS} shots.")
    return None


def compiled(circuit: Circuit, factor: float) -> Circuit:
    """Return a circuit with its numbers of gates multiplied by a factor."""
    return replace(circuit, gates_1q=round(circuit.gates_1q * factor), gates_2q=round(circuit.gates_2q * factor))


def _circuit(gates: Iterable[Mapping[str, Any]], gateset: str, declared: int | None) -> Circuit:
    gates_1q = gates_2q = largest = 0
    problem = None
    for index, gate in enumerate(gates):
        targets, controls = targets_of(gate), controls_of(gate)
        if found := problem_in(gate, gateset, targets, controls):
            problem = problem or Failure(found.code, f"Gate {index} is impossible: {found.message}.")
        elif gate["gate"] != "nop":
            touched = targets + controls
            largest = max(largest, *touched)
            gates_1q += len(touched) == 1
            gates_2q += len(touched) - 1
    if declared is not None and largest >= declared:
        message = f"Qubit {largest} is used, but the circuit has {declared} qubits."
        problem = problem or Failure("InvalidInput", message)
    return Circuit(declared or largest + 1, gates_1q, gates_2q, problem=problem)


def _program(text: str) -> Circuit:
    # Loaded here: the parser takes a quarter of a second, and most jobs need none.
    from airflow_provider_ionq.emulator.openqasm import program_of

    program = program_of(text)
    return Circuit(max(program.qubits, 1), program.gates_1q, program.gates_2q, problem=program.problem)
