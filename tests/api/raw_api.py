"""An API on plain sockets: it creates sessions and jobs like the real one, and answers with the bytes of a test."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Answering = Callable[[socket.socket, bytes], object]
"""Answers a request on its connection, given the right JSON; the connection is closed after it."""


def answer(
    status: str = "200 OK", headers: list[bytes] | None = None, body: bytes | None = None, *, length: int | None = None
) -> Answering:
    """Answer with one whole message; the body is the right one if none is given."""

    def write(connection: socket.socket, right: bytes) -> None:
        content = right if body is None else body
        announced = len(content) if length is None else length
        head = [f"HTTP/1.1 {status}".encode(), b"Content-Length: %d" % announced, *(headers or [])]
        connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + content)

    return write


def bytes_only(*parts: bytes) -> Answering:
    """Answer with just these bytes."""
    return lambda connection, right: connection.sendall(b"".join(parts))


def in_turn(*answerings: Answering) -> Answering:
    """Answer in several ways, one after the other."""

    def write(connection: socket.socket, right: bytes) -> None:
        for one in answerings:
            one(connection, right)

    return write


def drip(head: bytes, part: bytes, seconds: float = 10.0) -> Answering:
    """Answer with a beginning, and then with one part after the other, at most for some seconds."""

    def write(connection: socket.socket, right: bytes) -> None:
        connection.sendall(head)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            connection.sendall(part)
            time.sleep(0.02)

    return write


def stay_silent(connection: socket.socket, right: bytes) -> None:
    """Answer nothing until the client hangs up."""
    connection.recv(1)


def reset(connection: socket.socket, right: bytes) -> None:
    """Break the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


class RawApi:
    """
    The routes that opening a session and submitting a job take; each connection serves one request.

    :param answering: how a request is answered after it has had its effect.
    :param applies_to: the method and path that is answered so; others are answered well.
    :param wrap: makes another socket of an accepted one, as for TLS.
    """

    def __init__(
        self,
        answering: Answering,
        applies_to: str = "POST /v0.4/sessions",
        wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain,
    ) -> None:
        self.sessions: list[dict[str, Any]] = []
        self.jobs: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self._answering = answering
        self._applies_to = applies_to
        self._wrap = wrap
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self._stopped = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v0.4"

    def start(self) -> None:
        self._begin(self._accept)

    def stop(self) -> None:
        self._stopped = True
        for connection in (self._listener, *self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _begin(self, act: Callable[..., object], *arguments: Any) -> None:
        thread = threading.Thread(target=act, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._begin(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, self._wrap(connection) as talking:
            self._connections.append(talking)
            lines = talking.makefile("rb")
            request = b" ".join(lines.readline().split()[:2]).decode()
            length = 0
            while line := lines.readline().strip().lower():
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            right = self._right(request, lines.read(length))
            self.requests.append(request)
            answering = self._answering if request == self._applies_to else answer()
            answering(talking, right)

    def _right(self, request: str, body: bytes) -> bytes:
        method, _, path = request.partition(" /v0.4")
        answered: Any = {"key_id": "1", "key_name": "n"}
        if request == "POST /v0.4/sessions":
            answered = {"id": f"opened-{len(self.sessions)}", "status": "created", "active": True, **json.loads(body)}
            self.sessions.append(answered)
        elif request == "POST /v0.4/jobs":
            answered = {"id": f"job-{len(self.jobs)}", "status": "submitted", "session_id": None}
            self.jobs.append(answered)
        elif path == "/jobs":
            answered = {"jobs": self.jobs, "next": None}
        elif path.startswith("/jobs/"):
            answered = next((one for one in self.jobs if one["id"] == path.split("/")[2]), {})
        elif path == "/sessions":
            answered = {"sessions": self.sessions}
        elif path.startswith("/sessions/"):
            answered = next((one for one in self.sessions if one["id"] == path.split("/")[2]), {})
        return json.dumps(answered).encode()


@contextmanager
def raw_api(*arguments: Any, **options: Any) -> Iterator[RawApi]:
    """Serve a :class:`RawApi`."""
    api = RawApi(*arguments, **options)
    api.start()
    try:
        yield api
    finally:
        api.stop()
