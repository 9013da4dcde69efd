"""Check that an API received the requests of one poll at the shortest interval, and none without a waiter."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.fake import Asked

SAME_LOOK_SECONDS = 0.5
"""Requests for different sessions within this time belong to one poll, which read a few sessions by id."""

TOLERANCE = 0.25
"""Part of the interval by which two polls may be closer. Two pollers side by side would be closer by half of it."""


@dataclass(slots=True)
class Presence:
    """
    A time in which there may be a waiter.

    :param interval: interval of the waiter, in seconds.
    :param since: its beginning.
    :param until: its end.
    """

    interval: float
    since: float
    until: float = math.inf


def looks(asked: Sequence[Asked]) -> list[float]:
    """
    Return the time at which each poll began.

    :param asked: the requests, in their order.
    """
    moments: list[float] = []
    paths: set[str] = set()
    last = -math.inf
    for request in asked:
        by_id = not request.path.endswith("/sessions")
        if not (by_id and paths and request.path not in paths and request.at - last <= SAME_LOOK_SECONDS):
            moments.append(request.at)
            paths = set()
        if by_id:
            paths.add(request.path)
        last = request.at
    return moments


def without_waiter(moments: Iterable[float], presences: Sequence[Presence]) -> int:
    """
    Return the number of polls without a waiter.

    :param moments: times of the polls.
    :param presences: the times of the waits.
    """
    return sum(not any(one.since <= moment <= one.until for one in presences) for moment in moments)


def too_close(moments: Sequence[float], presences: Sequence[Presence]) -> int:
    """
    Return the number of polls that followed another sooner than the shortest interval of the waiters.

    :param moments: times of the polls.
    :param presences: the times of the waits.
    """
    return sum(
        later - earlier < (1 - TOLERANCE) * min(_intervals(earlier, later, presences), default=0.0)
        for earlier, later in itertools.pairwise(moments)
    )


def _intervals(earlier: float, later: float, presences: Sequence[Presence]) -> Iterator[float]:
    return (one.interval for one in presences if one.since <= later and one.until >= earlier)
