"""The demo, which is the first contact of a new user."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "tests.system.demo"]
WITHIN_SECONDS = 300


def environment_of(tmp_path: Path) -> dict[str, str]:
    """Return an environment that the demo and all of its descendants can be known by."""
    return {**os.environ, "TMPDIR": str(tmp_path)}


PROCESSES = 5
"""The four components of Airflow, and the guard that stops them if the demo is killed."""


def left_behind(tmp_path: Path) -> list[object]:
    """Return the processes and files that outlived the demo."""
    left: list[object] = list(tmp_path.iterdir())
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(tmp_path):
                left.append(process)
        except (psutil.Error, OSError):
            continue
    return left


def test_demo_shows_sessions_created_used_and_ended_also_when_a_job_fails(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment_of(tmp_path),
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    # A task's states are sampled: the one before may have been too short to be seen.
    story = [
        r"bell.run +\S+ -> success",
        r"bell.end_session +\S+ -> success",
        r"run +success",
        r"create_session +\S+ -> deferred",
        r"colleague's session ends",
        r"create_session +\S+ -> success",
        r"session.run +\S+ -> deferred",
        r"started -> completed",
        r"end_session +\S+ -> success",
        r"run +success",
        r"the job on qpu.forte-1 is completed, and has cost 12.42 US dollars",
        r"session.run +\S+ -> failed",
        r"end_session +\S+ -> success",
        r"run +failed",
        r"of 4 sessions 0 are open",
        r"Job \S+: 1,000 shots, measured counts, bit 0 rightmost\n  00  █+\S* +\d+\.\d %  \d+\n  11  █+\S* ",
    ]
    assert re.search(".*".join(story), done.stdout, re.DOTALL), done.stdout
    session = json.loads(done.stdout[done.stdout.index("\n{\n") : done.stdout.index("\n}") + 2])
    assert session["status"] == "ended"
    assert done.stdout.splitlines()[-1].endswith("done; everything was stopped, nothing is left running")
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(COMMAND, cwd=ROOT, env=environment_of(tmp_path), stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "starting scheduler" in line:
                break
        deadline = time.monotonic() + WITHIN_SECONDS
        while len(demo_children := psutil.Process(demo.pid).children()) < PROCESSES and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(demo_children) == PROCESSES
        demo.send_signal(number)
        assert demo.wait(WITHIN_SECONDS) == 1
    assert left_behind(tmp_path) == []
