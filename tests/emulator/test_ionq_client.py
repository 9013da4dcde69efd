"""IonQ's own client against the emulator."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

ionq_core = pytest.importorskip("ionq_core")

GROUPS = {"get_whoami": "whoami", "get_backend": "backends", "get_backends": "backends"}


def _call(ionq: Any, operation: str, **arguments: Any) -> Any:
    module: Any = import_module(f"ionq_core.api.{GROUPS.get(operation, 'default')}.{operation}")
    return module.sync(client=ionq, **arguments)


@pytest.fixture
def ionq(emulator: Emulator) -> Any:
    with pytest.warns(UserWarning, match="does not use HTTPS"):
        return ionq_core.IonQClient(api_key=emulator.api_key, base_url=emulator.url, max_retries=0)


def test_client_reads_key_and_backends(emulator: Emulator, ionq: Any) -> None:
    assert _call(ionq, "get_whoami").key_name == "emulator"
    assert "qpu.forte-1" in {backend.backend for backend in _call(ionq, "get_backends")}
    assert _call(ionq, "get_backend", backend="qpu.forte-1").qubits == 36
    assert [request.status for request in emulator.requests] == [200, 200, 200]


def test_client_walks_a_session_from_creation_to_end(emulator: Emulator, ionq: Any) -> None:
    with ionq_core.SessionManager(ionq, "qpu.forte-1", max_jobs=3, max_time=60, max_cost=1.5) as manager:
        session_id = manager.session_id
        assert manager.status() == "created"
        emulator.start_session(session_id)
        assert manager.status() == "started"
        session = _call(ionq, "get_session", session_id=session_id)
        assert session.settings.cost_limit.value == 1.5
        assert [listed.id for listed in _call(ionq, "get_sessions", active=True).sessions] == [session_id]
        assert _call(ionq, "get_session_jobs", session_id_path=session_id).jobs == []
    assert emulator.session(session_id)["status"] == "ended"
    assert emulator.session(session_id)["ender_id"] is not None
    assert {request.authorized for request in emulator.requests} == {True}


def test_client_raises_its_own_errors(emulator: Emulator, ionq: Any) -> None:
    with pytest.raises(ionq_core.NotFoundError):
        _call(ionq, "get_session", session_id="missing")
    emulator.fail(429, retry_after=7)
    with pytest.raises(ionq_core.RateLimitError) as limited:
        _call(ionq, "get_whoami")
    assert limited.value.retry_after == 7
    emulator.api_key = "rotated"
    with pytest.raises(ionq_core.AuthenticationError):
        _call(ionq, "get_whoami")
