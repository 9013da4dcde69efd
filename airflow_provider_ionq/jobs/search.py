"""Search for the jobs that a task submitted by the token in their metadata, without Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.jobs.earlier import OwnJob, own_jobs
from airflow_provider_ionq.waiting.backoff import poll_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.jobs.intent import JobIntent

FIND_SECONDS = 30.0
"""How long to search for a job that may have been submitted: the server may process a request late."""


def find_own(client: IonQClient, intent: JobIntent, identity: str, *, sleep: Callable[[float], None]) -> list[OwnJob]:
    """
    Return a task's own jobs.

    If a request is known to have been sent, its job is searched for 30 s; otherwise the jobs are listed once.

    :param client: a client for repeated polls.
    :param intent: the intent of the request.
    :param identity: identity of the task; see :mod:`~airflow_provider_ionq.jobs.token`.
    :param sleep: function that waits a number of seconds.
    :raises IonQError: if the jobs cannot be listed.
    """
    return poll_until(
        lambda: own_jobs(client.iter_jobs(**intent.filters), identity),
        0.0 if intent.token is None else FIND_SECONDS,
        accept=lambda found: any(one.token == intent.token for one in found),
        sleep=sleep,
    )
