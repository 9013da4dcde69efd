"""Rows of the job table: each is a run of a DAG with one task that runs a job; and what befalls several of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.system.rows import TableRow
from tests.system.stories import soon

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.row_scene import Scene
    from tests.system.rows import Story

RUN = "run"
SUBMIT, LIST_JOBS = "POST /jobs", "GET /jobs"
READ_JOB, COST = "GET /jobs/{job_id}", "GET /jobs/{job_id}/cost"
BACKENDS = "GET /backends"
FINAL_STATUSES = ("completed", "failed", "canceled")


@dataclass
class JobRow(TableRow):
    """
    One row.

    :param jobs: the last status of each job that was submitted for the task, in the order of their submission. The
        task's log names each of them.
    :param task_id: the task.
    """

    jobs: tuple[str, ...] = ("completed",)
    task_id: str = RUN

    def check_api(self, scene: Scene) -> None:
        """Check the jobs, and that no session is left open."""
        jobs = scene.jobs()
        assert tuple(job["status"] for job in jobs) == self.jobs, scene.evidence()
        assert scene.open_sessions() == [], scene.evidence()
        log = scene.log(self.task_id)
        assert [job["id"] for job in jobs if job["id"] not in log] == [], scene.evidence()


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
