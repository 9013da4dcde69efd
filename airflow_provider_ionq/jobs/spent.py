"""
The cost of a job that was submitted, without Airflow.

It is never underestimated: a job that may have run counts with its estimate until it is charged.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQBudgetError, IonQError, IonQNotReadableError
from airflow_provider_ionq.api.jobs import is_job
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.jobs.arguments import SIMULATOR
from airflow_provider_ionq.jobs.failure import is_final
from airflow_provider_ionq.jobs.price import amount_of, in_usd

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job, JobCost


class JobCosts:
    """
    What jobs cost.

    The cost of a job is read once while the job is open, and then until it is charged: an estimate may be too low.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], float] = {}

    def of(self, client: IonQClient, job: Job) -> float:
        """Return what a job costs, in US dollars; see :func:`spent_of`."""
        if job.get("dry_run") is True:
            return 0.0
        key = (job["id"], is_final(job))
        if key in self._known:
            return self._known[key]
        cost = client.get_job_cost(job["id"])
        self.note(job, cost)
        return spent_of(job, cost)

    def note(self, job: Job, cost: JobCost) -> None:
        """
        Keep the cost of a job that was read, unless it may still change.

        :param job: the job.
        :param cost: the JSON of its cost.
        """
        if is_final(job) and job.get("backend") != SIMULATOR and cost.get("cost") is None:
            return
        with suppress(IonQError):
            self._known[job["id"], is_final(job)] = spent_of(job, cost)


def earlier_jobs(client: IonQClient, job_ids: Sequence[str]) -> list[Job]:
    """
    Return the jobs that earlier tries submitted, whose costs count.

    :param client: client for the list.
    :param job_ids: their ids.
    :raises IonQNotReadableError: if one is missing.
    """
    jobs = [job for job in client.list_jobs(ids=job_ids) if is_job(job) and job["id"] in job_ids]
    check_listed(job_ids, {job["id"] for job in jobs})
    return jobs


def check_listed(job_ids: Collection[str], listed: Collection[str]) -> None:
    """
    Check that the API lists all jobs of earlier tries.

    :param job_ids: the ids of the jobs.
    :param listed: the ids that it lists.
    :raises IonQNotReadableError: if one is missing.
    """
    if missing := set(job_ids).difference(listed):
        raise IonQNotReadableError(
            f"The cost of job {', '.join(sorted(missing))}, which an earlier try submitted, cannot be read: the API"
            " does not list it. No other job was submitted."
        )


def spent_of(job: Job, cost: JobCost) -> float:
    """
    Return what a job costs, in US dollars: the charge; without one nothing if it never ran, else its estimate.

    :param job: the job.
    :param cost: the JSON of its cost.
    :raises IonQBudgetError: if the cost is in another unit, or not known yet.
    """
    named = f"job {json_text(job.get('id'))}"
    charged = amount_of(cost, "cost", named)
    if charged is not None:
        return in_usd(charged, named)
    if job.get("status") in ("failed", "canceled") and not _has_run(job):
        return 0.0
    estimated = amount_of(cost, "estimated_cost", named)
    if estimated is not None:
        return in_usd(estimated, named)
    if job.get("backend") == SIMULATOR:
        return 0.0
    raise IonQBudgetError(f"The cost of {named} is not known yet.", retryable=True)


def _has_run(job: Mapping[str, Any]) -> bool:
    return job.get("started_at") is not None or job.get("execution_duration_ms") is not None
