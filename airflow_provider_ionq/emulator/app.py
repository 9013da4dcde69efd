"""The HTTP side: an ASGI application over an emulator."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from airflow_provider_ionq.emulator.control_endpoints import CONTROL_ROUTES
from airflow_provider_ionq.emulator.endpoints import Call, Later
from airflow_provider_ionq.emulator.log import RecordedRequest
from airflow_provider_ionq.emulator.matching import Match, match
from airflow_provider_ionq.emulator.payload import BODY_LIMIT_BYTES, BadRequest, is_json, query_values
from airflow_provider_ionq.emulator.replies import error, fault_reply, reply, text_reply
from airflow_provider_ionq.emulator.routes import API_ROUTES, Route
from airflow_provider_ionq.emulator.state import CapacityFull, Gone, NotFound, Refused, TooLarge

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from airflow_provider_ionq.emulator.emulator_control import EmulatorControl

_TOO_LARGE = "The body is larger than 10 MB."


class Application:
    """
    The ASGI application.

    :param emulator: the emulator to expose.
    """

    def __init__(self, emulator: EmulatorControl) -> None:
        self._emulator = emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. A request that the client aborts has no effect and is not logged."""
        request = Request(scope, receive)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return
        raw_path = scope["raw_path"].decode("latin-1")
        matched = match(request.method, raw_path)
        response = self._control(matched, body) if matched.control else await self._answer(request, matched, body)
        response.headers["x-request-id"] = str(uuid.uuid4())
        # Not uvicorn's own: a client that compares it with the times of a session must see one clock.
        response.headers["date"] = formatdate(self._emulator.clock(), usegmt=True)
        if not matched.control:
            # Recorded before it is sent: a client that has the answer finds the request in the log.
            self._record(request, raw_path, matched, response)
        await response(scope, receive, send)

    def _record(self, request: Request, raw_path: str, matched: Match, response: Response) -> None:
        host, port = request.scope["client"] or ("", 0)
        self._emulator.record(
            RecordedRequest(
                method=request.method,
                path=unquote(raw_path),
                raw_path=raw_path,
                route=matched.route,
                session_id=matched.parameters.get("session_id"),
                job_id=matched.parameters.get("job_id"),
                query=request.scope["query_string"].decode("latin-1"),
                status=response.status_code,
                request_id=response.headers["x-request-id"],
                at=self._emulator.clock(),
                peer=(host, port),
                authorized=self._authorized(request),
            )
        )

    async def _answer(self, request: Request, matched: Match, body: bytes | None) -> Response:
        faults = self._emulator.faults
        if fault := faults.take_fault(matched.route):
            return fault_reply(fault)
        response = await self._regular_answer(request, matched, body)
        if response.status_code < 400 and (fault := faults.take_fault(matched.route, after_effect=True)):
            return fault_reply(fault)
        return response

    async def _regular_answer(self, request: Request, matched: Match, body: bytes | None) -> Response:
        if matched.route is None:
            return error(404)
        route = API_ROUTES[matched.route]
        if route.needs_key and not self._authorized(request):
            return error(401)
        if "/sessions" in matched.route and not self._emulator.sessions_enabled:
            return error(404)
        if body is None:
            return error(413, _TOO_LARGE)
        if route.has_body and not is_json(request.headers.get("content-type", "")):
            return error(415, "The body must be JSON: send the header 'Content-Type: application/json'.")
        try:
            query = query_values(request.query_params.multi_items(), route.query)
            return await self._call(route, Call(matched.parameters, query, body))
        except NotFound:
            return error(404)
        except Gone:
            return error(410)
        except BadRequest as bad:
            return error(400, str(bad), validation=bad.validation)
        except CapacityFull as full:
            return error(409, str(full))
        except (Refused, TooLarge) as refused:
            return error(400, str(refused))

    async def _call(self, route: Route, call: Call) -> Response:
        account = self._emulator.account
        if route.prepare is not None and (work := route.prepare(call)) is not None:
            await asyncio.to_thread(work)
        with account.lock:
            value = route.endpoint(account, call)
            if not isinstance(value, Later):
                # Encoded under the lock: the value may contain objects that another request changes.
                return reply(value, route.status)
        return text_reply(await asyncio.to_thread(value.compute), route.status)

    def _control(self, matched: Match, body: bytes | None) -> Response:
        if matched.route is None:
            return error(404)
        if body is None:
            return error(413, _TOO_LARGE)
        parameter = next(iter(matched.parameters.values()), "")
        try:
            content = CONTROL_ROUTES[matched.route](self._emulator, parameter, body)
        except NotFound as unknown:
            return error(404, str(unknown))
        except (TypeError, ValueError) as refused:
            return error(400, str(refused))
        if content is None:
            return Response(status_code=204)
        return reply(content, 201 if matched.route.startswith("POST") else 200)

    def _authorized(self, request: Request) -> bool:
        expected = f"apiKey {self._emulator.api_key}".encode()
        return secrets.compare_digest(request.headers.get("authorization", "").encode("latin-1"), expected)


async def _body(request: Request) -> bytes | None:
    """Return the body; None if it exceeds the API's limit."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT_BYTES:
            return None
    return bytes(body)
