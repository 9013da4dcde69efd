"""A trigger's place in the shared poll, and its notifications."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_ionq.waiting.decision import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ionq.api.errors import IonQError
    from airflow_provider_ionq.waiting.target import Target

RESUME_AFTER_SECONDS = 5.0
"""
A waiter whose task was deferred by a worker is notified after this time at the earliest, or its interval if shorter.

The worker has just polled. Airflow 3 also treats a task as killed if it is resumed before the end of the deferring
process is detected, which takes up to `[workers] min_heartbeat_interval`.
"""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line for the task's log while the wait continues."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """
    The wait is over.

    :param item: the item's JSON from the last poll; None if the API rejects the request and the task should poll.
    :param first_poll: whether it was the first poll of the whole wait, at which a rejection is permanent.
    """

    item: Any
    first_poll: bool = False


Result = TypeVar("Result")
"""The type of a waiter's result."""

Notification = tuple["Waiter[Any]", Any]
"""A waiter and its notification: a :class:`LogLine`, its result, or the exception that crashed the poll."""


class Waiter(Generic[Result]):
    """
    A trigger's place in the poll.

    :param interval: the longest time between two polls, in seconds.
    :param needs_first_poll: whether the wait began in the triggerer, with no poll by a worker.
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
        """Return the result for a permanent rejection by the API; the task then polls itself."""
        raise NotImplementedError

    async def next(self) -> Result | LogLine:
        """
        Wait for the next notification.

        :raises RuntimeError: if the poll crashed.
        """
        while not self._notifications:
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken
        notification = self._notifications.popleft()
        if isinstance(notification, BaseException):
            # A new exception for each waiter: a shared one would collect the traceback frames of all waiters.
            raise RuntimeError(f"The poll of the IonQ connection crashed: {notification!r}") from notification
        return notification

    def notify(self, notification: Result | LogLine | BaseException) -> None:
        """Add a notification, and wake the trigger."""
        # Created late: nearly all of thousands of waiters are notified only once.
        if self._notifications is None:
            self._notifications = deque()
        self._notifications.append(notification)
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


class ItemWaiter(Waiter[Finished]):
    """
    The place in the poll of a trigger that waits for one item.

    :param item_id: id of the awaited item.
    :param target: the awaited state.
    :param interval: the longest time between two polls of the item, in seconds.
    :param needs_first_poll: whether the wait began in the triggerer, with no poll by a worker.
    """

    __slots__ = ("item_id", "knows_progress", "progress", "target", "warned")

    def __init__(self, item_id: str, target: Target[Any], interval: float, *, needs_first_poll: bool = False) -> None:
        super().__init__(interval, needs_first_poll=needs_first_poll)
        self.item_id = item_id
        self.target = target
        self.warned: str | None = None
        self.progress: str | None = None
        # A worker that polled before has logged the progress.
        self.knows_progress = needs_first_poll

    def result_of_refusal(self) -> Finished:
        """Return the result for a permanent rejection by the API."""
        return Finished(None, first_poll=self.needs_first_poll)


def has_events(waiter: ItemWaiter, item: Any) -> bool:
    """
    Return whether a successful poll may have a notification for a waiter; changes nothing.

    :param waiter: the waiter.
    :param item: the JSON of its item.
    """
    decision = waiter.target.decide(item)
    return (
        decision.outcome is not Outcome.WAIT
        or decision.warning != waiter.warned
        or decision.progress not in (None, waiter.progress)
        or (waiter.needs_first_poll and waiter.target.hint(item) is not None)
    )


def decision_events(waiter: ItemWaiter, item: Any | None) -> list[Notification]:
    """
    Return the notifications of a successful poll: the result, or log lines while the wait continues.

    :param waiter: the waiter.
    :param item: the JSON of its item; None if :func:`has_events` found nothing in it.
    """
    if item is None:
        waiter.knows_progress = True
        return []
    decision = waiter.target.decide(item)
    if decision.outcome is not Outcome.WAIT:
        return [(waiter, Finished(item))]
    events: list[Notification] = []
    if waiter.needs_first_poll and (hint := waiter.target.hint(item)):
        events.append((waiter, LogLine(logging.WARNING, hint)))
    if decision.warning != waiter.warned:
        waiter.warned = decision.warning
        if decision.warning:
            events.append((waiter, LogLine(logging.WARNING, decision.warning)))
    if decision.progress not in (None, waiter.progress):
        if waiter.knows_progress:
            events.append((waiter, LogLine(logging.INFO, decision.progress)))
        waiter.progress = decision.progress
    waiter.knows_progress = True
    return events


RECOVERED = LogLine(logging.INFO, "The IonQ API responds again; the wait continues.")


def outage_events(waiters: Iterable[Waiter[Any]], error: IonQError, *, final: bool) -> list[Notification]:
    """
    Return the notifications of a failed poll: one log line per waiter and outage, or the result on a permanent failure.

    :param error: the error of the poll.
    :param final: whether the failure counts as permanent.
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
    """Return the notifications that the outage is over, for the waiters that were notified of it."""
    recovered = [waiter for waiter in waiters if waiter.in_outage]
    for waiter in recovered:
        waiter.in_outage = False
    return [(waiter, RECOVERED) for waiter in recovered]
