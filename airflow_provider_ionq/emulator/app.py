"""The HTTP side: an ASGI application over a :class:`~airflow_provider_ionq.emulator.service.Service`."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request

from airflow_provider_ionq.emulator import catalogue
from airflow_provider_ionq.emulator.control import CONTROL_HANDLERS
from airflow_provider_ionq.emulator.job_query import JobQuery
from airflow_provider_ionq.emulator.log import RecordedRequest
from airflow_provider_ionq.emulator.payload import (
    BODY_LIMIT_BYTES,
    BadBody,
    BadRequest,
    is_json,
    json_value,
    query_values,
)
from airflow_provider_ionq.emulator.replies import error, fault_reply, reply
from airflow_provider_ionq.emulator.routes import KEYLESS_ROUTES, Match, match
from airflow_provider_ionq.emulator.state import CapacityFull, Refused, UnknownJob, UnknownSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from airflow_provider_ionq.emulator.service import Service

_BODY_ROUTES = frozenset({"POST /sessions", "POST /jobs"})
_QUERY_ROUTES = frozenset({"GET /sessions", "GET /sessions/{session_id}/jobs", "GET /jobs"})
_TOO_LARGE = "The body is larger than 10 MB."


@dataclass(frozen=True)
class Call:
    """
    The parts of a request that a handler needs.

    :param service: the emulated service.
    :param parameter: variable segment of the path, decoded; empty if the route has none.
    :param query: names and values of the query parameters, in their order.
    :param content_type: header of the body; empty if there is none.
    :param body: request body; None if it exceeds the API's limit.
    """

    service: Service
    parameter: str
    query: list[tuple[str, str]]
    content_type: str
    body: bytes | None


class Application:
    """
    The ASGI application.

    :param service: the service to expose.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. A request that the client aborts has no effect and is not logged."""
        request = Request(scope, receive)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return
        raw_path = scope["raw_path"].decode("latin-1")
        matched = match(request.method, raw_path)
        content_type = request.headers.get("content-type", "")
        call = Call(self._service, matched.parameter, request.query_params.multi_items(), content_type, body)
        authorized = self._authorized(request)
        response = _control(matched, call) if matched.control else self._answer(matched.route, call, authorized)
        response.headers["x-request-id"] = str(uuid.uuid4())
        # Not uvicorn's own: a client that compares it with the times of a session must see one clock.
        response.headers["date"] = formatdate(self._service.now(), usegmt=True)
        if not matched.control:
            # Recorded before it is sent: a client that has the answer finds the request in the log.
            self._record(request, raw_path, matched, response, authorized)
        await response(scope, receive, send)

    def _record(self, request: Request, raw_path: str, matched: Match, response: Response, authorized: bool) -> None:
        host, port = request.scope["client"] or ("", 0)
        self._service.record(
            RecordedRequest(
                method=request.method,
                path=unquote(raw_path),
                raw_path=raw_path,
                route=matched.route,
                session_id=matched.parameter if "{session_id}" in (matched.route or "") else None,
                query=request.scope["query_string"].decode("latin-1"),
                status=response.status_code,
                request_id=response.headers["x-request-id"],
                at=self._service.now(),
                peer=(host, port),
                authorized=authorized,
            )
        )

    def _answer(self, route: str | None, call: Call, authorized: bool) -> Response:
        if fault := self._service.take_fault(route):
            return fault_reply(fault)
        response = self._right_answer(route, call, authorized)
        if response.status_code < 400 and (fault := self._service.take_fault(route, after_effect=True)):
            return fault_reply(fault)
        return response

    def _right_answer(self, route: str | None, call: Call, authorized: bool) -> Response:
        if route is None:
            return error(404)
        if not authorized and route not in KEYLESS_ROUTES:
            return error(401)
        if "/sessions" in route and not self._service.sessions_enabled:
            return error(404)
        if call.body is None:
            return error(413, _TOO_LARGE)
        if route in _BODY_ROUTES and not is_json(call.content_type):
            return error(415, "The body must be JSON: send the header 'Content-Type: application/json'.")
        try:
            if route not in _QUERY_ROUTES:
                query_values(call.query, frozenset())
            return API_HANDLERS[route](call)
        except (UnknownSession, UnknownJob):
            return error(404)
        except BadRequest as bad:
            return error(400, str(bad), validation=bad.validation)
        except CapacityFull as full:
            return error(409, str(full))
        except Refused as refused:
            return error(400, str(refused))

    def _authorized(self, request: Request) -> bool:
        expected = f"apiKey {self._service.api_key}".encode()
        return secrets.compare_digest(request.headers.get("authorization", "").encode("latin-1"), expected)


async def _body(request: Request) -> bytes | None:
    """Return the body; None if it exceeds the API's limit."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT_BYTES:
            return None
    return bytes(body)


def _control(matched: Match, call: Call) -> Response:
    if matched.route is None:
        return error(404)
    if call.body is None:
        return error(413, _TOO_LARGE)
    try:
        return CONTROL_HANDLERS[matched.route](call.service, call.parameter, call.body)
    except (UnknownSession, UnknownJob) as unknown:
        return error(404, str(unknown))
    except (TypeError, ValueError) as refused:
        return error(400, str(refused))


def _whoami(_call: Call) -> Response:
    return reply({"key_id": catalogue.KEY_ID, "key_name": catalogue.KEY_NAME, "project_id": catalogue.PROJECT_ID})


def _backends(_call: Call) -> Response:
    return reply(list(catalogue.BACKENDS.values()))


def _backend(call: Call) -> Response:
    backend = catalogue.BACKENDS.get(call.parameter)
    return error(404) if backend is None else reply(backend)


def _payload(call: Call, problems_in: Callable[[object], dict[str, str]]) -> Any:
    """
    Return the JSON value of a valid body.

    :raises BadRequest: the body is invalid.
    """
    try:
        payload = json_value(call.body or b"")
    except BadBody as refused:
        raise BadRequest(str(refused), "payload", *refused.keys) from None
    if problems := problems_in(payload):
        message = "; ".join(f'"{key}" {problem}' if key else problem for key, problem in problems.items())
        raise BadRequest(message, "payload", *(key for key in problems if key))
    return payload


def _create_session(call: Call) -> Response:
    return reply(call.service.open_session(_payload(call, catalogue.problems_in_new_session)), 201)


def _list_sessions(call: Call) -> Response:
    flags: dict[str | None, bool | None] = {None: None, "true": True, "false": False}
    (active,) = query_values(call.query, frozenset({"active"})).get("active", [None])
    if active not in flags:
        raise BadRequest('"active" must be true or false', "query", "active")
    sessions = call.service.read_sessions(flags[active])
    return reply({"organization_id": catalogue.ORGANIZATION_ID, "sessions": sessions})


def _get_session(call: Call) -> Response:
    return reply(call.service.read_session(call.parameter))


def _end_session(call: Call) -> Response:
    return reply(call.service.close_session(call.parameter))


def _jobs(call: Call) -> Response:
    jobs, following = call.service.read_jobs(JobQuery.of(call.query))
    return reply({"jobs": jobs, "next": following})


def _session_jobs(call: Call) -> Response:
    jobs, following = call.service.read_jobs(JobQuery.of(call.query), call.parameter)
    return reply({"jobs": jobs, "next": following})


def _create_job(call: Call) -> Response:
    job = call.service.post_job(_payload(call, catalogue.problems_in_new_job))
    return reply({"id": job["id"], "status": "submitted", "session_id": job["session_id"]}, 201)


def _get_job(call: Call) -> Response:
    return reply(call.service.read_job(call.parameter))


def _cancel_job(call: Call) -> Response:
    job = call.service.cancel_job(call.parameter)
    return reply({"id": job["id"], "status": job["status"]})


API_HANDLERS: dict[str, Callable[[Call], Response]] = {
    "GET /whoami": _whoami,
    "GET /backends": _backends,
    "GET /backends/{backend}": _backend,
    "POST /sessions": _create_session,
    "GET /sessions": _list_sessions,
    "GET /sessions/{session_id}": _get_session,
    "POST /sessions/{session_id}/end": _end_session,
    "GET /sessions/{session_id}/jobs": _session_jobs,
    "POST /jobs": _create_job,
    "GET /jobs": _jobs,
    "GET /jobs/{job_id}": _get_job,
    "PUT /jobs/{job_id}/status/cancel": _cancel_job,
}
