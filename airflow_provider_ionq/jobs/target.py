"""
The target of a wait for a job, and what a job's JSON means for a waiter.

Pure: no I/O, no clock, no Airflow. Only the status counts: IonQ shows completed jobs without a time of completion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.json_text import json_object, json_text, quoted_value
from airflow_provider_ionq.jobs.failure import FINAL_STATUSES, STATUSES
from airflow_provider_ionq.waiting.decision import WAIT, Decision, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_RANK = {status: min(rank, STATUSES.index(FINAL_STATUSES[0])) for rank, status in enumerate(STATUSES)}


@dataclass(frozen=True, slots=True)
class JobTarget:
    """
    The target of a wait.

    :param statuses: any of these statuses.
    """

    statuses: tuple[str, ...]

    @classmethod
    def of(cls, status: str | Collection[str]) -> JobTarget:
        """
        Validate the `status` argument of a sensor or trigger.

        :raises ValueError: naming the allowed values.
        """
        if not isinstance(status, (str, list, tuple, set, frozenset)):
            raise ValueError(f"status must be a status or a collection of statuses, not {status!r}")
        named = [status] if isinstance(status, str) else list(status)
        if not named:
            raise ValueError(f"status is an empty collection; allowed are {', '.join(STATUSES)}")
        for name in named:
            if not isinstance(name, str) or name not in _RANK:
                raise ValueError(f"status {name!r} is unknown; allowed are {', '.join(STATUSES)}")
        return cls(tuple(name for name in STATUSES if name in named))

    def decide(self, item: Mapping[str, Any]) -> Decision:
        """
        Decide what a job's JSON means for a waiter.

        An undocumented status meets no target, and the wait continues. A status that the job has passed, or that
        excludes the one it has, is impossible.
        """
        status = item.get("status")
        if status in self.statuses:
            return Decision(Outcome.MET, f"Job {json_text(item.get('id'))} has status {status}.")
        rank = _RANK.get(status) if isinstance(status, str) else None
        if rank is None:
            shown = f"Job {json_text(item.get('id'))} has the status {quoted_value(status)}"
            return Decision(Outcome.WAIT, warning=f"{shown}, which IonQ does not document; still waiting.")
        if status in FINAL_STATUSES or all(_RANK[wanted] < rank for wanted in self.statuses):
            return Decision(Outcome.IMPOSSIBLE, self._why_never(item))
        from airflow_provider_ionq.jobs.summary import predicted_wait  # not while a DAG is parsed

        if (predicted := predicted_wait(item)) is None:
            return WAIT
        return Decision(Outcome.WAIT, progress=f"The predicted wait of job {json_text(item.get('id'))} is {predicted}.")

    def hint(self, item: Mapping[str, Any]) -> None:
        """Return None: no other action is needed for a job to advance."""

    def _why_never(self, job: Mapping[str, Any]) -> str:
        text = f"Job {json_text(job.get('id'))} can never have {self}: it has status {quoted_value(job['status'])}"
        failure = json_object(job.get("failure"))
        if reasons := [json_text(failure[key]) for key in ("code", "message") if failure.get(key) is not None]:
            text += f", failure {': '.join(reasons)}"
        if job["status"] in ("started", "completed") and not set(self.statuses) & set(FINAL_STATUSES):
            accepted = ", ".join(f'"{status}"' for status in (*self.statuses, job["status"]))
            text += f"; if that is enough, wait for status=({accepted})"
        return text if text.endswith((".", "!", "?")) else f"{text}."

    def __str__(self) -> str:
        return f"status {' or '.join(self.statuses)}"
