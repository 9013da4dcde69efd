"""Histograms of results, as text for task logs. Pure: no I/O, no library, no Airflow."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from airflow_provider_ionq.api.json_text import is_number, json_object, json_text

Results: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""The result of a circuit, a list of them, or the results of a job."""

MOST_SHOWN = 16
"""Default of the largest number of states of a circuit, or of circuits, to show."""

_STATES_PER_LINE = 4
_NAME_CHARACTERS = 40
_BAR_WIDTH = 40
_EIGHTHS = " ▏▎▍▌▋▊▉"
_BIT_ORDERS = {
    "little-endian": "bit 0 rightmost",
    "big-endian": "bit 0 leftmost",
    "undocumented": "bit order undocumented",
}


@dataclass(frozen=True, slots=True)
class Histogram:
    """
    The histogram of one circuit.

    :param name: name of the circuit in one line, or empty text.
    :param job_id: id of its job.
    :param values: counts or probabilities by state, without states that do not occur.
    :param total: the sum of counts, or 1 for probabilities.
    :param description: number of shots, kind of the values, and order of the bits; without values, why there are none.
    """

    name: str
    job_id: str
    values: Mapping[str, float]
    total: float
    description: str

    @classmethod
    def of(cls, circuit: Mapping[str, Any]) -> Histogram:
        """
        Return the histogram of the counts of a circuit; without counts, of its probabilities; else of its shots.

        :param circuit: its result.
        """
        counts, probabilities = json_object(circuit.get("counts")), json_object(circuit.get("probabilities"))
        given = counts or probabilities or Counter(circuit.get("samples") or ())
        values = {str(state): value for state, value in given.items() if is_number(value) and value > 0}
        if counts:
            kind = "counts derived from probabilities" if circuit.get("kind") == "derived" else "measured counts"
        else:
            kind = "probabilities" if probabilities else "measured shots"
        name = "" if circuit.get("name") is None else json_text(circuit["name"])
        return cls(
            name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 3]}...",
            json_text(circuit.get("job_id")),
            values,
            1.0 if probabilities and not counts else math.fsum(values.values()),
            _description(circuit, kind) if values else _absence(circuit),
        )

    @property
    def title(self) -> str:
        """Return the name of the circuit and the id of its job."""
        return f"{self.name}, job {self.job_id}" if self.name else f"Job {self.job_id}"

    def states(self, most: int) -> list[str]:
        """Return the states by key; if there are more than `most`, the most frequent ones, by frequency."""
        if len(self.values) <= most:
            return sorted(self.values, key=lambda state: (len(state), state))
        return sorted(self.values, key=lambda state: (-self.values[state], len(state), state))[:most]

    def percent(self, *states: str) -> str:
        """Return the share of some states together."""
        share = math.fsum(self.values[state] for state in states) / self.total
        return "<0.1 %" if share < 0.0005 else f"{100 * share:.1f} %"

    def rest(self, shown: Sequence[str]) -> str:
        """Return a line about the states that are not shown; empty text if all are."""
        others = self.values.keys() - set(shown)
        return f"and {counted(len(others), 'more state')} with {self.percent(*others)} together" if others else ""


def histogram_text(results: Results, most: int = MOST_SHOWN) -> str:
    """
    Return a histogram of one circuit with a bar for each state, or a line for each of several circuits.

    States are in the order of their keys. If a circuit has more than `most` states, the most frequent are shown, in the
    order of their frequency, and the others are summed up.

    :param results: the result of a circuit, a list of them, or the results of a job.
    :param most: largest number of states of one circuit, or of circuits, to show.
    """
    histograms = [Histogram.of(circuit) for circuit in circuits_of(results)]
    if len(histograms) == 1:
        return _bars(histograms[0], most)
    job = f"Job {json_text(results.get('job_id'))}: " if isinstance(results, Mapping) else ""
    if not histograms:
        return f"{job}no results of circuits"
    common = common_description(histograms)
    names = [histogram.name or f"circuits[{number}]" for number, histogram in enumerate(histograms[:most])]
    width = max(map(len, names), default=0)
    lines = [f"{job}{counted(len(histograms), 'circuit')}{f', {common}' if common else ''}"]
    lines += [f"  {name:<{width}}  {_line(shown)}" for name, shown in zip(names, histograms, strict=False)]
    if others := histograms[most:]:
        empty = sum(not histogram.values for histogram in others)
        lines.append(f"  and {counted(len(others), 'more circuit')}{f', {empty:,} without results' if empty else ''}")
    return "\n".join(lines)


def circuits_of(results: Results) -> Sequence[Mapping[str, Any]]:
    """Return the results of the circuits."""
    if not isinstance(results, Mapping):
        return results
    return list(results["circuits"]) if "circuits" in results else [results]


def common_description(histograms: Sequence[Histogram]) -> str:
    """Return the description of all histograms that have values; empty text if they differ."""
    descriptions = {histogram.description for histogram in histograms if histogram.values}
    return descriptions.pop() if len(descriptions) == 1 else ""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in singular or plural."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _description(circuit: Mapping[str, Any], kind: str) -> str:
    shots, order = circuit.get("shots"), circuit.get("bit_order")
    registers = [json_text(name) for name in json_object(circuit.get("registers"))]
    # Qiskit prints its last register leftmost, and Cirq its first key.
    printed = registers if order == "big-endian" else registers[::-1]
    parts = [
        counted(shots, "shot") if isinstance(shots, int) else "",
        kind,
        f"registers {' '.join(printed)}" if len(printed) > 1 else "",
        _BIT_ORDERS.get(str(order), ""),
    ]
    return ", ".join(part for part in parts if part)


def _absence(circuit: Mapping[str, Any]) -> str:
    """Say why a circuit has no values: its failure, or its status."""
    failure = json_object(circuit.get("failure"))
    reason = ": ".join(json_text(failure[key]) for key in ("code", "message") if failure.get(key) is not None)
    status = json_text(circuit.get("status"))
    return f"{status}: {reason}" if reason else f"no results, status {status}"


def _bars(histogram: Histogram, most: int) -> str:
    """Return the histogram of a circuit, a bar for each state."""
    lines = [f"{histogram.title}: {histogram.description}"]
    states, values = histogram.states(most), histogram.values
    width, highest = max(map(len, states), default=0), max(values.values(), default=0)
    whole = all(isinstance(value, int) for value in values.values())
    for state in states:
        count = f"  {values[state]:>{len(f'{highest:,}')},}" if whole else ""
        bar = _bar(values[state] / highest)
        lines.append(f"  {state:<{width}}  {bar:<{_BAR_WIDTH}} {histogram.percent(state):>7}{count}")
    rest = histogram.rest(states)
    return "\n".join([*lines, f"  {rest}"] if rest else lines)


def _line(histogram: Histogram) -> str:
    """Return the most frequent states of a circuit in one line."""
    states = histogram.states(_STATES_PER_LINE)
    shown = [f"{state} {histogram.percent(state):>7}" for state in states]
    return "  ".join(filter(None, [*shown, histogram.rest(states)])) if states else histogram.description


def _bar(share: float) -> str:
    """Return a bar in eighths of a character, at least one eighth."""
    full, eighths = divmod(max(round(share * _BAR_WIDTH * 8), 1), 8)
    return "█" * full + (_EIGHTHS[eighths] if eighths else "")
