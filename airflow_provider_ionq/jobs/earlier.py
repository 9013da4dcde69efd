"""
Which job of an earlier try a task continues with, and which are cancelled. Pure: no I/O, no Airflow.

Rules of this file:

- Only a job with the task's identity, for the same input, is continued with, and only if it did not fail.
- A job that was submitted before the task was cleared is not used again, unless `reuse_on_clear` is set.
- Of several live jobs, one is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.jobs import is_job
from airflow_provider_ionq.jobs.failure import is_final
from airflow_provider_ionq.jobs.token import Token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ionq.api.models import Job


@dataclass(frozen=True, slots=True)
class OwnJob:
    """A job that an earlier try of the task submitted."""

    job: Job
    token: Token

    @property
    def job_id(self) -> str:
        """Its id."""
        return self.job["id"]

    @property
    def is_open(self) -> bool:
        """Whether it may still run."""
        return not is_final(self.job)

    @property
    def is_good(self) -> bool:
        """Whether it is completed, or may still complete."""
        return self.job["status"] not in ("failed", "canceled")


@dataclass(frozen=True, slots=True)
class Choice:
    """
    The decision about the jobs of earlier tries.

    :param keep: the job to continue with; None to submit another.
    :param cancel: open jobs to cancel, with the reason for each.
    :param changed: good jobs of this generation for another input, or submitted with another connection.
    """

    keep: OwnJob | None
    cancel: tuple[tuple[OwnJob, str], ...]
    changed: tuple[OwnJob, ...]


def own_jobs(jobs: Iterable[object], identity: str) -> list[OwnJob]:
    """
    Return the jobs that a task submitted, in the order of their submission.

    Without the dry runs that only determined a price, and without the children of a multi-circuit job.
    """
    own = []
    for job in jobs:
        if not is_job(job) or job.get("parent_job_id") is not None:
            continue
        token = Token.of_job(job)
        if token is not None and token.identity == identity and token.number is not None:
            own.append(OwnJob(job, token))
    return sorted(own, key=lambda one: (one.token.generation, one.token.number, str(one.job.get("submitted_at"))))


def choose(own: list[OwnJob], token: Token, *, reuse_on_clear: bool, elsewhere: bool = False) -> Choice:
    """
    Decide about the jobs of earlier tries.

    :param own: result of :func:`own_jobs`.
    :param token: token of the current request; its number does not matter.
    :param reuse_on_clear: whether a good job that was submitted before the task was cleared may be used again.
    :param elsewhere: whether they were submitted with another connection: then the task does not continue with any.
    """
    current = [one for one in own if one.token.generation == token.generation]
    same = [one for one in own if one.token.fingerprint == token.fingerprint and not elsewhere]
    changed = [one for one in current if one.is_good and one not in same]
    usable = [one for one in same if one.is_good and (reuse_on_clear or one in current)]
    completed = [one for one in usable if not one.is_open]
    # The last of several completed jobs; the first of several open ones, which has waited longest.
    keep = completed[-1] if completed else usable[0] if usable else None
    cancel = []
    for one in own:
        if not one.is_open or one is keep:
            continue
        if one not in current:
            cancel.append((one, "it was submitted before the task was cleared"))
        elif one in changed:
            cancel.append((one, "it was submitted for another input or with another connection"))
        else:
            cancel.append((one, "another job was submitted for the same input"))
    return Choice(keep, tuple(cancel), tuple(changed))
