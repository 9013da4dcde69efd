"""The operations of the API, by method and path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator import endpoints, job_endpoints, result_endpoints
from airflow_provider_ionq.emulator.job_query import JOB_PARAMETERS
from airflow_provider_ionq.emulator.prices import ESTIMATE_PARAMETERS
from airflow_provider_ionq.emulator.usage import USAGE_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator.account import Account

API_PREFIX = "/v0.4"


@dataclass(frozen=True)
class Route:
    """
    One operation of the API.

    :param endpoint: returns the JSON value of the answer.
    :param status: HTTP status of the answer.
    :param query: names of the query parameters; any other name is an error.
    :param has_body: whether the request has a body, which must be JSON.
    :param needs_key: whether a request without the key is an error.
    :param prepare: returns work that takes time, or None. A thread does it before the lock of the account is taken.
    :param described: whether the operation is still in the API's description; IonQ's SDKs use some that are not.
    """

    endpoint: Callable[[Account, endpoints.Call], Any]
    status: int = 200
    query: frozenset[str] = frozenset()
    has_body: bool = False
    needs_key: bool = True
    prepare: Callable[[endpoints.Call], Callable[[], object] | None] | None = None
    described: bool = True


API_ROUTES = {
    "GET /whoami": Route(endpoints.get_whoami),
    "GET /backends": Route(endpoints.list_backends, needs_key=False),
    "GET /backends/{backend}": Route(endpoints.get_backend, needs_key=False),
    "POST /sessions": Route(endpoints.create_session, status=201, has_body=True),
    "GET /sessions": Route(endpoints.list_sessions, query=frozenset({"active"})),
    "GET /sessions/{session_id}": Route(endpoints.get_session),
    "POST /sessions/{session_id}/end": Route(endpoints.end_session),
    "GET /sessions/{session_id}/jobs": Route(job_endpoints.list_session_jobs, query=JOB_PARAMETERS),
    "POST /jobs": Route(job_endpoints.create_job, status=201, has_body=True, prepare=job_endpoints.prepare_job),
    "GET /jobs": Route(job_endpoints.list_jobs, query=JOB_PARAMETERS),
    "DELETE /jobs": Route(job_endpoints.delete_jobs, has_body=True),
    # Before the routes with an id, which match it too.
    "GET /jobs/estimate": Route(job_endpoints.estimate_job, query=ESTIMATE_PARAMETERS),
    "PUT /jobs/status/cancel": Route(job_endpoints.cancel_jobs, has_body=True),
    "GET /jobs/{job_id}": Route(job_endpoints.get_job),
    "DELETE /jobs/{job_id}": Route(job_endpoints.delete_job),
    "POST /jobs/{job_id}/clone": Route(job_endpoints.clone_job, status=201, has_body=True),
    "POST /jobs/{job_id}/move": Route(job_endpoints.move_job, status=201, has_body=True),
    "GET /jobs/{job_id}/cost": Route(job_endpoints.get_job_cost),
    "PUT /jobs/{job_id}/status/cancel": Route(job_endpoints.cancel_job),
    "GET /jobs/{job_id}/artifacts/{artifact_id}": Route(result_endpoints.get_artifact),
    "GET /jobs/{job_id}/results/probabilities": Route(
        result_endpoints.get_probabilities, query=result_endpoints.MITIGATION_PARAMETERS
    ),
    "GET /jobs/{job_id}/results/probabilities/aggregated": Route(
        result_endpoints.get_aggregated_probabilities,
        query=result_endpoints.MITIGATION_PARAMETERS,
        described=False,
    ),
    "GET /jobs/{job_id}/results/histogram": Route(result_endpoints.get_histogram, described=False),
    "GET /jobs/{job_id}/results/shots": Route(result_endpoints.get_shots, described=False),
    "GET /jobs/{job_id}/variants/{variant_id}/results/{kind}": Route(
        result_endpoints.get_variant_results, described=False
    ),
    "GET /organizations/{organization_id}/usage": Route(job_endpoints.get_usage, query=USAGE_PARAMETERS),
}
