"""The validation of the body of ``POST /sessions``."""

from __future__ import annotations

from airflow_provider_ionq.emulator.account_data import BACKENDS
from airflow_provider_ionq.emulator.payload import unknown_names
from airflow_provider_ionq.emulator.state import is_number

_SETTINGS = frozenset({"job_count_limit", "duration_limit_min", "cost_limit"})


def problems_in_new_session(payload: object) -> dict[str, str]:
    """
    Check the body of ``POST /sessions``.

    :return: problems by key (``settings.cost_limit.unit``); empty for a valid body. The key of a body that is not an
        object is ``""``.
    """
    if not isinstance(payload, dict):
        return {"": "the body must be a JSON object"}
    problems = unknown_names(payload, frozenset({"backend", "settings"}))
    backend = payload.get("backend")
    if backend is None:
        problems["backend"] = "is required"
    elif not isinstance(backend, str) or backend not in BACKENDS:
        problems["backend"] = f"must be one of {', '.join(BACKENDS)}"
    if "settings" in payload:
        problems |= _problems_in_settings(payload["settings"])
    return problems


def _problems_in_settings(settings: object) -> dict[str, str]:
    if not isinstance(settings, dict):
        return {"settings": "must be an object"}
    problems = unknown_names(settings, _SETTINGS, "settings.")
    for name in ("job_count_limit", "duration_limit_min"):
        if name in settings and not (type(settings[name]) is int and -(2**31) <= settings[name] < 2**31):
            problems[f"settings.{name}"] = "must be a 32-bit whole number"
    if "cost_limit" in settings:
        problems |= _problems_in_cost_limit(settings["cost_limit"])
    return problems


def _problems_in_cost_limit(limit: object) -> dict[str, str]:
    if not isinstance(limit, dict):
        return {"settings.cost_limit": "must be an object"}
    problems = unknown_names(limit, frozenset({"unit", "value"}), "settings.cost_limit.")
    if not isinstance(limit.get("unit"), str):
        problems["settings.cost_limit.unit"] = "is required and must be a string"
    if not is_number(limit.get("value")):
        problems["settings.cost_limit.value"] = "is required and must be a number"
    return problems
