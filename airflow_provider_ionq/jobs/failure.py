"""Why a job did not complete, and whether submitting it again may help. Pure: no I/O, no Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQJobFailedError
from airflow_provider_ionq.api.json_text import json_object, json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ionq.api.models import Job

FINAL_STATUSES = ("completed", "failed", "canceled")
"""The statuses after which a job does not change."""

STATUSES = ("submitted", "ready", "started", *FINAL_STATUSES)
"""The statuses that IonQ documents, in the order in which a job takes them."""

RETRYABLE_CODES = frozenset(
    {"InternalError", "QuantumComputerError", "SimulationError", "SimulationTimeout", "SystemCancel"}
)
"""The failure codes whose cause is the service. Any other code has its cause in the job or the account."""


def is_final(job: Mapping[str, Any]) -> bool:
    """Return whether a job is completed, failed or canceled."""
    return job.get("status") in FINAL_STATUSES


def failure_code(job: Mapping[str, Any]) -> str | None:
    """Return the failure code of a job; None without one."""
    code = json_object(job.get("failure")).get("code")
    return code if isinstance(code, str) else None


def is_retryable(job: Mapping[str, Any]) -> bool:
    """Return whether the same job may complete if it is submitted again; False for a canceled job."""
    return job.get("status") == "failed" and failure_code(job) in RETRYABLE_CODES


def describe_end(job: Mapping[str, Any]) -> str:
    """Describe the end of a job that failed or was canceled: `job j-1 failed: InvalidInput: ...`."""
    named = f"job {json_text(job.get('id'))}"
    if job.get("status") != "failed":
        return f"{named} has the status {json_text(job.get('status'))}"
    failure = json_object(job.get("failure"))
    parts = [json_text(failure[key]) for key in ("code", "message") if failure.get(key) is not None]
    return f"{named} failed: {': '.join(parts) or 'the API gives no reason'}"


def job_failed(job: Job) -> IonQJobFailedError:
    """Return the error for a job that failed or was canceled."""
    text = describe_end(job)
    return IonQJobFailedError(f"{text[0].upper()}{text[1:]}", job, code=failure_code(job), retryable=is_retryable(job))
