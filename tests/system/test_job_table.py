"""A task submits its job once, and leaves none running that nobody waits for, whatever dies, is marked or cleared."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.system.conftest import PARALLELISM
from tests.system.job_rows import (
    BACKENDS,
    COST,
    LIST_JOBS,
    READ_JOB,
    RUN,
    SUBMIT,
    JobRow,
    finish,
    no_job_runs,
    run_marked_failed,
    submitted_again,
    waits,
)
from tests.system.processes import is_gone
from tests.system.row_play import ENDED_WITHIN_SECONDS, play, scenes
from tests.system.row_scene import Scene
from tests.system.rows import KILLED_SECONDS, Story
from tests.system.stories import answered, dropped, killed_when_asked, late
from tests.system.triggerers import capacity_of, share, two_triggerers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.stack import AirflowStack

__all__ = ["scenes"]

IN_SESSION = "bell.run"
PRICE_USD = 12.42
OUTAGE_POLLS = 3


# The job is good.


def killed_while_waiting(scene: Scene) -> Story:
    yield from waits(scene, "running")
    scene.kill(RUN)
    yield scene.tried(RUN, 2)
    finish(scene)


def node_lost_while_waiting(scene: Scene) -> Story:
    yield from waits(scene, "running")
    scene.kill(RUN, supervisor=True)
    yield scene.tried(RUN, 2)
    finish(scene)


def supervisor_killed_before_the_answer(scene: Scene) -> Story:
    """Leave a process that nobody listens to, beside the one of the next try."""
    scene.emulator.job_seconds = None
    yield from killed_when_asked(RUN, SUBMIT, task=False, supervisor=True)(scene)
    orphan = scene.process(RUN)
    yield lambda: is_gone(orphan)
    yield scene.tried(RUN, 2)
    finish(scene)


def supervisor_killed_while_waiting(scene: Scene) -> Story:
    yield from waits(scene, "running")
    orphan = scene.process(RUN)
    scene.kill(RUN, task=False, supervisor=True)
    yield scene.tried(RUN, 2)
    (job,) = scene.jobs()
    scene.emulator.update_job(job["id"], predicted_wait_time_ms=60_000)
    yield scene.asked_again(READ_JOB, 6)
    finish(scene)
    yield lambda: is_gone(orphan)


def killed_during_look_up(scene: Scene) -> Story:
    yield from killed_when_asked(RUN, SUBMIT)(scene)
    yield from killed_when_asked(RUN, LIST_JOBS)(scene)


def killed_and_no_list(scene: Scene) -> Story:
    """Kill the worker before the answer; let the second try fail because the jobs cannot be listed."""
    scene.emulator.fail(503, route=LIST_JOBS, seconds=ENDED_WITHIN_SECONDS)
    yield from killed_when_asked(RUN, SUBMIT)(scene)
    yield scene.tried(RUN, 3)
    scene.emulator.clear_faults()


def api_away_while_deferred(scene: Scene) -> Story:
    yield from waits(scene, "deferred")
    scene.emulator.fail(503, seconds=ENDED_WITHIN_SECONDS)
    yield scene.asked_again(READ_JOB, OUTAGE_POLLS)
    scene.emulator.clear_faults()
    finish(scene)


def timed_out_and_retried(scene: Scene) -> Story:
    scene.emulator.job_seconds = None
    yield scene.tried(RUN, 2)
    finish(scene)


# It is not, or not wanted any more.


def fails(code: str) -> Callable[[Scene], Story]:
    def story(scene: Scene) -> Story:
        scene.emulator.fail_next_job(code)
        yield scene.asked(SUBMIT)

    return story


def killed_beside_a_dead_job(scene: Scene) -> Story:
    scene.emulator.fail_next_job("InternalError")
    yield lambda: any(job["status"] == "failed" for job in scene.jobs())
    yield from killed_when_asked(RUN, SUBMIT)(scene)


def input_changed(scene: Scene) -> Story:
    yield from waits(scene, "running")
    scene.change_conf(shots=200)
    scene.kill(RUN)


def input_changed_and_resubmitted(scene: Scene) -> Story:
    yield from input_changed(scene)
    yield from submitted_again(scene)


def cleared(state: str) -> Callable[[Scene], Story]:
    """Clear the task while its job runs."""

    def story(scene: Scene) -> Story:
        yield from waits(scene, state)
        scene.clear(RUN)
        yield from submitted_again(scene)

    return story


def cleared_when_done(scene: Scene) -> Story:
    yield scene.is_settled
    scene.clear(RUN)


def paid_and_failed(scene: Scene) -> Story:
    yield from waits(scene, "deferred")
    (job,) = scene.jobs()
    scene.emulator.fail_job(job["id"], code="InternalError", cost_usd=PRICE_USD)


# Nobody waits for it any more.


def marked(state: str, new_state: str) -> Callable[[Scene], Story]:
    """Mark the task while its job runs."""

    def story(scene: Scene) -> Story:
        yield from waits(scene, state)
        scene.mark(RUN, new_state)
        yield no_job_runs(scene)

    return story


def marked_failed_while_submitting(scene: Scene) -> Story:
    scene.emulator.job_seconds = None
    scene.emulator.disturb("delay", route=SUBMIT, delay_seconds=KILLED_SECONDS)
    yield scene.asked(SUBMIT)
    scene.mark(RUN)
    yield no_job_runs(scene)


def evicted(scene: Scene) -> Story:
    yield from waits(scene, "running")
    scene.kill(RUN, task_signal=signal.SIGTERM)
    yield from submitted_again(scene)


def evicted_while_submitting(scene: Scene) -> Story:
    scene.emulator.job_seconds = None
    yield from killed_when_asked(RUN, SUBMIT, task_signal=signal.SIGTERM)(scene)
    yield from submitted_again(scene)


def runs_on(scene: Scene) -> Story:
    scene.emulator.job_seconds = None
    yield scene.asked(SUBMIT)


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
    JobRow("worker killed during the look-up", "job_defers", killed_during_look_up, tries=THRICE),
    JobRow("worker killed, then no list of jobs", "job_defers", killed_and_no_list, tries=THRICE),
    JobRow("worker killed after the answer", "job_defers", killed_when_asked(RUN, READ_JOB), tries=TWICE),
    JobRow("worker killed while waiting", "job_waits_on_worker", killed_while_waiting, tries=TWICE),
    JobRow(
        "supervisor killed before the answer",
        "job_waits_on_worker",
        supervisor_killed_before_the_answer,
        tries=TWICE,
    ),
    JobRow("supervisor killed while waiting", "job_waits_on_worker", supervisor_killed_while_waiting, tries=TWICE),
    JobRow("node lost while waiting", "job_waits_on_worker", node_lost_while_waiting, tries=TWICE),
    JobRow("worker killed after the deferral", "job_defers", killed_when_asked(RUN, COST), tries=TWICE),
    JobRow("task fails after its job", "job_fails_once", tries=TWICE),
    JobRow("execution_timeout reached", "job_outlives_its_try", timed_out_and_retried, tries=TWICE),
    JobRow("API away while deferred", "job_defers", api_away_while_deferred),
    JobRow("cleared when done, and reused", "job_is_reused", cleared_when_done, tries=TWICE),
    JobRow("not waited for", "job_is_left_alone", runs_on, jobs=("submitted",)),
]
COUNTED = [
    JobRow("first job fails", "job_defers", fails("QuantumComputerError"), jobs=("failed", "completed"), tries=TWICE),
    JobRow("job fails for good", "job_defers", fails("TooManyShots"), run="failed", jobs=("failed",)),
    JobRow(
        "worker killed beside a failed job",
        "job_defers",
        killed_beside_a_dead_job,
        jobs=("failed", "completed"),
        tries=THRICE,
    ),
    JobRow("input changed", "job_waits_on_worker", input_changed, run="failed", jobs=("submitted",), tries=TWICE),
    JobRow(
        "input changed, and resubmitted",
        "job_is_resubmitted",
        input_changed_and_resubmitted,
        jobs=CANCELED_THEN_COMPLETED,
        tries=TWICE,
    ),
    JobRow(
        "cleared while running",
        "job_waits_on_worker",
        cleared("running"),
        jobs=CANCELED_THEN_COMPLETED,
        tries=TWICE,
    ),
    JobRow("cleared while deferred", "job_defers", cleared("deferred"), jobs=CANCELED_THEN_COMPLETED, tries=TWICE),
    JobRow(
        "cleared while its job outlives it",
        "job_outlives_its_task",
        cleared("deferred"),
        jobs=CANCELED_THEN_COMPLETED,
        tries=TWICE,
    ),
    JobRow("cleared when done", "job_defers", cleared_when_done, jobs=("completed", "completed"), tries=TWICE),
    JobRow(
        "second try over budget",
        "job_has_budget",
        paid_and_failed,
        run="failed",
        jobs=("failed",),
        tries=TWICE,
        says={RUN: "max_cost_usd"},
    ),
]
NONE_LEFT = [
    JobRow(
        "marked failed while running", "job_waits_on_worker", marked("running", "failed"), run="failed", jobs=CANCELED
    ),
    JobRow("marked failed while deferred", "job_defers", marked("deferred", "failed"), run="failed", jobs=CANCELED),
    JobRow("marked failed while submitting", "job_defers", marked_failed_while_submitting, run="failed", jobs=CANCELED),
    JobRow("marked success while running", "job_waits_on_worker", marked("running", "success"), jobs=CANCELED),
    JobRow("marked success while deferred", "job_defers", marked("deferred", "success"), jobs=CANCELED),
    JobRow("run marked failed", "job_waits_on_worker", run_marked_failed("running"), run="failed", jobs=CANCELED),
    JobRow(
        "run marked failed while deferred", "job_defers", run_marked_failed("deferred"), run="failed", jobs=CANCELED
    ),
    JobRow(
        "run marked failed in a session",
        "job_in_session",
        run_marked_failed("deferred", IN_SESSION),
        run="failed",
        jobs=CANCELED,
        task_id=IN_SESSION,
    ),
    JobRow("timed out while deferred", "job_times_out", runs_on, run="failed", jobs=CANCELED),
    JobRow("timed out on a worker", "job_times_out_on_worker", runs_on, run="failed", jobs=CANCELED),
    JobRow("evicted", "job_waits_on_worker", evicted, jobs=CANCELED_THEN_COMPLETED, tries=TWICE),
    JobRow(
        "evicted while submitting", "job_defers", evicted_while_submitting, jobs=CANCELED_THEN_COMPLETED, tries=TWICE
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
        yield from waits(scene, "deferred")
        if scene is first:
            # They hold no worker: there are more of them than workers.
            yield lambda: share(stack, half)
            assert stack.query("SELECT count(*) AS n FROM task_instance WHERE state = 'running'") == [{"n": 0}]
            stack.components["triggerer"].kill()
            stack.start_component("triggerer", environment=capacity_of(half))
            started_again.set()
        yield started_again.is_set
        yield scene.asked_again(READ_JOB, 2)
        finish(scene)

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
