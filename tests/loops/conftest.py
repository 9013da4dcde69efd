"""The emulator for every test of loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from requests.adapters import HTTPAdapter

from airflow_provider_ionq.emulator import Emulator
from airflow_provider_ionq.jobs import cancel, search
from airflow_provider_ionq.waiting import create_once
from tests.loops.runs import PROCESS, without_retries
from tests.waiting.conftest import task_log

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["task_log"]


@pytest.fixture
def ionq_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Run an emulator for one test, whose connection has no retries: their pauses are long."""
    with Emulator() as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", without_retries(emulator))
        yield emulator


@pytest.fixture(autouse=True)
def _find_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not search for half a minute where there is nothing."""
    monkeypatch.setattr(search, "FIND_SECONDS", 0.0)
    monkeypatch.setattr(create_once, "SHOW_SECONDS", 0.0)
    monkeypatch.setattr(cancel, "PAUSES", (0.01,) * 4)


@pytest.fixture(autouse=True)
def _requests_are_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each request an event of the process, at which it may die."""
    send = HTTPAdapter.send

    def sent(self: HTTPAdapter, *arguments: Any, **options: Any) -> Any:
        return PROCESS.does(lambda: send(self, *arguments, **options))

    monkeypatch.setattr(HTTPAdapter, "send", sent)
