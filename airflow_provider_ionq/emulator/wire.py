"""
Faults below HTTP: delayed, dripping, cut or missing answers, and connection resets.

They act on the transport only: where an answer is to be disturbed, uvicorn's protocol gives the request its own
transport. The application is not involved.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from airflow_provider_ionq.emulator.control_endpoints import CONTROL_PREFIX
from airflow_provider_ionq.emulator.matching import match
from airflow_provider_ionq.emulator.replies import error

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from airflow_provider_ionq.emulator.fault_control import FaultControl
    from airflow_provider_ionq.emulator.faults import Disturbance


def protocol_of(faults: FaultControl) -> type[H11Protocol]:
    """
    Return the protocol of a server.

    :param faults: provides the disturbances and counts connections.
    """

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            faults.connection_opened()
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            faults.connection_closed()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            begins = self.cycle is None or self.cycle.response_complete
            if begins and not _is_control(data) and faults.take_drop_before_read():
                _reset(self.transport)
                return
            super().data_received(data)

        def send_400_response(self, msg: str) -> None:
            # uvicorn's own answer is plain text, and raises if an answer was sent before the request was complete.
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                body = bytes(error(400, msg).body)
                headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
                headers.append(("connection", "close"))
                response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
                for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                    self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def handle_events(self) -> None:
            before = self.cycle
            super().handle_events()
            # The application has not started on the request yet: its task is only scheduled.
            if self.cycle is not None and self.cycle is not before:
                scope: Any = self.cycle.scope
                matched = match(scope["method"], scope["raw_path"].decode("latin-1"))
                if not matched.control and (disturbance := faults.take_disturbance(matched.route)):
                    wrapped: Any = _KINDS[disturbance.kind](self.transport, disturbance, self.loop)
                    self.cycle.transport = wrapped

    return Protocol


def _is_control(data: bytes) -> bool:
    return data.split(b"\r\n", 1)[0].partition(b" ")[2].startswith(f"{CONTROL_PREFIX}/".encode())


def _reset(transport: asyncio.Transport) -> None:
    """Close a connection so that the client sees a reset."""
    handle: socket.socket | None = transport.get_extra_info("socket")
    if handle is not None:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _Disturbed:
    """The transport of one disturbed answer; the first write is the head, the others are the body."""

    def __init__(self, transport: asyncio.Transport, disturbance: Disturbance, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._disturbance = disturbance
        self._loop = loop
        self._head_sent = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._head_sent:
            self.write_body(data)
        else:
            self._head_sent = True
            self.write_head(data)

    def write_head(self, data: bytes) -> None:
        self._transport.write(data)

    def write_body(self, data: bytes) -> None:
        raise NotImplementedError


class _Later(_Disturbed):
    """Performs actions in order, each after a pause, until the connection is closed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._todo: deque[tuple[float, Callable[[], None]]] = deque()

    def _later(self, pause: float, action: Callable[[], None]) -> None:
        self._todo.append((pause, action))
        if len(self._todo) == 1:
            self._loop.call_later(pause, self._do)

    def _do(self) -> None:
        if self._transport.is_closing():
            return
        self._todo[0][1]()
        self._todo.popleft()
        while self._todo and self._todo[0][0] == 0:
            self._todo.popleft()[1]()
        if self._todo:
            self._loop.call_later(self._todo[0][0], self._do)

    def close(self) -> None:
        self._later(0.0, self._transport.close)


class _Delay(_Later):
    def write_head(self, data: bytes) -> None:
        self._later(self._disturbance.delay_seconds, partial(self._transport.write, data))

    def write_body(self, data: bytes) -> None:
        self._later(0.0, partial(self._transport.write, data))


class _Drip(_Later):
    def write_body(self, data: bytes) -> None:
        for byte in data:
            self._later(self._disturbance.delay_seconds, partial(self._transport.write, bytes([byte])))


class _DropAfterRead(_Disturbed):
    def write_head(self, data: bytes) -> None:
        _reset(self._transport)

    def write_body(self, data: bytes) -> None:
        pass


class _CutBody(_Disturbed):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._left = self._disturbance.after_bytes

    def write_body(self, data: bytes) -> None:
        self._transport.write(data[: self._left])
        self._left -= len(data)
        if self._left <= 0:
            self._transport.close()


_KINDS: dict[str, type[_Disturbed]] = {
    "delay": _Delay,
    "drip": _Drip,
    "drop_after_read": _DropAfterRead,
    "cut_body": _CutBody,
}
