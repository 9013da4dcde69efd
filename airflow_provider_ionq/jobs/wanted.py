"""What a task wants of the results of its own job. Pure: no I/O, no Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.jobs.request import DEFAULT_SHOTS
from airflow_provider_ionq.results.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_ionq.jobs.request import JobRequest


def wanted_of(request: JobRequest, content: Collection[str], *, fail_on_partial_error: bool) -> Wanted:
    """
    Return what to read of a job, with what its request tells of the circuits.

    :param request: the job.
    :param content: what to read: `probabilities`, `counts` and `shots`.
    :param fail_on_partial_error: raise an error if a circuit has no result.
    """
    circuits = request.input.get("circuits")
    return Wanted(
        content=content,
        fail_on_partial_error=fail_on_partial_error,
        layouts=request.layouts or [None] * (1 if circuits is None else len(circuits)),
        is_own=True,
        qubits=None if request.sizes is None else [size.qubits for size in request.sizes],
        names=None if circuits is None else [circuit.get("name") for circuit in circuits],
        shots=request.shots or DEFAULT_SHOTS,
    )
