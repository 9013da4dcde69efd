"""
The simulation of OpenQASM programs. No I/O and no lock.

A measurement in the middle of a program copies the value of its qubit to one more qubit, the record, which is measured
at the end: the result is exact. A measurement after which nothing is done with the qubit needs no record, nor does one
whose value is certain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.emulator.matrices import SWAP, X
from airflow_provider_ionq.emulator.openqasm import Measurement, Reset
from airflow_provider_ionq.emulator.outcomes import Distribution, Record
from airflow_provider_ionq.emulator.simulator import Gate, StateVector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_ionq.emulator.openqasm import Instruction, Program
    from airflow_provider_ionq.emulator.outcomes import Source

    Bits = dict[tuple[str, int], Source]


def program_registers(
    program: Program, names: Mapping[str, str], records: Bits | None = None
) -> dict[str, list[Source]]:
    """
    Return where the bits of the registers of a program come from.

    :param program: an accepted program.
    :param names: name of each register in the results.
    :param records: records of the bits that are measured in the middle of the program; None if they are unknown.
    """
    sources: Bits = {}
    for instruction, final in _steps(program):
        if isinstance(instruction, Measurement) and instruction.bit is not None:
            sources[instruction.bit] = instruction.qubit if final else (records or {}).get(instruction.bit)
    return {
        names[register]: [sources.get((register, index)) for index in range(size)]
        for register, size in program.registers.items()
    }


def program_distribution(program: Program, names: Mapping[str, str]) -> Distribution:
    """
    Compute a program.

    :param program: an accepted program.
    :param names: name of each register in the results.
    :raises TooLarge: the emulator does not compute programs of this size.
    """
    steps = list(_steps(program))
    computed = sorted({qubit for instruction, _ in steps for qubit in _changed(instruction)})
    positions = {qubit: index for index, qubit in enumerate(computed)}
    state = StateVector(len(computed))
    records: Bits = {}
    for instruction, final in steps:
        if isinstance(instruction, Reset):
            _reset(state, positions[instruction.qubit])
        elif not isinstance(instruction, Measurement):
            instruction.on(positions).apply(state)
        elif not final:
            record = _recorded(state, positions[instruction.qubit], len(computed))
            if instruction.bit is not None:
                records[instruction.bit] = record
    return Distribution(program.qubits, computed, state.probabilities(), program_registers(program, names, records))


def _steps(program: Program) -> Iterator[tuple[Instruction, bool]]:
    """Yield each instruction, and whether it is a measurement after which nothing is done with its qubit."""
    used: set[int] = set()
    found: list[tuple[Instruction, bool]] = []
    for instruction in reversed(program.instructions):
        found.append((instruction, isinstance(instruction, Measurement) and instruction.qubit not in used))
        used.update(_changed(instruction))
    yield from reversed(found)


def _changed(instruction: Instruction) -> tuple[int, ...]:
    if isinstance(instruction, Measurement):
        return ()
    return (instruction.qubit,) if isinstance(instruction, Reset) else instruction.qubits()


def _recorded(state: StateVector, position: int, first: int) -> Record:
    """
    Measure a qubit.

    :param state: the state.
    :param position: position of the qubit.
    :param first: position of the first record.
    """
    value = state.certain(position)
    if value is not None:
        return Record(None, value)
    added = state.grow()
    Gate(X, [added], [position]).apply(state)
    return Record(added - first)


def _reset(state: StateVector, position: int) -> None:
    value = state.certain(position)
    if value is None:
        # The record keeps what the other qubits are entangled with.
        Gate(SWAP, [position, state.grow()]).apply(state)
    elif value:
        Gate(X, [position]).apply(state)
