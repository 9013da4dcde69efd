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
from airflow_provider_ionq.emulator.prices import Price
from airflow_provider_ionq.emulator.settings import checked
from airflow_provider_ionq.emulator.state import JOB_STATUSES, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from airflow_provider_ionq.emulator.emulator_control import EmulatorControl

CONTROL_PREFIX = "/_emulator"

_SETTINGS = (
    "capacity",
    "read_after_write_seconds",
    "job_seconds",
    "job_reads",
    "job_plan",
    "prices",
    "compiled_gates",
    "seed",
    "result_style",
)


def create_session(emulator: EmulatorControl, _session_id: str, body: bytes) -> Any:
    """Create a session."""
    arguments = _arguments(body, emulator.create_session)
    if not isinstance(arguments.get("settings", {}), dict):
        raise ValueError("settings must be an object")
    if "plan" in arguments:
        arguments["plan"] = _plan(arguments["plan"])
    return emulator.create_session(**arguments)


def update_session(emulator: EmulatorControl, session_id: str, body: bytes) -> Any:
    """Set and remove fields of a session; a status that exists moves the session."""
    fields = _object(json_value(body))
    remove = _names(fields.pop("remove", []))
    moves: dict[object, Callable[[str], object]] = {"started": emulator.start_session, "ended": emulator.end_session}
    status = fields.get("status")
    if isinstance(status, str) and status in moves:
        moves[status](session_id)
        del fields["status"]
    return emulator.update_session(session_id, remove=remove, **fields)


def delete_session(emulator: EmulatorControl, session_id: str, _body: bytes) -> None:
    """Delete a session and its jobs."""
    emulator.delete_session(session_id)


def create_history(emulator: EmulatorControl, _parameter: str, body: bytes) -> Any:
    """Create sessions that ended long ago."""
    arguments = _arguments(body, emulator.create_history)
    emulator.create_history(**arguments)
    return arguments


def submit_job(emulator: EmulatorControl, _job_id: str, body: bytes) -> Any:
    """Submit a job."""
    arguments = _arguments(body, emulator.submit_job)
    if "plan" in arguments:
        arguments["plan"] = _plan(arguments["plan"])
    return emulator.submit_job(**arguments)


def update_job(emulator: EmulatorControl, job_id: str, body: bytes) -> Any:
    """Set and remove fields of a job; a status that exists moves the job, with the arguments of that change."""
    change = _object(json_value(body))
    status = change.get("status")
    if change.pop("results_gone", False):
        emulator.delete_results(job_id)
    if not isinstance(status, str) or status not in JOB_STATUSES:
        remove = _names(change.pop("remove", []))
        return emulator.update_job(job_id, remove=remove, **change)
    ends: dict[str, Callable[..., Any]] = {
        "completed": emulator.complete_job,
        "failed": emulator.fail_job,
        "canceled": emulator.cancel_job,
    }
    if status not in ends:
        return emulator.set_job_status(job_id, **_object(change, ("status",)))
    del change["status"]
    return ends[status](job_id, **_object(change, set(inspect.signature(ends[status]).parameters) - {"job_id"}))


def delete_job(emulator: EmulatorControl, job_id: str, _body: bytes) -> None:
    """Delete a job."""
    emulator.delete_job(job_id)


def fail_next_job(emulator: EmulatorControl, _job_id: str, body: bytes) -> Any:
    """Make the next job fail."""
    arguments = _arguments(body, emulator.fail_next_job)
    emulator.fail_next_job(**arguments)
    return arguments


def update_settings(emulator: EmulatorControl, _parameter: str, body: bytes) -> Any:
    """Set parameters of the emulator: all of them, or none if one is invalid."""
    settings = _object(json_value(body), _SETTINGS)
    if settings.get("capacity") is not None:
        _object(settings["capacity"], what="capacity")
    if settings.get("job_plan") is not None:
        settings["job_plan"] = _plan(settings["job_plan"])
    if settings.get("prices") is not None:
        prices = _object(settings["prices"], what="prices")
        settings["prices"] = {backend: _price(price) for backend, price in prices.items()}
    for name, value in checked(settings).items():
        setattr(emulator, name, value)
    return {name: _shown(getattr(emulator, name)) for name in _SETTINGS}


def add_fault(emulator: EmulatorControl, _parameter: str, body: bytes) -> Any:
    """Add a fault: a disturbance if it has a kind, another answer if it has a status."""
    fault = _object(json_value(body))
    if "kind" in fault:
        emulator.disturb(**_arguments(body, emulator.disturb))
    elif "status" in fault:
        emulator.fail(**_arguments(body, emulator.fail))
    else:
        raise ValueError("a fault needs a status or a kind")
    return fault


def clear_faults(emulator: EmulatorControl, _parameter: str, _body: bytes) -> None:
    """Remove all faults."""
    emulator.clear_faults()


def list_requests(emulator: EmulatorControl, _parameter: str, _body: bytes) -> Any:
    """Return the request log."""
    return [dataclasses.asdict(request) for request in emulator.requests]


def count_connections(emulator: EmulatorControl, _parameter: str, _body: bytes) -> Any:
    """Return the counts of connections and of requests dropped unread."""
    counts = {"made": emulator.connections_made, "open": emulator.connections_open}
    return {**counts, "dropped_unread": emulator.dropped_unread}


def clear_requests(emulator: EmulatorControl, _parameter: str, _body: bytes) -> None:
    """Clear the request log and the counts."""
    emulator.clear_requests()


CONTROL_ROUTES = {
    "POST /sessions": create_session,
    "PATCH /sessions/{session_id}": update_session,
    "DELETE /sessions/{session_id}": delete_session,
    "POST /history": create_history,
    "POST /jobs": submit_job,
    "PATCH /jobs/{job_id}": update_job,
    "DELETE /jobs/{job_id}": delete_job,
    "POST /failures": fail_next_job,
    "PATCH /settings": update_settings,
    "POST /faults": add_fault,
    "DELETE /faults": clear_faults,
    "GET /requests": list_requests,
    "GET /connections": count_connections,
    "DELETE /requests": clear_requests,
}


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


def _names(remove: object) -> list[str]:
    if not isinstance(remove, list) or not all(isinstance(name, str) for name in remove):
        raise ValueError("remove must be a list of field names")
    return remove


def _price(value: object) -> Price:
    return Price(**_object(value, [field.name for field in dataclasses.fields(Price)], "a price"))


def _shown(value: Any) -> Any:
    """Return a parameter as JSON can express it."""
    if isinstance(value, tuple):
        return [dataclasses.asdict(step) for step in value]
    if isinstance(value, dict):
        return {name: dataclasses.asdict(item) if isinstance(item, Price) else item for name, item in value.items()}
    return value


def _plan(steps: object) -> list[Step]:
    if not isinstance(steps, list):
        raise ValueError("plan must be a list of steps")
    allowed = [field.name for field in dataclasses.fields(Step)]
    checked_steps = [_object(step, allowed, "a step") for step in steps]
    if any("status" not in step for step in checked_steps):
        raise ValueError("a step needs a status")
    return [Step(**step) for step in checked_steps]
