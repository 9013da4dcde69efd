"""
A very cheap IonQ API on loopback, in a process of its own so that its CPU time is nobody's else.

It serves bytes made beforehand, keeps connections open, and counts. The sessions' ids are `session-0` and so on; all
are `created` until it is told to start them. Also serves `/v0.4/started/{id}`, 404 until the session is started, for
clients that can only wait for a 404 to go away.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Self

LOOPBACK = "127.0.0.1"


def session_id(number: int) -> str:
    """Return the id of one of the served sessions."""
    return f"session-{number}"


def session_json(number: int, *, started: bool) -> dict[str, Any]:
    """Return one session as the API serves it."""
    return {
        "id": session_id(number),
        "created_at": "2026-01-02T03:04:05.678Z",
        "organization_id": "6ad18a12-4f3c-4a51-8b3a-0d0a9f0c8f11",
        "backend": "qpu.forte-1",
        "project_id": "0f6e3c9e-8f0b-4f0e-9d5f-5d7c3b1f8a22",
        "creator_id": "b3c55d61-2c62-4a73-a1f8-4f5f0d6f7c33",
        "started_at": "2026-01-02T03:09:05.678Z" if started else None,
        "ended_at": None,
        "ender_id": None,
        "active": started,
        "status": "started" if started else "created",
        "settings": {"job_count_limit": 20, "duration_limit_min": 60, "cost_limit": {"unit": "usd", "value": 500.0}},
    }


@dataclass(frozen=True, slots=True)
class Counts:
    """
    What the fake has seen since it began.

    :param requests: requests for one session or for the list.
    :param connections: TCP connections accepted.
    """

    requests: int
    connections: int

    def __sub__(self, earlier: Counts) -> Counts:
        return Counts(self.requests - earlier.requests, self.connections - earlier.connections)


class FakeApi:
    """
    The fake in its process; a context manager.

    :param sessions: how many sessions it serves.
    """

    def __init__(self, sessions: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.fake", str(sessions)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.port: int = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"http://{LOOPBACK}:{self.port}/v0.4"

    def counts(self) -> Counts:
        """Return what it has seen so far."""
        return Counts(*self._ask("counts"))

    def start_sessions_after_next_answer(self) -> float:
        """
        Let all sessions be started once the next request has been answered: the worst moment for a shared poll.

        :return: when that was, by the monotonic clock of this machine.
        """
        moment: float = self._ask("start")
        return moment

    def _ask(self, command: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the fake API has died")
        return json.loads(line)


class _State:
    def __init__(self, sessions: int) -> None:
        self.requests = 0
        self.connections = 0
        self.started = False
        self.start_is_due = False
        self._bodies = {flag: _answers(sessions, started=flag) for flag in (False, True)}

    def answer(self, path: bytes) -> bytes:
        self.requests += 1
        answer = self._bodies[self.started].get(path, _NOT_FOUND)
        if self.start_is_due:
            self.start_is_due = False
            self.started = True
            _say(time.monotonic())
        return answer

    def obey(self, command: str) -> None:
        if command == "counts":
            _say([self.requests, self.connections])
        elif command == "start":
            self.start_is_due = True


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
            path = self._received.split(b" ", 2)[1].partition(b"?")[0]
            self._received = self._received[end + 4 :]
            self._transport.write(self._state.answer(path))


def _answers(sessions: int, *, started: bool) -> dict[bytes, bytes]:
    everything = [session_json(number, started=started) for number in range(sessions)]
    answers = {b"/v0.4/sessions": _reply(200, {"organization_id": "bench", "sessions": everything})}
    for session in everything:
        name = session["id"].encode()
        answers[b"/v0.4/sessions/" + name] = _reply(200, session)
        if started:
            answers[b"/v0.4/started/" + name] = _reply(200, session)
    return answers


def _reply(status: int, body: Any) -> bytes:
    content = json.dumps(body, separators=(",", ":")).encode()
    reason = "OK" if status == 200 else "Not Found"
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


_NOT_FOUND = _reply(404, {"statusCode": 404, "error": "Not Found", "message": "no such session"})


def _say(what: Any) -> None:
    print(json.dumps(what), flush=True)


async def _serve(sessions: int) -> None:
    state = _State(sessions)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(state), LOOPBACK, 0, backlog=4096)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    _say(server.sockets[0].getsockname()[1])
    while line := await commands.readline():
        state.obey(line.decode().strip())


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
