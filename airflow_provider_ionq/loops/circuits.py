"""The circuits that a loop runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def circuits_of(value: Any) -> list[Any] | None:
    """
    Return the circuits of a list of circuits; None for one circuit, which may be a list of gates.

    :param value: what is to be run.
    """
    if not isinstance(value, (list, tuple)):
        return None
    is_gate = [isinstance(one, Mapping) and "gate" in one for one in value]
    return None if value and all(is_gate) else list(value)


def converted(circuit: Any) -> Any:
    """
    Return a circuit as JSON; IonQ's JSON stays as it is.

    :param circuit: a circuit, not a list of them.
    :raises ValueError: if it cannot be converted, or is nothing that can.
    """
    if isinstance(circuit, (Mapping, list, tuple)):
        return circuit
    from airflow_provider_ionq.circuits.program import to_ionq_program

    return to_ionq_program(circuit)
