"""A task submits its job once, and leaves none running that nobody waits for, whatever dies, is marked or cleared."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.system import job_stories
from tests.system.conftest import PARALLELISM
from tests.system.job_rows import BACKENDS, COST, READ_JOB, RUN, SUBMIT, JobRow
from tests.system.row_play import ENDED_WITHIN_SECONDS, play, scenes
from tests.system.row_scene import Scene
from tests.system.stories import answered, dropped, killed_when_asked, late
from tests.system.triggerers import capacity_of, share, two_triggerers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.rows import Story
    from tests.system.stack import AirflowStack

__all__ = ["scenes"]

IN_SESSION = "bell.run"


TWICE, THRICE = {RUN: 2}, {RUN: 3}
CANCELED, CANCELED_THEN_COMPLETED = ("canceled",), ("canceled", "completed")
ONCE = [
    JobRow("job is completed", "job_defers"),
    JobRow("job is completed on a worker", "job_waits_on_worker"),
    JobRow("submit answered 500", "job_defers", answered(SUBMIT, 500, after_effect=True)),
    JobRow("submit answered 500 without effect", "job_defers", answered(SUBMIT, 500), tries=TWICE),
    JobRow("submit dropped", "job_defers", dropped(SUBMIT)),
    JobRow("submits of a mapped task dropped", "job_is_mapped", dropped(SUBMIT, 2), jobs=("completed", "completed")),
    JobRow("submit late", "job_defers", late(SUBMIT)),
    JobRow("worker killed before the submit", "job_defers", killed_when_asked(RUN, BACKENDS), tries=TWICE),
    JobRow("worker killed before the answer", "job_defers", killed_when_asked(RUN, SUBMIT), tries=TWICE),
    JobRow("worker killed during the look-up", "job_defers", job_stories.killed_during_look_up, tries=THRICE),
    JobRow("worker killed, then no list of jobs", "job_defers", job_stories.killed_and_no_list, tries=THRICE),
    JobRow("worker killed after the answer", "job_defers", killed_when_asked(RUN, READ_JOB), tries=TWICE),
    JobRow("worker killed while waiting", "job_waits_on_worker", job_stories.killed_while_waiting, tries=TWICE),
    JobRow(
        "supervisor killed before the answer",
        "job_waits_on_worker",
        job_stories.supervisor_killed_before_the_answer,
        tries=TWICE,
    ),
    JobRow(
        "supervisor killed while waiting",
        "job_waits_on_worker",
        job_stories.supervisor_killed_while_waiting,
        tries=TWICE,
    ),
    JobRow("node lost while waiting", "job_waits_on_worker", job_stories.node_lost_while_waiting, tries=TWICE),
    JobRow("worker killed after the deferral", "job_defers", killed_when_asked(RUN, COST), tries=TWICE),
    JobRow("task fails after its job", "job_fails_once", tries=TWICE),
    JobRow("function killed before the answer", "function_defers", killed_when_asked(RUN, SUBMIT), tries=TWICE),
    JobRow("execution_timeout reached", "job_outlives_its_try", job_stories.timed_out_and_retried, tries=TWICE),
    JobRow("API away while deferred", "job_defers", job_stories.api_away_while_deferred),
    JobRow("cleared when done, and reused", "job_is_reused", job_stories.cleared_when_done, tries=TWICE),
    JobRow("not waited for", "job_is_left_alone", job_stories.runs_on, jobs=("submitted",)),
]
COUNTED = [
    JobRow(
        "first job fails",
        "job_defers",
        job_stories.fails("QuantumComputerError"),
        jobs=("failed", "completed"),
        tries=TWICE,
    ),
    JobRow("job fails for good", "job_defers", job_stories.fails("TooManyShots"), run="failed", jobs=("failed",)),
    JobRow(
        "worker killed beside a failed job",
        "job_defers",
        job_stories.killed_beside_a_dead_job,
        jobs=("failed", "completed"),
        tries=THRICE,
    ),
    JobRow(
        "input changed",
        "job_waits_on_worker",
        job_stories.input_changed,
        run="failed",
        jobs=("submitted",),
        tries=TWICE,
    ),
    JobRow(
        "function returns another circuit",
        "function_waits_on_worker",
        job_stories.input_changed,
        run="failed",
        jobs=("submitted",),
        tries=TWICE,
        says={RUN: "on_changed_input"},
    ),
    JobRow(
        "input changed, and resubmitted",
        "job_is_resubmitted",
        job_stories.input_changed_and_resubmitted,
        jobs=CANCELED_THEN_COMPLETED,
        tries=TWICE,
    ),
    JobRow(
        "cleared while running",
        "job_waits_on_worker",
        job_stories.cleared("running"),
        jobs=CANCELED_THEN_COMPLETED,
        tries=TWICE,
    ),
    JobRow(
        "cleared while deferred",
        "job_defers",
        job_stories.cleared("deferred"),
        jobs=CANCELED_THEN_COMPLETED,
        tries=TWICE,
    ),
    JobRow(
        "cleared while its job outlives it",
        "job_outlives_its_task",
        job_stories.cleared("deferred"),
        jobs=CANCELED_THEN_COMPLETED,
        tries=TWICE,
    ),
    JobRow(
        "cleared when done", "job_defers", job_stories.cleared_when_done, jobs=("completed", "completed"), tries=TWICE
    ),
    JobRow(
        "second try over budget",
        "job_has_budget",
        job_stories.paid_and_failed,
        run="failed",
        jobs=("failed",),
        tries=TWICE,
        says={RUN: "max_cost_usd"},
    ),
]
NONE_LEFT = [
    JobRow(
        "marked failed while running",
        "job_waits_on_worker",
        job_stories.marked("running", "failed"),
        run="failed",
        jobs=CANCELED,
    ),
    JobRow(
        "marked failed while deferred",
        "job_defers",
        job_stories.marked("deferred", "failed"),
        run="failed",
        jobs=CANCELED,
    ),
    JobRow(
        "marked failed while submitting",
        "job_defers",
        job_stories.marked_failed_while_submitting,
        run="failed",
        jobs=CANCELED,
    ),
    JobRow(
        "marked success while running", "job_waits_on_worker", job_stories.marked("running", "success"), jobs=CANCELED
    ),
    JobRow("marked success while deferred", "job_defers", job_stories.marked("deferred", "success"), jobs=CANCELED),
    JobRow(
        "run marked failed",
        "job_waits_on_worker",
        job_stories.run_marked_failed("running"),
        run="failed",
        jobs=CANCELED,
    ),
    JobRow(
        "run marked failed while deferred",
        "job_defers",
        job_stories.run_marked_failed("deferred"),
        run="failed",
        jobs=CANCELED,
    ),
    JobRow(
        "run marked failed in a session",
        "job_in_session",
        job_stories.run_marked_failed("deferred", IN_SESSION),
        run="failed",
        jobs=CANCELED,
        task_id=IN_SESSION,
    ),
    JobRow("timed out while deferred", "job_times_out", job_stories.runs_on, run="failed", jobs=CANCELED),
    JobRow("timed out on a worker", "job_times_out_on_worker", job_stories.runs_on, run="failed", jobs=CANCELED),
    JobRow(
        "function fails in a retry",
        "function_waits_on_worker",
        job_stories.fails_in_the_next_try,
        run="failed",
        jobs=CANCELED,
        tries=TWICE,
    ),
    JobRow("evicted", "job_waits_on_worker", job_stories.evicted, jobs=CANCELED_THEN_COMPLETED, tries=TWICE),
    JobRow(
        "evicted while submitting",
        "job_defers",
        job_stories.evicted_while_submitting,
        jobs=CANCELED_THEN_COMPLETED,
        tries=TWICE,
    ),
]
ROWS = [*ONCE, *COUNTED, *NONE_LEFT]


@pytest.mark.parametrize("name", [row.name for row in ONCE])
def test_job_is_submitted_once(scenes: dict[str, Scene], name: str) -> None:
    scenes[name].check()


@pytest.mark.parametrize("name", [row.name for row in COUNTED])
def test_another_job_is_submitted_only_if_the_first_is_of_no_use(scenes: dict[str, Scene], name: str) -> None:
    scenes[name].check()


@pytest.mark.parametrize("name", [row.name for row in NONE_LEFT])
def test_no_job_is_left_running(scenes: dict[str, Scene], name: str) -> None:
    scenes[name].check()


def test_job_is_submitted_once_although_one_of_two_triggerers_is_killed(stack: AirflowStack, tmp_path: Path) -> None:
    half = PARALLELISM // 2 + 1
    started_again = threading.Event()

    def killed(scene: Scene) -> Story:
        """Wait with all the others; then one triggerer is killed, and started again."""
        yield from job_stories.waits(scene, "deferred")
        if scene is first:
            # They hold no worker: there are more of them than workers.
            yield lambda: share(stack, half)
            assert stack.query("SELECT count(*) AS n FROM task_instance WHERE state = 'running'") == [{"n": 0}]
            stack.components["triggerer"].kill()
            stack.start_component("triggerer", environment=capacity_of(half))
            started_again.set()
        yield started_again.is_set
        yield scene.asked_again(READ_JOB, 2)
        job_stories.finish(scene)

    rows = [JobRow(f"one of two triggerers killed {number}", "job_defers", killed) for number in range(2 * half)]
    played = [Scene(row, stack, tmp_path) for row in rows]
    first = played[0]
    try:
        with two_triggerers(stack, half):
            play(stack, played, ENDED_WITHIN_SECONDS)
        for scene in played:
            scene.check()
    finally:
        for scene in played:
            scene.stop()
