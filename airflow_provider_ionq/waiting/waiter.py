"""One trigger's place in the shared poll, and what it can be told there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from airflow_provider_ionq.api.errors import IonQError
    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.sessions.target import Target

SETTLING_SECONDS = 5.0
"""
A waiter whose task was deferred by a worker is not woken sooner than this, or than its interval if that is shorter.

The worker has just looked, and Airflow 3 takes a task that is resumed before the deferring process was seen to end,
up to `[workers] min_heartbeat_interval` later, for one that was killed.
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """
    Nothing more to wait for.

    :param session: the session's JSON as it was seen; None means that the API refuses to show it, look again.
    :param first_look: whether it was the first look in the whole wait, at which a mistake is believed.
    """

    session: Session | None
    first_look: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """
    It is this task's turn to ask for a session.

    :param session_id: id of the session whose end gave way; None when none is known to have done so.
    """

    session_id: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the task's log should say while the wait goes on."""

    level: int
    text: str


Last = TypeVar("Last", Settled, Turn)
"""The last news of a wait."""


class Waiter(Generic[Last]):
    """
    One trigger's place in the poll.

    :param interval: the longest time between two looks, in seconds.
    :param unseen: whether nobody has looked yet: no worker began the wait.
    """

    __slots__ = ("_news", "_woken", "interval", "ready_at", "troubled", "unseen")

    def __init__(self, interval: float, *, unseen: bool = False) -> None:
        self.interval = interval
        self.unseen = unseen
        self.ready_at = time.monotonic() + (0.0 if unseen else min(interval, SETTLING_SECONDS))
        self.troubled = False
        self._news: deque[Last | Notice | BaseException] | None = None
        self._woken: asyncio.Future[None] | None = None

    def refusal(self) -> Last:
        """Return what to tell when the API refuses for good: the task is to see for itself."""
        raise NotImplementedError

    async def next(self) -> Last | Notice:
        """
        Wait for news.

        :raises RuntimeError: the poll crashed.
        """
        while not self._news:
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken
        news = self._news.popleft()
        if isinstance(news, BaseException):
            # Not itself: it is told to all waiters, and an exception collects the frames of all who raise it.
            raise RuntimeError(f"The poll of the IonQ connection crashed: {news!r}") from news
        return news

    def tell(self, news: Last | Notice | BaseException) -> None:
        """Hand news over; wakes the trigger."""
        # Made late: nearly all of thousands of waiters never have news but the last.
        if self._news is None:
            self._news = deque()
        self._news.append(news)
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


class SessionWaiter(Waiter[Settled]):
    """
    The place of one who waits for a session.

    :param session_id: id of the awaited session.
    :param target: what is waited for.
    :param interval: the longest time between two looks at the session, in seconds.
    :param unseen: whether nobody has looked at the session yet: no worker began the wait.
    """

    __slots__ = ("session_id", "target", "warned")

    def __init__(self, session_id: str, target: Target, interval: float, *, unseen: bool = False) -> None:
        super().__init__(interval, unseen=unseen)
        self.session_id = session_id
        self.target = target
        self.warned: str | None = None

    def refusal(self) -> Settled:
        """Return what to tell when the API refuses for good."""
        return Settled(None, first_look=self.unseen)


class CapacityWaiter(Waiter[Turn]):
    """
    The place of one who waits for capacity; a worker has always looked before.

    :param backend: name of the device.
    :param open_ids: ids of its sessions that had not ended when the worker looked.
    :param since: when the task first found no capacity, in epoch seconds.
    :param interval: the longest time between two looks, in seconds.
    :param pause: after so many seconds it may be this task's turn though no session is known to have ended.
    """

    __slots__ = ("backend", "due_at", "open_ids", "pause", "since")

    def __init__(self, backend: str, open_ids: Collection[str], since: float, interval: float, pause: float) -> None:
        super().__init__(interval)
        self.backend = backend
        self.open_ids = open_ids
        self.since = since
        self.pause = pause
        self.due_at = time.monotonic() + pause

    def refusal(self) -> Turn:
        """Return what to tell when the API refuses for good."""
        return Turn(None)


News = tuple[Waiter[Any], "Settled | Turn | Notice | BaseException"]

ANSWERS_AGAIN = Notice(logging.INFO, "The IonQ API answers again; waiting on.")


def trouble(waiters: Iterable[Waiter[Any]], error: IonQError, *, final: bool) -> list[News]:
    """Make the news of a failed look: once for each waiter, or the last when it is final."""
    news: list[News] = []
    now = time.monotonic()
    notice = Notice(logging.WARNING, f"The IonQ API cannot be asked; waiting on until it can. {error}")
    for waiter in waiters:
        if waiter.unseen and not error.retryable:
            news.append((waiter, waiter.refusal()))
        elif final:
            if waiter.ready_at <= now:
                news.append((waiter, waiter.refusal()))
        elif not waiter.troubled:
            waiter.troubled = True
            news.append((waiter, notice))
    return news


def relief(waiters: Iterable[Waiter[Any]]) -> list[News]:
    """Make the news that the API answers again, for those who were told that it does not."""
    troubled = [waiter for waiter in waiters if waiter.troubled]
    for waiter in troubled:
        waiter.troubled = False
    return [(waiter, ANSWERS_AGAIN) for waiter in troubled]
