from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

from airflow_provider_ionq.emulator import Emulator
from airflow_provider_ionq.emulator.fixtures import ionq_emulator as ionq_emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


BELL: dict[str, Any] = {
    "gateset": "qis",
    "qubits": 2,
    "circuit": [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}],
}
BODY: dict[str, Any] = {"type": "ionq.circuit.v1", "backend": "qpu.forte-1", "input": BELL}


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Client:
    """A bare HTTP client of one emulator."""

    emulator: Emulator
    http: requests.Session = field(default_factory=requests.Session)

    def __call__(
        self, method: str, path: str, *, key: str | None = "emulator-key", **options: Any
    ) -> requests.Response:
        headers = {} if key is None else {"Authorization": f"apiKey {key}"}
        return self.http.request(method, self.emulator.url + path, headers=headers, timeout=10, **options)

    def session(self, session_id: str) -> requests.Response:
        return self("GET", f"/sessions/{quote(session_id, safe='')}")

    def status(self, session_id: str) -> str:
        response = self.session(session_id)
        assert response.status_code == 200, response.text
        return str(response.json()["status"])

    def control(self, method: str, path: str, **options: Any) -> requests.Response:
        root = self.emulator.url.removesuffix("/v0.4")
        return self.http.request(method, f"{root}/_emulator{path}", timeout=10, **options)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run() -> Iterator[Callable[..., Client]]:
    """Start emulators with given arguments and stop them at the end."""
    clients: list[Client] = []

    def start(**arguments: Any) -> Client:
        emulator = Emulator(**arguments)
        emulator.start()
        clients.append(Client(emulator))
        return clients[-1]

    yield start
    for client in clients:
        client.http.close()
        client.emulator.stop()


@pytest.fixture
def client(run: Callable[..., Client], clock: Clock) -> Client:
    """Run an emulator whose clock and jobs only move when the test moves them."""
    return run(clock=clock, job_seconds=None)


@pytest.fixture
def emulator(client: Client) -> Emulator:
    return client.emulator
