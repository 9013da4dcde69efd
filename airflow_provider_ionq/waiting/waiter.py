"""One trigger's place in the shared poll, and what it can be notified of."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ionq.api.errors import IonQError
    from airflow_provider_ionq.waiting.target import Target

RESUME_AFTER_SECONDS = 5.0
"""
A waiter whose task was deferred by a worker is not notified sooner than this, or than its interval if that is shorter.

The worker has just polled. Airflow 3 also takes a task for killed when it is resumed before the process that deferred
it was seen to end, which takes up to `[workers] min_heartbeat_interval`.
"""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line for the task's log while the wait goes on."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """
    The wait is over.

    :param item: the item's JSON as it was last seen; None when the API refuses to show it and the task should poll.
    :param first_poll: whether it was the first poll of the whole wait, at which a refusal is believed at once.
    """

    item: Any
    first_poll: bool = False


Result = TypeVar("Result")
"""What ends a waiter's wait."""

Notification = tuple["Waiter[Any]", Any]
"""A waiter, and what to notify it of: a :class:`LogLine`, its result, or the exception that crashed the poll."""


class Waiter(Generic[Result]):
    """
    One trigger's place in the poll.

    :param interval: the longest time between two polls, in seconds.
    :param needs_first_poll: whether nobody has polled yet: no worker began the wait.
    """

    __slots__ = ("_notifications", "_woken", "in_outage", "interval", "needs_first_poll", "ready_at")

    def __init__(self, interval: float, *, needs_first_poll: bool = False) -> None:
        self.interval = interval
        self.needs_first_poll = needs_first_poll
        self.ready_at = time.monotonic() + (0.0 if needs_first_poll else min(interval, RESUME_AFTER_SECONDS))
        self.in_outage = False
        self._notifications: deque[Result | LogLine | BaseException] | None = None
        self._woken: asyncio.Future[None] | None = None

    def result_of_refusal(self) -> Result:
        """Return the result for a permanent refusal of the API, with which the task polls for itself."""
        raise NotImplementedError

    async def next(self) -> Result | LogLine:
        """
        Wait for the next notification.

        :raises RuntimeError: when the poll crashed.
        """
        while not self._notifications:
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken
        notification = self._notifications.popleft()
        if isinstance(notification, BaseException):
            # A new exception for each waiter: one that all of them raise would collect the frames of all of them.
            raise RuntimeError(f"The poll of the IonQ connection crashed: {notification!r}") from notification
        return notification

    def notify(self, notification: Result | LogLine | BaseException) -> None:
        """Hand a notification over, and wake the trigger."""
        # Made late: nearly all of thousands of waiters are notified only once.
        if self._notifications is None:
            self._notifications = deque()
        self._notifications.append(notification)
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


class ItemWaiter(Waiter[Finished]):
    """
    The place of a trigger that waits for one item.

    :param item_id: id of the awaited item.
    :param target: what is waited for.
    :param interval: the longest time between two polls of the item, in seconds.
    :param needs_first_poll: whether nobody has polled the item yet: no worker began the wait.
    """

    __slots__ = ("item_id", "target", "warned")

    def __init__(self, item_id: str, target: Target[Any], interval: float, *, needs_first_poll: bool = False) -> None:
        super().__init__(interval, needs_first_poll=needs_first_poll)
        self.item_id = item_id
        self.target = target
        self.warned: str | None = None

    def result_of_refusal(self) -> Finished:
        """Return the result for a permanent refusal of the API."""
        return Finished(None, first_poll=self.needs_first_poll)


RECOVERED = LogLine(logging.INFO, "The IonQ API answers again; waiting on.")


def outage_events(waiters: Iterable[Waiter[Any]], error: IonQError, *, final: bool) -> list[Notification]:
    """
    Return the notifications of a failed poll: a log line once for each waiter, or the end when the failure is final.

    :param error: why the poll failed.
    :param final: whether the failure is believed to be permanent.
    """
    notifications: list[Notification] = []
    now = time.monotonic()
    line = LogLine(logging.WARNING, f"The IonQ API cannot be reached; waiting until it can. {error}")
    for waiter in waiters:
        if waiter.needs_first_poll and not error.retryable:
            notifications.append((waiter, waiter.result_of_refusal()))
        elif final:
            if waiter.ready_at <= now:
                notifications.append((waiter, waiter.result_of_refusal()))
        elif not waiter.in_outage:
            waiter.in_outage = True
            notifications.append((waiter, line))
    return notifications


def recovery_events(waiters: Iterable[Waiter[Any]]) -> list[Notification]:
    """Return the notifications that the API answers again, for the waiters that were told that it does not."""
    recovered = [waiter for waiter in waiters if waiter.in_outage]
    for waiter in recovered:
        waiter.in_outage = False
    return [(waiter, RECOVERED) for waiter in recovered]
