"""
The bit strings that the library of a circuit prints. Pure: no I/O, no Airflow.

Registers are separated by spaces. In little-endian order, bit 0 of a register is its rightmost one, and the first
register is rightmost; in big-endian order both are leftmost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.circuits.layout import CircuitLayout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ionq.results.models import Distribution

Number = TypeVar("Number", int, float)

SYSTEM_REGISTERS = frozenset({"output_all", "leakage_bits"})
"""Registers that IonQ adds to those of a program."""

MOST_QUBITS = 10_000
"""Largest number of qubits in a bit string: otherwise a wrong number in a response could take all memory."""


@dataclass(frozen=True)
class Bits:
    """
    The bit strings of one circuit.

    :param layout: the layout of the circuit. Without registers, each qubit is a bit.
    :raises ValueError: if it has too many qubits.
    """

    layout: CircuitLayout

    def __post_init__(self) -> None:
        if self.layout.qubits > MOST_QUBITS:
            raise ValueError(f"the circuit has {self.layout.qubits} qubits, but at most {MOST_QUBITS:,} can be read")

    @cached_property
    def registers(self) -> tuple[tuple[str, slice], ...]:
        """Name of each register, with its place in a bit string; none if each qubit is a bit."""
        places, at = {}, 0
        for name, bits in self._in_print_order(self.layout.registers):
            places[name] = slice(at, at + len(bits))
            at += len(bits) + 1
        return tuple((name, places[name]) for name, _ in self.layout.registers)

    def text_of(self, state: int) -> str:
        """
        Return the bit string of a state of the qubits.

        :param state: its number, in which bit q is qubit q.
        :raises ValueError: if the circuit has fewer qubits.
        """
        qubits = self.layout.qubits
        if state >> qubits:
            raise ValueError(f"state {state} has more than the {qubits} qubits of the circuit")
        binary = f"{state:0{qubits}b}0 "
        return "".join(map(binary.__getitem__, self._places))

    def text_of_registers(self, registers: Mapping[str, Any]) -> str:
        """
        Return the bit string of one shot.

        :param registers: the bits of each register, by its name.
        :raises ValueError: if a register is missing, or is not a list of so many bits.
        """
        texts = []
        for name, bits in self._in_print_order(self.layout.registers):
            values = registers.get(name) if bits else ()
            if values is None:
                found = ", ".join(json_text(found) for found in registers)
                raise ValueError(
                    f"there is no register {name!r}, but there are {found}: IonQ names the registers of the program"
                    " only if settings.compilation.service_version of the job is 'v0.4'"
                )
            if len(values) != len(bits) or any(value not in (0, 1) for value in values):
                raise ValueError(f"register {name!r} is not a list of {len(bits)} bits: {json_text(values)}")
            texts.append("".join(map(str, map(int, self._in_print_order(values)))))
        return " ".join(texts)

    @cached_property
    def _places(self) -> tuple[int, ...]:
        """Place of each character of a bit string in the binary number of a state, followed by "0 "."""
        qubits = self.layout.qubits
        zero, space = qubits, qubits + 1
        registers = self.layout.registers or (("", tuple(range(qubits))),)
        places: list[int] = []
        for number, (_, bits) in enumerate(self._in_print_order(registers)):
            places += [space] if number else []
            places += [zero if qubit is None else qubits - 1 - qubit for qubit in self._in_print_order(bits)]
        return tuple(places)

    def marginal(self, whole: Distribution, at: slice) -> Distribution:
        """
        Return the distribution of one register.

        :param whole: the distribution of all registers.
        :param at: place of the register in a bit string.
        """
        marginal: Distribution = {}
        if "probabilities" in whole:
            marginal["probabilities"] = _summed(whole["probabilities"], at, 0.0)
        if "counts" in whole:
            marginal["counts"] = _summed(whole["counts"], at, 0)
        return marginal

    def _in_print_order(self, items: Any) -> Any:
        return items if self.layout.bit_order == "big-endian" else items[::-1]


def bits_of_shot(registers: Mapping[str, Any]) -> Bits:
    """
    Return the bits of an OpenQASM program without a layout, from one of its shots.

    :param registers: the bits of each register, by its name. The registers are in the order of their names. Those that
        IonQ adds are left out, unless there is no other.
    """
    names = sorted(registers.keys() - SYSTEM_REGISTERS) or sorted(registers.keys() - {"leakage_bits"})
    found = tuple((name, (None,) * len(registers[name])) for name in names)
    qubits = len(registers.get("output_all", ()))
    return Bits(CircuitLayout(qubits or sum(len(bits) for _, bits in found), found, "openqasm"))


def _summed(weights: Mapping[str, Number], at: slice, zero: Number) -> dict[str, Number]:
    sums: dict[str, Number] = {}
    for text, weight in weights.items():
        sums[text[at]] = sums.get(text[at], zero) + weight
    return dict(sorted(sums.items()))
