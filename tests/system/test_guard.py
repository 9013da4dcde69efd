"""A stack whose tests were killed leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]

from tests.system.guard import ROOT

if TYPE_CHECKING:
    from pathlib import Path

WITHIN_SECONDS = 60.0
# Runs a stack of one process, which has its log in the stack's folder, and is killed.
KILLED = """
import os, pathlib, signal, subprocess, sys
from tests.system.guard import guarded
home = pathlib.Path(sys.argv[1])
with guarded(home), (home / "component.log").open("w") as log:
    print(subprocess.Popen(["sleep", "600"], stdout=log, start_new_session=True).pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_of_a_stack_whose_tests_were_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run([sys.executable, "-c", KILLED, str(home)], cwd=ROOT, capture_output=True, text=True)
    deadline = time.monotonic() + WITHIN_SECONDS
    while home.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not home.exists(), done.stderr
    assert not psutil.pid_exists(int(done.stdout))
