"""
The API's operations on results, without HTTP; see :mod:`airflow_provider_ionq.emulator.endpoints`.

The job is checked under the lock of the account, and its results are computed without it: see
:class:`~airflow_provider_ionq.emulator.endpoints.Later`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.artifacts import AGGREGATIONS, KINDS, VARIANTS, Artifact, aggregate_id, variant_id
from airflow_provider_ionq.emulator.endpoints import Later
from airflow_provider_ionq.emulator.payload import BadRequest
from airflow_provider_ionq.emulator.state import Gone, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_ionq.emulator.account import Account
    from airflow_provider_ionq.emulator.endpoints import Call
    from airflow_provider_ionq.emulator.job import Job
    from airflow_provider_ionq.emulator.results import CircuitResults

MITIGATION_PARAMETERS = frozenset({"sharpen", "aggregation"})
_PROBABILITIES = Artifact("probabilities")


def get_artifact(account: Account, call: Call) -> Any:
    """Return the content of an artifact of a completed job."""
    job, artifact_id = _completed_job(account, call), call.parameters["artifact_id"]
    job_id = job.fields["id"]
    if job.children and artifact_id == aggregate_id(job_id):
        # Not in the order of the circuits, which IonQ does not promise.
        return _aggregate(reversed(job.children))
    if job.results is not None:
        for artifact in job.results.artifacts():
            if artifact.id(job_id) == artifact_id:
                return Later(partial(job.results.content, artifact))
    raise NotFound(f"job {job_id!r} has no artifact {artifact_id!r}")


def get_probabilities(account: Account, call: Call) -> Any:
    """Return the probabilities of a completed job with one circuit, as an aggregation of its variants if it has any."""
    aggregation = _aggregation(call)
    results = _results(_completed_job(account, call))
    if results.debiased and aggregation is not None:
        return Later(partial(results.content, Artifact("probabilities", aggregation=aggregation)))
    return Later(partial(results.content, _PROBABILITIES))


def get_aggregated_probabilities(account: Account, call: Call) -> Any:
    """Return the probabilities of each circuit of a completed job, in their order, on which IonQ's SDKs rely."""
    _aggregation(call)
    job = _completed_job(account, call)
    if not job.children:
        raise NotFound(f"job {job.fields['id']!r} does not have several circuits")
    return _aggregate(job.children)


def get_histogram(account: Account, call: Call) -> Any:
    """Return the counts of a completed job with one circuit."""
    return _of_kind(_results(_completed_job(account, call)), Artifact("histogram"))


def get_shots(account: Account, call: Call) -> Any:
    """Return the shots of a completed job with one circuit."""
    return _of_kind(_results(_completed_job(account, call)), Artifact("shots"))


def get_variant_results(account: Account, call: Call) -> Any:
    """Return a quantity of one variant of a debiased job."""
    job = _completed_job(account, call)
    results = _results(job)
    for kind in KINDS:
        for variant in range(VARIANTS if results.debiased else 0):
            wanted = (variant_id(job.fields["id"], variant), kind)
            if wanted == (call.parameters["variant_id"], call.parameters["kind"]):
                return _of_kind(results, Artifact(kind, variant=variant))
    raise NotFound(f"job {job.fields['id']!r} has no such variant or quantity")


def _completed_job(account: Account, call: Call) -> Job:
    """
    Return a job that has results.

    :raises NotFound: the job is unknown, or has no results yet.
    :raises Gone: the results have been deleted.
    """
    job = account.served_job(call.parameters["job_id"])
    if job.ended_at is None or not job.fields.get("results"):
        raise NotFound(f"job {job.fields['id']!r} has no results")
    if job.results_gone or (job.parent is not None and job.parent.results_gone):
        raise Gone(f"the results of job {job.fields['id']!r} have been deleted")
    return job


def _results(job: Job) -> CircuitResults:
    if job.results is None:
        raise NotFound(f"job {job.fields['id']!r} does not have one circuit")
    return job.results


def _of_kind(results: CircuitResults, artifact: Artifact) -> Later:
    if artifact.kind not in results.kinds:
        raise NotFound(f"an ideal simulation has no {artifact.kind}")
    return Later(partial(results.content, artifact))


def _aggregate(children: Iterable[Job]) -> Later:
    """Return the probabilities of the circuits that were completed, by the id of their job."""
    known = {child.fields["id"]: child.results for child in children if child.fields.get("results")}
    return Later(partial(_aggregated, known))


def _aggregated(results: Mapping[str, CircuitResults | None]) -> str:
    from airflow_provider_ionq.emulator.formats import json_object

    return json_object({key: known.content(_PROBABILITIES) for key, known in results.items() if known is not None})


def _aggregation(call: Call) -> str | None:
    """Return how the query combines variants; cirq-ionq and the API send ``sharpen``, qiskit-ionq ``aggregation``."""
    (sharpen,) = call.query.get("sharpen", ["false"])
    # Python clients send "True" and "False".
    if sharpen.lower() not in ("true", "false"):
        raise BadRequest('"sharpen" must be true or false', "query", "sharpen")
    (aggregation,) = call.query.get("aggregation", ["voting" if sharpen.lower() == "true" else "average"])
    if aggregation not in AGGREGATIONS:
        raise BadRequest(f'"aggregation" must be one of {", ".join(AGGREGATIONS)}', "query", "aggregation")
    return None if aggregation == "average" else aggregation
