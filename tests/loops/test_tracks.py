"""The values that a loop tracks: lines and curves in the task's log, and a picture."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.utils import metrics
from tests.loops.runs import LoopTask, rotation
from tests.support.facts import facts, stating
from tests.waiting.test_metrics import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow


@pytest.fixture
def task(ionq_emulator: Emulator) -> LoopTask:
    ionq_emulator.job_seconds = 0
    task = LoopTask(ionq_emulator)

    def body(jobs: Any) -> str:
        for angle in task.angles:
            jobs.run(rotation(angle))
            jobs.track("energy", -angle)
            jobs.track("angle", angle)
        return "done"

    task.body = body
    return task


def test_each_value_has_a_line_and_each_name_a_curve(task: LoopTask, task_log: Callable[[], list[str]]) -> None:
    assert task.try_once().value == "done"
    log = "\n".join(task_log())
    assert "Run 2: energy = -0.2" in log
    assert "energy: 3 values, first -0.1, last -0.3" in log
    assert "angle: 3 values, first 0.1, last 0.3" in log


def test_curves_are_logged_of_a_loop_that_fails(task: LoopTask, task_log: Callable[[], list[str]]) -> None:
    def body(jobs: Any) -> None:
        jobs.run(rotation(0.1))
        jobs.track("energy", 1)
        raise ConnectionError("fails")

    task.body = body
    assert task.try_once().state == "up_for_retry"
    assert "energy: 1 value" in "\n".join(task_log())


def test_loop_says_what_it_does_with_its_worker_and_what_it_did(
    task: LoopTask, task_log: Callable[[], list[str]]
) -> None:
    task.try_once()
    log = task_log()
    assert stating(log, "worker slot")
    assert stating(log, "run 3 | 3 jobs submitted | 0 read again | 37.26 usd")
    assert len(stating(log, "no budget")) == 1
    task.try_once()
    (ends,) = stating(task_log(), "run 3 | 0 jobs submitted | 3 read again")
    assert "usd" not in ends


@pytest.mark.parametrize("value", ["much", None, [1.0]])
def test_value_that_is_not_a_number_is_refused(task: LoopTask, value: Any) -> None:
    task.body = lambda jobs: jobs.track("energy", value)
    ending = task.try_once()
    assert isinstance(ending.error, ValueError)
    assert re.search(facts("'energy' | number"), ending.message)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_curves_are_drawn_into_a_file(task: LoopTask, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "new" / f"curve.{suffix}"
    task.arguments["curve_path"] = path if suffix == "svg" else f"file://{path}"
    assert task.try_once().value == "done"
    assert path.read_bytes().startswith(b"\x89PNG" if suffix == "png" else b"<?xml")


def test_picture_that_cannot_be_written_costs_no_result(
    task: LoopTask, tmp_path: Path, task_log: Callable[[], list[str]]
) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "file").touch()
    task.arguments["curve_path"] = str(tmp_path / "file" / "curve.png")
    assert task.try_once().value == "done"
    assert stating(task_log(), f"curves | cannot be written | {tmp_path / 'file'}")


def test_missing_extra_is_named_before_any_job(task: LoopTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    task.arguments["curve_path"] = "/tmp/curve.png"
    ending = task.try_once()
    assert isinstance(ending.error, IonQFailException)
    assert "airflow-provider-ionq[plot]" in ending.message
    assert task.emulator.jobs() == []


def test_figures_of_each_job_are_metrics(task: LoopTask, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(metrics, "Stats", recorder)
    task.try_once()
    assert recorder.gauges["ionq.job.cost"] == [12.42] * 3
    assert len(recorder.gauges["ionq.job.queue_seconds"]) == 3
    task.try_once()  # reads the jobs again
    assert recorder.gauges["ionq.job.cost"] == [12.42] * 3
