"""Commands in this process, against the emulator."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ionq.__main__ import main
from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from tests.support.emulated import connection_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

__all__ = ["ionq_emulator"]


@dataclass(frozen=True)
class Ended:
    """What a command left behind; `err` includes what the interpreter prints of a `SystemExit`."""

    status: int
    out: str
    err: str


class Terminal(io.StringIO):
    """A terminal at which these lines are typed, and then Ctrl-D."""

    def isatty(self) -> bool:
        return True


class Interrupted(Terminal):
    """A terminal at which Ctrl-C is typed."""

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _process_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the variable that a command sets for its process; without a terminal unless a test brings one."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "")
    monkeypatch.setattr(sys, "stdin", io.StringIO())


@pytest.fixture
def once(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Let the connection repeat no read."""
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", connection_with(ionq_emulator, max_retries=0))
    return ionq_emulator


@pytest.fixture
def ionq(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command."""

    def run(*arguments: str) -> Ended:
        capfd.readouterr()
        status, said = 0, ""
        try:
            main(arguments)
        except SystemExit as ended:
            if isinstance(ended.code, str):
                status, said = 1, f"{ended.code}\n"
            else:
                status = ended.code or 0
        printed = capfd.readouterr()
        return Ended(status, printed.out, printed.err + said)

    return run
