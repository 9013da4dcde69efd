"""
A deferred task keeps its trigger's class path and arguments in Airflow's database, and outlives an upgrade.

Nothing may leave this table, and a new argument needs a default: tasks that were deferred before it do not give it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import pytest

from airflow_provider_ionq import triggers
from airflow_provider_ionq.triggers.base import IonQTrigger
from tests.waiting.modes import trigger_of

REQUIRED: dict[str, dict[str, Any]] = {
    "airflow_provider_ionq.triggers.session.IonQSessionTrigger": {
        "session_id": "s-1",
        "ionq_conn_id": "c",
        "status": ["started", "ended"],
        "active": None,
        "poke_interval": 60.0,
    },
    "airflow_provider_ionq.triggers.job.IonQJobTrigger": {
        "job_id": "j-1",
        "ionq_conn_id": "c",
        "status": ["completed", "failed"],
        "poke_interval": 60.0,
    },
    "airflow_provider_ionq.triggers.capacity.IonQCapacityTrigger": {
        "backend": "qpu.forte-1",
        "ionq_conn_id": "c",
        "open_session_ids": ["s-1", "s-2"],
        "since": 1795424463.25,
        "poke_interval": 60.0,
        "pause": 120.0,
    },
}
"""The arguments that every task has stored, with values that the trigger returns as they are."""

OF_ITEMS = {"end_from_trigger": False, "push_xcom": True, "timeout": None, "remaining": None}
DEFAULTS: dict[str, dict[str, Any]] = {
    "airflow_provider_ionq.triggers.session.IonQSessionTrigger": OF_ITEMS,
    "airflow_provider_ionq.triggers.job.IonQJobTrigger": {**OF_ITEMS, "cancel_on_kill": False},
    "airflow_provider_ionq.triggers.capacity.IonQCapacityTrigger": {"remaining": None},
}
"""The arguments that came later, with what their absence means."""


def test_every_trigger_is_frozen() -> None:
    own = set()
    for found in pkgutil.iter_modules(triggers.__path__, f"{triggers.__name__}."):
        for name, value in vars(importlib.import_module(found.name)).items():
            if isinstance(value, type) and issubclass(value, IonQTrigger) and not value.__module__.endswith(".base"):
                own.add(f"{value.__module__}.{name}")
    assert own == set(REQUIRED)


@pytest.mark.parametrize("path", REQUIRED)
def test_trigger_can_be_made_of_what_the_first_release_stored(path: str) -> None:
    trigger = trigger_of(path, REQUIRED[path])
    assert trigger.serialize() == (path, REQUIRED[path] | DEFAULTS[path])
    assert trigger_of(*trigger.serialize()).serialize() == trigger.serialize()


@pytest.mark.parametrize("path", REQUIRED)
def test_trigger_keeps_every_argument_that_it_is_given(path: str) -> None:
    changed: dict[str, Any] = {"end_from_trigger": True, "push_xcom": False, "timeout": 3600.0, "remaining": 5.0}
    arguments = REQUIRED[path] | {name: changed.get(name, True) for name in DEFAULTS[path]}
    trigger = trigger_of(path, arguments)
    assert trigger.serialize() == (path, arguments)
    assert list(inspect.signature(type(trigger)).parameters) == list(arguments)
