"""
What stands for a session in a rehearsal, in which no session is created and nothing costs money. Pure: no Airflow.

The id names the device, so that every task that is given it knows that it rehearses, and what for. One task decides,
the one that would create the session: the others cannot disagree, whatever their own arguments render to. Code that
does not know the id is refused by the API, and spends nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ionq.api.models import Session

_PREFIX = "rehearsal:"


def rehearsal_id(backend: str) -> str:
    """
    Return what stands for the id of a session.

    :param backend: name of the device.
    """
    return f"{_PREFIX}{backend}"


def backend_of_rehearsal(session_id: object) -> str | None:
    """Return the device of a rehearsal; None for the id of a session, and for anything else."""
    if isinstance(session_id, str) and session_id.startswith(_PREFIX):
        return session_id.removeprefix(_PREFIX) or None
    return None


def rehearsed_session(backend: str, *, status: str = "started", active: bool | None = None) -> Session:
    """
    Return what stands for a session's JSON; each of its times is now, or None.

    :param backend: name of the device.
    :param status: `created`, `started` or `ended`.
    :param active: its active flag; None for that of a session that is started.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": rehearsal_id(backend),
        "status": status,
        "active": status == "started" if active is None else active,
        "created_at": now,
        "started_at": None if status == "created" else now,
        "ended_at": now if status == "ended" else None,
        "organization_id": "rehearsal",
        "project_id": None,
        "creator_id": None,
        "ender_id": None,
        "backend": backend,
        "settings": {},
    }
