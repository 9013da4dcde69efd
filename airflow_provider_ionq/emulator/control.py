"""The routes under ``/_emulator``, which control an emulator in another process. They need no key."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from airflow_provider_ionq.emulator.payload import json_value
from airflow_provider_ionq.emulator.replies import reply
from airflow_provider_ionq.emulator.service import Service
from airflow_provider_ionq.emulator.state import Step

if TYPE_CHECKING:
    from collections.abc import Callable

_SETTINGS = ("capacity", "read_after_write_seconds", "job_seconds", "job_reads")


def _object(body: bytes, allowed: frozenset[str] | None = None) -> dict[str, Any]:
    return _checked(json_value(body), allowed, "the body")


def _checked(payload: object, allowed: frozenset[str] | None, what: str) -> dict[str, Any]:
    if not isinstance(payload, dict):
        raise ValueError(f"{what} must be a JSON object")
    if allowed is not None and (unknown := sorted(set(payload) - allowed)):
        raise ValueError(f"{what} has unknown fields: {', '.join(unknown)}; allowed are {', '.join(sorted(allowed))}")
    return payload


def _plan(steps: object) -> list[Step]:
    if not isinstance(steps, list):
        raise ValueError("plan must be a list of steps")
    allowed = frozenset(field.name for field in dataclasses.fields(Step))
    checked = [_checked(step, allowed, "a step") for step in steps]
    if any("status" not in step for step in checked):
        raise ValueError("a step needs a status")
    return [Step(**step) for step in checked]


def _create_session(service: Service, _session_id: str, body: bytes) -> Response:
    arguments = _object(body, frozenset({"backend", "plan", "session_id", "settings"}))
    if not isinstance(arguments.get("settings", {}), dict):
        raise ValueError("settings must be an object")
    if "plan" in arguments:
        arguments["plan"] = _plan(arguments["plan"])
    return reply(service.create_session(**arguments), 201)


def _update_session(service: Service, session_id: str, body: bytes) -> Response:
    fields = _object(body)
    remove = fields.pop("remove", [])
    if not isinstance(remove, list) or not all(isinstance(name, str) for name in remove):
        raise ValueError("remove must be a list of field names")
    moves: dict[object, Callable[[str], object]] = {"started": service.start_session, "ended": service.end_session}
    status = fields.get("status")
    if isinstance(status, str) and status in moves:
        moves[status](session_id)
        del fields["status"]
    return reply(service.update_session(session_id, remove=remove, **fields))


def _delete_session(service: Service, session_id: str, _body: bytes) -> Response:
    service.delete_session(session_id)
    return Response(status_code=204)


def _create_job(service: Service, _job_id: str, body: bytes) -> Response:
    names = frozenset({"backend", "cost_usd", "job_id", "metadata", "name", "session_id", "shots"})
    return reply(service.submit_job(**_object(body, names)), 201)


def _update_job(service: Service, job_id: str, body: bytes) -> Response:
    change = _object(body, frozenset({"status", "cost_usd"}))
    if change.get("status") == "completed":
        return reply(service.complete_job(job_id, cost_usd=change.get("cost_usd")))
    if change != {"status": "failed"}:
        raise ValueError('a job takes "status": "completed", with or without "cost_usd", or "status": "failed"')
    return reply(service.fail_job(job_id))


def _update_settings(service: Service, _parameter: str, body: bytes) -> Response:
    settings = _object(body, frozenset(_SETTINGS))
    if settings.get("capacity") is not None:
        _checked(settings["capacity"], None, "capacity")
    Service(**settings)  # raises before any setting is changed
    for name, value in settings.items():
        setattr(service, name, value)
    return reply({name: getattr(service, name) for name in _SETTINGS})


def _create_history(service: Service, _session_id: str, body: bytes) -> Response:
    arguments = _object(body, frozenset({"count"}))
    service.create_history(**arguments)
    return reply(arguments, 201)


def _fail(service: Service, _session_id: str, body: bytes) -> Response:
    fault = _object(body)
    limits = {"route", "times", "seconds"}
    if "kind" in fault:
        service.disturb(**_checked(fault, frozenset({"kind", "delay_seconds", "after_bytes", *limits}), "the body"))
    elif "status" in fault:
        names = frozenset({"status", "retry_after", "body", "content_type", "after_effect", *limits})
        service.fail(**_checked(fault, names, "the body"))
    else:
        raise ValueError("a fault needs a status or a kind")
    return reply(fault, 201)


def _clear_faults(service: Service, _session_id: str, _body: bytes) -> Response:
    service.clear_faults()
    return Response(status_code=204)


def _requests(service: Service, _session_id: str, _body: bytes) -> Response:
    return reply([dataclasses.asdict(request) for request in service.requests])


def _connections(service: Service, _session_id: str, _body: bytes) -> Response:
    counts = {"made": service.connections_made, "open": service.connections_open}
    return reply({**counts, "dropped_unread": service.dropped_unread})


def _clear_requests(service: Service, _session_id: str, _body: bytes) -> Response:
    service.clear_requests()
    return Response(status_code=204)


CONTROL_HANDLERS: dict[str, Callable[[Service, str, bytes], Response]] = {
    "POST /sessions": _create_session,
    "PATCH /sessions/{session_id}": _update_session,
    "DELETE /sessions/{session_id}": _delete_session,
    "POST /history": _create_history,
    "POST /jobs": _create_job,
    "PATCH /jobs/{job_id}": _update_job,
    "PATCH /settings": _update_settings,
    "POST /faults": _fail,
    "DELETE /faults": _clear_faults,
    "GET /requests": _requests,
    "GET /connections": _connections,
    "DELETE /requests": _clear_requests,
}
