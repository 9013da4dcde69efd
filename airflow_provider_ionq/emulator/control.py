"""
The requests under ``/_emulator``, which control an emulator in another process. They need no key.

A handler gets the emulator, the id in the path and the body. It returns the JSON value of the answer; None for an empty
answer.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.payload import json_value
from airflow_provider_ionq.emulator.settings import checked
from airflow_provider_ionq.emulator.state import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from airflow_provider_ionq.emulator.emulator import Emulator

_SETTINGS = ("capacity", "read_after_write_seconds", "job_seconds", "job_reads")


def create_session(emulator: Emulator, _session_id: str, body: bytes) -> Any:
    """Create a session."""
    arguments = _arguments(body, emulator.create_session)
    if not isinstance(arguments.get("settings", {}), dict):
        raise ValueError("settings must be an object")
    if "plan" in arguments:
        arguments["plan"] = _plan(arguments["plan"])
    return emulator.create_session(**arguments)


def update_session(emulator: Emulator, session_id: str, body: bytes) -> Any:
    """Set and remove fields of a session; a status that exists moves the session."""
    fields = _object(json_value(body))
    remove = fields.pop("remove", [])
    if not isinstance(remove, list) or not all(isinstance(name, str) for name in remove):
        raise ValueError("remove must be a list of field names")
    moves: dict[object, Callable[[str], object]] = {"started": emulator.start_session, "ended": emulator.end_session}
    status = fields.get("status")
    if isinstance(status, str) and status in moves:
        moves[status](session_id)
        del fields["status"]
    return emulator.update_session(session_id, remove=remove, **fields)


def delete_session(emulator: Emulator, session_id: str, _body: bytes) -> None:
    """Delete a session and its jobs."""
    emulator.delete_session(session_id)


def create_history(emulator: Emulator, _parameter: str, body: bytes) -> Any:
    """Create sessions that ended long ago."""
    arguments = _arguments(body, emulator.create_history)
    emulator.create_history(**arguments)
    return arguments


def submit_job(emulator: Emulator, _job_id: str, body: bytes) -> Any:
    """Submit a job."""
    return emulator.submit_job(**_arguments(body, emulator.submit_job))


def update_job(emulator: Emulator, job_id: str, body: bytes) -> Any:
    """Complete a job or let it fail."""
    change = _object(json_value(body), ("status", "cost_usd"))
    if change.get("status") == "completed":
        return emulator.complete_job(job_id, cost_usd=change.get("cost_usd"))
    if change != {"status": "failed"}:
        raise ValueError('a job takes "status": "completed", with or without "cost_usd", or "status": "failed"')
    return emulator.fail_job(job_id)


def update_settings(emulator: Emulator, _parameter: str, body: bytes) -> Any:
    """Set parameters of the emulator: all of them, or none if one is invalid."""
    settings = _object(json_value(body), _SETTINGS)
    if settings.get("capacity") is not None:
        _object(settings["capacity"], what="capacity")
    for name, value in checked(settings).items():
        setattr(emulator, name, value)
    return {name: getattr(emulator, name) for name in _SETTINGS}


def add_fault(emulator: Emulator, _parameter: str, body: bytes) -> Any:
    """Add a fault: a disturbance if it has a kind, another answer if it has a status."""
    fault = _object(json_value(body))
    if "kind" in fault:
        emulator.disturb(**_arguments(body, emulator.disturb))
    elif "status" in fault:
        emulator.fail(**_arguments(body, emulator.fail))
    else:
        raise ValueError("a fault needs a status or a kind")
    return fault


def clear_faults(emulator: Emulator, _parameter: str, _body: bytes) -> None:
    """Remove all faults."""
    emulator.clear_faults()


def list_requests(emulator: Emulator, _parameter: str, _body: bytes) -> Any:
    """Return the request log."""
    return [dataclasses.asdict(request) for request in emulator.requests]


def count_connections(emulator: Emulator, _parameter: str, _body: bytes) -> Any:
    """Return the counts of connections and of requests dropped unread."""
    counts = {"made": emulator.connections_made, "open": emulator.connections_open}
    return {**counts, "dropped_unread": emulator.dropped_unread}


def clear_requests(emulator: Emulator, _parameter: str, _body: bytes) -> None:
    """Clear the request log and the counts."""
    emulator.clear_requests()


def _arguments(body: bytes, method: Callable[..., object]) -> dict[str, Any]:
    """
    Return the body as arguments of a method.

    :raises ValueError: the body is not a JSON object, or the method does not take a field of it.
    """
    return _object(json_value(body), inspect.signature(method).parameters)


def _object(value: object, allowed: Collection[str] | None = None, what: str = "the body") -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be a JSON object")
    if allowed is not None and (unknown := sorted(set(value) - set(allowed))):
        raise ValueError(f"{what} has unknown fields: {', '.join(unknown)}; allowed are {', '.join(sorted(allowed))}")
    return value


def _plan(steps: object) -> list[Step]:
    if not isinstance(steps, list):
        raise ValueError("plan must be a list of steps")
    allowed = [field.name for field in dataclasses.fields(Step)]
    checked_steps = [_object(step, allowed, "a step") for step in steps]
    if any("status" not in step for step in checked_steps):
        raise ValueError("a step needs a status")
    return [Step(**step) for step in checked_steps]
