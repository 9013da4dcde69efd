"""The validation of the bodies of ``POST /sessions`` and ``POST /jobs``."""

from __future__ import annotations

from typing import Any

from airflow_provider_ionq.emulator.account_data import BACKENDS
from airflow_provider_ionq.emulator.state import is_number

_SHOTS_LIMIT = 1_000_000
_SHOTS_DIGITS = 7
_KINDS_OF_JOB: dict[str, tuple[type, str]] = {
    "type": (str, "a string"),
    "session_id": (str, "a string"),
    "name": (str, "a string"),
    "metadata": (dict, "an object"),
    "input": (dict, "an object"),
    "dry_run": (bool, "true or false"),
    "settings": (dict, "an object"),
    "noise": (dict, "an object"),
}
# "lang" is not in the API's description, but cirq-ionq sends it with every job.
_OF_JOB = frozenset({*_KINDS_OF_JOB, "backend", "shots", "external_settings", "lang"})
_SETTINGS = frozenset({"job_count_limit", "duration_limit_min", "cost_limit"})


def problems_in_new_session(payload: object) -> dict[str, str]:
    """
    Check the body of ``POST /sessions``.

    :return: problems by key (``settings.cost_limit.unit``); empty for a valid body. The key of a body that is not an
        object is ``""``.
    """
    if not isinstance(payload, dict):
        return {"": "the body must be a JSON object"}
    problems = _unknown(payload, frozenset({"backend", "settings"}))
    backend = payload.get("backend")
    if backend is None:
        problems["backend"] = "is required"
    elif not isinstance(backend, str) or backend not in BACKENDS:
        problems["backend"] = f"must be one of {', '.join(BACKENDS)}"
    if "settings" in payload:
        problems |= _problems_in_settings(payload["settings"])
    return problems


def problems_in_new_job(payload: object) -> dict[str, str]:
    """
    Check the body of ``POST /jobs``: the names of its fields and their types, not the circuit in ``input``.

    :return: problems by key; empty for a valid body. The key of a body that is not an object is ``""``.
    """
    if not isinstance(payload, dict):
        return {"": "the body must be a JSON object"}
    problems = {name: "is required" for name in ("type", "backend", "input") if payload.get(name) is None}
    problems |= _unknown(payload, _OF_JOB)
    if "backend" not in problems and payload["backend"] not in list(BACKENDS):
        problems["backend"] = f"must be one of {', '.join(BACKENDS)}"
    for name, (kind, what) in _KINDS_OF_JOB.items():
        if payload.get(name) is not None and (name not in problems and type(payload[name]) is not kind):
            problems[name] = f"must be {what}"
    if payload.get("shots") is not None and not _is_shots(payload["shots"]):
        problems["shots"] = f"must be a whole number from 1 to {_SHOTS_LIMIT}"
    metadata = payload.get("metadata")
    if isinstance(metadata, dict) and not all(isinstance(value, str) for value in metadata.values()):
        problems["metadata"] = "must have strings as values"
    return problems


def refuse(problems: dict[str, str]) -> None:
    """
    Raise if there are problems.

    :raises ValueError: there is at least one; the message names each key and its problem.
    """
    if problems:
        raise ValueError("; ".join(f"{key}: {problem}" for key, problem in problems.items()))


def _is_shots(value: object) -> bool:
    # The API accepts numeric text too: cirq-ionq sends only that.
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _SHOTS_DIGITS:
        value = int(value)
    return type(value) is int and 1 <= value <= _SHOTS_LIMIT


def _problems_in_settings(settings: object) -> dict[str, str]:
    if not isinstance(settings, dict):
        return {"settings": "must be an object"}
    problems = _unknown(settings, _SETTINGS, "settings.")
    for name in ("job_count_limit", "duration_limit_min"):
        if name in settings and not (type(settings[name]) is int and -(2**31) <= settings[name] < 2**31):
            problems[f"settings.{name}"] = "must be a 32-bit whole number"
    if "cost_limit" in settings:
        problems |= _problems_in_cost_limit(settings["cost_limit"])
    return problems


def _problems_in_cost_limit(limit: object) -> dict[str, str]:
    if not isinstance(limit, dict):
        return {"settings.cost_limit": "must be an object"}
    problems = _unknown(limit, frozenset({"unit", "value"}), "settings.cost_limit.")
    if not isinstance(limit.get("unit"), str):
        problems["settings.cost_limit.unit"] = "is required and must be a string"
    if not is_number(limit.get("value")):
        problems["settings.cost_limit.value"] = "is required and must be a number"
    return problems


def _unknown(payload: dict[Any, Any], known: frozenset[str], prefix: str = "") -> dict[str, str]:
    return {f"{prefix}{name}": "is not allowed" for name in payload if name not in known}
