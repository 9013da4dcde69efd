"""
What the measurement of a circuit gives: exact probabilities, and a sample of shots. No I/O and no lock.

Nothing is modelled but the circuit itself: a device and a noise model give a sample of the exact distribution.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from airflow_provider_ionq.emulator.matrices import operations_of
from airflow_provider_ionq.emulator.simulator import StateVector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    # Where a bit of a register comes from: a qubit, a bit that a branch knows, or nothing, which is 0.
    Source = int | tuple[str, int] | None

# The system's own register, which holds every qubit.
ALL_QUBITS = "output_all"
_DIGITS = 15
# What remains of a state that cancels out.
_NEGLIGIBLE = 1e-14


class Branch(NamedTuple):
    """
    One history of the measurements in the middle of a circuit.

    :param bits: the measured bits, by register and index.
    :param probabilities: probability of the history with each state of the qubits at the end.
    """

    bits: Mapping[tuple[str, int], int]
    probabilities: Floats


class Outcome(NamedTuple):
    """
    One possible outcome of a shot.

    :param key: the qubits, of which qubit 0 is the least significant bit.
    :param registers: the bits of each register, bit 0 first.
    """

    key: int
    registers: Mapping[str, Sequence[int]]


@dataclass
class Distribution:
    """
    The exact outcome of a circuit.

    :param qubits: number of qubits of the circuit.
    :param computed: the qubits that were computed, the least significant bit of a state first; all others are 0.
    :param branches: the histories of measurements; one for a circuit that is only measured at its end.
    :param registers: sources of the bits of each register.
    """

    qubits: int
    computed: Sequence[int]
    branches: Sequence[Branch]
    registers: Mapping[str, Sequence[Source]] = field(default_factory=dict)

    def probabilities(self) -> dict[str, float]:
        """Return the probability of each state that can be measured, by its decimal key."""
        # Rounded to what a float of this size can tell: one half is 0.5 rather than 0.4999999999999999.
        total = np.round(np.sum([branch.probabilities for branch in self.branches], axis=0), _DIGITS)
        states = np.flatnonzero(total > _NEGLIGIBLE)
        return dict(zip(map(str, self._keys(states).tolist()), total[states].tolist(), strict=True))

    def sample(self, shots: int, seed: Sequence[int]) -> Sample:
        """
        Draw shots.

        :param shots: their number.
        :param seed: numbers from 0; the same numbers give the same shots.
        """
        cumulative = np.cumsum(np.concatenate([branch.probabilities for branch in self.branches]))
        drawn = np.random.default_rng(list(seed)).random(shots) * cumulative[-1]
        found, order = np.unique(np.searchsorted(cumulative, drawn, side="right"), return_inverse=True)
        histories, states = np.divmod(found, 1 << len(self.computed))
        outcomes = [
            outcome_of(key, self.qubits, self.registers, self.branches[history].bits)
            for key, history in zip(self._keys(states).tolist(), histories.tolist(), strict=True)
        ]
        return Sample(outcomes, order.tolist())

    def _keys(self, states: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        keys = np.zeros_like(states)
        for index, qubit in enumerate(self.computed):
            keys |= (states >> index & 1) << qubit
        return keys


@dataclass
class Sample:
    """
    Some shots of a circuit.

    :param outcomes: the outcomes that occurred.
    :param shots: index of the outcome of each shot, in the order of the shots.
    """

    outcomes: Sequence[Outcome]
    shots: Sequence[int]

    def counts(self, part: slice = slice(None)) -> dict[int, int]:
        """
        Return how often each outcome occurred, by its index.

        :param part: the shots to count.
        """
        return dict(sorted(Counter(self.shots[part]).items()))


def outcome_of(
    key: int,
    qubits: int,
    registers: Mapping[str, Sequence[Source]],
    bits: Mapping[tuple[str, int], int],
) -> Outcome:
    """
    Return the outcome with a given key.

    :param key: the state of all qubits.
    :param qubits: number of qubits.
    :param registers: sources of the bits of each register.
    :param bits: the bits that were measured in the middle of the circuit.
    """

    def value(source: Source) -> int:
        if source is None:
            return 0
        return bits.get(source, 0) if isinstance(source, tuple) else key >> source & 1

    named = {name: [value(source) for source in sources] for name, sources in registers.items()}
    return Outcome(key, named | {ALL_QUBITS: [key >> qubit & 1 for qubit in range(max(qubits, key.bit_length()))]})


def given(
    probabilities: Mapping[str, float],
    qubits: int,
    registers: Mapping[str, Sequence[Source]],
    shots: int,
    seed: Sequence[int],
) -> Sample:
    """
    Return shots whose frequencies are as close as possible to given probabilities.

    :param probabilities: probability by decimal key.
    :param qubits: number of qubits.
    :param registers: sources of the bits of each register.
    :param shots: number of shots.
    :param seed: numbers from 0, for the order of the shots.
    """
    outcomes = [outcome_of(int(key), qubits, registers, {}) for key in probabilities]
    counts = apportion(list(probabilities.values()), shots)
    indexes = np.repeat(np.arange(len(outcomes)), counts)
    order: list[int] = np.random.default_rng(list(seed)).permutation(indexes).tolist()
    return Sample(outcomes, order)


def apportion(weights: Sequence[float], total: int) -> list[int]:
    """
    Divide a whole number in proportion to weights, by the method of the largest remainder.

    :param weights: numbers from 0.
    :param total: sum of the result; it is 0 if all weights are 0.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [weight / whole * total for weight in weights]
    counts = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda index: counts[index] - shares[index])
    for index in by_remainder[: total - sum(counts)]:
        counts[index] += 1
    return counts


def circuit_distribution(value: Mapping[str, Any], qubits: int) -> Distribution:
    """
    Compute a JSON circuit, all qubits of which are measured at its end.

    :param value: the input of a job of type ``ionq.circuit.v1``, valid and possible.
    :param qubits: number of qubits of the circuit.
    :raises TooLarge: the emulator does not compute circuits of this size.
    """
    operations = list(operations_of(value["circuit"], value["gateset"]))
    computed = sorted({qubit for operation in operations for qubit in operation.qubits()})
    positions = {qubit: index for index, qubit in enumerate(computed)}
    state = StateVector(len(computed))
    state.run(operation.on(positions) for operation in operations)
    return Distribution(qubits, computed, [Branch({}, state.probabilities())], sources_of(value.get("registers")))


def sources_of(registers: Mapping[str, Sequence[float | None]] | None) -> dict[str, list[Source]]:
    """Return where the bits of the registers of a JSON circuit come from; null is a bit that is always 0."""
    return {name: [None if qubit is None else int(qubit) for qubit in bits] for name, bits in (registers or {}).items()}
