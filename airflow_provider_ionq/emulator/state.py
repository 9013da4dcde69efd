"""
Sessions and how they advance. No I/O and no lock; the time is always passed in.

Rules of this file: a session only moves forward (``created``, ``started``, ``ended``); it is brought up to date
whenever somebody looks at it, so a step that fell due while nobody looked carries the time at which it was due.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ActiveMeaning = Literal["not_ended", "started"]

STATUSES = ("created", "started", "ended")


class UnknownSession(LookupError):
    """No session has this id."""


@dataclass(frozen=True)
class Step:
    """
    One change of a session's status that is to happen by itself.

    A plan is a sequence of steps. Each counts from the moment at which the one before it happened, the first from the
    creation of the session. Exactly one of the two conditions is given.

    :param status: ``started`` or ``ended``.
    :param after_reads: number of reads that still show the old status: with 2, the first two reads show the old status
        and the third shows the new one. A read is this session served by ``GET /sessions/{session_id}`` or within
        ``GET /sessions``; a request that got a fault reads nothing.
    :param after_seconds: seconds until the change.
    """

    status: str
    after_reads: int | None = None
    after_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.status not in STATUSES[1:]:
            raise ValueError(f"status of a step must be 'started' or 'ended', not {self.status!r}")
        if (self.after_reads is None) == (self.after_seconds is None):
            raise ValueError("a step takes either after_reads or after_seconds")
        if self.after_reads is not None and (type(self.after_reads) is not int or self.after_reads < 0):
            raise ValueError(f"after_reads must be a whole number from 0, not {self.after_reads!r}")
        if self.after_seconds is not None and not is_duration(self.after_seconds):
            raise ValueError(f"after_seconds must be a number from 0, not {self.after_seconds!r}")


def is_number(value: object) -> bool:
    """Tell whether a value is a number that a finite float can hold."""
    # Not math.isfinite: it raises for an integer beyond the range of floats.
    largest = sys.float_info.max
    return isinstance(value, int | float) and not isinstance(value, bool) and -largest <= value <= largest


def is_duration(value: Any) -> bool:
    """Tell whether a value is a finite number of seconds from 0."""
    return is_number(value) and value >= 0


def checked_plan(plan: Iterable[Step]) -> tuple[Step, ...]:
    """
    Return the plan as a tuple.

    :raises TypeError: something in it is not a :class:`Step`.
    :raises ValueError: a step does not move forward.
    """
    steps = tuple(plan)
    for step in steps:
        if not isinstance(step, Step):
            raise TypeError(f"a plan consists of Step objects, not {step!r}")
    ranks = [STATUSES.index(step.status) for step in steps]
    if ranks != sorted(set(ranks)):
        raise ValueError("a plan may start a session once and end it once, in this order")
    return steps


def timestamp(seconds: float) -> str:
    """
    Format a time as the API does: ``2025-05-28T20:47:05.440Z``.

    :param seconds: since the epoch.
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_copy(value: Any) -> Any:
    """
    Return a deep copy.

    :raises TypeError: JSON cannot express the value.
    """
    return json.loads(json.dumps(value))


class Session:
    """
    One session: the fields that the API serves, and the plan that is left.

    :param fields: what the API serves; owned by this object from now on.
    :param plan: steps to come.
    :param now: epoch seconds, the time of creation.
    :param active_means: which reading of ``active`` to serve.
    """

    def __init__(
        self, fields: dict[str, Any], *, plan: Sequence[Step], now: float, active_means: ActiveMeaning
    ) -> None:
        self.fields = fields
        self._plan = deque(plan)
        self._active_means = active_means
        # Apart from fields["status"], which may hold anything after update_session.
        self._phase = "created"
        self._since = now
        self._reads = 0
        self._show_phase()
        self.advance(now)

    def advance(self, now: float) -> None:
        """Take every step that is due."""
        while self._plan:
            step = self._plan[0]
            if step.after_seconds is not None:
                at = self._since + step.after_seconds
                if at > now:
                    return
            else:
                if self._reads < (step.after_reads or 0):
                    return
                at = now if step.after_reads else self._since
            self._enter(step.status, at)

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

        :raises ValueError: it has ended.
        """
        self.advance(now)
        if self._phase == "ended":
            raise ValueError(f"session {self.fields.get('id')!r} has ended and cannot start")
        if self._phase == "created":
            self._enter("started", now)
        self._show_phase()

    def end(self, now: float, ender_id: str | None) -> None:
        """
        End the session; its ``ended_at`` and ``ender_id`` stay if it has ended already.

        :param ender_id: user who ends it; None for the service itself.
        """
        self.advance(now)
        if self._phase != "ended":
            self._enter("ended", now, ender_id)
        self._show_phase()

    def _enter(self, phase: str, at: float, ender_id: str | None = None) -> None:
        self._phase = phase
        self._since, self._reads = at, 0
        while self._plan and STATUSES.index(self._plan[0].status) <= STATUSES.index(phase):
            self._plan.popleft()
        self.fields[f"{phase}_at"] = timestamp(at)
        if phase == "ended":
            self.fields["ender_id"] = ender_id
        self._show_phase()

    def _show_phase(self) -> None:
        self.fields["status"] = self._phase
        self.fields["active"] = self._phase == "started" or (
            self._phase == "created" and self._active_means == "not_ended"
        )
