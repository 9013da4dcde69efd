"""What befalls a task that runs a job, and what is done to it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from tests.system.job_rows import LIST_JOBS, READ_JOB, RUN, SUBMIT
from tests.system.processes import is_gone
from tests.system.row_play import ENDED_WITHIN_SECONDS
from tests.system.rows import KILLED_SECONDS
from tests.system.stories import killed_when_asked, soon

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.row_scene import Scene
    from tests.system.rows import Story

FINAL_STATUSES = ("completed", "failed", "canceled")
PRICE_USD = 12.42
OUTAGE_POLLS = 3


def finish(scene: Scene) -> None:
    """Complete the jobs that have not ended."""
    for job in open_jobs(scene):
        scene.emulator.complete_job(job["id"])


def open_jobs(scene: Scene) -> list[dict[str, Any]]:
    """Return the jobs that have not ended."""
    return [job for job in scene.jobs() if job["status"] not in FINAL_STATUSES]


def waits(scene: Scene, state: str, task_id: str = RUN) -> Story:
    """Wait until the task waits for its job, which runs on."""
    scene.emulator.job_seconds = None
    yield scene.task(task_id, state)
    yield lambda: bool(scene.jobs())
    # The first of them may still be that of the submission.
    yield scene.asked_again(READ_JOB, 2)


def submitted_again(scene: Scene) -> Story:
    """Wait for another job in place of the first, and complete it."""
    yield lambda: len(scene.jobs()) == 2 or scene.is_settled()
    finish(scene)


def no_job_runs(scene: Scene) -> Callable[[], bool]:
    """Wait for the end of every job."""
    return soon(lambda: not open_jobs(scene))


def run_marked_failed(state: str, task_id: str = RUN) -> Callable[[Scene], Story]:
    """Mark the run while the job runs."""

    def story(scene: Scene) -> Story:
        yield from waits(scene, state, task_id)
        scene.mark_run()
        yield no_job_runs(scene)

    return story


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


def fails_in_the_next_try(scene: Scene) -> Story:
    yield from waits(scene, "running")
    scene.change_conf(fails=True)
    scene.kill(RUN)
    yield no_job_runs(scene)


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
