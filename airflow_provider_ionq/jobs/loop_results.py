"""The results of the jobs of a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.jobs.wanted import wanted_of
from airflow_provider_ionq.results.fetch import fetch_results

if TYPE_CHECKING:
    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.jobs.request import JobRequest
    from airflow_provider_ionq.results.models import CircuitResult


def read_results(client: IonQClient, job: Job, request: JobRequest) -> list[CircuitResult]:
    """
    Return the results of the circuits of a completed job.

    :param client: a client of the API.
    :param job: the job, as the API returns it for one job or in a list.
    :param request: the request of the job, or of another job for the same work.
    :raises IonQResultsError: if they cannot be read.
    """
    wanted = wanted_of(request, ("probabilities", "counts"), fail_on_partial_error=True)
    return fetch_results(client, job, wanted)["circuits"]
