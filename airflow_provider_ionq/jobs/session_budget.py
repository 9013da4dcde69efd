"""
The cost of all jobs of a session, without Airflow.

Two tasks that submit a job at the same moment both see the same remaining budget. So a task lists the jobs again after
its submission, and counts those that IonQ received before its own. All tasks see the jobs in the same order: if two do
not fit in the budget together, the later one is cancelled.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import IonQNotReadableError
from airflow_provider_ionq.api.jobs import is_job
from airflow_provider_ionq.api.json_text import json_text, json_time
from airflow_provider_ionq.jobs.spent import JobCosts
from airflow_provider_ionq.waiting.backoff import poll_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job

SETTLE_SECONDS = 1.0
"""
Pause between a submission and the list after it, longer than the resolution of IonQ's times: a job that is submitted
after the pause has a later time, and does not count.
"""

SHOW_SECONDS = 30.0
"""How long the API may take to list a new job and its cost."""


class SessionSpending:
    """
    The costs of the jobs of a session.

    :param session_id: id of the session.
    :param costs: the costs that are known already; None for none.
    """

    def __init__(self, session_id: str, costs: JobCosts | None = None) -> None:
        self.session_id = session_id
        self._costs = costs or JobCosts()

    def total(self, client: IonQClient) -> float:
        """
        Return what all jobs of the session cost, in US dollars.

        See :func:`~airflow_provider_ionq.jobs.spent.spent_of`.

        :param client: client for the list and the costs.
        :raises IonQError: if a job or its cost cannot be read.
        """
        return sum(self._costs.of(client, job) for job in self._jobs(client))

    def up_to(
        self, client: IonQClient, job_id: str, price: float | None, *, sleep: Callable[[float], None] = time.sleep
    ) -> tuple[float, float]:
        """
        Return what the jobs that IonQ received before a job cost, and what that job costs, in US dollars.

        A job whose time of submission is unknown counts as received before.

        :param client: client for repeated polls.
        :param job_id: id of the job, which was just submitted.
        :param price: what it costs; None to read it.
        :param sleep: function that waits a number of seconds.
        :raises IonQError: if the job is not listed, or a job or its cost cannot be read, for 30 s.
        """
        sleep(SETTLE_SECONDS)

        def costs() -> tuple[float, float]:
            jobs = self._jobs(client)
            own = next((job for job in jobs if job["id"] == job_id), None)
            if own is None:
                raise IonQNotReadableError(f"The API does not list job {job_id} among the jobs of its session")
            before = sum(self._costs.of(client, job) for job in jobs if job is not own and not _is_later(job, own))
            return before, self._costs.of(client, own) if price is None else price

        return poll_until(costs, SHOW_SECONDS, sleep=sleep)

    def _jobs(self, client: IonQClient) -> list[Job]:
        """Return the jobs, without those of the circuits of a multi-circuit job, which are part of that job."""
        listed = client.list_session_jobs(self.session_id)
        for job in listed:
            if not is_job(job):
                raise IonQNotReadableError(
                    f"The API lists {json_text(job)} as a job of session {self.session_id}, so the cost of its jobs"
                    " is unknown"
                )
        # By id, because two pages may have the same job.
        return list({job["id"]: job for job in listed if job.get("parent_job_id") is None}.values())


def _is_later(job: Job, other: Job) -> bool:
    """Return whether IonQ received a job after another; of two at the same time, the order of their ids decides."""
    at, other_at = json_time(job.get("submitted_at")), json_time(other.get("submitted_at"))
    if at is None or other_at is None or (at.tzinfo is None) != (other_at.tzinfo is None):
        return False
    return (at, job["id"]) > (other_at, other["id"])
