"""How a task submits its job, whatever the job is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ionq.jobs.budget import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """
    How a task submits its job.

    :param budget: the limits of what it may spend.
    :param on_changed_input: what to do if an earlier try submitted a job for another input: `fail`, or `resubmit`.
    :param reuse_on_clear: whether a good job that was submitted before the task was cleared is used again.
    :param cancel_on_kill: whether a job is cancelled when its task is killed.
    """

    budget: Budget
    on_changed_input: str = "fail"
    reuse_on_clear: bool = False
    cancel_on_kill: bool = True
