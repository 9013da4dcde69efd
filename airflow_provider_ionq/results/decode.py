"""
Decode IonQ's results into the bit strings of a circuit. Pure: no I/O, no Airflow.

Rules of this file: formats v1 number the states, and bit q of the number is qubit q; formats v2 have a list of bits for
each register, in which element i is bit i. A text of bits in v2 is never split into bits, because its order is
undocumented. Invalid content raises a ValueError, to which the caller adds the job and the circuit.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ionq.api.json_text import is_number, json_object, json_text, quoted_value
from airflow_provider_ionq.results.bits import Bits, bits_of_shot

ROUNDING = 1e-9
"""A probability below zero by less than this counts as zero."""

MOST_DEVIATION = 0.01
"""Largest accepted difference between the sum of all probabilities and 1."""

MOST_SHOTS = 2**53
"""Largest accepted number of shots: larger floats cannot be added exactly."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """
    The result of one circuit, by bit string.

    :param weights: weight of each bit string, above zero: a number of shots, or a probability.
    :param counted: whether the weights are numbers of shots.
    :param samples: bit string of each shot; None if they were not read.
    """

    weights: Mapping[str, float]
    counted: bool
    samples: list[str] | None = None

    @property
    def shots(self) -> int | None:
        """The number of shots that were counted; None if the weights are probabilities."""
        return int(sum(self.weights.values())) if self.counted else None

    def probabilities(self) -> dict[str, float]:
        """Return the probability of each bit string."""
        if not self.counted:
            return dict(self.weights)
        shots = sum(self.weights.values())
        return {text: count / shots for text, count in self.weights.items()}

    def counts(self, shots: int) -> dict[str, int]:
        """
        Return the number of shots of each bit string.

        :param shots: the number of shots, which is the sum of counts that are derived from probabilities.
        """
        if self.counted:
            return {text: int(count) for text, count in self.weights.items()}
        return largest_remainder(self.weights, shots)


def decode_numbered(content: object, bits: Bits, *, counted: bool) -> Decoded:
    """
    Decode a histogram or probabilities of format v1.

    :param content: the value of each state, by its number as text.
    :param bits: the bits of the circuit.
    :param counted: whether the values are numbers of shots.
    :raises ValueError: if the content is invalid.
    """
    if not isinstance(content, Mapping):
        raise ValueError(f"the result is not an object: {json_text(content)}")
    weights: dict[str, float] = {}
    for key, value in content.items():
        if (weight := _weight(key, value, counted=counted)) > 0:
            text = bits.text_of(_state(key))
            weights[text] = weights.get(text, 0) + weight
    _check_sum(weights, counted=counted)
    return Decoded(_sorted(weights), counted)


def decode_numbered_shots(content: object, bits: Bits) -> Decoded:
    """
    Decode shots of format v1.

    :param content: the number of the state of each shot, as text.
    :param bits: the bits of the circuit.
    :raises ValueError: if the content is invalid.
    """
    if not isinstance(content, list):
        raise ValueError(f"the shots are not a list: {json_text(content)}")
    try:
        texts = {key: bits.text_of(_state(key)) for key in dict.fromkeys(content)}
    except TypeError:
        raise ValueError("a shot is not the number of a state") from None
    return _of_samples([texts[key] for key in content])


def decode_register_shots(shots: Iterable[Any], bits: Bits | None) -> tuple[Decoded, Bits]:
    """
    Decode shots of format v2, and drop those in which an ion was lost.

    :param shots: each shot, as an object with `registers`.
    :param bits: the bits of the circuit; None takes the registers of the shots in the order of their names.
    :return: the result, and the bits of the circuit.
    :raises ValueError: if a shot is invalid.
    """
    samples: list[str] = []
    texts: dict[Any, str] = {}
    for shot in shots:
        registers = json_object(json_object(shot).get("registers"))
        if not registers:
            raise ValueError(f"a shot has no registers: {json_text(shot)}")
        if _is_leaked(shot, registers):
            continue
        try:
            key = tuple((name, tuple(values)) for name, values in registers.items())
            text = texts.get(key)
        except TypeError:
            raise ValueError(f"a register of a shot is not a list of bits: {json_text(shot)}") from None
        if text is None:
            bits = bits or bits_of_shot(registers)
            text = texts[key] = bits.text_of_registers(registers)
        samples.append(text)
    if bits is None:
        raise ValueError("there is no shot without leakage")
    return _of_samples(samples), bits


def decode_undocumented(content: object) -> Decoded:
    """
    Return a histogram of format v2 with the bit strings as IonQ sent them, whose order IonQ does not document.

    :param content: an object with `histogram`, which has the registers.
    :raises ValueError: if the content is invalid.
    """
    registers = json_object(json_object(json_object(content).get("histogram")).get("registers"))
    name = next(iter(registers), "") if len(registers) == 1 else "output_all"
    histogram = registers.get(name)
    if not isinstance(histogram, Mapping):
        raise ValueError(f"the result has no histogram of the register 'output_all': {json_text(content)}")
    weights: dict[str, float] = {}
    for key, value in histogram.items():
        if not isinstance(key, str) or not key or key.strip("01") or len(key) != len(next(iter(histogram))):
            raise ValueError(f"{json_text(key)} is not a bit string of the register")
        if not is_number(value) or not 0 <= value <= MOST_SHOTS:
            raise ValueError(f"the value of {json_text(key)} is not a number of shots: {json_text(value)}")
        if value > 0:
            weights[key] = value
    total = math.fsum(weights.values())
    if not total > 0:
        raise ValueError("the result has no shots")
    if all(float(value).is_integer() for value in weights.values()):
        return Decoded(_sorted(weights), counted=True)
    # An average over variants need not have whole numbers.
    return Decoded(_sorted({key: value / total for key, value in weights.items()}), counted=False)


def qubits_of_states(content: object) -> int:
    """
    Return the number of qubits that the states of a result of format v1 need.

    :raises ValueError: if a key is not the number of a state.
    """
    keys = content if isinstance(content, (Mapping, list)) else ()
    return max((_state(key) for key in keys), default=0).bit_length() or 1


def largest_remainder(weights: Mapping[str, float], shots: int) -> dict[str, int]:
    """
    Return whole numbers in proportion to weights, with an exact sum; those that are zero are left out.

    :param weights: weight of each bit string; at least one is above zero.
    :param shots: the sum.
    """
    scale = shots / math.fsum(weights.values())
    exact = {text: weight * scale for text, weight in weights.items()}
    counts = {text: math.floor(value) for text, value in exact.items()}
    missing = shots - sum(counts.values())
    # Equal remainders are taken in the order of the bit strings, so that the same answer gives the same counts.
    for text in heapq.nsmallest(missing, exact, key=lambda text: (counts[text] - exact[text], text)):
        counts[text] += 1
    return {text: count for text, count in counts.items() if count}


def _of_samples(samples: list[str]) -> Decoded:
    if not samples:
        raise ValueError("the result has no shots")
    return Decoded(_sorted(Counter(samples)), counted=True, samples=samples)


def _sorted(weights: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(weights.items()))


def _state(key: object) -> int:
    # int() itself accepts signs, spaces, underscores and other digits.
    if isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 1000:
        return int(key)
    raise ValueError(f"{quoted_value(key)} is not the number of a state")


def _weight(key: object, value: object, *, counted: bool) -> float:
    what, most = ("a number of shots", MOST_SHOTS) if counted else ("a probability", 1 + MOST_DEVIATION)
    if not is_number(value) or not -ROUNDING <= value <= most or (counted and value != int(value)):
        raise ValueError(f"the value of state {json_text(key)} is not {what}: {json_text(value)}")
    return max(value, 0)


def _check_sum(weights: Mapping[str, float], *, counted: bool) -> None:
    if not weights:
        raise ValueError("the result has no states")
    total = math.fsum(weights.values())
    if not counted and abs(total - 1) > MOST_DEVIATION:
        raise ValueError(f"the sum of the probabilities is {total:.6g} instead of 1")


def _is_leaked(shot: Mapping[str, Any], registers: Mapping[str, Any]) -> bool:
    """Return whether an ion was lost in a shot, which then has no meaning."""
    lost = shot.get("leakage_bits", registers.get("leakage_bits"))
    return any(lost) if isinstance(lost, list) else bool(lost)
