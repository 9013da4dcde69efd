"""
The fields of a job's request that do not depend on its circuits, from the values that a user or a template gives.

Pure: no I/O, no clock, no Airflow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_ionq.api.arguments import is_absent, json_of, refuse_none_as_text
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.circuits.layout import LAYOUTS_KEY
from airflow_provider_ionq.jobs.arguments import SIMULATOR
from airflow_provider_ionq.jobs.circuits import QASM
from airflow_provider_ionq.jobs.token import TOKEN_KEY


def metadata_of(value: object) -> dict[str, str]:
    """
    Return the labels of a job.

    :param value: an object, or its JSON.
    :raises ValueError: if it does not map text to text, or has a key of this provider.
    """
    metadata = _object("metadata", value)
    for key, text in metadata.items():
        if not isinstance(text, str):
            raise ValueError(f"metadata must map text to text, but {json_text(key)} is {json_text(text)}")
    if TOKEN_KEY in metadata:
        raise ValueError(f"metadata must not have the key {TOKEN_KEY!r}: by it a task finds the jobs that it submitted")
    if LAYOUTS_KEY in metadata:
        raise ValueError(f"metadata must not have the key {LAYOUTS_KEY!r}: it holds the registers of the circuits")
    return metadata


def noise_of(value: object, backend: str) -> dict[str, Any] | None:
    """
    Return the noise model of a job; None without one.

    :param value: its name, or an object with the name and a seed, or the JSON of that.
    :param backend: the backend of the job.
    :raises ValueError: if it is not a noise model, or the backend is a device.
    """
    if is_absent(value):
        return None
    refuse_none_as_text("noise", value, "Give the name of a noise model.")
    is_name = isinstance(value, str) and not value.strip().startswith("{")
    noise = {"model": value} if is_name else _object("noise", value)
    if not isinstance(noise.get("model"), str) or not noise["model"]:
        raise ValueError(f"noise must be the name of a noise model, or an object with it as `model`, not {value!r}")
    seed = noise.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise ValueError(f"the seed of noise must be a whole number, not {json_text(seed)}")
    if backend != SIMULATOR:
        raise ValueError(f"noise is for the simulator; {backend} has its own")
    return noise


def settings_of(value: object, error_mitigation: object, job_type: str) -> dict[str, Any]:
    """
    Return the settings of a job.

    :param value: an object, or its JSON.
    :param error_mitigation: the settings of error mitigation, likewise.
    :param job_type: type of the job.
    :raises ValueError: if a value is not an object, or error mitigation is given twice.
    """
    settings = _object("settings", value)
    mitigation = _object("error_mitigation", error_mitigation)
    if mitigation and "error_mitigation" in settings:
        raise ValueError("error_mitigation is given twice: as an argument and in settings")
    if mitigation:
        settings["error_mitigation"] = mitigation
    if job_type == QASM:
        compilation = _object("compilation of settings", settings.get("compilation"))
        # Without it production loses the names of the registers.
        settings["compilation"] = {"service_version": "v0.4"} | compilation
    return settings


def text_of(name: str, value: object) -> str | None:
    """
    Return a text; None for None and for empty text.

    :param name: name of the argument, for the error.
    :param value: the argument.
    :raises ValueError: if it is not text.
    """
    if is_absent(value):
        return None
    refuse_none_as_text(name, value, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text, not {json_text(value)}")
    return value


def dumped(name: str, value: object) -> str:
    """
    Return a value as JSON, in the form in which requests sends it.

    :param name: name of the argument, for the error.
    :param value: the argument.
    :raises ValueError: if it cannot be sent as JSON.
    """
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{name} cannot be sent as JSON: {error}") from None


def _object(name: str, value: object) -> dict[str, Any]:
    if is_absent(value):
        return {}
    found = json_of(name, value)
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise ValueError(f"{name} must be an object with names as keys, not {json_text(found)}")
    dumped(name, found)
    return dict(found)
