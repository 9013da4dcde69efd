"""The commands on jobs."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING

from airflow_provider_ionq.cli.change import Change, change_each
from airflow_provider_ionq.cli.command import ionq_command
from airflow_provider_ionq.cli.output import print_list, print_object
from airflow_provider_ionq.jobs.failure import is_final

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.hooks.ionq import IonQHook

COLUMNS = ("id", "status", "backend", "session_id", "name", "submitted_at")


@ionq_command
def list_jobs(hook: IonQHook, args: Namespace) -> None:
    """Print the jobs that match every given filter, up to the limit."""
    jobs = hook.get_conn().iter_jobs(status=args.status, target=args.backend, session_id=args.session_id)
    found = list(itertools.islice(jobs, args.limit + 1))
    print_list(found[: args.limit], COLUMNS, args.output)
    if len(found) > args.limit:
        print(f"There are more than {args.limit} jobs: --limit shows more.", file=sys.stderr)


@ionq_command
def show_job(hook: IonQHook, args: Namespace) -> None:
    """Print a job."""
    print_object(hook.get_job(args.job_id), args.output)


@ionq_command
def cancel_jobs(hook: IonQHook, args: Namespace) -> None:
    """Cancel jobs that are not final, and print them as read afterwards."""

    def cancel(job_id: str) -> Job:
        job = hook.cancel_job(job_id)
        if job["status"] != "canceled":
            print(f"Job {job_id} was not cancelled: it has the status {job['status']}.", file=sys.stderr)
        return job

    change = Change(
        noun="job",
        verb="cancel",
        done="cancelled",
        already="is already final",
        columns=COLUMNS,
        read=hook.get_job,
        is_final=is_final,
        apply=cancel,
    )
    change_each(change, args.job_ids, args)
