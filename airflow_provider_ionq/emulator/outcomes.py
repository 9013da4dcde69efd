"""
The outcomes of the measurement of a circuit: exact probabilities, and a sample of shots. No I/O and no lock.

Only the circuit itself is modelled: a device and a noise model give a sample of the exact distribution.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from airflow_provider_ionq.emulator.matrices import operations_of
from airflow_provider_ionq.emulator.simulator import StateVector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    # Where a bit of a register comes from: a qubit at the end, a record, or nothing, which is 0.
    Source: TypeAlias = "int | Record | None"

# The system's own register, which holds every qubit.
ALL_QUBITS = "output_all"
_DIGITS = 15
# What remains of a state that cancels out.
_NEGLIGIBLE = 1e-14


class Record(NamedTuple):
    """
    A value that was measured in the middle of a circuit.

    :param position: position of the record; None for a value that is certain.
    :param value: the certain value.
    """

    position: int | None
    value: int = 0


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
    :param states: probability of each state of the computed qubits and, as its higher bits, of the records.
    :param registers: sources of the bits of each register.
    """

    qubits: int
    computed: Sequence[int]
    states: Floats
    registers: Mapping[str, Sequence[Source]] = field(default_factory=dict)

    def probabilities(self) -> dict[str, float]:
        """Return the probability of each state of the qubits that can be measured, by its decimal key."""
        # Rounded to what a float of this size can tell: one half is 0.5 rather than 0.4999999999999999.
        total = np.round(self.states.reshape(-1, 1 << len(self.computed)).sum(axis=0), _DIGITS)
        found = np.flatnonzero(total > _NEGLIGIBLE)
        return dict(zip(map(str, self._keys(found)), total[found].tolist(), strict=True))

    def sample(self, shots: int, seed: Sequence[int]) -> Sample:
        """
        Draw shots.

        :param shots: their number.
        :param seed: numbers from 0; the same numbers give the same shots.
        """
        cumulative = np.cumsum(self.states)
        drawn = np.random.default_rng(list(seed)).random(shots) * cumulative[-1]
        found, order = np.unique(np.searchsorted(cumulative, drawn, side="right"), return_inverse=True)
        records = (found >> len(self.computed)).tolist()
        outcomes = [
            outcome_of(key, self.qubits, self.registers, record)
            for key, record in zip(self._keys(found), records, strict=True)
        ]
        return Sample(outcomes, order)

    def _keys(self, states: npt.NDArray[np.int64]) -> list[int]:
        keys = np.zeros_like(states)
        for index, qubit in enumerate(self.computed):
            keys |= (states >> index & 1) << qubit
        found: list[int] = keys.tolist()
        return found


@dataclass
class Sample:
    """
    Some shots of a circuit.

    :param outcomes: the outcomes that occurred.
    :param shots: index of the outcome of each shot, in the order of the shots.
    """

    outcomes: Sequence[Outcome]
    shots: npt.NDArray[np.int64]

    def counts(self, part: slice = slice(None)) -> dict[int, int]:
        """
        Return how often each outcome occurred, by its index.

        :param part: the shots to count.
        """
        found, counts = np.unique(self.shots[part], return_counts=True)
        return dict(zip(found.tolist(), counts.tolist(), strict=True))


NO_SHOTS = Sample([], np.zeros(0, dtype=np.int64))


def outcome_of(key: int, qubits: int, registers: Mapping[str, Sequence[Source]], records: int = 0) -> Outcome:
    """
    Return one outcome.

    :param key: the state of all qubits.
    :param qubits: number of qubits.
    :param registers: sources of the bits of each register.
    :param records: the values of the records, that of position 0 as the least significant bit.
    """

    def value(source: Source) -> int:
        if source is None:
            return 0
        if not isinstance(source, Record):
            return key >> source & 1
        return source.value if source.position is None else records >> source.position & 1

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
    outcomes = [outcome_of(int(key), qubits, registers) for key in probabilities]
    counts = apportion(list(probabilities.values()), shots)
    indexes = np.repeat(np.arange(len(outcomes)), counts)
    return Sample(outcomes, np.random.default_rng(list(seed)).permutation(indexes))


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
    return Distribution(qubits, computed, state.probabilities(), sources_of(value.get("registers")))


def sources_of(registers: Mapping[str, Sequence[float | None]] | None) -> dict[str, list[Source]]:
    """Return where the bits of the registers of a JSON circuit come from; null is a bit that is always 0."""
    return {name: [None if qubit is None else int(qubit) for qubit in bits] for name, bits in (registers or {}).items()}
