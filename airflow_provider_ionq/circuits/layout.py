"""
How the qubits of a circuit become the classical bits of the library in which it was written.

A job carries the layouts of its circuits in its metadata, so that a later task can read the results in the registers of
the circuits. Pure: no I/O, no Airflow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_ionq.api.json_text import json_text

LAYOUTS_KEY = "airflow_circuits"
"""The key of the metadata that has the layouts of a job's circuits."""

LONGEST_METADATA = 4_000
"""Length of the longest text in metadata; a longer one is replaced by its hash."""

SOURCES = ("ionq", "qiskit", "cirq", "openqasm")

BitOrder = Literal["little-endian", "big-endian"]

_HASH = "sha256:"


@dataclass(frozen=True, slots=True)
class CircuitLayout:
    """
    The classical bits of one circuit.

    :param qubits: number of qubits.
    :param registers: name of each classical register, or measurement key, with the qubit that each of its bits reads;
        None for a bit that is never measured, which is 0. None at all if every qubit is read, and there are no
        registers.
    :param source: library in which the circuit was written: `ionq`, `qiskit`, `cirq` or `openqasm`.
    :param mid_circuit: whether a qubit is used after its measurement. Then its bits cannot be read from the qubits at
        the end of the circuit, but only from the registers of the shots.
    """

    qubits: int
    registers: tuple[tuple[str, tuple[int | None, ...]], ...] = ()
    source: str = "ionq"
    mid_circuit: bool = False

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ValueError(f"the source of a layout must be one of {', '.join(SOURCES)}, not {self.source!r}")
        for name, bits in self.registers:
            if outside := [bit for bit in bits if bit is not None and not 0 <= bit < self.qubits]:
                raise ValueError(f"register {name!r} reads qubit {outside[0]}, but there are {self.qubits} qubits")

    @property
    def bit_order(self) -> BitOrder:
        """Which bit of a register its library prints leftmost: the last one (little-endian), or bit 0."""
        return "big-endian" if self.source == "cirq" else "little-endian"

    def as_json(self) -> dict[str, Any]:
        """Return the layout as JSON."""
        registers = [[name, list(bits)] for name, bits in self.registers]
        layout: dict[str, Any] = {"qubits": self.qubits, "registers": registers, "source": self.source}
        return layout | {"mid_circuit": True} if self.mid_circuit else layout

    @classmethod
    def of_json(cls, value: object) -> CircuitLayout:
        """
        Return the layout from the JSON of :meth:`as_json`.

        :raises ValueError: if it is anything else.
        """
        try:
            if not isinstance(value, Mapping):
                raise TypeError
            registers = tuple((_text(name), tuple(_qubit(bit) for bit in bits)) for name, bits in value["registers"])
            mid_circuit = value.get("mid_circuit", False) is True
            return cls(_whole(value["qubits"]), registers, _text(value["source"]), mid_circuit)
        except (KeyError, TypeError):
            raise ValueError(f"the layout of a circuit is invalid: {json_text(value)}") from None


def encode_layouts(layouts: Sequence[CircuitLayout | None]) -> str | None:
    """
    Return the layouts of a job's circuits as text for its metadata; None if no circuit has one.

    :param layouts: layout of each circuit; None for IonQ's own JSON.
    """
    if not any(layouts):
        return None
    different = list(dict.fromkeys(layout for layout in layouts if layout is not None))
    stored: dict[str, Any] = {"layouts": [layout.as_json() for layout in different]}
    if len(different) > 1 or None in layouts:
        stored["circuits"] = [None if layout is None else different.index(layout) for layout in layouts]
    text = json.dumps(stored, separators=(",", ":"))
    return text if len(text) <= LONGEST_METADATA else _HASH + hashlib.sha256(text.encode()).hexdigest()


def decode_layouts(text: str, circuits: int) -> list[CircuitLayout | None] | None:
    """
    Return the layout of each circuit from the text of :func:`encode_layouts`; None if the text is only their hash.

    :param text: the text in the metadata.
    :param circuits: number of circuits of the job.
    :raises ValueError: if the text is anything else.
    """
    if text.startswith(_HASH):
        return None
    try:
        stored = json.loads(text)
        different = [CircuitLayout.of_json(one) for one in stored["layouts"]]
        indexes = stored["circuits"] if "circuits" in stored else [0] * circuits
        layouts = [None if index is None else different[_whole(index)] for index in indexes]
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        raise ValueError(f"the metadata {LAYOUTS_KEY!r} is invalid: {text[:200]!r}") from None
    if len(layouts) != circuits:
        raise ValueError(f"the metadata {LAYOUTS_KEY!r} is of {len(layouts)} circuits, but the job has {circuits}")
    return layouts


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _qubit(value: object) -> int | None:
    return None if value is None else _whole(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
