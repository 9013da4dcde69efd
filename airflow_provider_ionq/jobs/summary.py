"""The figures of an ended job: times, gates and cost. Pure: no I/O, no clock, no Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_ionq.api.json_text import is_number, json_object, json_text, json_time
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_WAIT_STEPS = (60.0, 300.0, 900.0, 1800.0, *(3600.0 * hours for hours in (1, 2, 4, 8, 16, 24, 48, 96)))
"""The steps of a predicted wait, in seconds."""


class JobSummary(TypedDict):
    """
    The figures of an ended job; None where the API gives none.

    `queue_seconds` is the time from the submission to the start, `run_seconds` the duration of the execution, and
    `qpu_seconds` the billed quantum compute time. `cost` is the charge, in `cost_unit`.
    """

    queue_seconds: float | None
    run_seconds: float | None
    qpu_seconds: float | None
    gates_1q: int | None
    gates_2q: int | None
    cost: float | None
    cost_unit: str | None


def summarize(job: Mapping[str, Any], cost: Mapping[str, Any] | None) -> JobSummary:
    """
    Return the figures of a job.

    :param job: its JSON.
    :param cost: the JSON of its cost; None if it could not be read.
    """
    stats = json_object(job.get("stats"))
    gates = json_object(stats.get("gate_counts"))
    charge = json_object(json_object(cost).get("cost"))
    run = _scaled(job.get("execution_duration_ms"), 1e-3)
    return {
        "queue_seconds": _between(job.get("submitted_at"), job.get("started_at")),
        "run_seconds": _between(job.get("started_at"), job.get("completed_at")) if run is None else run,
        "qpu_seconds": _scaled(stats.get("billed_quantum_compute_time_us"), 1e-6),
        "gates_1q": _whole(gates.get("1q")),
        "gates_2q": _whole(gates.get("2q")),
        "cost": _scaled(charge.get("value"), 1.0),
        "cost_unit": None if charge.get("unit") is None else json_text(charge["unit"]),
    }


def describe(summary: JobSummary) -> str:
    """Return a summary as one line, without what is unknown; empty if nothing is known."""
    names = {"queue_seconds": "queue", "run_seconds": "run", "qpu_seconds": "QPU"}
    parts = [f"{names[key]} {value:.3g} s" for key, value in summary.items() if key in names and is_number(value)]
    if summary["gates_1q"] is not None or summary["gates_2q"] is not None:
        parts.append(f"{summary['gates_1q'] or 0} one-qubit and {summary['gates_2q'] or 0} two-qubit gates")
    if summary["cost"] is not None:
        parts.append(f"cost {summary['cost']:.2f} {summary['cost_unit'] or 'in an unknown unit'}")
    return ", ".join(parts)


def predicted_wait(job: Mapping[str, Any]) -> str | None:
    """
    Describe the predicted wait of a queued job in coarse steps, so that it changes seldom while time passes.

    :param job: its JSON.
    :return: such as `less than 2 h`; None if the API gives none.
    """
    seconds = _scaled(job.get("predicted_wait_time_ms"), 1e-3)
    if seconds is None:
        return None
    bound = next((step for step in _WAIT_STEPS if seconds < step), None)
    return f"more than {duration_text(_WAIT_STEPS[-1])}" if bound is None else f"less than {duration_text(bound)}"


def _between(start: object, end: object) -> float | None:
    """Return the seconds from one time to another; None if one is unknown, or they are in two time zones."""
    began, ended = json_time(start), json_time(end)
    if began is None or ended is None or (began.tzinfo is None) != (ended.tzinfo is None):
        return None
    seconds = (ended - began).total_seconds()
    return seconds if seconds >= 0 else None


def _scaled(value: object, factor: float) -> float | None:
    try:
        return value * factor if is_number(value) and value >= 0 else None
    except OverflowError:
        return None


def _whole(value: object) -> int | None:
    return int(value) if is_number(value) and value >= 0 else None
