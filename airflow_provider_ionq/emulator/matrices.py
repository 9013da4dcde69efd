"""The matrices of the gates of IonQ's JSON circuits."""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_provider_ionq.emulator.gates import controls_of, targets_of
from airflow_provider_ionq.emulator.simulator import Gate, PauliExponential

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_ionq.emulator.simulator import Matrix, Operation


def matrix(rows: Sequence[Sequence[complex]]) -> Matrix:
    """Return a matrix of rows of numbers."""
    return np.array(rows, dtype=np.complex128)


def diagonal(*values: complex) -> Matrix:
    """Return a diagonal matrix."""
    return np.diag(np.array(values, dtype=np.complex128))


def phase(angle: float) -> Matrix:
    """Return the matrix that changes the phase of 1 by an angle in radians."""
    return diagonal(1, cmath.exp(1j * angle))


def rotation(pauli: Matrix, angle: float) -> Matrix:
    """
    Return exp(-i angle P / 2).

    :param pauli: P, whose square is the identity.
    :param angle: radians.
    """
    turned: Matrix = math.cos(angle / 2) * np.eye(len(pauli)) - 1j * math.sin(angle / 2) * pauli
    return turned


def _product(first: Matrix, second: Matrix) -> Matrix:
    product: Matrix = np.kron(first, second).astype(np.complex128)
    return product


X = matrix([[0, 1], [1, 0]])
Y = matrix([[0, -1j], [1j, 0]])
Z = diagonal(1, -1)
H = (X + Z) / math.sqrt(2)
V = matrix([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2
SWAP = matrix([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
# A quarter and an eighth of a turn: written out, so that s is exactly the root of z.
S = diagonal(1, 1j)
T = phase(math.pi / 4)

_FIXED: dict[str, Matrix] = {
    "x": X,
    "not": X,
    "cnot": X,
    "y": Y,
    "h": H,
    "s": S,
    "si": S.conj(),
    "t": T,
    "ti": T.conj(),
    "v": V,
    "vi": V.conj().T,
    "swap": SWAP,
}
_ROTATIONS: dict[str, Matrix] = {
    "rx": X,
    "ry": Y,
    "rz": Z,
    "xx": _product(X, X),
    "yy": _product(Y, Y),
    "zz": _product(Z, Z),
}


def _turns(turns: float) -> complex:
    # A phase of any size is allowed, and only its fraction counts.
    return cmath.exp(2j * math.pi * math.fmod(turns, 1))


def _gpi(turns: float) -> Matrix:
    factor = _turns(turns)
    return matrix([[0, factor.conjugate()], [factor, 0]])


def _gpi2(turns: float) -> Matrix:
    factor = _turns(turns)
    return matrix([[1, -1j * factor.conjugate()], [-1j * factor, 1]]) / math.sqrt(2)


def _interaction(pauli: Matrix, angle: float) -> Matrix:
    return rotation(pauli, 2 * math.pi * math.fmod(angle, 2))


def _ms(gate: Mapping[str, Any]) -> Matrix:
    first, second = gate["phases"]
    return _interaction(_product(_gpi(first), _gpi(second)), gate.get("angle", 0.25))


def _native_zz(gate: Mapping[str, Any]) -> Matrix:
    # IonQ documents "angle"; cirq-ionq sends "phase".
    return _interaction(_ROTATIONS["zz"], gate.get("angle", gate.get("phase")))


_NATIVE: dict[str, Callable[[Mapping[str, Any]], Matrix]] = {
    "gpi": lambda gate: _gpi(gate["phase"]),
    "gpi2": lambda gate: _gpi2(gate["phase"]),
    "ms": _ms,
    "zz": _native_zz,
}


def operations_of(gates: Iterable[Mapping[str, Any]], gateset: str) -> Iterator[Operation]:
    """
    Return the operations of a JSON circuit.

    :param gates: the gates of a valid and possible circuit.
    :param gateset: ``qis`` or ``native``.
    """
    for gate in gates:
        if gate["gate"] == "nop":
            continue
        targets, controls = targets_of(gate), controls_of(gate)
        if gate["gate"] == "pauliexp":
            yield PauliExponential(gate["terms"], gate["coefficients"], gate["time"], targets, controls)
        elif gateset == "native":
            yield Gate(_NATIVE[gate["gate"]](gate), targets)
        else:
            yield Gate(_qis(gate), targets, controls)


def _qis(gate: Mapping[str, Any]) -> Matrix:
    name = gate["gate"]
    if name == "z":
        # qiskit-ionq sends a phase gate as "z" with a rotation.
        return phase(gate["rotation"]) if "rotation" in gate else Z
    return _FIXED[name] if name in _FIXED else rotation(_ROTATIONS[name], gate["rotation"])
