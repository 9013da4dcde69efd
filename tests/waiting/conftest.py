"""The emulator for every test of waiting."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, get_base_airflow_version_tuple

from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from airflow_provider_ionq.waiting import outage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ionq.emulator import Emulator

__all__ = ["ionq_emulator"]


@pytest.fixture(scope="session", autouse=True)
def _database() -> None:
    """Airflow 2 counts reschedules in its database, in the worker; later ones are told."""
    if not AIRFLOW_V_3_0_PLUS:
        from airflow.utils.db import initdb

        initdb()


@pytest.fixture
def reread_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a failed look read the connection again at once, instead of after a minute."""
    monkeypatch.setattr(outage, "REREAD_SECONDS", 0.0)


@pytest.fixture
def after_looks(ionq_emulator: Emulator) -> Iterator[Callable[[int, Callable[[], object]], None]]:
    """Do something once the emulator has answered so many requests."""
    threads = []

    def arrange(count: int, action: Callable[[], object]) -> None:
        def wait() -> None:
            deadline = time.monotonic() + 30
            while len(ionq_emulator.requests) < count and time.monotonic() < deadline:
                time.sleep(0.005)
            action()

        threads.append(threading.Thread(target=wait))
        threads[-1].start()

    yield arrange
    for thread in threads:
        thread.join()


@pytest.fixture
def task_log(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return the lines logged since the last call: Airflow 2 logs them, later ones print them, and 3.0 does both."""
    caplog.set_level("INFO")

    def logged_since() -> list[str]:
        printed = capsys.readouterr()
        lines = [*printed.out.splitlines(), *printed.err.splitlines()]
        logged = [record.getMessage() for record in caplog.records]
        caplog.clear()
        if get_base_airflow_version_tuple()[:2] == (3, 0):
            logged = [message for message in logged if not any(message in line for line in lines)]
        return [*lines, *logged]

    return logged_since
