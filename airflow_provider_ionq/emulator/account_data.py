"""The backends and ids of the emulated account, and the fields of its new sessions and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ORGANIZATION_ID = "0f5ce2f4-6d3e-4ad8-9a0b-0b7f7a8f1c11"
PROJECT_ID = "7d1c6f2e-58f5-4c8c-8f0e-3f0a4f1b2d22"
USER_ID = "c0ffee5e-5510-4a11-9b1d-2f6a9d3e4f33"
KEY_ID = "5a1ad0c5-0c3f-4e0e-b6c9-1d2e3f4a5b44"
KEY_NAME = "emulator"

_LAST_UPDATED = "2026-01-01T00:00:00Z"
_SITE = "Emulated"


def _backend(name: str, qubits: int, status: str = "available", queue_time: int = 0) -> dict[str, Any]:
    return {
        "backend": name,
        "status": status,
        "qubits": qubits,
        "average_queue_time": queue_time,
        "last_updated": _LAST_UPDATED,
        "degraded": False,
        "location": _SITE,
    }


BACKENDS: dict[str, dict[str, Any]] = {
    backend["backend"]: backend
    for backend in (
        _backend("simulator", 29),
        _backend("qpu.aria-1", 25, "retired"),
        _backend("qpu.aria-2", 25, "unavailable"),
        _backend("qpu.forte-1", 36, queue_time=1_200_000),
        _backend("qpu.forte-enterprise-1", 36, queue_time=300_000),
        _backend("qpu.forte-enterprise-2", 36, queue_time=300_000),
        _backend("qpu.forte-enterprise-3", 36, queue_time=300_000),
    )
}

NOISE_MODELS = ("ideal", "harmony", "harmony-1", "harmony-2", "aria-1", "aria-2", "forte-1", "forte-enterprise-1")

# The API's default.
_SHOTS = 100


def new_session(session_id: str, created_at: str) -> dict[str, Any]:
    """Return the fields that every session has from its creation on."""
    return {
        "id": session_id,
        "created_at": created_at,
        "organization_id": ORGANIZATION_ID,
        "project_id": PROJECT_ID,
        "creator_id": USER_ID,
        "started_at": None,
        "ended_at": None,
        "ender_id": None,
    }


def new_job(job_id: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that a job has from its submission on; the payload must be valid."""
    noise = {name: value for name, value in (payload.get("noise") or {"model": "ideal"}).items() if value is not None}
    fields = {
        "id": job_id,
        "type": payload["type"],
        "backend": payload["backend"],
        "session_id": payload.get("session_id"),
        "submitter_id": USER_ID,
        "project_id": PROJECT_ID,
        "parent_job_id": None,
        "name": payload.get("name"),
        "metadata": payload.get("metadata"),
        "dry_run": payload.get("dry_run") or False,
        "settings": payload.get("settings") or {},
    }
    if payload["backend"] == "simulator":
        fields["noise"] = noise
    # As documented: a job of the ideal simulator shows no shots.
    if not is_ideal(payload):
        fields["shots"] = shots_of(payload)
    return fields


def is_ideal(payload: Mapping[str, Any]) -> bool:
    """Return whether a job runs on the ideal simulator, which gives exact probabilities instead of shots."""
    model: str = (payload.get("noise") or {"model": "ideal"})["model"]
    return payload["backend"] == "simulator" and model == "ideal"


def shots_of(payload: Mapping[str, Any]) -> int:
    """Return the number of shots of a job."""
    return _SHOTS if payload.get("shots") is None else int(payload["shots"])
