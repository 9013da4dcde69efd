"""The API's operations on jobs, without HTTP; see :mod:`airflow_provider_ionq.emulator.endpoints`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.bodies import problems_in_new_job
from airflow_provider_ionq.emulator.job_query import JobQuery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ionq.emulator.account import Account
    from airflow_provider_ionq.emulator.endpoints import Call
    from airflow_provider_ionq.emulator.jobs import Job


def create_job(account: Account, call: Call) -> Any:
    """Submit a job."""
    payload = call.payload(problems_in_new_job)
    if payload.get("session_id") is not None:
        account.served_session(payload["session_id"])
    job = account.add_job(str(uuid.uuid4()), payload)
    return {"id": job.fields["id"], "status": "submitted", "session_id": job.fields["session_id"]}


def list_jobs(account: Account, call: Call) -> Any:
    """Return a page of all jobs, counting a read of each job on it."""
    query = JobQuery.of(call.query)
    account.advance()
    return _page(account, query, account.jobs.values())


def list_session_jobs(account: Account, call: Call) -> Any:
    """Return a page of the jobs of a session, counting a read of each job on it."""
    query = JobQuery.of(call.query)
    return _page(account, query, account.served_session(call.parameters["session_id"]).jobs)


def get_job(account: Account, call: Call) -> Any:
    """Return a job, which has more fields than in a list, counting a read."""
    return account.job(call.parameters["job_id"]).read(account.now()) | {"child_job_ids": None}


def cancel_job(account: Account, call: Call) -> Any:
    """Cancel a job, whatever its status."""
    job = account.job(call.parameters["job_id"])
    job.cancel(account.now())
    return {"id": job.fields["id"], "status": job.status}


def _page(account: Account, query: JobQuery, jobs: Iterable[Job]) -> Any:
    page, following = query.page(jobs)
    now = account.now()
    return {"jobs": [job.read(now) for job in page], "next": following}
