"""
The cost of a job that was submitted, without Airflow.

It is never underestimated: a job that may have run counts with its estimate until it is charged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQBudgetError
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.jobs.price import amount_of, in_usd
from airflow_provider_ionq.jobs.request import SIMULATOR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job


def spent_on(client: IonQClient, job: Job) -> float:
    """
    Return what a job of an earlier try costs, in US dollars.

    That is the charge; without one nothing if it never ran, else its estimate.

    :param client: client for the cost, which is not requested for a job that cannot have any.
    :param job: the job.
    :raises IonQBudgetError: if the cost is in another unit.
    :raises IonQError: if the cost cannot be read; a retry may help.
    """
    if job.get("dry_run") is True:
        return 0.0
    named = f"job {json_text(job.get('id'))}"
    cost = client.get_job_cost(job["id"])
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
