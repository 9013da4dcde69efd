"""
Jobs, and the limits of a session. No I/O and no lock; the time is always passed in.

A job computes nothing: it has a status and times, but no results. It is completed some seconds after its submission,
after a number of reads, or by a call. A completion that is applied late carries the time at which it was due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_ionq.emulator.state import Refused, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

JOB_STATUSES = ("submitted", "ready", "started", "canceled", "failed", "completed")

# Long enough to see an open job, short enough to wait for its completion.
JOB_SECONDS = 0.1
_MINUTE_SECONDS = 60.0


class Job:
    """
    One job.

    :param fields: the fields at submission; owned by this object from now on.
    :param cost_usd: cost in US dollars, charged at completion.
    :param now: epoch seconds, the time of submission.
    :param seconds: start the job now and complete it this many seconds later; None if time does not complete it.
    :param reads: start the job now and complete it after this many reads; None if reads do not complete it.
    :param serial: number of the job in the order of submission.
    """

    def __init__(
        self,
        fields: dict[str, Any],
        *,
        cost_usd: float,
        now: float,
        seconds: float | None = None,
        reads: int | None = None,
        serial: int = 0,
    ) -> None:
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
        self.serial = serial
        self.cost_usd = cost_usd
        # Charged at completion; a later cancellation refunds nothing.
        self.charged_usd = 0.0
        self.due: float | None = None if seconds is None else now + seconds
        self.ended_at: float | None = None
        self._reads_left = reads
        if seconds is not None or reads is not None:
            self.fields |= {"status": "started", "started_at": timestamp(now)}
        self._count_read(now, 0)

    @property
    def status(self) -> str:
        """One of :data:`JOB_STATUSES`."""
        return str(self.fields["status"])

    def advance(self, now: float) -> None:
        """Complete the job if its completion is due."""
        if self.due is not None and self.due <= now:
            self.complete(self.due)

    def read(self, now: float) -> dict[str, Any]:
        """Return the fields as the API serves them, and count the read; the caller has brought the job up to date."""
        served = dict(self.fields)
        self._count_read(now, 1)
        return served

    def complete(self, at: float, cost_usd: float | None = None) -> None:
        """
        Complete the job.

        :param cost_usd: final cost in US dollars; None for the cost given at submission.
        :raises Refused: the job is completed, failed or canceled already.
        """
        self._end("completed", at)
        if cost_usd is not None:
            self.cost_usd = cost_usd
        self.charged_usd = self.cost_usd
        if self.fields["started_at"] is None:
            self.fields["started_at"] = timestamp(at)

    def fail(self, at: float) -> None:
        """
        Fail the job.

        :raises Refused: the job is completed, failed or canceled already.
        """
        self._end("failed", at)
        self.fields["failure"] = {"code": "InternalError", "message": "The emulator was configured to fail this job."}

    def cancel(self, at: float) -> None:
        """
        Cancel the job; nothing changes if it is canceled already.

        IonQ's API description has one answer only, ``canceled``, and cirq-ionq documents that version 0.4 cancels a
        completed job too: the status changes, but the time of completion and the cost stay.
        """
        if self.ended_at is None:
            self._end("canceled", at)
        self.fields["status"] = "canceled"

    def _count_read(self, now: float, reads: int) -> None:
        if self._reads_left is not None and self.ended_at is None:
            self._reads_left -= reads
            if self._reads_left <= 0:
                self.due = now

    def _end(self, status: str, at: float) -> None:
        if self.ended_at is not None:
            raise Refused(f"job {self.fields['id']!r} is {self.status} already")
        self.ended_at, self.due = at, None
        self.fields |= {"status": status, "completed_at": timestamp(at)}


@dataclass(frozen=True)
class Limits:
    """
    The limits at which a session ends; None for no limit.

    :param duration_limit_min: minutes from the creation of the session.
    :param job_count_limit: number of jobs of the session that are completed, failed or canceled.
    :param cost_limit_usd: total cost of its completed jobs in US dollars.
    """

    duration_limit_min: float | None = None
    job_count_limit: float | None = None
    cost_limit_usd: float | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any] | None) -> Self:
        """
        Read the limits from the field ``settings`` of a session.

        0, a negative number, and a cost in a unit other than ``usd`` are no limit: IonQ does not document them.
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
        Yield the known times, past or future, at which a limit ends the session.

        :param created: epoch seconds, the creation of the session.
        :param jobs: the jobs of the session.
        """
        if self.duration_limit_min is not None:
            yield created + self.duration_limit_min * _MINUTE_SECONDS
        if self.job_count_limit is None and self.cost_limit_usd is None:
            return
        ended = [(job.ended_at, job.charged_usd) for job in jobs if job.ended_at is not None]
        total_usd = 0.0
        for count, (ended_at, charged_usd) in enumerate(sorted(ended), 1):
            total_usd += charged_usd
            if count == self.job_count_limit or (self.cost_limit_usd is not None and total_usd >= self.cost_limit_usd):
                yield ended_at
                return


def _positive(limit: float | None) -> float | None:
    return limit if limit is not None and limit > 0 else None
