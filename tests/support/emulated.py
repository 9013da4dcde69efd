"""Routes of the API, and what tests see and disturb of an emulator's answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

CREATE = "POST /sessions"
LIST = "GET /sessions"
READ = "GET /sessions/{session_id}"
END = "POST /sessions/{session_id}/end"


def connection_with(emulator: Emulator, **extra: Any) -> str:
    """Return an Airflow connection to an emulator with fields in its extra, such as `max_retries=0`, as JSON."""
    return json.dumps({**json.loads(emulator.airflow_connection), "extra": extra})


def open_sessions(emulator: Emulator) -> list[str]:
    return [session["id"] for session in emulator.sessions() if session["ended_at"] is None]


def requests(emulator: Emulator) -> list[str]:
    return [str(request.route) for request in emulator.requests]


def on_record(emulator: Emulator, action: Callable[[Any], object]) -> None:
    """Do something when a request has had its effect, before it is answered."""
    record = emulator.record

    def recording(request: Any) -> None:
        record(request)
        action(request)

    emulator.record = recording  # type: ignore[method-assign]


def lose(emulator: Emulator, how: str) -> None:
    if how == "dropped":
        emulator.disturb("drop_after_read", route=CREATE)
    elif how == "late":
        emulator.disturb("delay", delay_seconds=3.0, route=CREATE)
    elif how == "cut":
        emulator.disturb("cut_body", after_bytes=10, route=CREATE)
    else:
        emulator.fail(int(how), route=CREATE, after_effect=True)
