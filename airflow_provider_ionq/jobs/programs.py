"""Split the arguments of a job into what IonQ runs, and the layouts of the circuits. Pure: no I/O, no Airflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_ionq.api.arguments import is_absent, json_of
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.circuits.layout import CircuitLayout


@dataclass(frozen=True, slots=True)
class Programs:
    """
    What a job runs: at most one of the three sources, without layouts, and the layouts.

    :param circuit: one circuit.
    :param circuits: several circuits.
    :param qasm: an OpenQASM 3 program.
    :param layouts: layout of each circuit; None for one without, and None altogether if no circuit has one.
    :param name: name of the single circuit; None without one.
    """

    circuit: object = None
    circuits: object = None
    qasm: object = None
    layouts: tuple[CircuitLayout | None, ...] | None = None
    name: str | None = None


def programs_of(circuit: object, circuits: object, qasm: object) -> Programs:
    """
    Return what a job runs.

    :param circuit: IonQ's JSON, or a program of :func:`~airflow_provider_ionq.circuits.program.to_ionq_program`.
    :param circuits: a list of these, or an object with it as `circuits`.
    :param qasm: an OpenQASM 3 program.
    :raises ValueError: naming the circuit and the problem.
    """
    if not is_absent(circuit) and isinstance(single := json_of("circuit", circuit), Mapping):
        return _single(single, circuits, qasm)
    if is_absent(circuit) and not is_absent(circuits) and (several := _list_of(json_of("circuits", circuits))):
        return _several(several, circuits, qasm)
    return Programs(circuit, circuits, qasm)


def layouts_of_program(program: object) -> tuple[CircuitLayout | None, ...]:
    """
    Return the layout of each circuit of a program; None for one without.

    :param program: a program of :func:`~airflow_provider_ionq.circuits.program.to_ionq_program`, or a list of these; or
        the text of either.
    :raises ValueError: naming the circuit and the problem.
    """
    given = json_of("program", program)
    if isinstance(given, Mapping):
        return programs_of(given, None, None).layouts or (None,)
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueError(f"program must be a circuit of a job, or a list of its circuits, not {json_text(given)}")
    return programs_of(None, given, None).layouts or (None,) * len(given)


def _single(circuit: Mapping[Any, Any], circuits: object, qasm: object) -> Programs:
    program, layout = _apart("circuit", circuit)
    name = program.pop("name", None)
    layouts = None if layout is None else (layout,)
    if "qasm" not in program:
        return Programs(program, circuits, qasm, layouts, name)
    if not is_absent(qasm):
        raise ValueError("circuit is an OpenQASM program, and qasm is given too: give one of them")
    if unknown := sorted(program.keys() - {"qasm"}):
        raise ValueError(f"circuit is an OpenQASM program, which must not have {', '.join(map(repr, unknown))}")
    return Programs(None, circuits, program["qasm"], layouts, name)


def _list_of(circuits: object) -> Sequence[object] | None:
    several = circuits.get("circuits") if isinstance(circuits, Mapping) else circuits
    return several if isinstance(several, Sequence) and not isinstance(several, str) else None


def _several(several: Sequence[object], circuits: object, qasm: object) -> Programs:
    apart: list[tuple[Any, CircuitLayout | None]] = []
    for index, one in enumerate(several):
        where = f"circuits[{index}]"
        one = json_of(where, one)
        if isinstance(one, Mapping) and "qasm" in one:
            raise ValueError(f"{where} is an OpenQASM program, which must be the only circuit of its job")
        apart.append(_apart(where, one) if isinstance(one, Mapping) else (one, None))
    whole = json_of("circuits", circuits)
    without: Any = [one for one, _ in apart]
    if isinstance(whole, Mapping):
        without = {**whole, "circuits": without}
    layouts = tuple(layout for _, layout in apart)
    return Programs(None, without, qasm, layouts if any(layouts) else None)


def _apart(where: str, circuit: Mapping[Any, Any]) -> tuple[dict[Any, Any], CircuitLayout | None]:
    rest = dict(circuit)
    stored = rest.pop("layout", None)
    if stored is None:
        return rest, None
    try:
        layout = CircuitLayout.of_json(stored)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if "qasm" not in rest and rest.get("qubits") != layout.qubits:
        raise ValueError(f"{where} has qubits {rest.get('qubits')}, but its layout is of {layout.qubits} qubits")
    return rest, layout
