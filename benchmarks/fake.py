"""
A minimal IonQ API on loopback, in a separate process so that its CPU time is not measured.

It serves precomputed bytes, keeps connections open, and counts requests. The ids of the sessions are `session-0` and so
on; all are `created` until a command starts them. It also serves `/v0.4/started/{id}`, which is 404 until the session
is started, for clients that can only wait for a 404 to end. Each session has a job with the same id, which is `ready`
until the session is started, and then `completed`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

LOOPBACK = "127.0.0.1"


def session_id(number: int) -> str:
    """Return the id of one of the served sessions."""
    return f"session-{number}"


def session_json(number: int, *, started: bool, ended: bool = False) -> dict[str, Any]:
    """Return one session as the API serves it."""
    return {
        "id": session_id(number),
        "created_at": "2026-01-02T03:04:05.678Z",
        "organization_id": "6ad18a12-4f3c-4a51-8b3a-0d0a9f0c8f11",
        "backend": "qpu.forte-1",
        "project_id": "0f6e3c9e-8f0b-4f0e-9d5f-5d7c3b1f8a22",
        "creator_id": "b3c55d61-2c62-4a73-a1f8-4f5f0d6f7c33",
        "started_at": "2026-01-02T03:09:05.678Z" if started else None,
        "ended_at": "2026-01-02T04:09:05.678Z" if ended else None,
        "ender_id": None,
        "active": started and not ended,
        "status": "ended" if ended else "started" if started else "created",
        "settings": {"job_count_limit": 20, "duration_limit_min": 60, "cost_limit": {"unit": "usd", "value": 500.0}},
    }


def job_json(number: int, *, completed: bool) -> dict[str, Any]:
    """Return one job as a list of the API shows it."""
    ended_at = "2026-01-02T03:09:05.678Z" if completed else None
    results = {"probabilities": {"url": f"/v0.4/jobs/{session_id(number)}/results/probabilities"}}
    return {
        "id": session_id(number),
        "status": "completed" if completed else "ready",
        "type": "ionq.circuit.v1",
        "backend": "qpu.forte-1",
        "dry_run": False,
        "submitter_id": "b3c55d61-2c62-4a73-a1f8-4f5f0d6f7c33",
        "project_id": "0f6e3c9e-8f0b-4f0e-9d5f-5d7c3b1f8a22",
        "parent_job_id": None,
        "session_id": None,
        "metadata": {"airflow_task": "1:0123456789abcdef0123456789abcdef:0:1:0123456789abcdef0123456789abcdef"},
        "name": f"circuit {number}",
        "submitted_at": "2026-01-02T03:04:05.678Z",
        "started_at": ended_at,
        "completed_at": ended_at,
        "predicted_wait_time_ms": None if completed else 1_800_000,
        "predicted_execution_duration_ms": 4200,
        "execution_duration_ms": 4200 if completed else None,
        "shots": 1000,
        "failure": None,
        "cost_model": "quantum_compute_time",
        "settings": {"error_mitigation": {"debiasing": False}},
        "stats": {"qubits": 20, "circuits": 1, "gate_counts": {"1q": 1028, "2q": 110}},
        "output": {},
        "results": results if completed else None,
    }


@dataclass(frozen=True, slots=True)
class Counts:
    """
    Counts since the fake was started.

    :param requests: number of requests, including those for lists.
    :param connections: number of accepted TCP connections.
    :param body_bytes: number of bytes in the bodies of the answers.
    """

    requests: int
    connections: int
    body_bytes: int

    def __sub__(self, earlier: Counts) -> Counts:
        return Counts(
            self.requests - earlier.requests,
            self.connections - earlier.connections,
            self.body_bytes - earlier.body_bytes,
        )


class Asked(NamedTuple):
    """
    One request.

    :param at: time of its arrival, by the monotonic clock of this machine.
    :param path: its path.
    :param status: HTTP status of the answer.
    :param body_bytes: number of bytes in the answer's body.
    """

    at: float
    path: str
    status: int
    body_bytes: int


class FakeApi:
    """
    The fake in its process; a context manager.

    :param sessions: number of sessions that can be started.
    :param ended: number of further sessions in its list, which ended long ago.
    """

    def __init__(self, sessions: int, ended: int = 0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.api", str(sessions), str(ended)],
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
        """Base URL of the API."""
        return f"http://{LOOPBACK}:{self.port}/v0.4"

    def counts(self) -> Counts:
        """Return the counts so far."""
        return Counts(*self._ask("counts"))

    def log(self) -> list[Asked]:
        """Return all requests so far."""
        return [Asked(*line) for line in self._ask("log")]

    def start_sessions_after_next_answer(self) -> float:
        """
        Start all sessions as soon as the next request has been answered: the worst moment for a shared poll.

        :return: the time of that, by the monotonic clock of this machine.
        """
        moment: float = self._ask("start_after_next_answer")
        return moment

    def start(self, numbers: range) -> float:
        """Start sessions; return the time of that."""
        moment: float = self._ask("start", numbers.start, numbers.stop)
        return moment

    def reset(self, numbers: range) -> None:
        """Reset sessions to their first status."""
        self._ask("reset", numbers.start, numbers.stop)

    def limit(self, seconds: float, retry_after: int | None) -> float:
        """
        Answer every request with 429 for a time.

        :param seconds: the time, in seconds.
        :param retry_after: value of the `Retry-After` header, in seconds; None for no such header.
        :return: the end of that time, by the monotonic clock of this machine.
        """
        moment: float = self._ask("limit", seconds, retry_after)
        return moment

    def _ask(self, *command: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the fake API has died")
        return json.loads(line)
