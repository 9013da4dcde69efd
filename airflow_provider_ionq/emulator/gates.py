"""
The gates of IonQ's JSON circuits: their operands, and the reasons why a gate is impossible. No I/O and no lock.

Angles of the gate set ``qis`` are in radians. Phases of native gates are in turns, and their angles in units of which
0.25 is the full entangling gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTROLS_LIMIT = 7
_ONE = "x y z rx ry rz h s si v vi t ti not cnot gpi gpi2 nop".split()
_TWO = "swap xx yy zz ms".split()
_PARAMETERS = {
    "rx": ("rotation",),
    "ry": ("rotation",),
    "rz": ("rotation",),
    "xx": ("rotation",),
    "yy": ("rotation",),
    "gpi": ("phase",),
    "gpi2": ("phase",),
    "ms": ("phases",),
    "pauliexp": ("terms", "coefficients", "time"),
}
_TARGETS = dict.fromkeys(_ONE, 1) | dict.fromkeys(_TWO, 2)


class Problem(NamedTuple):
    """
    Why a gate is impossible.

    :param code: IonQ's code of the failure.
    :param message: the problem in words.
    """

    code: str
    message: str


def targets_of(gate: Mapping[str, Any]) -> list[int]:
    """Return the qubits that a gate changes."""
    return _qubits(gate, "targets", "target")


def controls_of(gate: Mapping[str, Any]) -> list[int]:
    """Return the qubits that control a gate."""
    return _qubits(gate, "controls", "control")


def problem_in(
    gate: Mapping[str, Any], gateset: str, targets: Sequence[int], controls: Sequence[int]
) -> Problem | None:
    """
    Return why a gate is impossible on any device; None for a possible gate.

    :param gate: a gate of a valid body.
    :param gateset: ``qis`` or ``native``.
    :param targets: the qubits that it changes.
    :param controls: the qubits that control it.
    """
    name = gate["gate"]
    if name == "nop":
        return None
    touched = (*targets, *controls)
    if not targets or len(set(touched)) < len(touched):
        return Problem("InvalidInput", f"{name} has no target, or one qubit twice")
    if len(targets) != _TARGETS.get(name, len(targets)):
        return Problem("InvalidInput", f"{name} takes {_TARGETS[name]} targets, not {len(targets)}")
    if controls and (gateset == "native" or name == "swap"):
        return Problem("UnsupportedGate", f"{name} cannot be controlled")
    if name == "cnot" and not controls:
        return Problem("InvalidInput", "cnot has no control")
    if len(controls) > CONTROLS_LIMIT:
        return Problem("TooManyControls", f"{name} has {len(controls)} controls, and {CONTROLS_LIMIT} are allowed")
    return _problem_in_parameters(gate, gateset, len(targets))


def _problem_in_parameters(gate: Mapping[str, Any], gateset: str, targets: int) -> Problem | None:
    name = gate["gate"]
    needed = _PARAMETERS.get(name, ())
    if name == "zz" and not (gateset == "native" and "phase" in gate):
        needed = ("angle",) if gateset == "native" else ("rotation",)
    if missing := [parameter for parameter in needed if parameter not in gate]:
        return Problem("InvalidInput", f"{name} has no {missing[0]}")
    if name == "ms" and len(gate["phases"]) != 2:
        return Problem("InvalidInput", "ms takes two phases")
    if name != "pauliexp":
        return None
    terms = gate["terms"]
    if not terms or len(terms) != len(gate["coefficients"]):
        return Problem("InvalidInput", "pauliexp takes one coefficient for each of its terms")
    if any(len(term) != targets or set(term) - set("IXYZ") for term in terms):
        return Problem("InvalidInput", "a term of pauliexp takes one of I, X, Y and Z for each target")
    if gate["time"] < 0:
        return Problem("InvalidInput", "the time of pauliexp is negative")
    return None


def _qubits(gate: Mapping[str, Any], several: str, one: str) -> list[int]:
    qubits = [int(qubit) for qubit in gate[several]] if several in gate else []
    if one in gate:
        qubits.append(int(gate[one]))
    return qubits
