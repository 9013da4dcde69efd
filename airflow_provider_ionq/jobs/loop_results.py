"""The results of the jobs of a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.api.json_text import json_object
from airflow_provider_ionq.jobs.request import DEFAULT_SHOTS
from airflow_provider_ionq.results.fetch import fetch_results
from airflow_provider_ionq.results.wanted import Wanted

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
    several = json_object(request.input).get("circuits")
    if several is not None and not isinstance(job.get("child_job_ids"), list):
        job = client.get_job(job["id"])  # a list lacks the ids of the circuits
    sizes = request.sizes
    wanted = Wanted(
        layouts=request.layouts,
        qubits=None if sizes is None else [size.qubits for size in sizes],
        names=None if several is None else [json_object(one).get("name") for one in several],
        shots=request.shots or DEFAULT_SHOTS,
    )
    return fetch_results(client, job, wanted)["circuits"]
