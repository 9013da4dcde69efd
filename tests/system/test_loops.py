"""A loop of jobs whose worker is killed at any point is resumed, pays each job once, and has the same result."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.system.job_rows import READ_JOB, JobRow
from tests.system.job_stories import no_job_runs
from tests.system.row_play import scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.row_scene import Scene
    from tests.system.rows import Story

__all__ = ["scenes"]

OPTIMISE, ITERATIONS = "optimise", 30
REQUESTS_PER_ITERATION = 8


@dataclass
class LoopRow(JobRow):
    """A row of which the task runs a loop."""

    dag_id: str = "loop_of_jobs"
    jobs: tuple[str, ...] = ("completed",) * ITERATIONS
    task_id: str = OPTIMISE


def killed(number: int, *, task: bool = True, supervisor: bool = False) -> Callable[[Scene], Story]:
    """Kill the processes of the task at a random point."""

    def story(scene: Scene) -> Story:
        at = random.Random(number).randrange(1, (ITERATIONS - 5) * REQUESTS_PER_ITERATION)
        yield lambda: len(scene.emulator.requests) >= at
        scene.kill(OPTIMISE, task=task, supervisor=supervisor)
        yield scene.tried(OPTIMISE, 2)

    return story


def marked_failed(scene: Scene) -> Story:
    scene.emulator.job_seconds = None
    yield scene.asked_again(READ_JOB, 3)
    scene.mark(OPTIMISE)
    yield no_job_runs(scene)


def cleared(scene: Scene) -> Story:
    """Clear the task while its first job runs; then let all jobs complete."""
    scene.emulator.job_seconds = None
    yield scene.asked_again(READ_JOB, 3)
    scene.clear(OPTIMISE)
    yield no_job_runs(scene)
    scene.emulator.job_seconds = 0


UNDISTURBED = LoopRow("undisturbed loop")
KILLED = [
    *(LoopRow(f"worker killed {number}", story=killed(number), tries={OPTIMISE: 2}) for number in range(1, 8)),
    *(
        LoopRow(f"node lost {number}", story=killed(number, supervisor=True), tries={OPTIMISE: 2})
        for number in range(8, 10)
    ),
    # The process goes on with nobody that listens to it, beside the one of the next try.
    LoopRow("supervisor killed 10", story=killed(10, task=False, supervisor=True), tries={OPTIMISE: 2}),
]
STOPPED = [
    LoopRow("loop marked failed", story=marked_failed, run="failed", jobs=("canceled",)),
    LoopRow("loop cleared", story=cleared, jobs=("canceled", *LoopRow.jobs), tries={OPTIMISE: 2}),
]
ROWS = [UNDISTURBED, *KILLED, *STOPPED]


def energy(scene: Scene) -> float:
    return float(scene.stack.xcom(scene.row.dag_id, scene.run_id, OPTIMISE))


@pytest.mark.parametrize("row", KILLED, ids=lambda row: row.name)
def test_loop_of_a_killed_task_pays_each_job_once_and_has_the_same_result(
    scenes: dict[str, Scene], row: LoopRow
) -> None:
    scene, undisturbed = scenes[row.name], scenes[UNDISTURBED.name]
    scene.check()
    undisturbed.check()
    assert energy(scene) == energy(undisturbed)
    assert "read again" in scene.log(OPTIMISE)


@pytest.mark.parametrize("row", STOPPED, ids=lambda row: row.name)
def test_job_in_flight_of_a_stopped_loop_is_cancelled(scenes: dict[str, Scene], row: LoopRow) -> None:
    scenes[row.name].check()
