"""Rows of the job table: each is a run of a DAG with one task that runs a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.system.rows import TableRow

if TYPE_CHECKING:
    from tests.system.row_scene import Scene

RUN = "run"
SUBMIT, LIST_JOBS = "POST /jobs", "GET /jobs"
READ_JOB, COST = "GET /jobs/{job_id}", "GET /jobs/{job_id}/cost"
BACKENDS = "GET /backends"


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
