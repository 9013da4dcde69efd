"""
A simulator that keeps the state of all qubits as one vector. No I/O and no lock.

Qubit q is bit q of the index of an amplitude, so qubit 0 is the least significant one. The first target of an operation
is the most significant bit of an index of its matrix, as in IonQ's description of its native gates.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from airflow_provider_ionq.emulator.state import TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    Vector = npt.NDArray[np.complex128]
    Matrix = npt.NDArray[np.complex128]

# 24 qubits take 256 MB, and as much again twice while a gate is applied.
QUBITS_LIMIT = 24
_SERIES_LIMIT = 200
_STEPS_LIMIT = 1_000
# Norm of what remains of a value that cancels out.
_IMPOSSIBLE = 1e-9


class Operation(Protocol):
    """A unitary operation on some of the qubits."""

    def qubits(self) -> tuple[int, ...]:
        """Return every qubit that the operation acts on, controls included."""

    def on(self, positions: dict[int, int]) -> Operation:
        """Return the operation on other qubits."""

    def apply(self, state: StateVector) -> None:
        """Change the state."""


class Gate:
    """
    A matrix that is applied where every control is 1.

    :param matrix: a unitary matrix with 2 ** n rows for n targets.
    :param targets: qubits of the matrix, its most significant bit first.
    :param controls: qubits that must be 1.
    """

    def __init__(self, matrix: Matrix, targets: Sequence[int], controls: Sequence[int] = ()) -> None:
        self.matrix = matrix
        self.targets = tuple(targets)
        self.controls = tuple(controls)

    def qubits(self) -> tuple[int, ...]:
        """Return every qubit that the operation acts on, controls included."""
        return self.targets + self.controls

    def on(self, positions: dict[int, int]) -> Gate:
        """Return the operation on other qubits."""
        return Gate(self.matrix, [positions[q] for q in self.targets], [positions[q] for q in self.controls])

    def controlled(self, controls: Sequence[int]) -> Gate:
        """Return the gate with more controls."""
        return Gate(self.matrix, self.targets, (*controls, *self.controls))

    def inverse(self) -> Gate:
        """Return the inverse of the gate."""
        return Gate(self.matrix.conj().T, self.targets, self.controls)

    def apply(self, state: StateVector) -> None:
        """Change the state."""
        fixed = dict.fromkeys(self.controls, 1)
        size = len(self.targets)
        views = [
            state.part(fixed | {target: index >> (size - 1 - i) & 1 for i, target in enumerate(self.targets)})
            for index in range(1 << size)
        ]
        changed: dict[int, Any] = {}
        for row, factors in enumerate(self.matrix):
            columns = np.flatnonzero(factors)
            if list(columns) == [row]:
                # Nothing else depends on this part: it can be changed in place.
                if factors[row] != 1:
                    views[row] *= factors[row]
                continue
            first, *others = columns
            changed[row] = factors[first] * views[first]
            for column in others:
                changed[row] += factors[column] * views[column]
        for row, value in changed.items():
            views[row][...] = value


class PauliExponential:
    """
    The operation exp(-i time H) for a sum H of Pauli strings, exact whether they commute or not.

    :param terms: a string of I, X, Y and Z for each term; its last character acts on the first target.
    :param coefficients: real factor of each term.
    :param time: duration of the evolution.
    :param targets: qubits of the strings.
    :param controls: qubits that must be 1.
    """

    def __init__(
        self,
        terms: Sequence[str],
        coefficients: Sequence[float],
        time: float,
        targets: Sequence[int],
        controls: Sequence[int] = (),
    ) -> None:
        self.terms = tuple(terms)
        self.coefficients = tuple(coefficients)
        self.time = time
        self.targets = tuple(targets)
        self.controls = tuple(controls)

    def qubits(self) -> tuple[int, ...]:
        """Return every qubit that the operation acts on, controls included."""
        return self.targets + self.controls

    def on(self, positions: dict[int, int]) -> PauliExponential:
        """Return the operation on other qubits."""
        targets, controls = ([positions[q] for q in qubits] for qubits in (self.targets, self.controls))
        return PauliExponential(self.terms, self.coefficients, self.time, targets, controls)

    def apply(self, state: StateVector) -> None:
        """Change the state."""
        view = state.part(dict.fromkeys(self.controls, 1), keep=True)
        axes = [state.axis(target) for target in self.targets]
        angles = [coefficient * self.time for coefficient in self.coefficients]
        if not all(map(math.isfinite, angles)):
            raise TooLarge("The emulator does not compute a pauliexp whose time and coefficients are this large.")
        if self._commute():
            for term, angle in zip(self.terms, angles, strict=True):
                view[...] = math.cos(angle) * view - 1j * math.sin(angle) * _paulis(view, term, axes)
            return
        size = sum(map(abs, angles))
        if size > _STEPS_LIMIT:
            raise TooLarge(
                "The emulator computes a pauliexp of terms that do not commute only if its time, multiplied by the sum "
                f"of the absolute values of its coefficients, is at most {_STEPS_LIMIT}."
            )
        # Short steps keep the terms of the series small, so that no digits are lost in their sum.
        steps = max(1, math.ceil(size))
        for _ in range(steps):
            view[...] = self._series(view, [angle / steps for angle in angles], axes)

    def _series(self, start: Vector, angles: Sequence[float], axes: Sequence[int]) -> Vector:
        total = start.copy()
        addend: Any = start
        for order in range(1, _SERIES_LIMIT):
            parts = (angle * _paulis(addend, term, axes) for term, angle in zip(self.terms, angles, strict=True))
            addend = -1j / order * sum(parts)
            total += addend
            if float(np.abs(addend).max()) < 1e-18:
                break
        return total

    def _commute(self) -> bool:
        return all(
            sum(a != b and "I" not in (a, b) for a, b in zip(one, other, strict=True)) % 2 == 0
            for index, one in enumerate(self.terms)
            for other in self.terms[:index]
        )


class StateVector:
    """
    The state of some qubits, all 0 at first.

    :param qubits: number of qubits.
    :raises TooLarge: these are more qubits than the emulator computes.
    """

    def __init__(self, qubits: int) -> None:
        _check_size(qubits)
        self.amplitudes: Vector = np.zeros((2,) * qubits, dtype=np.complex128)
        self.amplitudes[(0,) * qubits] = 1

    def axis(self, qubit: int) -> int:
        """Return the axis of a qubit in the array of amplitudes."""
        return self.amplitudes.ndim - 1 - qubit

    def part(self, values: dict[int, int], *, keep: bool = False) -> Vector:
        """
        Return a view of the amplitudes with given values of some qubits.

        :param values: value by qubit.
        :param keep: keep the axes of these qubits, with one element each.
        """
        index: list[Any] = [slice(None)] * self.amplitudes.ndim
        for qubit, value in values.items():
            index[self.axis(qubit)] = slice(value, value + 1) if keep else value
        # Without the ellipsis, an index of every axis would give a number rather than a view.
        view: Vector = self.amplitudes[(*index, ...)]
        return view

    def run(self, operations: Iterable[Operation]) -> None:
        """Apply operations in their order."""
        for operation in operations:
            operation.apply(self)

    def probabilities(self) -> npt.NDArray[np.float64]:
        """Return the probability of each state."""
        flat = self.amplitudes.reshape(-1)
        probabilities: npt.NDArray[np.float64] = flat.real**2 + flat.imag**2
        return probabilities

    def certain(self, qubit: int) -> int | None:
        """Return the value of a qubit that has only one; None if both are possible."""
        weights = [float(np.linalg.norm(self.part({qubit: value}))) for value in (0, 1)]
        return None if min(weights) > _IMPOSSIBLE else int(weights[1] > weights[0])

    def grow(self) -> int:
        """
        Add a qubit whose value is 0, and return it.

        :raises TooLarge: these are more qubits than the emulator computes.
        """
        _check_size(self.amplitudes.ndim + 1)
        self.amplitudes = np.stack([self.amplitudes, np.zeros_like(self.amplitudes)])
        return self.amplitudes.ndim - 1


def _check_size(qubits: int) -> None:
    if qubits > QUBITS_LIMIT:
        raise TooLarge(
            f"The emulator computes up to {QUBITS_LIMIT} qubits, and the circuit uses {qubits}, of which each "
            "measurement or reset in its middle takes one. "
            "Set the results of this job with complete_job(job_id, probabilities=...)."
        )


def _paulis(vector: Vector, term: str, axes: Sequence[int]) -> Vector:
    """Return the product of a Pauli string and a vector."""
    letters = [(letter, axis) for letter, axis in zip(reversed(term), axes, strict=True) if letter != "I"]
    product: Vector = np.flip(vector, tuple(axis for letter, axis in letters if letter in "XY")).copy()
    for letter, axis in letters:
        if letter in "YZ":
            zero, one = (_element(axis, value) for value in (0, 1))
            product[one] *= -1 if letter == "Z" else 1j
            if letter == "Y":
                product[zero] *= -1j
    return product


def _element(axis: int, value: int) -> tuple[Any, ...]:
    return (*[slice(None)] * axis, value, ...)
