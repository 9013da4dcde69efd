"""The API's operations on jobs, without HTTP; see :mod:`airflow_provider_ionq.emulator.endpoints`."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.account_data import ORGANIZATION_ID
from airflow_provider_ionq.emulator.circuits import circuits_of
from airflow_provider_ionq.emulator.job_body import problems_in_clone, problems_in_ids, problems_in_new_job
from airflow_provider_ionq.emulator.job_query import JobQuery
from airflow_provider_ionq.emulator.payload import BadBody, json_value
from airflow_provider_ionq.emulator.prices import estimate
from airflow_provider_ionq.emulator.state import NotFound, Refused
from airflow_provider_ionq.emulator.usage import usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator.account import Account
    from airflow_provider_ionq.emulator.endpoints import Call
    from airflow_provider_ionq.emulator.session import Session


def prepare_job(call: Call) -> Callable[[], object] | None:
    """Return a function that parses the OpenQASM program of a new job before the job is submitted."""
    if b"ionq.qasm3.v1" not in call.body:
        return None
    return partial(_read_program, call)


def create_job(account: Account, call: Call) -> Any:
    """Submit a job."""
    return _submit(account, call.payload(problems_in_new_job))


def clone_job(account: Account, call: Call) -> Any:
    """Submit a job again, with some fields changed."""
    return _submit(account, _changed(account, call))


def move_job(account: Account, call: Call) -> Any:
    """Cancel an open job and submit it again, with some fields changed."""
    job = account.served_job(call.parameters["job_id"])
    if job.ended_at is not None:
        raise Refused(f"job {job.fields['id']!r} is {job.status} already and cannot be moved")
    created = _submit(account, _changed(account, call))
    job.cancel(account.now())
    return created


def list_jobs(account: Account, call: Call) -> Any:
    """Return a page of all jobs, counting a read of each job on it."""
    return _page(account, JobQuery.of(call.query))


def list_session_jobs(account: Account, call: Call) -> Any:
    """Return a page of the jobs of a session, counting a read of each job on it."""
    query = JobQuery.of(call.query)
    return _page(account, query, account.served_session(call.parameters["session_id"]))


def get_job(account: Account, call: Call) -> Any:
    """Return a job, which has more fields than in a list, counting a read."""
    job = account.served_job(call.parameters["job_id"])
    children = [child.fields["id"] for child in job.children]
    return job.read(account.now()) | {"child_job_ids": children or None}


def cancel_job(account: Account, call: Call) -> Any:
    """Cancel a job, whatever its status."""
    job = account.served_job(call.parameters["job_id"])
    job.cancel(account.now())
    return {"id": job.fields["id"], "status": job.status}


def cancel_jobs(account: Account, call: Call) -> Any:
    """Cancel several jobs, or none if one of them is unknown: IonQ does not document what happens then."""
    ids = call.payload(problems_in_ids)["ids"]
    for job in [account.served_job(job_id) for job_id in ids]:
        job.cancel(account.now())
    return {"ids": ids, "status": "canceled"}


def delete_job(account: Account, call: Call) -> Any:
    """Delete a job."""
    job_id = account.served_job(call.parameters["job_id"]).fields["id"]
    account.delete_job(call.parameters["job_id"])
    return {"id": job_id, "status": "deleted"}


def delete_jobs(account: Account, call: Call) -> Any:
    """Delete several jobs, or none if one of them is unknown: IonQ does not document what happens then."""
    ids = call.payload(problems_in_ids)["ids"]
    for job_id in ids:
        account.served_job(job_id)
    for job_id in ids:
        if job_id in account.jobs:
            account.delete_job(job_id)
    return {"ids": ids, "status": "deleted"}


def get_job_cost(account: Account, call: Call) -> Any:
    """Return what a job is expected to cost, and what it has cost."""
    job = account.served_job(call.parameters["job_id"])
    costs = {"estimated_cost": job.estimated_cost, "cost": job.cost}
    known = {name: {"value": cost.value, "unit": cost.unit} for name, cost in costs.items() if cost is not None}
    return {"dry_run": job.fields["dry_run"], **known}


def estimate_job(account: Account, call: Call) -> Any:
    """Return what a job of a given size is expected to cost."""
    return estimate(call.query, account.settings.prices, account.now())


def get_usage(account: Account, call: Call) -> Any:
    """Return what the jobs of the organization have cost."""
    if call.parameters["organization_id"] != ORGANIZATION_ID:
        raise NotFound(f"no organization has the id {call.parameters['organization_id']!r}")
    account.advance()
    return usage(account.jobs.values(), call.query)


def _read_program(call: Call) -> None:
    try:
        payload = json_value(call.body)
    except BadBody:
        return
    # The circuits of a valid body are kept; an invalid body is answered later.
    if not problems_in_new_job(payload):
        circuits_of(payload)


def _submit(account: Account, payload: dict[str, Any]) -> Any:
    session_id = payload.get("session_id")
    if session_id is not None:
        session = account.served_session(session_id)
        if session.backend != payload["backend"]:
            raise Refused(f"session {session_id!r} is of {session.backend}, not of {payload['backend']}")
    job = account.add_job(str(uuid.uuid4()), payload, delay=account.settings.read_after_write_seconds)
    return {"id": job.fields["id"], "status": "submitted", "session_id": session_id}


def _changed(account: Account, call: Call) -> dict[str, Any]:
    job = account.served_job(call.parameters["job_id"])
    names = ("name", "metadata", "shots", "backend", "session_id", "settings", "dry_run", "noise")
    changes = call.payload(problems_in_clone)
    return dict(job.body) | {name: changes[name] for name in names if name in changes}


def _page(account: Account, query: JobQuery, session: Session | None = None) -> Any:
    now = account.now()
    ids = query.wanted.get("id")
    if ids is None:
        account.advance()
        jobs = list(account.jobs.values())
    else:
        jobs = sorted((account.jobs[job_id] for job_id in ids & account.jobs.keys()), key=lambda job: job.serial)
        # Once each: many jobs advance with one session.
        for owner in {id(job.advances_with): job.advances_with for job in jobs}.values():
            owner.advance(now)
    served = (job for job in jobs if now >= job.known_from and (session is None or job.session is session))
    page, following = query.page(served)
    return {"jobs": [job.read(now) for job in page], "next": following}
