"""The operator that lists sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.operators.session import IonQListSessionsOperator

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator


@pytest.fixture
def names(ionq_emulator: Emulator) -> dict[str, str]:
    """Create sessions of every kind; return what each is, by id."""
    made = {}
    for backend in ("qpu.forte-1", "simulator"):
        for kind in ("created", "started", "ended", "odd"):
            session_id = ionq_emulator.create_session(backend)["id"]
            made[session_id] = f"{kind} {backend}"
            if kind == "started":
                ionq_emulator.start_session(session_id)
            elif kind == "ended":
                ionq_emulator.end_session(session_id)
            elif kind == "odd":
                ionq_emulator.update_session(session_id, ended_at="2026-01-01T00:00:00Z", active=False)
    return made


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["created", "started", "ended", "odd"]),
        ({"status": "created"}, ["created"]),
        ({"status": ("started", "ended")}, ["started", "ended", "odd"]),
        ({"active": True}, ["created", "started"]),
        ({"active": False}, ["ended", "odd"]),
        ({"status": "started", "active": True}, ["started"]),
        ({"status": "started", "active": False}, []),
    ],
)
@pytest.mark.parametrize("backend", [None, "qpu.forte-1", "qpu.none-1"])
def test_only_sessions_that_match_the_filters_are_returned(
    names: dict[str, str], arguments: dict[str, Any], expected: list[str], backend: str | None
) -> None:
    context: Any = {}
    found = IonQListSessionsOperator(task_id="list", backend=backend, **arguments).execute(context)
    backends = ["qpu.forte-1", "simulator"] if backend is None else [backend]
    wanted = [f"{kind} {name}" for name in backends for kind in expected if name in ("qpu.forte-1", "simulator")]
    assert [names[session["id"]] for session in found] == wanted


@pytest.mark.parametrize(("name", "value"), [("status", "stopped"), ("status", []), ("active", "true")])
def test_invalid_filter_is_rejected_when_the_dag_is_parsed(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"task_id": "list", name: value}
    with pytest.raises(ValueError, match=name):
        IonQListSessionsOperator(**arguments)


def test_a_refused_key_fails_without_retries(ionq_emulator: Emulator) -> None:
    ionq_emulator.api_key = "rotated"
    context: Any = {}
    with pytest.raises(IonQFailException, match="password"):
        IonQListSessionsOperator(task_id="list").execute(context)
