"""
The process of :class:`benchmarks.fake.FakeApi`: serves precomputed bytes, and executes commands.

Standard input has one command per line, a JSON list of a name and arguments. Standard output has the answers, after a
first line with the port.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from typing import Any

from benchmarks.fake import LOOPBACK, job_json, session_id, session_json

LIST = b"/v0.4/sessions"
JOBS = b"/v0.4/jobs"
_LATER = object()


class _State:
    """
    The sessions, and the log of the requests.

    :param sessions: number of sessions in the status `created`.
    :param ended: number of further sessions, which have ended.
    """

    def __init__(self, sessions: int, ended: int) -> None:
        created, begun = ([session_json(n, started=started) for n in range(sessions)] for started in (False, True))
        self._json = [_dump(one) for one in created], [_dump(one) for one in begun]
        self._jobs = [[_dump(job_json(n, completed=done)) for n in range(sessions)] for done in (False, True)]
        self._history = [_dump(session_json(sessions + n, started=True, ended=True)) for n in range(ended)]
        self._numbers = {session_id(n).encode(): n for n in range(sessions)}
        self._started = bytearray(sessions)
        self._list: bytes | None = None
        self._start_is_due = False
        self._limited_until = -math.inf
        self._retry_after: int | None = None
        self._log: list[tuple[float, str, int, int]] = []
        self.connections = 0

    def answer(self, target: bytes) -> bytes:
        """Answer a request."""
        path, _, query = target.partition(b"?")
        now = time.monotonic()
        if now < self._limited_until:
            headers = "" if self._retry_after is None else f"Retry-After: {self._retry_after}\r\n"
            status, body = 429, _TOO_MANY
        else:
            headers = ""
            status, body = self._body(path, query)
        self._log.append((now, path.decode(), status, len(body)))
        if self._start_is_due:
            self._start_is_due = False
            self.do_start(0, len(self._started))
            _say(time.monotonic())
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def _body(self, path: bytes, query: bytes) -> tuple[int, bytes]:
        if path == JOBS:
            ids = [value for name, _, value in (pair.partition(b"=") for pair in query.split(b"&")) if name == b"ids"]
            jobs = [self._jobs[self._started[n]][n] for n in map(self._numbers.get, ids) if n is not None]
            return 200, b'{"jobs":[' + b",".join(jobs) + b'],"next":null}'
        if path == LIST:
            if self._list is None:
                sessions = [self._json[flag][number] for number, flag in enumerate(self._started)]
                self._list = b'{"organization_id":"bench","sessions":[' + b",".join(sessions + self._history) + b"]}"
            return 200, self._list
        where, _, name = path.rpartition(b"/")
        number = self._numbers.get(name)
        if number is None or (where != LIST and not self._started[number]):
            return 404, _NOT_FOUND
        return 200, self._json[self._started[number]][number]

    def do_counts(self) -> tuple[int, int, int]:
        """Return the number of requests, of connections, and of bytes in all bodies."""
        return len(self._log), self.connections, sum(size for *_, size in self._log)

    def do_log(self) -> list[tuple[float, str, int, int]]:
        """Return time, path, status and size of the answer's body for each request."""
        return self._log

    def do_start_after_next_answer(self) -> object:
        """Start all sessions when the next request has been answered; the answer, then, is the time of that."""
        self._start_is_due = True
        return _LATER

    def do_start(self, first: int, end: int) -> float:
        """Start sessions."""
        return self._set(first, end, 1)

    def do_reset(self, first: int, end: int) -> float:
        """Reset sessions to the status `created`."""
        return self._set(first, end, 0)

    def do_limit(self, seconds: float, retry_after: int | None) -> float:
        """Answer every request with 429 for a time; return its end."""
        self._limited_until = time.monotonic() + seconds
        self._retry_after = retry_after
        return self._limited_until

    def _set(self, first: int, end: int, started: int) -> float:
        self._started[first:end] = bytes([started]) * (end - first)
        self._list = None
        return time.monotonic()


class _Connection(asyncio.Protocol):
    def __init__(self, state: _State) -> None:
        self._state = state
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._state.connections += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            target = self._received.split(b" ", 2)[1]
            self._received = self._received[end + 4 :]
            self._transport.write(self._state.answer(target))


def _dump(what: Any) -> bytes:
    return json.dumps(what, separators=(",", ":")).encode()


_NOT_FOUND = _dump({"statusCode": 404, "error": "Not Found", "message": "no such session"})
_TOO_MANY = _dump({"statusCode": 429, "error": "Too Many Requests", "message": "slow down"})


def _say(what: Any) -> None:
    print(json.dumps(what), flush=True)


async def _serve(sessions: int, ended: int) -> None:
    state = _State(sessions, ended)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(state), LOOPBACK, 0, backlog=4096)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    _say(server.sockets[0].getsockname()[1])
    while line := await commands.readline():
        name, *arguments = json.loads(line)
        answer = getattr(state, "do_" + name)(*arguments)
        if answer is not _LATER:
            _say(answer)


if __name__ == "__main__":
    asyncio.run(_serve(*map(int, sys.argv[1:])))
