"""
Stop the processes of a stack when the process that runs it is killed.

pytest-xdist kills a worker ten seconds after an interrupt.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.system.processes import kill_all, processes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
STOPPED = b"stopped"
KILL_WITHIN_SECONDS = 20.0


@contextlib.contextmanager
def guarded(home: Path) -> Iterator[None]:
    """
    Have another process watch this one for as long as the context is open.

    :param home: the stack's AIRFLOW_HOME; removed, too, if this process is killed.
    """
    # Of a session of its own: what a terminal interrupts is not the guard.
    command = [sys.executable, "-m", "tests.system.guard", str(home)]
    guard = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        guard.communicate(STOPPED)


def main() -> None:
    """Wait for the watched process to end, or to say that it has stopped its stack."""
    home = Path(sys.argv[1])
    # The pipe ends, without a word, with the process.
    if sys.stdin.buffer.read() == STOPPED:
        return
    # Again until it is gone: a command that makes the database has no file open there, and goes on for a while.
    while home.exists():
        kill_all(processes_of(home), KILL_WITHIN_SECONDS)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
