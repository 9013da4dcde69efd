"""The outcome of a poll for a waiter: wait, met or impossible. Pure: no I/O, no clock, no Airflow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """The outcome of a poll for a waiter."""

    WAIT = "wait"
    MET = "met"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Decision:
    """
    An outcome and its reason.

    :param outcome: wait, met or impossible.
    :param reason: one sentence that names the item, its status and the target; empty while waiting.
    :param warning: an anomaly in the item to log as a warning; None without one.
    :param progress: one sentence to log when it changes while waiting; None for nothing new.
    """

    outcome: Outcome
    reason: str = ""
    warning: str | None = None
    progress: str | None = None


WAIT = Decision(Outcome.WAIT)
