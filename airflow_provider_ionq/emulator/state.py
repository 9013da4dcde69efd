"""Statuses, plans and times, and the errors of sessions and jobs."""

from __future__ import annotations

import json
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

ActiveMeaning = Literal["not_ended", "started"]

T = TypeVar("T")

STATUSES = ("created", "started", "ended")
JOB_STATUSES = ("submitted", "ready", "started", "canceled", "failed", "completed")
FINAL_JOB_STATUSES = JOB_STATUSES[3:]


class NotFound(LookupError):
    """The API has no such thing."""


class Gone(LookupError):
    """The API has deleted it."""


class UnknownSession(NotFound):
    """No session has this id."""


class UnknownJob(NotFound):
    """No job has this id."""


class Refused(ValueError):
    """The state of a session or job does not allow the operation."""


class TooLarge(ValueError):
    """A circuit is larger than the emulator computes."""


class CapacityFull(Refused):
    """As many sessions of a backend are open as its capacity allows."""


@dataclass(frozen=True)
class Step:
    """
    One automatic change of a status.

    A plan is a sequence of steps of a session or of a job. Each step counts from the step before it, the first one from
    the creation of the session or the submission of the job. A step has exactly one of the two conditions.

    :param status: ``started`` or ``ended`` for a session; ``ready``, ``started``, ``completed``, ``failed`` or
        ``canceled`` for a job.
    :param after_reads: number of reads that still show the old status: with 2, the first two reads show the old status
        and the third shows the new one. A read is the session or job served by itself or within a list; a request that
        gets a fault does not count.
    :param after_seconds: seconds until the change.
    """

    status: str
    after_reads: int | None = None
    after_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.status not in (*STATUSES[1:], *JOB_STATUSES[1:]):
            raise ValueError(
                f"status of a step must be 'started' or 'ended' for a session, or one of {', '.join(JOB_STATUSES[1:])} "
                f"for a job, not {self.status!r}"
            )
        if (self.after_reads is None) == (self.after_seconds is None):
            raise ValueError("a step takes exactly one of after_reads and after_seconds")
        if self.after_reads is not None and (type(self.after_reads) is not int or self.after_reads < 0):
            raise ValueError(f"after_reads must be a whole number from 0, not {self.after_reads!r}")
        if self.after_seconds is not None and not is_duration(self.after_seconds):
            raise ValueError(f"after_seconds must be a number from 0, not {self.after_seconds!r}")


def is_number(value: object) -> bool:
    """Return whether a value is a number that a finite float can hold."""
    # Not math.isfinite: it raises for an integer beyond the range of floats.
    largest = sys.float_info.max
    return isinstance(value, int | float) and not isinstance(value, bool) and -largest <= value <= largest


def is_duration(value: Any) -> bool:
    """Return whether a value is a finite number of seconds from 0."""
    return is_number(value) and value >= 0


def checked_plan(plan: Iterable[Step]) -> tuple[Step, ...]:
    """
    Return the plan of a session as a tuple.

    :raises TypeError: an item is not a :class:`Step`.
    :raises ValueError: a step does not move the session forward.
    """
    steps = _steps(plan)
    ranks = [STATUSES.index(step.status) if step.status in STATUSES else 0 for step in steps]
    if ranks != sorted(set(ranks)) or 0 in ranks:
        raise ValueError("a plan may start a session once and end it once, in this order")
    return steps


def checked_job_plan(plan: Iterable[Step]) -> tuple[Step, ...]:
    """
    Return the plan of a job as a tuple.

    :raises TypeError: an item is not a :class:`Step`.
    :raises ValueError: a step does not move the job forward.
    """
    steps = _steps(plan)
    ranks = [min(JOB_STATUSES.index(step.status), 3) if step.status in JOB_STATUSES else 0 for step in steps]
    if ranks != sorted(set(ranks)) or 0 in ranks:
        raise ValueError("a plan of a job may have ready, started and one final status, each once and in this order")
    return steps


def _steps(plan: Iterable[Step]) -> tuple[Step, ...]:
    steps = tuple(plan)
    for step in steps:
        if not isinstance(step, Step):
            raise TypeError(f"a plan consists of Step objects, not {step!r}")
    return steps


def timestamp(seconds: float) -> str:
    """
    Format a time as the API does: ``2025-05-28T20:47:05.440Z``.

    :param seconds: seconds since the epoch.
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id(name: str, given: object) -> str:
    """
    Return the id of a new session or job.

    :param name: name of the argument, for the error message.
    :param given: the id to use; None for a new UUID.
    :raises ValueError: the id is empty or not a string.
    """
    if given is None:
        return str(uuid.uuid4())
    if not isinstance(given, str) or not given:
        raise ValueError(f"{name} must be a string that is not empty, not {given!r}")
    return given


def json_copy(value: T) -> T:
    """
    Return a deep copy.

    :raises TypeError: JSON cannot express the value.
    :raises ValueError: JSON cannot express a number in it.
    """
    copy: T = json.loads(json.dumps(value, allow_nan=False))
    return copy
