"""
Circuits as IonQ's JSON: the gates that exist, and the size of a circuit.

Pure: no I/O, no Airflow. A circuit is refused only if the API would certainly refuse it; unknown fields are sent
unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_ionq.api.arguments import is_absent, json_of, number_of, refuse_none_as_text, whole_of
from airflow_provider_ionq.api.json_text import is_number, json_text
from airflow_provider_ionq.circuits.openqasm import openqasm3_of

GATES = {
    "qis": frozenset("x y z rx ry rz h s si v vi t ti not cnot swap xx yy zz pauliexp".split()),
    "native": frozenset({"gpi", "gpi2", "ms", "zz", "nop"}),
}
"""The gates of each gate set: https://docs.ionq.com/api-reference/v0.4/writing-quantum-programs."""

_ON_TWO_QUBITS = frozenset({"swap", "xx", "yy", "zz", "ms"})
_NOT_COUNTED = frozenset({"nop"})
_WITHOUT_A_SIZE = frozenset({"pauliexp"})
_ANGLES = ("rotation", "phase", "angle", "time")
MOST_QUBITS = 2**31 - 1

SINGLE, MULTIPLE, QASM = "ionq.circuit.v1", "ionq.multi-circuit.v1", "ionq.qasm3.v1"
"""The types of jobs."""

MOST_CIRCUITS = 5_000
MOST_GATES = 150_000
"""Of all circuits of a multi-circuit job."""


@dataclass(frozen=True, slots=True)
class CircuitSize:
    """
    The size of a circuit.

    :param qubits: number of qubits.
    :param gates: number of gates.
    :param gates_1q: number of gates on one qubit; None if a gate is on more than two, or cannot be counted.
    :param gates_2q: number of gates on two qubits, controls included; None like `gates_1q`.
    """

    qubits: int
    gates: int
    gates_1q: int | None
    gates_2q: int | None


def circuit_of(
    name: str, value: object, *, gateset: str | None, qubits: int | None
) -> tuple[dict[str, Any], CircuitSize]:
    """
    Return a circuit as an object with its gates, gate set and number of qubits; and its size.

    :param name: name of the circuit, for errors: `circuit` or `circuits[2]`.
    :param value: its list of gates, or an object with it as `circuit`, and optionally `gateset`, `qubits` and others;
        or the text of either as JSON.
    :param gateset: `qis` or `native`; None for that of the object, else `qis`.
    :param qubits: number of qubits; None for that of the object, else the number that the gates use.
    :raises ValueError: naming the circuit, the gate and the problem.
    """
    value = json_of(name, value)
    circuit: dict[str, Any] = dict(value) if isinstance(value, Mapping) else {"circuit": value}
    gates = circuit.get("circuit")
    if isinstance(gates, str) or not isinstance(gates, Sequence):
        from airflow_provider_ionq.circuits.program import library_of

        if (library := library_of(value)) is not None:
            raise ValueError(
                f"{name} is an object of {library.title()}, not IonQ's JSON: convert it with to_ionq_program of"
                " airflow_provider_ionq.circuits.program, or return it from a function with @task.ionq_job"
            )
        wanted = "a list of gates, or an object with the list as `circuit`"
        raise ValueError(f"{name} must be {wanted}, not {json_text(value)}")
    circuit["circuit"] = [_with_numbers(f"{name}[{index}]", gate) for index, gate in enumerate(gates)]
    circuit["gateset"] = _gateset(name, circuit.get("gateset"), gateset)
    counted = _count(name, circuit["circuit"], circuit["gateset"])
    own = whole_of(f"qubits of {name}", circuit.get("qubits"), "a whole number from 1", MOST_QUBITS)
    if own is not None and qubits is not None and own != qubits:
        raise ValueError(f"qubits is {qubits}, but {name} has qubits {own}: give one of them")
    circuit["qubits"] = own or qubits or counted.qubits
    if counted.qubits > circuit["qubits"]:
        raise ValueError(f"{name} uses qubit {counted.qubits - 1}, but has {circuit['qubits']} qubits, counted from 0")
    if circuit["qubits"] < 1:
        raise ValueError(f"{name} has no gates: give the number of its qubits")
    return circuit, CircuitSize(circuit["qubits"], counted.gates, counted.gates_1q, counted.gates_2q)


def source_of(
    circuit: object, circuits: object, qasm: object, gateset: str | None, qubits: int | None
) -> tuple[str, dict[str, Any], tuple[CircuitSize, ...] | None]:
    """
    Return the type and input of a job, and the size of each circuit, from the one source that is given.

    :param circuit: one circuit; see :func:`circuit_of`.
    :param circuits: a list of circuits, or an object with it as `circuits`; or the text of either as JSON.
    :param qasm: an OpenQASM 3 program.
    :param gateset: gate set of the circuits that do not name their own; None for `qis`.
    :param qubits: number of qubits of the circuits that do not give their own; None to count them.
    :return: no sizes for OpenQASM, which is not parsed.
    :raises ValueError: naming the argument and the problem.
    """
    sources = {"circuit": circuit, "circuits": circuits, "qasm": qasm}
    given = [name for name, value in sources.items() if not is_absent(value)]
    if len(given) != 1:
        raise ValueError(
            f"exactly one of circuit, circuits and qasm must be given, not {' and '.join(given) or 'none'}"
        )
    refuse_none_as_text(given[0], sources[given[0]], "Give a circuit.")
    if given == ["qasm"]:
        return QASM, {"data": _qasm(qasm, gateset, qubits)}, None
    if given == ["circuit"]:
        single, size = circuit_of("circuit", circuit, gateset=gateset, qubits=qubits)
        return SINGLE, single, (size,)
    several = json_of("circuits", circuits)
    if isinstance(several, Mapping) and "circuits" in several:
        gateset = several.get("gateset", gateset)
        qubits = whole_of("qubits of circuits", several.get("qubits"), "a whole number from 1", MOST_QUBITS) or qubits
        several = several["circuits"]
    if isinstance(several, str) or not isinstance(several, Sequence) or not several:
        raise ValueError(f"circuits must be a list of circuits, not {json_text(several)}")
    if len(several) > MOST_CIRCUITS:
        raise ValueError(f"circuits has {len(several)} circuits; a job has at most {MOST_CIRCUITS}")
    pairs = [_one_of_several(index, one, gateset, qubits) for index, one in enumerate(several)]
    sizes = tuple(size for _, size in pairs)
    if (gates := sum(size.gates for size in sizes)) > MOST_GATES:
        raise ValueError(f"circuits has {gates} gates; a job has at most {MOST_GATES}")
    common = {"gateset": pairs[0][0]["gateset"], "qubits": max(size.qubits for size in sizes)}
    return MULTIPLE, common | {"circuits": [one for one, _ in pairs]}, sizes


def _one_of_several(
    index: int, circuit: object, gateset: str | None, qubits: int | None
) -> tuple[dict[str, Any], CircuitSize]:
    """Return a circuit of a job with several: its own gate set and number of qubits take precedence."""
    circuit = json_of(f"circuits[{index}]", circuit)
    own = circuit if isinstance(circuit, Mapping) else {}
    return circuit_of(
        f"circuits[{index}]",
        circuit,
        gateset=None if own.get("gateset") is not None else gateset,
        qubits=None if own.get("qubits") is not None else qubits,
    )


def _qasm(qasm: object, gateset: str | None, qubits: int | None) -> str:
    for name, value in {"gateset": gateset, "qubits": qubits}.items():
        if value is not None:
            raise ValueError(f"{name} cannot be given with qasm, which declares its own qubits and gates")
    return openqasm3_of("qasm", qasm)


def _gateset(name: str, own: object, given: str | None) -> str:
    if own is not None and given is not None and own != given:
        raise ValueError(f"gateset is {given!r}, but {name} has the gateset {json_text(own)}: give one of them")
    gateset = own if own is not None else given if given is not None else "qis"
    if not isinstance(gateset, str) or gateset not in GATES:
        raise ValueError(f"gateset must be 'qis' or 'native', not {json_text(gateset)}")
    return gateset


def _count(name: str, gates: Sequence[object], gateset: str) -> CircuitSize:
    """Check all gates; return the size, with the number of qubits that the gates use."""
    used, on_one, on_two, countable = 0, 0, 0, True
    for index, gate in enumerate(gates):
        where = f"{name}[{index}]"
        kind = _kind(where, gate, gateset)
        targets, controls = _qubits(where, gate, "target"), _qubits(where, gate, "control")
        _check_qubits(where, kind, targets, controls)
        used = max([used, *(qubit + 1 for qubit in targets + controls)])
        if kind in _NOT_COUNTED:
            continue
        wanted = 2 if kind in _ON_TWO_QUBITS else 1
        if kind in _WITHOUT_A_SIZE or len(targets) != wanted or len(targets + controls) > 2:
            countable = False
        elif len(targets + controls) == 1:
            on_one += 1
        else:
            on_two += 1
    return CircuitSize(used, len(gates), on_one if countable else None, on_two if countable else None)


def _with_numbers(where: str, gate: object) -> object:
    """Return a gate with its angles as numbers: a template renders them to text."""
    if not isinstance(gate, Mapping) or not any(_is_to_convert(gate.get(angle)) for angle in _ANGLES):
        return gate
    return dict(gate) | {
        angle: number_of(f"{angle} of {where}", gate[angle], "a number") for angle in _ANGLES if angle in gate
    }


def _is_to_convert(angle: object) -> bool:
    return isinstance(angle, str) or (isinstance(angle, float) and not math.isfinite(angle))


def _kind(where: str, gate: object, gateset: str) -> str:
    kind = gate.get("gate") if isinstance(gate, Mapping) else None
    if not isinstance(kind, str):
        raise ValueError(f'{where} must be a gate, such as {{"gate": "h", "target": 0}}, not {json_text(gate)}')
    if kind in GATES[gateset]:
        return kind
    other = next((name for name in GATES if kind in GATES[name]), None)
    if other is not None:
        raise ValueError(
            f"{where} is the gate {kind!r} of the gate set {other!r}, but the gateset is {gateset!r}: one circuit has"
            " gates of one set"
        )
    known = ", ".join(sorted(GATES[gateset]))
    raise ValueError(f"{where} is the gate {json_text(kind)}, which does not exist; the gates are {known}")


def _qubits(where: str, gate: Any, role: str) -> list[int]:
    """Return the targets or controls of a gate, given as `target`, as `targets`, or as both."""
    one, several = gate.get(role), gate.get(f"{role}s")
    if several is not None and (isinstance(several, str) or not isinstance(several, Sequence)):
        raise ValueError(f"{where} has the {role}s {json_text(several)}, which are not a list of qubits")
    qubits = [*([] if one is None else [one]), *([] if several is None else several)]
    for qubit in qubits:
        if not is_number(qubit) or qubit < 0 or qubit != int(qubit):
            raise ValueError(f"{where} has the {role} {json_text(qubit)}, which is not a qubit: whole numbers from 0")
    return [int(qubit) for qubit in qubits]


def _check_qubits(where: str, kind: str, targets: list[int], controls: list[int]) -> None:
    if not targets and kind not in _NOT_COUNTED:
        raise ValueError(f"{where} is the gate {kind!r} without a target")
    if kind in _ON_TWO_QUBITS and len(targets) != 2:
        raise ValueError(f"{where} is the gate {kind!r}, which has two targets, not {len(targets)}")
    if kind == "cnot" and not controls:
        raise ValueError(f"{where} is the gate 'cnot' without a control")
    if len(set(targets + controls)) != len(targets + controls):
        raise ValueError(f"{where} is the gate {kind!r}, which names one qubit twice")
