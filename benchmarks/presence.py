"""Whether the requests that an API saw are those of one poll at the shortest interval, and none when nobody waits."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.fake import Asked

SAME_LOOK_SECONDS = 0.5
"""Requests for different sessions so close to each other are one look, which asked for its few sessions by id."""

TOLERANCE = 0.25
"""So much of the interval two looks may be closer: two polls side by side would be closer by half of it."""


@dataclass(slots=True)
class Presence:
    """
    When somebody certainly or possibly waits.

    :param interval: the interval that is asked for, in seconds.
    :param since: nobody waits before.
    :param until: nobody waits after.
    """

    interval: float
    since: float
    until: float = math.inf


def looks(asked: Sequence[Asked]) -> list[float]:
    """
    Return when each look began.

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
    Count the looks that nobody waited for.

    :param moments: when the looks were.
    :param presences: who waited.
    """
    return sum(not any(one.since <= moment <= one.until for one in presences) for moment in moments)


def too_close(moments: Sequence[float], presences: Sequence[Presence]) -> int:
    """
    Count the looks that came sooner after another than the shortest interval of those who waited.

    :param moments: when the looks were.
    :param presences: who waited.
    """
    return sum(
        later - earlier < (1 - TOLERANCE) * min(_intervals(earlier, later, presences), default=0.0)
        for earlier, later in itertools.pairwise(moments)
    )


def _intervals(earlier: float, later: float, presences: Sequence[Presence]) -> Iterator[float]:
    return (one.interval for one in presences if one.since <= later and one.until >= earlier)
