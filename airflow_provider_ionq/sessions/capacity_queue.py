"""
The order in which tasks retry to create a session on a backend whose capacity was full.

Pure: the clock and the state of the sessions are passed in. A waiter leaves the queue when its turn comes. A task that
then finds no capacity rejoins the queue and keeps its age.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from airflow_provider_ionq.sessions.target import is_ended
from airflow_provider_ionq.waiting.observer import Interest
from airflow_provider_ionq.waiting.waiter import Waiter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.waiting.snapshot import Snapshot
    from airflow_provider_ionq.waiting.waiter import Notification

TIMER_SPACING_SECONDS = 15.0
"""Shortest time between two waiters of a backend that are woken without a session having ended."""

CREDITED_KEPT_SECONDS = 24 * 3600.0
CREDITED_KEPT = 10_000
"""How long, and how many, ended sessions are remembered: a task deferred before an end may name the session late."""


@dataclass(frozen=True, slots=True)
class RetryCreate:
    """
    It is this task's turn to create a session.

    :param session_id: id of the session whose end made room; None when none is known to have ended.
    """

    session_id: str | None


class CapacityRequest(Protocol):
    """
    What the queue needs to know of a waiter.

    `open_ids`: sessions of the backend that were open when the task polled; `since`: when the task first found no
    capacity, in epoch seconds; `ready_at`: the earliest time of its turn; `pause` and `due_at`: the length and the
    end of its wait when no session ends. `ready_at` and `due_at` are times of the clock that is passed in.
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


C = TypeVar("C", bound=CapacityRequest)


class CapacityWaiter(Waiter[RetryCreate]):
    """
    A task that waits for capacity; a worker has always polled before.

    :param backend: name of the device.
    :param open_ids: ids of its sessions that had not ended when the worker polled.
    :param since: when the task first found no capacity, in epoch seconds.
    :param interval: the longest time between two polls, in seconds.
    :param pause: seconds after which it may be this task's turn even if no session is known to have ended.
    """

    __slots__ = ("backend", "due_at", "open_ids", "pause", "since")

    def __init__(self, backend: str, open_ids: Collection[str], since: float, interval: float, pause: float) -> None:
        super().__init__(interval)
        self.backend = backend
        self.open_ids = open_ids
        self.since = since
        self.pause = pause
        self.due_at = time.monotonic() + pause

    def result_of_refusal(self) -> RetryCreate:
        """Return the result for a permanent refusal of the API."""
        return RetryCreate(None)


class CapacityQueue(Generic[C]):
    """
    The waiters for capacity of one backend.

    - A session that was known to be open and has ended wakes one waiter, once: the oldest ready waiter, or if none is
      ready, the first to become ready.
    - Otherwise only the oldest is woken, when its pause has passed since it joined and since the last waiter was woken.
      By then that waiter has shown, by rejoining or not, whether there is capacity.
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
        """Return the number of waiters."""
        return len(self._waiting)

    def __iter__(self) -> Iterator[C]:
        """Iterate over the waiters of this backend."""
        return iter(self._waiting)

    @property
    def open_ids(self) -> Collection[str]:
        """Ids of the sessions that were last known to be open."""
        return self._open.keys()

    def add(self, request: C) -> bool:
        """Add a waiter; return whether it is the oldest."""
        oldest = self._get_oldest()
        self._waiting[request] = next(self._arrivals)
        self._know_open(request.open_ids)
        if oldest is None or request.since < oldest.since:
            self._oldest = request
        return self._oldest is request

    def remove(self, request: C) -> None:
        """Remove a waiter, unless it has left by being woken."""
        self._waiting.pop(request, None)
        if self._oldest is request:
            self._oldest = None
        if not self._waiting:
            # No waiter needs these any more, and the next one names the sessions that are open then.
            self._open.clear()
            self._freed.clear()

    def update(self, opened: Iterable[str], ended: Iterable[str], now: float) -> None:
        """
        Take over the result of a poll.

        :param opened: ids of open sessions.
        :param ended: ids of sessions that have ended or no longer exist; ignored unless known to have been open.
        :param now: the current time.
        """
        self._know_open(opened)
        for session_id in ended:
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
        """Return when the next waiter is woken if no poll shows a change until then; infinity without a waiter."""
        oldest = self._get_oldest()
        if oldest is None:
            return math.inf
        at = self._timer_at(oldest)
        return min(at, min(request.ready_at for request in self._waiting)) if self._freed else at

    def turns(self, now: float) -> list[tuple[C, str | None]]:
        """Remove and return the waiters whose turn it is, each with the session whose end made room, if any."""
        turns: list[tuple[C, str | None]] = []
        if self._freed:
            ready = (request for request in self._waiting if request.ready_at <= now)
            first = heapq.nsmallest(len(self._freed), ready, key=self._age)
            turns += [(request, self._freed.popleft()) for request in first]
            # Ends beyond the number of waiters are dropped: a later waiter made its request after them.
            while len(self._freed) > len(self._waiting) - len(turns):
                self._freed.pop()
        elif (oldest := self._get_oldest()) is not None and self._timer_at(oldest) <= now:
            turns.append((oldest, None))
        if turns:
            self._woken_at = now
        for request, _ in turns:
            self.remove(request)
        return turns

    def _know_open(self, session_ids: Iterable[str]) -> None:
        self._open.update((session_id, None) for session_id in session_ids if session_id not in self._credited)

    def _timer_at(self, oldest: C) -> float:
        return max(oldest.due_at, oldest.ready_at, self._woken_at + max(oldest.pause, TIMER_SPACING_SECONDS))

    def _get_oldest(self) -> C | None:
        # Cached: it is needed whenever a waiter joins, and thousands may.
        if self._oldest is None and self._waiting:
            self._oldest = min(self._waiting, key=self._age)
        return self._oldest

    def _age(self, request: C) -> tuple[float, int]:
        return request.since, self._waiting[request]


class CapacityQueues:
    """The queues of all backends of one connection; a :class:`~airflow_provider_ionq.waiting.observer.PollObserver`."""

    def __init__(self) -> None:
        self._queues: dict[str, CapacityQueue[CapacityWaiter]] = {}

    def __len__(self) -> int:
        """Return how many tasks wait."""
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[CapacityWaiter]:
        """Iterate over the waiters."""
        return itertools.chain.from_iterable(self._queues.values())

    def interest(self) -> Interest[Session]:
        """Return what the next poll should read: the open sessions of the awaited backends."""
        backends = {backend for backend, queue in self._queues.items() if len(queue)}
        if not backends:
            return Interest()
        return Interest(
            ids=tuple(session_id for queue in self._queues.values() for session_id in queue.open_ids),
            matches=lambda session: session.get("backend") in backends and not is_ended(session),
            waiters=len(self),
        )

    def add(self, waiter: CapacityWaiter) -> bool:
        """Add a waiter; return whether it is the oldest of its backend."""
        return self._queues.setdefault(waiter.backend, CapacityQueue()).add(waiter)

    def remove(self, waiter: CapacityWaiter) -> None:
        """Remove a waiter, unless it has left by being notified."""
        self._queues[waiter.backend].remove(waiter)

    def update(self, snapshot: Snapshot[Session], now: float) -> None:
        """
        Take over the result of a poll.

        :param snapshot: result of the poll.
        :param now: the current time.
        """
        for backend, queue in self._queues.items():
            if len(queue):
                opened = [session["id"] for session in snapshot.matched if session.get("backend") == backend]
                queue.update(opened, snapshot.final, now)

    def next_at(self) -> float:
        """Return when the next waiter is notified if no poll shows a change until then; infinity for never."""
        return min((queue.next_at() for queue in self._queues.values()), default=math.inf)

    def due(self, now: float) -> list[Notification]:
        """Remove and return the waiters whose turn it is, each with the session whose end made room, if any."""
        return [
            (waiter, RetryCreate(session_id))
            for queue in self._queues.values()
            for waiter, session_id in queue.turns(now)
        ]
