"""Convert Cirq's circuits. Needs the extra `cirq`: only the module `program` imports it."""

from __future__ import annotations

from typing import Any, Literal

import cirq
from cirq_ionq import GPI2Gate, GPIGate, MSGate, Serializer, ZZGate

from airflow_provider_ionq.circuits.layout import CircuitLayout

_NATIVE_GATES = (GPIGate, GPI2Gate, MSGate, ZZGate)
_OPTIMIZE = "cirq.optimize_for_target_gateset(circuit, gateset=cirq_ionq.IonQTargetGateset())"


def program_of(circuit: object, gateset: Literal["qis", "native"], where: str) -> dict[str, Any]:
    """
    Return a circuit as IonQ's JSON.

    :param circuit: a `Circuit` or `FrozenCircuit`.
    :param gateset: `qis` or `native`.
    :param where: what the circuit is called in errors.
    :raises ValueError: naming the problem and what to do.
    """
    if not isinstance(circuit, cirq.AbstractCircuit):
        raise ValueError(f"{where} must be a Circuit of Cirq, not a {type(circuit).__name__}")
    if unbound := sorted(cirq.parameter_names(circuit)):
        raise ValueError(
            f"{where} has parameters without a value: {', '.join(unbound)}. Give them one with"
            " cirq.resolve_parameters(circuit, {...})"
        )
    qubits = _qubits(circuit, where)
    registers = _measurements(circuit, where)
    return {
        "gateset": gateset,
        "qubits": qubits,
        "circuit": _gates(circuit, gateset, where),
        "layout": CircuitLayout(qubits, registers, "cirq").as_json(),
    }


def _qubits(circuit: cirq.AbstractCircuit, where: str) -> int:
    """Return the number of qubits: the number of a LineQubit is that of the qubit of IonQ."""
    qubits = circuit.all_qubits()
    if not qubits:
        raise ValueError(f"{where} has no qubits")
    for qubit in sorted(qubits):
        if not isinstance(qubit, cirq.LineQubit) or qubit.x < 0:
            raise ValueError(
                f"{where} has the qubit {qubit}, but must have LineQubits from 0. Number its qubits with"
                " circuit.transform_qubits(dict(zip(sorted(circuit.all_qubits()), cirq.LineQubit.range(100))))"
            )
    return int(max(qubits).x) + 1


def _measurements(circuit: cirq.AbstractCircuit, where: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return the qubits of each measurement key, in the order of appearance."""
    keys: dict[str, tuple[int, ...]] = {}
    for operation in circuit.all_operations():
        if isinstance(operation.untagged, cirq.CircuitOperation):
            raise ValueError(
                f"{where} has a CircuitOperation: replace it by its operations with cirq.unroll_circuit_op(circuit,"
                " deep=True, tags_to_check=None)"
            )
        if cirq.control_keys(operation):
            raise ValueError(
                f"{where} has the operation {operation}, but IonQ runs no operation that depends on a measurement"
            )
        if not isinstance(operation.gate, cirq.MeasurementGate):
            continue
        key = cirq.measurement_key_name(operation)
        if any(operation.gate.full_invert_mask()) or operation.gate.confusion_map:
            raise ValueError(
                f"{where} has the measurement {key!r} with an invert_mask or confusion_map, which IonQ does not have:"
                " measure without it, and apply it to the results"
            )
        if key in keys:
            raise ValueError(f"{where} has two measurements with the key {key!r}: give each its own key")
        keys[key] = tuple(int(qubit.x) for qubit in operation.qubits)
    if not keys:
        raise ValueError(f"{where} has no measurement: add cirq.measure(*qubits, key='result')")
    if not circuit.are_all_measurements_terminal():
        raise ValueError(
            f"{where} has an operation on a qubit after its measurement. cirq-ionq sends only measurements at the end"
        )
    return tuple(keys.items())


def _gates(circuit: cirq.AbstractCircuit, gateset: str, where: str) -> list[dict[str, Any]]:
    """Return all gates in IonQ's JSON, without what has no effect on a measurement."""
    operations = [operation for operation in circuit.all_operations() if not _is_skipped(operation)]
    for operation in operations:
        if not cirq.has_unitary(operation):
            raise ValueError(f"{where} has the operation {operation}, but only gates can precede the measurements")
        _check_gateset(operation, gateset, where)
    if not operations:
        return []
    forward = [operation**-1 if _is_backward(operation) else operation for operation in operations]
    try:
        program = Serializer().serialize_single_circuit(cirq.Circuit(map(cirq.Moment, forward)))
    except ValueError as error:
        raise ValueError(f"{where}: {error} Rewrite the circuit with {_OPTIMIZE}") from None
    gates: list[dict[str, Any]] = program.input["circuit"]
    return [_renamed(gate, operation) for gate, operation in zip(gates, operations, strict=True)]


def _is_skipped(operation: cirq.Operation) -> bool:
    gate = operation.gate
    if isinstance(gate, cirq.PauliStringPhasorGate):
        return bool(gate.exponent_neg == gate.exponent_pos)
    return isinstance(gate, (cirq.MeasurementGate, cirq.IdentityGate, cirq.GlobalPhaseGate))


def _check_gateset(operation: cirq.Operation, gateset: str, where: str) -> None:
    is_native = isinstance(operation.gate, _NATIVE_GATES)
    if is_native and gateset != "native":
        raise ValueError(f"{where} has the gate {operation}, which is a native gate: give gateset='native'")
    if not is_native and gateset == "native":
        raise ValueError(
            f"{where} has the gate {operation}. With gateset='native' a circuit has only the gates of cirq_ionq:"
            " GPIGate, GPI2Gate, MSGate and ZZGate"
        )


def _is_backward(operation: cirq.Operation) -> bool:
    """Return whether an operation is an evolution by a negative time, which IonQ does not accept."""
    gate = operation.gate
    return isinstance(gate, cirq.PauliStringPhasorGate) and bool(gate.exponent_neg < gate.exponent_pos)


def _renamed(gate: dict[str, Any], operation: cirq.Operation) -> dict[str, Any]:
    """Return a gate with IonQ's names of its fields, of the evolution in the direction of the operation."""
    if gate["gate"] == "zz" and "phase" in gate:
        return {"gate": "zz", "targets": gate["targets"], "angle": gate["phase"]}
    if _is_backward(operation):
        return gate | {"coefficients": [-one for one in gate["coefficients"]]}
    return gate
