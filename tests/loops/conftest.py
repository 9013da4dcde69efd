"""The emulator for every test of loops."""

from __future__ import annotations

import pytest

from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from airflow_provider_ionq.jobs import cancel, submit
from airflow_provider_ionq.waiting import create_once
from tests.waiting.conftest import task_log

__all__ = ["ionq_emulator", "task_log"]


@pytest.fixture(autouse=True)
def _find_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not search for half a minute where there is nothing."""
    monkeypatch.setattr(submit, "FIND_SECONDS", 0.0)
    monkeypatch.setattr(create_once, "SHOW_SECONDS", 0.0)
    monkeypatch.setattr(cancel, "PAUSES", (0.01,) * 4)
