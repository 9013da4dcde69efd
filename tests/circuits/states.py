"""A state vector that runs IonQ's JSON, and reads a circuit by its layout. Independent of Qiskit, Cirq and emulator."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from airflow_provider_ionq.circuits.layout import CircuitLayout

X = np.array([[0, 1], [1, 0]], complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1, -1]).astype(complex)
_PAULIS = {"I": np.eye(2, dtype=complex), "X": X, "Y": Y, "Z": Z}


def _power(angle: float) -> Any:
    return np.diag([1, np.exp(1j * angle)])


_FIXED = {
    "x": X,
    "not": X,
    "cnot": X,
    "y": Y,
    "z": Z,
    "h": (X + Z) / np.sqrt(2),
    "s": _power(np.pi / 2),
    "si": _power(-np.pi / 2),
    "t": _power(np.pi / 4),
    "ti": _power(-np.pi / 4),
    "v": np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2,
    "vi": np.array([[1 - 1j, 1 + 1j], [1 + 1j, 1 - 1j]]) / 2,
    "swap": np.eye(4)[[0, 2, 1, 3]],
}


def _turn(pauli: Any, angle: float) -> Any:
    """Return `exp(-i angle pauli)`."""
    return np.cos(angle) * np.eye(len(pauli)) - 1j * np.sin(angle) * pauli


def _gpi(phase: float) -> Any:
    return np.array([[0, np.exp(-2j * np.pi * phase)], [np.exp(2j * np.pi * phase), 0]])


def _matrix(gate: dict[str, Any]) -> Any:
    """Return the matrix of a gate without its controls; its first target is the most significant."""
    kind = gate["gate"]
    if kind in ("rx", "ry", "rz"):
        return _turn(_PAULIS[kind[1].upper()], gate["rotation"] / 2)
    if kind == "z" and "rotation" in gate:
        return _power(gate["rotation"])
    if kind in ("xx", "yy", "zz") and "rotation" in gate:
        pauli = _PAULIS[kind[0].upper()]
        return _turn(np.kron(pauli, pauli), gate["rotation"] / 2)
    if kind == "gpi":
        return _gpi(gate["phase"])
    if kind == "gpi2":
        return _turn(_gpi(gate["phase"]), np.pi / 4)
    if kind == "ms":
        return _turn(np.kron(*map(_gpi, gate["phases"])), np.pi * gate["angle"])
    if kind == "zz":
        return _turn(np.kron(Z, Z), np.pi * gate["angle"])
    if kind == "pauliexp":
        matrix = np.eye(2 ** len(gate["targets"]), dtype=complex)
        for term, coefficient in zip(gate["terms"], gate["coefficients"], strict=True):
            pauli = np.eye(1)
            for letter in reversed(term):  # the last letter is of the first target
                pauli = np.kron(pauli, _PAULIS[letter])
            matrix = _turn(pauli, gate["time"] * coefficient) @ matrix
        return matrix
    return _FIXED[kind]


def _qubits(gate: dict[str, Any], role: str) -> list[int]:
    return [*([gate[role]] if role in gate else []), *gate.get(f"{role}s", [])]


def probabilities(program: dict[str, Any]) -> Any:
    """Return the probability of each state of the qubits; qubit 0 is the least significant."""
    count = program["qubits"]
    state = np.zeros([2] * count, complex)
    state[(0,) * count] = 1
    for gate in program["circuit"]:
        targets, controls = _qubits(gate, "target"), _qubits(gate, "control")
        axes = list(range(len(targets)))
        matrix = _matrix(gate).reshape([2] * 2 * len(targets))
        # Axis 0 is the qubit of the highest number. The part of the state whose controls are 1 is a view.
        where: list[Any] = [slice(None)] * count
        for control in controls:
            where[count - 1 - control] = slice(1, 2)
        part = state[tuple(where)]
        of_targets = [count - 1 - target for target in targets]
        turned = np.tensordot(matrix, part, ([axis + len(targets) for axis in axes], of_targets))
        state[tuple(where)] = np.moveaxis(turned, axes, of_targets)
    return np.abs(state.reshape(-1)) ** 2


def read(program: dict[str, Any]) -> dict[str, float]:
    """Return the probability of each string that the library of the circuit prints."""
    layout = CircuitLayout.of_json(program["layout"])
    found: dict[str, float] = {}
    for number, probability in enumerate(probabilities(program)):
        words = ["".join(str(number >> q & 1) if q is not None else "0" for q in bits) for _, bits in layout.registers]
        if layout.bit_order == "little-endian":
            words = [word[::-1] for word in reversed(words)]
        text = " ".join(words)
        found[text] = found.get(text, 0.0) + float(probability)
    return found


def largest_difference(one: dict[str, float], other: dict[str, float]) -> float:
    """Return the largest difference between two distributions."""
    return max(abs(one.get(key, 0.0) - other.get(key, 0.0)) for key in itertools.chain(one, other))
