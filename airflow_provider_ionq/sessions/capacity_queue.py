"""
Whose turn it is to ask for a session of a backend whose capacity was full.

Pure: the clock is passed in, what is known of the sessions too. Whoever is told that it is their turn has left the
queue: a task that finds no capacity after all comes back, and is as old as it was.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

TIMER_SPACING_SECONDS = 15.0
"""No two waiters of a backend are woken within this time without a session having ended."""

CREDITED_KEPT_SECONDS = 24 * 3600.0
CREDITED_KEPT = 10_000
"""A session's end is remembered so long, and so many of them: a task that was deferred before it may name it late."""


@dataclass(frozen=True, slots=True)
class CapacityWatch:
    """
    What a look is to find out for those who wait for capacity.

    :param backends: the backends whose open sessions are to be found.
    :param open_ids: their sessions that were open when they were last heard of.
    :param waiters: how many wait.
    """

    backends: Collection[str] = ()
    open_ids: Collection[str] = ()
    waiters: int = 0


class Claim(Protocol):
    """
    What the queue asks of a waiter.

    `open_ids`: sessions of the backend that were open when the task looked; `since`: when it first found no capacity,
    in epoch seconds; `ready_at`: not woken sooner; `pause` and `due_at`: how long it waits without a session having
    ended, and when that is over. The last two times are those of the clock that is passed in.
    """

    @property
    def backend(self) -> str: ...
    @property
    def open_ids(self) -> Collection[str]: ...
    @property
    def since(self) -> float: ...
    @property
    def ready_at(self) -> float: ...
    @property
    def pause(self) -> float: ...
    @property
    def due_at(self) -> float: ...


C = TypeVar("C", bound=Claim)


class CapacityQueue(Generic[C]):
    """
    Those who wait for capacity of one backend.

    - A session that was known to be open and is not any more wakes one waiter, once: the oldest that is ready, or if
      none is, the one that is ready first.
    - Without that only the oldest is woken, when its pause has passed since it came and since anybody was woken: who
      was has told, by coming back or not, whether there is capacity.
    """

    def __init__(self) -> None:
        self._waiting: dict[C, int] = {}
        self._arrivals = itertools.count()
        self._open: dict[str, None] = {}
        self._freed: deque[str] = deque()
        self._credited: dict[str, float] = {}
        self._woken_at = -math.inf
        self._oldest: C | None = None

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def __iter__(self) -> Iterator[C]:
        """Iterate over those who wait."""
        return iter(self._waiting)

    @property
    def open_ids(self) -> Collection[str]:
        """Sessions that were open when they were last heard of."""
        return self._open.keys()

    def add(self, claim: C) -> bool:
        """Queue up; return whether as the oldest."""
        oldest = self._get_oldest()
        self._waiting[claim] = next(self._arrivals)
        self._know_open(claim.open_ids)
        if oldest is None or claim.since < oldest.since:
            self._oldest = claim
        return self._oldest is claim

    def remove(self, claim: C) -> None:
        """Leave, if that has not happened by being woken."""
        self._waiting.pop(claim, None)
        if self._oldest is claim:
            self._oldest = None
        if not self._waiting:
            # Nobody asks for these any more, and who comes next names what is open then.
            self._open.clear()
            self._freed.clear()

    def note(self, opened: Iterable[str], over: Iterable[str], now: float) -> None:
        """
        Take note of what a look has shown.

        :param opened: sessions that are open.
        :param over: sessions that have ended, or are not there any more; those not known to have been open say nothing.
        :param now: the time.
        """
        self._know_open(opened)
        for session_id in over:
            if session_id in self._open:
                del self._open[session_id]
                self._credited[session_id] = now
                self._freed.append(session_id)
        while self._credited:
            first = next(iter(self._credited))
            if len(self._credited) <= CREDITED_KEPT and self._credited[first] > now - CREDITED_KEPT_SECONDS:
                break
            del self._credited[first]

    def next_at(self) -> float:
        """Return when somebody is woken if no look shows anything until then; infinity when nobody is."""
        oldest = self._get_oldest()
        if oldest is None:
            return math.inf
        at = self._timer_at(oldest)
        return min(at, min(claim.ready_at for claim in self._waiting)) if self._freed else at

    def turns(self, now: float) -> list[tuple[C, str | None]]:
        """Return whose turn it is now, with the session whose end gave way, if any; they have left the queue."""
        turns: list[tuple[C, str | None]] = []
        if self._freed:
            ready = (claim for claim in self._waiting if claim.ready_at <= now)
            first = heapq.nsmallest(len(self._freed), ready, key=self._age)
            turns += [(claim, self._freed.popleft()) for claim in first]
            # More than there are waiters: who comes later has asked later.
            while len(self._freed) > len(self._waiting) - len(turns):
                self._freed.pop()
        elif (oldest := self._get_oldest()) is not None and self._timer_at(oldest) <= now:
            turns.append((oldest, None))
        if turns:
            self._woken_at = now
        for claim, _ in turns:
            self.remove(claim)
        return turns

    def _know_open(self, session_ids: Iterable[str]) -> None:
        self._open.update((session_id, None) for session_id in session_ids if session_id not in self._credited)

    def _timer_at(self, oldest: C) -> float:
        return max(oldest.due_at, oldest.ready_at, self._woken_at + max(oldest.pause, TIMER_SPACING_SECONDS))

    def _get_oldest(self) -> C | None:
        # Kept: it is asked for whenever somebody comes, and thousands may.
        if self._oldest is None and self._waiting:
            self._oldest = min(self._waiting, key=self._age)
        return self._oldest

    def _age(self, claim: C) -> tuple[float, int]:
        return claim.since, self._waiting[claim]


class CapacityQueues(Generic[C]):
    """The queues of all backends of one connection."""

    def __init__(self) -> None:
        self._queues: dict[str, CapacityQueue[C]] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[C]:
        """Iterate over those who wait."""
        return itertools.chain.from_iterable(self._queues.values())

    def watch(self) -> CapacityWatch:
        """Return what a look is to find out."""
        return CapacityWatch(
            backends=tuple(backend for backend, queue in self._queues.items() if len(queue)),
            open_ids=tuple(session_id for queue in self._queues.values() for session_id in queue.open_ids),
            waiters=len(self),
        )

    def add(self, claim: C) -> bool:
        """Queue up; return whether as the oldest of its backend."""
        return self._queues.setdefault(claim.backend, CapacityQueue()).add(claim)

    def remove(self, claim: C) -> None:
        """Leave, if that has not happened by being woken."""
        self._queues[claim.backend].remove(claim)

    def note(self, opened: Mapping[str, str], over: Collection[str], now: float) -> None:
        """
        Take note of what a look has shown.

        :param opened: sessions that are open, and of which backend.
        :param over: sessions that have ended, or are not there any more.
        :param now: the time.
        """
        for backend, queue in self._queues.items():
            if len(queue):
                queue.note([session_id for session_id, where in opened.items() if where == backend], over, now)

    def next_at(self) -> float:
        """Return when somebody is woken if no look shows anything until then; infinity when nobody is."""
        return min((queue.next_at() for queue in self._queues.values()), default=math.inf)

    def turns(self, now: float) -> list[tuple[C, str | None]]:
        """Return whose turn it is now, with the session whose end gave way, if any; they have left the queue."""
        return [turn for queue in self._queues.values() for turn in queue.turns(now)]
