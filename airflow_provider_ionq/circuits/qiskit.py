"""Convert Qiskit's circuits. Needs the extra `qiskit`: only the module `program` imports it."""

from __future__ import annotations

import re
from typing import Any, Literal

from qiskit import QuantumCircuit, QuantumRegister, qasm3
from qiskit.circuit import ControlFlowOp
from qiskit_ionq.exceptions import IonQGateError, IonQPauliExponentialError
from qiskit_ionq.helpers import circuit_requires_qasm3, qiskit_circ_to_ionq_circ

from airflow_provider_ionq.circuits.layout import CircuitLayout

ALL_QUBITS = "output_all"
"""The register with all qubits that IonQ adds to the results of an OpenQASM program."""

_NOT_GATES = frozenset({"measure", "reset", "barrier", "global_phase"})
_CLASSICAL = frozenset({"store"})
_NATIVE_GATES = frozenset({"gpi", "gpi2", "ms", "zz"})
_EXPONENTIAL = "PauliEvolution"
_KNOWN_MODULES = (
    *("qiskit.circuit.library", "qiskit.circuit.measure", "qiskit.circuit.reset", "qiskit.circuit.barrier"),
    "qiskit_ionq",
)
"""Modules of the instructions that the converter may identify by their names."""

_MOST_NAMES = 10
_TRANSPILE = "Rewrite the circuit with qiskit.transpile(circuit, basis_gates=['h', 'rx', 'ry', 'rz', 'cx'])"


def program_of(circuit: object, gateset: Literal["qis", "native"], where: str) -> dict[str, Any]:
    """
    Return a circuit as IonQ's JSON, or as OpenQASM 3 if it measures or resets a qubit before its end.

    :param circuit: a `QuantumCircuit`.
    :param gateset: `qis` or `native`.
    :param where: what the circuit is called in errors.
    :raises ValueError: naming the problem and what to do.
    """
    if not isinstance(circuit, QuantumCircuit):
        raise ValueError(f"{where} must be a QuantumCircuit of Qiskit, not a {type(circuit).__name__}")
    _check(circuit, where)
    gates = _gates(circuit, gateset, where)
    in_the_middle = circuit_requires_qasm3(circuit)
    layout = _layout(circuit, in_the_middle).as_json()
    if not in_the_middle:
        return {"gateset": gateset, "qubits": circuit.num_qubits, "circuit": gates, "layout": layout}
    if gateset == "native":
        raise ValueError(
            f"{where} measures or resets a qubit before its end, which IonQ runs as OpenQASM, but it has native gates:"
            " write it with gates of the gateset 'qis'"
        )
    return {"qasm": _qasm(circuit, where), "layout": layout}


def _check(circuit: QuantumCircuit, where: str) -> None:
    if not circuit.num_qubits:
        raise ValueError(f"{where} has no qubits")
    if unbound := [parameter.name for parameter in circuit.parameters]:
        more = f" and {len(unbound) - _MOST_NAMES} others" if len(unbound) > _MOST_NAMES else ""
        raise ValueError(
            f"{where} has parameters without a value: {', '.join(unbound[:_MOST_NAMES])}{more}. Give them one with"
            " circuit.assign_parameters(...)"
        )
    operations = [instruction.operation for instruction in circuit.data]
    for operation in operations:
        if isinstance(operation, ControlFlowOp) or operation.name in _CLASSICAL:
            raise ValueError(
                f"{where} has the instruction {operation.name!r}, but IonQ runs no branches, loops or classical"
                " computations: remove it"
            )
        if operation.name == "delay":
            raise ValueError(f"{where} has the instruction 'delay', which IonQ does not have: remove it")
    if not any(operation.name == "measure" for operation in operations):
        raise ValueError(f"{where} has no measurement: add circuit.measure_all() or circuit.measure(qubit, bit)")
    bits = [bit for register in circuit.cregs for bit in register]
    if len(bits) != circuit.num_clbits or len(set(bits)) != len(bits):
        raise ValueError(f"{where} has a classical bit that is in no register, or in two: each must be in one register")


def _gates(circuit: QuantumCircuit, gateset: Literal["qis", "native"], where: str) -> list[dict[str, Any]]:
    """Return all gates in IonQ's JSON."""
    only_gates = circuit.copy_empty_like()
    for instruction in circuit.data:
        if instruction.operation.name not in _NOT_GATES:
            only_gates.append(instruction)
    try:
        gates, _, _ = qiskit_circ_to_ionq_circ(only_gates, gateset=gateset)
    except IonQGateError as error:
        raise ValueError(f"{where} has the gate {error.gate_name!r}: {_advice(error.gate_name, gateset)}") from None
    except IonQPauliExponentialError:
        raise ValueError(
            f"{where} has the gate {_EXPONENTIAL!r} of terms that do not commute: decompose it with"
            f" circuit.decompose({_EXPONENTIAL!r})"
        ) from None
    except Exception as error:  # the converter assumes much of a gate, and checks little of it
        problem = f"{type(error).__name__}: {error}"
        raise ValueError(f"{where} cannot be converted ({problem}). {_TRANSPILE}") from error
    _check_names(circuit, where)
    return [_forward_in_time(gate) for gate in gates]


def _check_names(circuit: QuantumCircuit, where: str) -> None:
    """Check that no user-defined gate has the name of another gate: the converter identifies gates by name alone."""
    for instruction in circuit.data:
        kinds = type(instruction.operation).__mro__
        if not any(str(kind.__module__).startswith(_KNOWN_MODULES) for kind in kinds):
            name = instruction.operation.name
            raise ValueError(
                f"{where} has a user-defined gate with the name {name!r}, which is the name of another gate: rename"
                " it, and decompose it with circuit.decompose(...)"
            )


def _advice(gate: str, gateset: str) -> str:
    if gateset == "native":
        return "with gateset='native' a circuit has only the gates of qiskit_ionq: GPIGate, GPI2Gate, MSGate and ZZGate"
    if gate in _NATIVE_GATES:
        return "it is a native gate, so give gateset='native'"
    return f"IonQ does not have it. {_TRANSPILE}"


def _forward_in_time(gate: dict[str, Any]) -> dict[str, Any]:
    """Return a gate with a time that IonQ accepts, which is from 0."""
    if gate.get("time", 0) >= 0:
        return gate
    return gate | {"time": -gate["time"], "coefficients": [-one for one in gate["coefficients"]]}


def _layout(circuit: QuantumCircuit, in_the_middle: bool) -> CircuitLayout:
    """Return the layout: the last measurement into a bit counts, as in Qiskit."""
    read: dict[Any, int] = {}
    for instruction in circuit.data:
        if instruction.operation.name == "measure":
            read[instruction.clbits[0]] = circuit.find_bit(instruction.qubits[0]).index
    registers = tuple((register.name, tuple(read.get(bit) for bit in register)) for register in circuit.cregs)
    return CircuitLayout(circuit.num_qubits, registers, "qiskit", mid_circuit=in_the_middle)


def _qasm(circuit: QuantumCircuit, where: str) -> str:
    """Return the circuit as OpenQASM 3, with all qubits in one register: the names of others may differ in each run."""
    registers = [register for register in circuit.cregs if register.size]
    names = [register.name for register in registers]
    if ALL_QUBITS in names:
        raise ValueError(f"{where} has the classical register {ALL_QUBITS!r}, a name of IonQ's own: rename it")
    qubits = "q"
    while qubits in names:
        qubits += "_"
    flat = QuantumCircuit(QuantumRegister(circuit.num_qubits, qubits), *registers)
    flat.compose(circuit, flat.qubits, circuit.clbits, inplace=True)
    text: str = qasm3.dumps(flat.decompose(_EXPONENTIAL))
    declared = set(re.findall(r"^bit\[\d+\] (\w+);", text, re.MULTILINE))
    if renamed := [name for name in names if name not in declared]:
        raise ValueError(
            f"{where} has the classical register {renamed[0]!r}, a name that OpenQASM 3 does not allow: rename it"
        )
    return text
