"""
The part of OpenQASM 3 that IonQ documents: qubits, bits, gates, measurement, reset and barrier, without control flow.

A program that is not accepted has a problem, with which its job fails. The gates of the standard library are known
without an ``include`` too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from openqasm3 import ast
from openqasm3.parser import QASM3ParsingError, parse

from airflow_provider_ionq.emulator.openqasm_gates import GateLibrary
from airflow_provider_ionq.emulator.openqasm_values import CONSTANTS, Rejected, number, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow_provider_ionq.emulator.failure import Failure
    from airflow_provider_ionq.emulator.simulator import Gate

_INCLUDES = ("stdgates.inc", "qelib1.inc")
# Far more than any device has, and far fewer than would fill the memory.
_SIZE_LIMIT = 100_000
_PHYSICAL = re.compile(r"\$(\d{1,5})", re.ASCII)
# The system's own register.
_RESERVED = "output_all"
_NAMES = {
    ast.BranchingStatement: "if",
    ast.ForInLoop: "for",
    ast.WhileLoop: "while",
    ast.SwitchStatement: "switch",
    ast.SubroutineDefinition: "def",
    ast.IODeclaration: "a parameter without a value",
    ast.AliasStatement: "let",
}


class Measurement(NamedTuple):
    """
    The measurement of a qubit.

    :param qubit: index of the qubit.
    :param bit: register and index of the bit that takes the value; None if none does.
    """

    qubit: int
    bit: tuple[str, int] | None


class Reset(NamedTuple):
    """
    The reset of a qubit to 0.

    :param qubit: index of the qubit.
    """

    qubit: int


Instruction: TypeAlias = "Gate | Measurement | Reset"


@dataclass
class Program:
    """
    A program that has been read.

    :param qubits: number of qubits.
    :param gates_1q: number of gates on one qubit.
    :param gates_2q: number of two-qubit gates; a gate on n qubits counts as n - 1.
    :param instructions: what it does, in order.
    :param registers: number of bits of each register, in the order of their declarations.
    :param problem: why the program is not accepted; None for an accepted program.
    """

    qubits: int = 0
    gates_1q: int = 0
    gates_2q: int = 0
    instructions: list[Instruction] = field(default_factory=list)
    registers: dict[str, int] = field(default_factory=dict)
    problem: Failure | None = None


@lru_cache(maxsize=64)
def program_of(text: str) -> Program:
    """
    Read a program. Its answer is kept for a while, because a long program takes seconds.

    :param text: an OpenQASM 3 program.
    """
    reader = _Reader()
    try:
        reader.read(text)
    except Rejected as rejected:
        reader.program.problem = rejected.failure
    return reader.program


class _Reader:
    def __init__(self) -> None:
        self.program = Program()
        self._gates = GateLibrary()
        self._constants = dict(CONSTANTS)
        self._qubits: dict[str, list[int]] = {}

    def read(self, text: str) -> None:
        """
        Read a program.

        :raises Rejected: it is not accepted.
        """
        try:
            parsed = parse(text)
        # The parser fails with an AttributeError for a program without statements.
        except (QASM3ParsingError, AttributeError, RecursionError, ValueError) as error:
            raise Rejected(f"The program is not OpenQASM 3. {error}".strip()) from None
        if parsed.version is not None and not parsed.version.startswith("3"):
            raise Rejected(f"The program is OpenQASM {parsed.version}, not 3.")
        for statement in parsed.statements:
            try:
                self._read(statement)
            except Rejected as rejected:
                line = statement.span.start_line if statement.span else 0
                raise Rejected(f"Line {line}: {rejected}.", rejected.failure.code) from None
        if not self.program.qubits:
            raise Rejected("The program has no qubits.")

    def _read(self, statement: Any) -> None:
        readers: dict[type, Callable[[Any], None]] = {
            ast.Include: self._include,
            ast.QubitDeclaration: self._declare_qubits,
            ast.ClassicalDeclaration: self._declare_bits,
            ast.ConstantDeclaration: self._declare_constant,
            ast.QuantumGateDefinition: self._gates.define,
            ast.QuantumGate: self._gate,
            ast.QuantumPhase: self._gate,
            ast.QuantumMeasurementStatement: self._measure,
            ast.QuantumReset: self._reset,
            ast.QuantumBarrier: self._nothing,
            ast.DelayInstruction: self._nothing,
            ast.Pragma: lambda _statement: None,
        }
        kind = type(statement)
        if kind not in readers:
            raise Rejected(f"{_NAMES.get(kind, kind.__name__)} is not supported")
        readers[kind](statement)

    def _include(self, statement: ast.Include) -> None:
        if statement.filename not in _INCLUDES:
            raise Rejected(f"file {statement.filename} is unknown")

    def _declare_qubits(self, statement: ast.QubitDeclaration) -> None:
        size = self._size(statement.size)
        first = self.program.qubits
        self._new_name(statement.qubit.name)
        self._qubits[statement.qubit.name] = list(range(first, first + size))
        self.program.qubits += size

    def _declare_bits(self, statement: ast.ClassicalDeclaration) -> None:
        name = statement.identifier.name
        if not isinstance(statement.type, ast.BitType):
            raise Rejected(f"{name} is neither a bit nor a constant")
        if name == _RESERVED:
            raise Rejected(f"{name} is the name of the system's own register")
        self._new_name(name)
        self.program.registers[name] = self._size(statement.type.size)
        value = statement.init_expression
        if isinstance(value, ast.QuantumMeasurement):
            self._measure_into(value, statement.identifier)
        elif value is not None:
            raise Rejected(f"{name} has an initial value other than a measurement")

    def _declare_constant(self, statement: ast.ConstantDeclaration) -> None:
        self._new_name(statement.identifier.name)
        self._constants[statement.identifier.name] = number(statement.init_expression, self._constants)

    def _new_name(self, name: str) -> None:
        if name in self._qubits or name in self.program.registers or name in self._constants:
            raise Rejected(f"{name} is declared twice")

    def _size(self, size: ast.Expression | None) -> int:
        value = 1 if size is None else whole(size, self._constants)
        if not 1 <= value <= _SIZE_LIMIT:
            raise Rejected(f"{value} is not a possible size")
        return value

    def _gate(self, statement: ast.QuantumGate | ast.QuantumPhase) -> None:
        for qubits in _broadcast([self._operand(operand) for operand in statement.qubits]):
            self.program.instructions += self._gates.gates_of(statement, qubits, self._constants)
            self.program.gates_1q += len(qubits) == 1
            self.program.gates_2q += max(len(qubits) - 1, 0)

    def _measure(self, statement: ast.QuantumMeasurementStatement) -> None:
        self._measure_into(statement.measure, statement.target)

    def _measure_into(
        self, measurement: ast.QuantumMeasurement, target: ast.Identifier | ast.IndexedIdentifier | None
    ) -> None:
        qubits = self._operand(measurement.qubit)
        bits = [None] * len(qubits) if target is None else self._bits(target)
        if len(bits) != len(qubits):
            raise Rejected(f"{len(qubits)} qubits are measured into {len(bits)} bits")
        self.program.instructions += [Measurement(qubit, bit) for qubit, bit in zip(qubits, bits, strict=True)]

    def _nothing(self, statement: ast.QuantumBarrier | ast.DelayInstruction) -> None:
        """Check a statement that has no effect on the result of an ideal circuit."""
        for operand in statement.qubits:
            if isinstance(operand, ast.Identifier | ast.IndexedIdentifier):
                self._operand(operand)

    def _reset(self, statement: ast.QuantumReset) -> None:
        self.program.instructions += [Reset(qubit) for qubit in self._operand(statement.qubits)]

    def _operand(self, operand: ast.Identifier | ast.IndexedIdentifier) -> list[int]:
        """Return the qubits of an operand."""
        name, indices = _split(operand)
        if physical := _PHYSICAL.fullmatch(name):
            if self._qubits:
                raise Rejected("physical qubits are mixed with declared ones")
            self.program.qubits = max(self.program.qubits, int(physical[1]) + 1)
            return [int(physical[1])]
        if name not in self._qubits:
            raise Rejected(f"{name} is not a declared qubit")
        return self._selected(self._qubits[name], indices, name)

    def _bits(self, target: ast.Identifier | ast.IndexedIdentifier) -> list[Any]:
        name, indices = _split(target)
        if name not in self.program.registers:
            raise Rejected(f"{name} is not a declared bit")
        bits = [(name, index) for index in range(self.program.registers[name])]
        return self._selected(bits, indices, name)

    def _selected(self, items: Sequence[Any], indices: Sequence[Any], name: str) -> list[Any]:
        if not indices:
            return list(items)
        if len(indices) > 1 or (isinstance(indices[0], list) and len(indices[0]) != 1):
            raise Rejected(f"{name} has more than one index")
        index = indices[0][0] if isinstance(indices[0], list) else indices[0]
        positions = self._positions(index, len(items))
        if any(not -len(items) <= position < len(items) for position in positions):
            raise Rejected(f"{name} has no element {positions[0] if len(positions) == 1 else positions}")
        return [items[position] for position in positions]

    def _positions(self, index: Any, size: int) -> list[int]:
        if isinstance(index, ast.DiscreteSet):
            return [whole(value, self._constants) for value in index.values]
        if not isinstance(index, ast.RangeDefinition):
            return [whole(index, self._constants)]
        step = 1 if index.step is None else whole(index.step, self._constants)
        if step == 0:
            raise Rejected("a range has a step of 0")
        ends = (0, size - 1) if step > 0 else (size - 1, 0)
        start, stop = (
            end if value is None else whole(value, self._constants)
            for value, end in zip((index.start, index.end), ends, strict=True)
        )
        start, stop = (end + size if end < 0 else end for end in (start, stop))
        # The end of a range belongs to it.
        positions = range(start, stop + (1 if step > 0 else -1), step)
        if len(positions) > size:
            raise Rejected(f"a range has {len(positions)} elements of {size}")
        return list(positions)


def _split(operand: ast.Identifier | ast.IndexedIdentifier) -> tuple[str, Sequence[Any]]:
    if isinstance(operand, ast.IndexedIdentifier):
        return operand.name.name, operand.indices
    return operand.name, ()


def _broadcast(operands: Sequence[Sequence[int]]) -> Iterable[list[int]]:
    """
    Yield the qubits of each use of a gate: a gate on registers is used for each of their elements.

    :raises Rejected: the registers differ in size.
    """
    sizes = {len(operand) for operand in operands} - {1}
    if len(sizes) > 1:
        raise Rejected("a gate is used on registers of different sizes")
    for index in range(max(sizes, default=1)):
        yield [operand[0 if len(operand) == 1 else index] for operand in operands]
