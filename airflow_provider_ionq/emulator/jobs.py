"""
Jobs, and the limits by which they end their session. No I/O and no lock; the time is always passed in.

A job computes nothing: it has a status and times, no results. It is completed when somebody says so or, if it was given
a number of seconds, that long after its submission; what a look finds overdue carries the time at which it was due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_ionq.emulator.state import Refused, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

JOB_STATUSES = ("submitted", "ready", "started", "canceled", "failed", "completed")

_MINUTE_SECONDS = 60.0


class Job:
    """
    One job.

    :param fields: what is known of it from its submission; owned by this object from now on.
    :param cost_usd: what it costs once it is completed.
    :param now: epoch seconds, the time of submission.
    :param seconds: started now, and completed that much later; None to wait for :meth:`complete` or another end.
    """

    def __init__(self, fields: dict[str, Any], *, cost_usd: float, now: float, seconds: float | None) -> None:
        self.fields = fields | {
            "status": "submitted",
            "parent_job_id": None,
            "submitted_at": timestamp(now),
            "started_at": None,
            "completed_at": None,
            "predicted_wait_time_ms": None,
            "predicted_execution_duration_ms": None,
            "execution_duration_ms": None,
            "failure": None,
            "output": {},
            "stats": {},
            "results": None,
        }
        self.cost_usd = cost_usd
        self.due: float | None = None
        self.ended_at: float | None = None
        if seconds is not None:
            self.fields |= {"status": "started", "started_at": timestamp(now)}
            self.due = now + seconds

    @property
    def status(self) -> str:
        """One of :data:`JOB_STATUSES`."""
        return str(self.fields["status"])

    def advance(self, now: float) -> None:
        """Complete the job if that is due."""
        if self.due is not None and self.due <= now:
            self.complete(self.due)

    def complete(self, at: float, cost_usd: float | None = None) -> None:
        """
        Complete the job.

        :param cost_usd: what it cost after all; None for what was said at its submission.
        :raises Refused: it is completed, failed or canceled already.
        """
        self._end("completed", at)
        if cost_usd is not None:
            self.cost_usd = cost_usd
        if self.fields["started_at"] is None:
            self.fields["started_at"] = timestamp(at)

    def fail(self, at: float) -> None:
        """
        Let the job fail.

        :raises Refused: it is completed, failed or canceled already.
        """
        self._end("failed", at)
        self.fields["failure"] = {"code": "InternalError", "message": "The emulator was told to let this job fail."}

    def cancel(self, at: float) -> None:
        """
        Cancel the job; nothing changes if it is canceled already.

        :raises Refused: it is completed or failed already.
        """
        if self.status != "canceled":
            self._end("canceled", at)

    def _end(self, status: str, at: float) -> None:
        if self.ended_at is not None:
            raise Refused(f"job {self.fields['id']!r} is {self.status} already")
        self.ended_at, self.due = at, None
        self.fields |= {"status": status, "completed_at": timestamp(at)}


@dataclass(frozen=True)
class Limits:
    """
    What ends a session by itself; None ends nothing.

    :param duration_limit_min: minutes from the creation of the session.
    :param job_count_limit: number of its jobs that are completed, failed or canceled.
    :param cost_limit_usd: sum of what its completed jobs cost.
    """

    duration_limit_min: float | None = None
    job_count_limit: float | None = None
    cost_limit_usd: float | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any] | None) -> Self:
        """
        Read the limits from the field ``settings`` of a session.

        0, a negative number, and a cost in another unit than ``usd`` end nothing: IonQ documents none of them.
        """
        settings = settings or {}
        cost = settings.get("cost_limit", {})
        return cls(
            _positive(settings.get("duration_limit_min")),
            _positive(settings.get("job_count_limit")),
            _positive(cost.get("value")) if cost.get("unit") == "usd" else None,
        )

    def reached(self, created: float, jobs: Sequence[Job]) -> Iterator[float]:
        """
        Yield the moments, past or to come, at which a limit ends the session, as far as they are known.

        :param created: epoch seconds, when the session was created.
        :param jobs: those of the session.
        """
        if self.duration_limit_min is not None:
            yield created + self.duration_limit_min * _MINUTE_SECONDS
        if self.job_count_limit is None and self.cost_limit_usd is None:
            return
        ended = [(job.ended_at, job.status, job.cost_usd) for job in jobs if job.ended_at is not None]
        total_usd = 0.0
        for count, (ended_at, status, cost_usd) in enumerate(sorted(ended), 1):
            total_usd += cost_usd if status == "completed" else 0.0
            if count == self.job_count_limit or (self.cost_limit_usd is not None and total_usd >= self.cost_limit_usd):
                yield ended_at
                return


def _positive(limit: float | None) -> float | None:
    return limit if limit is not None and limit > 0 else None
