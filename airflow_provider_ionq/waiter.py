"""One trigger's place in the shared poll, and what it can be told there."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ionq.conditions import Target
    from airflow_provider_ionq.models import Session

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
class Notice:
    """Something the task's log should say while the wait goes on."""

    level: int
    text: str


class Waiter:
    """
    One trigger's place in the poll.

    :param session_id: id of the awaited session.
    :param target: what is waited for.
    :param interval: the longest time between two looks at the session, in seconds.
    :param unseen: whether nobody has looked at the session yet: no worker began the wait.
    """

    __slots__ = ("_news", "_woken", "interval", "ready_at", "session_id", "target", "troubled", "unseen", "warned")

    def __init__(self, session_id: str, target: Target, interval: float, *, unseen: bool = False) -> None:
        self.session_id = session_id
        self.target = target
        self.interval = interval
        self.unseen = unseen
        self.ready_at = time.monotonic() + (0.0 if unseen else min(interval, SETTLING_SECONDS))
        self.warned: str | None = None
        self.troubled = False
        self._news: deque[Settled | Notice | BaseException] | None = None
        self._woken: asyncio.Future[None] | None = None

    async def next(self) -> Settled | Notice:
        """
        Wait for news of the session.

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

    def tell(self, news: Settled | Notice | BaseException) -> None:
        """Hand news over; wakes the trigger."""
        # Made late: nearly all of thousands of waiters never have news but the last.
        if self._news is None:
            self._news = deque()
        self._news.append(news)
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


News = tuple[Waiter, "Settled | Notice | BaseException"]
