"""The emulator and short pauses, for every test of creating and ending sessions."""

from __future__ import annotations

import pytest

from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from airflow_provider_ionq.sessions import recover
from airflow_provider_ionq.task_groups import end
from airflow_provider_ionq.waiting import create_once, publisher
from tests.sessions.tasks import Store

__all__ = ["ionq_emulator"]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search for a lost session, and wait for the API and for Airflow, for 0.2 s; for a stopped task not at all."""
    monkeypatch.setattr(recover, "FIND_SECONDS", 0.2)
    monkeypatch.setattr(create_once, "SHOW_SECONDS", 0.2)
    monkeypatch.setattr(publisher, "PUBLISH_SECONDS", 0.2)
    monkeypatch.setattr(end, "STOPPING_SECONDS", 0.0)


@pytest.fixture(params=["with a store", "without one"])
def store(request: pytest.FixtureRequest) -> Store | None:
    return Store() if request.param == "with a store" else None
