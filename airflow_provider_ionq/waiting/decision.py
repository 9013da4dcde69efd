"""What a poll means for a waiter: keep waiting, met, or impossible. Pure: no I/O, no clock, no Airflow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What an answer of the API means for a waiter."""

    WAIT = "wait"
    MET = "met"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Decision:
    """
    An outcome and its reason.

    :param outcome: wait, met or impossible.
    :param reason: one sentence that names the item, its status and the target; empty while waiting.
    :param warning: something unusual in the answer that a person should know; None when there is nothing.
    """

    outcome: Outcome
    reason: str = ""
    warning: str | None = None


WAIT = Decision(Outcome.WAIT)
