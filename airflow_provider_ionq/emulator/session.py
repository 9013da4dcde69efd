"""
One session and how it advances. No I/O and no lock; the time is always passed in.

Rules of this file: a session only moves forward (``created``, ``started``, ``ended``), and every access brings it up to
date. Overdue changes are applied in the order in which they were due, and carry the time at which they were due.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.limits import Limits
from airflow_provider_ionq.emulator.state import STATUSES, ActiveMeaning, Refused, Step, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_ionq.emulator.job import Job


class Session:
    """
    One session: the fields that the API serves, its jobs, and its remaining plan.

    Its limits are taken from ``settings`` at its creation. When it ends for any reason, its open jobs are canceled.

    :param fields: the fields that the API serves; owned by this object from now on.
    :param plan: remaining steps.
    :param now: epoch seconds, the time of creation.
    :param active_means: meaning of the field ``active``.
    :param known_from: epoch seconds; before this time the API answers 404 for the session.
    """

    def __init__(
        self,
        fields: dict[str, Any],
        *,
        plan: Sequence[Step],
        now: float,
        active_means: ActiveMeaning,
        known_from: float = 0.0,
    ) -> None:
        self.fields = fields
        self.jobs: list[Job] = []
        # As created: fields["backend"] may hold anything after update_session.
        self.backend: str = fields.get("backend", "")
        self.known_from = known_from
        self._limits = Limits.of(fields.get("settings"))
        self._created = now
        self._plan = deque(plan)
        self._active_means = active_means
        # Separate from fields["status"], which may hold anything after update_session.
        self._phase = "created"
        self._since = now
        self._reads = 0
        self._show_phase()
        self.advance(now)

    @property
    def ended(self) -> bool:
        """Whether the session had ended when it was last brought up to date, whatever its field ``status`` says."""
        return self._phase == "ended"

    def advance(self, now: float) -> None:
        """Apply everything that is due: steps of the plan, completions of jobs, limits."""
        while not self.ended:
            at, action = min(self._next(now), key=itemgetter(0), default=(now, None))
            if action is None or at > now:
                return
            action(at)

    def _next(self, now: float) -> Iterator[tuple[float, Callable[[float], None]]]:
        if self._plan:
            step = self._plan[0]
            if step.after_seconds is not None:
                yield self._since + step.after_seconds, partial(self._enter, step.status)
            elif self._reads >= (step.after_reads or 0):
                yield now if step.after_reads else self._since, partial(self._enter, step.status)
        for job in self.jobs:
            if job.due is not None:
                yield job.due, job.step
        ended = ((job.ended_at, job.charged_usd) for job in self.jobs if job.ended_at is not None)
        for at in self._limits.reached(self._created, ended):
            yield at, partial(self._enter, "ended")

    def read(self, now: float) -> dict[str, Any]:
        """Return the fields as the API serves them now, and count the read."""
        self.advance(now)
        served = dict(self.fields)
        self._reads += 1
        self.advance(now)
        return served

    def start(self, now: float) -> None:
        """
        Start the session; nothing changes if it is started already.

        :raises Refused: the session has ended.
        """
        self.advance(now)
        if self._phase == "ended":
            raise Refused(f"session {self.fields.get('id')!r} has ended and cannot start")
        if self._phase == "created":
            self._enter("started", now)
        self._show_phase()

    def end(self, now: float, ender_id: str | None) -> None:
        """
        End the session; if it has ended already, its ``ended_at`` and ``ender_id`` stay.

        :param ender_id: id of the user who ends the session; None for the service itself.
        """
        self.advance(now)
        if self._phase != "ended":
            self._enter("ended", now, ender_id)
        self._show_phase()

    def submit(self, job: Job, now: float) -> None:
        """
        Add a job; the first one starts the session.

        :raises Refused: the session has ended.
        """
        self.advance(now)
        self.refuse_if_ended()
        self.jobs.append(job)
        job.session = self
        if self._phase == "created":
            self._enter("started", now)

    def refuse_if_ended(self) -> None:
        """
        Do nothing if the session takes jobs.

        :raises Refused: the session has ended.
        """
        if self.ended:
            raise Refused(f"session {self.fields.get('id')!r} has ended and takes no jobs")

    def _enter(self, phase: str, at: float, ender_id: str | None = None) -> None:
        self._phase = phase
        self._since, self._reads = at, 0
        while self._plan and STATUSES.index(self._plan[0].status) <= STATUSES.index(phase):
            self._plan.popleft()
        self.fields[f"{phase}_at"] = timestamp(at)
        if phase == "ended":
            self.fields["ender_id"] = ender_id
            for job in self.jobs:
                if job.ended_at is None:
                    job.cancel(at)
        self._show_phase()

    def _show_phase(self) -> None:
        self.fields["status"] = self._phase
        self.fields["active"] = self._phase == "started" or (
            self._phase == "created" and self._active_means == "not_ended"
        )
