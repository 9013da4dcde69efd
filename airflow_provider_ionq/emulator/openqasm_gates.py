"""The gates of an OpenQASM program: the standard library, definitions and modifiers."""

from __future__ import annotations

import cmath
import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from openqasm3 import ast

from airflow_provider_ionq.emulator.job_body import GATES_LIMIT
from airflow_provider_ionq.emulator.matrices import SWAP, H, S, T, V, X, Y, Z, diagonal, matrix, phase, rotation
from airflow_provider_ionq.emulator.openqasm_values import CONSTANTS, Rejected, number, whole
from airflow_provider_ionq.emulator.simulator import Gate, StateVector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_ionq.emulator.simulator import Matrix

# A power that is not a whole number needs the matrix of the gate.
_POWER_QUBITS_LIMIT = 6
_POWER_LIMIT = 1_000
_DEPTH_LIMIT = 50
# The sum of a few is still a number.
_PARAMETER_LIMIT = 1e300


class Standard(NamedTuple):
    """
    A gate of the standard library.

    :param parameters: number of parameters.
    :param qubits: number of qubits.
    :param gates: returns its gates for given parameters and qubits.
    """

    parameters: int
    qubits: int
    gates: Callable[[Sequence[float], Sequence[int]], list[Gate]]


def _fixed(of: Matrix, controls: int = 0) -> Standard:
    return _of(0, lambda _parameters: of, controls)


def _of(parameters: int, matrix_of: Callable[[Sequence[float]], Matrix], controls: int = 0) -> Standard:
    targets = len(matrix_of([0.0] * parameters)).bit_length() - 1
    return Standard(
        parameters,
        targets + controls,
        lambda values, qubits: [Gate(matrix_of(values), qubits[controls:], qubits[:controls])],
    )


def _u(values: Sequence[float]) -> Matrix:
    """Return the matrix of U as the language defines it, with its global phase."""
    theta, phi, lam = values
    turn = cmath.exp(1j * theta)
    return (
        matrix(
            [
                [1 + turn, -1j * cmath.exp(1j * lam) * (1 - turn)],
                [1j * cmath.exp(1j * phi) * (1 - turn), cmath.exp(1j * (phi + lam)) * (1 + turn)],
            ]
        )
        / 2
    )


def _u3(values: Sequence[float]) -> Matrix:
    return _u(values) * cmath.exp(-0.5j * sum(values))


def _cu(values: Sequence[float], qubits: Sequence[int]) -> list[Gate]:
    theta, phi, lam, gamma = values
    control, target = qubits
    return [Gate(phase(gamma - theta / 2), [control]), Gate(_u([theta, phi, lam]), [target], [control])]


def _turn(pauli: Matrix) -> Callable[[Sequence[float]], Matrix]:
    return lambda values: rotation(pauli, values[0])


def _phase(values: Sequence[float]) -> Matrix:
    return phase(values[0])


# With "u2" and "u3" as the standard library defines them, and the names that OpenQASM 2 used.
STANDARD: dict[str, Standard] = {
    "U": _of(3, _u),
    "id": _fixed(np.eye(2, dtype=np.complex128)),
    "x": _fixed(X),
    "y": _fixed(Y),
    "z": _fixed(Z),
    "h": _fixed(H),
    "s": _fixed(S),
    "sdg": _fixed(S.conj()),
    "t": _fixed(T),
    "tdg": _fixed(T.conj()),
    "sx": _fixed(V),
    "p": _of(1, _phase),
    "phase": _of(1, _phase),
    "u1": _of(1, _phase),
    "u2": _of(2, lambda values: _u3([math.pi / 2, *values])),
    "u3": _of(3, _u3),
    "rx": _of(1, _turn(X)),
    "ry": _of(1, _turn(Y)),
    "rz": _of(1, _turn(Z)),
    "cx": _fixed(X, 1),
    "CX": _fixed(X, 1),
    "cy": _fixed(Y, 1),
    "cz": _fixed(Z, 1),
    "ch": _fixed(H, 1),
    "cp": _of(1, _phase, 1),
    "cphase": _of(1, _phase, 1),
    "crx": _of(1, _turn(X), 1),
    "cry": _of(1, _turn(Y), 1),
    "crz": _of(1, _turn(Z), 1),
    "cu": Standard(4, 2, _cu),
    "ccx": _fixed(X, 2),
    "swap": _fixed(SWAP),
    "cswap": _fixed(SWAP, 1),
}


class GateLibrary:
    """The gates that a program may use: those of the standard library, and those that it defines."""

    def __init__(self) -> None:
        self._defined: dict[str, ast.QuantumGateDefinition] = {}
        # Number of gates of the whole program so far.
        self._used = 0

    def define(self, definition: ast.QuantumGateDefinition) -> None:
        """
        Add a gate.

        :raises Rejected: a gate of this name is defined already.
        """
        name = definition.name.name
        if name in self._defined:
            raise Rejected(f"gate {name} is defined twice")
        self._defined[name] = definition

    def gates_of(
        self,
        call: ast.QuantumGate | ast.QuantumPhase,
        qubits: Sequence[int],
        names: Mapping[str, float],
        depth: int = 0,
    ) -> list[Gate]:
        """
        Return the gates of one use of a gate, or of a global phase.

        :param call: the statement.
        :param qubits: its qubits; none of them twice.
        :param names: values of the names in its parameters.
        :param depth: number of definitions within which it is used.
        :raises Rejected: there is no such gate, or it is used wrongly.
        """
        if len(set(qubits)) < len(qubits):
            raise Rejected("a gate has one qubit twice")
        if isinstance(call, ast.QuantumPhase):
            factor = cmath.exp(1j * number(call.argument, names))
            base: Callable[[Sequence[int]], list[Gate]] = partial(_global_phase, factor)
        else:
            values = [number(argument, names) for argument in call.arguments]
            base = partial(self._named, call.name.name, values, depth)
        gates = self._modified(call.modifiers, qubits, names, base)
        _check_number(self._used + len(gates))
        if depth == 0:
            self._used += len(gates)
        return gates

    def _named(self, name: str, values: Sequence[float], depth: int, qubits: Sequence[int]) -> list[Gate]:
        definition = self._defined.get(name)
        if definition is None:
            if name not in STANDARD:
                raise Rejected(f"gate {name} is unknown", "UnsupportedGate")
            standard = STANDARD[name]
            _check(name, standard.parameters, values, standard.qubits, qubits)
            if any(abs(value) > _PARAMETER_LIMIT for value in values):
                raise Rejected(f"the parameters of gate {name} are too large")
            return standard.gates(values, qubits)
        if depth > _DEPTH_LIMIT:
            raise Rejected(f"the definition of gate {name} is nested too deeply")
        _check(name, len(definition.arguments), values, len(definition.qubits), qubits)
        names = CONSTANTS | {
            parameter.name: value for parameter, value in zip(definition.arguments, values, strict=True)
        }
        local = {qubit.name: index for qubit, index in zip(definition.qubits, qubits, strict=True)}
        return [
            gate for statement in definition.body for gate in self._in_definition(statement, local, names, depth + 1)
        ]

    def _in_definition(
        self, statement: ast.QuantumStatement, local: Mapping[str, int], names: Mapping[str, float], depth: int
    ) -> list[Gate]:
        if isinstance(statement, ast.QuantumBarrier):
            return []
        if not isinstance(statement, ast.QuantumGate | ast.QuantumPhase):
            raise Rejected(f"{type(statement).__name__} is not supported in the definition of a gate")
        operands = [operand.name if isinstance(operand, ast.Identifier) else None for operand in statement.qubits]
        if any(operand not in local for operand in operands):
            raise Rejected("a definition uses a qubit that is not among its own")
        return self.gates_of(statement, [local[str(operand)] for operand in operands], names, depth)

    def _modified(
        self,
        modifiers: Sequence[ast.QuantumGateModifier],
        qubits: Sequence[int],
        names: Mapping[str, float],
        base: Callable[[Sequence[int]], list[Gate]],
    ) -> list[Gate]:
        if not modifiers:
            return base(qubits)
        (modifier, *inner), kind = modifiers, modifiers[0].modifier.name
        if kind in ("ctrl", "negctrl"):
            size = 1 if modifier.argument is None else whole(modifier.argument, names)
            if not 1 <= size <= len(qubits):
                raise Rejected("a gate has fewer qubits than controls")
            controls = qubits[:size]
            gates = [gate.controlled(controls) for gate in self._modified(inner, qubits[size:], names, base)]
            flips = [Gate(X, [control]) for control in controls] if kind == "negctrl" else []
            return [*flips, *gates, *flips]
        gates = self._modified(inner, qubits, names, base)
        if kind == "inv":
            return _inverse(gates)
        if modifier.argument is None:
            raise Rejected("a power has no exponent")
        return _power(gates, number(modifier.argument, names), qubits)


def _check_number(gates: int) -> None:
    if gates > GATES_LIMIT:
        raise Rejected(f"the program has more than {GATES_LIMIT} gates", "TooManyGates")


def _check(name: str, parameters: int, values: Sequence[float], size: int, qubits: Sequence[int]) -> None:
    if len(values) != parameters:
        raise Rejected(f"gate {name} takes {parameters} parameters, not {len(values)}")
    if len(qubits) != size:
        raise Rejected(f"gate {name} takes {size} qubits, not {len(qubits)}")


def _global_phase(factor: complex, qubits: Sequence[int]) -> list[Gate]:
    if qubits:
        raise Rejected("a global phase takes no qubits but those of its controls")
    return [Gate(matrix([[factor]]), [])]


def _inverse(gates: Sequence[Gate]) -> list[Gate]:
    return [gate.inverse() for gate in reversed(gates)]


def _power(gates: Sequence[Gate], exponent: float, qubits: Sequence[int]) -> list[Gate]:
    if exponent == int(exponent):
        if abs(exponent) > _POWER_LIMIT:
            raise Rejected(f"a power has an exponent of more than {_POWER_LIMIT}")
        _check_number(len(gates) * abs(int(exponent)))
        return list(gates if exponent >= 0 else _inverse(gates)) * abs(int(exponent))
    if len(qubits) > _POWER_QUBITS_LIMIT:
        raise Rejected(f"a power that is not a whole number is supported up to {_POWER_QUBITS_LIMIT} qubits")
    values, vectors = np.linalg.eig(_unitary(gates, qubits))
    angles = np.angle(values)
    # The principal value of -1, whatever the rounding of its argument is.
    angles[angles < 1e-9 - math.pi] += 2 * math.pi
    powered = vectors @ diagonal(*np.exp(1j * exponent * angles)) @ np.linalg.inv(vectors)
    return [Gate(powered, qubits)]


def _unitary(gates: Sequence[Gate], qubits: Sequence[int]) -> Matrix:
    """Return the matrix of gates, of which the first qubit is the most significant bit."""
    size = len(qubits)
    positions = {qubit: size - 1 - index for index, qubit in enumerate(qubits)}
    columns = []
    for index in range(1 << size):
        state = StateVector(size)
        vector = state.amplitudes.reshape(-1)
        vector[0] = 0
        vector[index] = 1
        state.run(gate.on(positions) for gate in gates)
        columns.append(state.amplitudes.reshape(-1))
    return np.stack(columns, axis=1)
