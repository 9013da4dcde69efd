"""
One poll per connection and resource in a triggerer process, shared by all triggers that wait on it.

Rules of this file: HTTP, JSON and decisions run in threads, never on the event loop. The loop only notifies waiters, a
few at a time. A poller runs as long as it has waiters. An error of the API never raises an exception here; only a bug
does.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_ionq.waiting import outage
from airflow_provider_ionq.waiting.connection import naming_connection
from airflow_provider_ionq.waiting.credentials import CredentialsReader
from airflow_provider_ionq.waiting.fetcher import NO_INTEREST, Fetcher
from airflow_provider_ionq.waiting.first_polls import FirstPolls
from airflow_provider_ionq.waiting.item_outages import ItemOutages
from airflow_provider_ionq.waiting.waiter import (
    ItemWaiter,
    LogLine,
    Notification,
    Waiter,
    decision_events,
    has_events,
    outage_events,
    recovery_events,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ionq.api.errors import IonQError
    from airflow_provider_ionq.waiting.connection import PolledConnection
    from airflow_provider_ionq.waiting.observer import Interest, PollObserver
    from airflow_provider_ionq.waiting.resource import Resource
    from airflow_provider_ionq.waiting.snapshot import Snapshot

log = logging.getLogger(__name__)

T = TypeVar("T")

NOTIFIED_AT_ONCE = 50
"""Waiters notified in one iteration of the event loop."""

Watched = tuple[str, dict[ItemWaiter, None]]
"""An item's id and its waiters."""


class Poller(Generic[T]):
    """
    Polls one resource of one connection for all its waiters, at the shortest of their intervals.

    :param connection: the connection.
    :param resource: the polled resource.
    :param observer: the observer of the polls; None without one. The caller keeps it, because its state outlives the
        poller.
    """

    def __init__(
        self, connection: PolledConnection, resource: Resource[T], observer: PollObserver[T] | None = None
    ) -> None:
        self.ionq_conn_id = connection.ionq_conn_id
        self._resource = resource
        self._metrics = connection.metrics
        self._observer = observer
        self._waiters: dict[str, dict[ItemWaiter, None]] = {}
        self._intervals: Counter[float] = Counter()
        self._changed = asyncio.Event()
        self._first_polls = FirstPolls()
        self._credentials = CredentialsReader(connection.ionq_conn_id, connection.read_settings)
        self._fetcher: Fetcher[T] | None = None
        self._outage = outage.Outage()
        self._item_outages = ItemOutages()

    def add(self, waiter: Waiter[Any]) -> None:
        """Add a waiter to the next poll. A waiter that is not for one item belongs to the observer."""
        if not self._intervals or waiter.interval < min(self._intervals):
            self._changed.set()
        self._intervals[waiter.interval] += 1
        if not isinstance(waiter, ItemWaiter):
            if self._observed().add(waiter):
                self._changed.set()
            return
        self._waiters.setdefault(waiter.item_id, {})[waiter] = None
        if waiter.needs_first_poll and self._first_polls.add(waiter):
            self._changed.set()

    def remove(self, waiter: Waiter[Any]) -> bool:
        """Remove a waiter; return whether it was the last one."""
        self._intervals[waiter.interval] -= 1
        if not self._intervals[waiter.interval]:
            del self._intervals[waiter.interval]
        if not isinstance(waiter, ItemWaiter):
            self._observed().remove(waiter)
        else:
            same = self._waiters[waiter.item_id]
            del same[waiter]
            self._first_polls.discard(waiter)
            if not same:
                del self._waiters[waiter.item_id]
                self._item_outages.forget(waiter.item_id)
        return not self._intervals

    async def run(self) -> None:
        """Poll until cancelled. The first regular poll comes after one interval: the worker has just polled."""
        polled = time.monotonic()
        try:
            while True:
                if everything := await self._pause(polled):
                    polled = time.monotonic()
                await self._poll(everything)
        finally:
            self._close()
            self._metrics.gauge("ionq.waiters", self.ionq_conn_id, 0, resource=self._resource.name)

    async def crashed(self, error: BaseException) -> None:
        """Notify every waiter that the poll has crashed."""
        await self._notify((waiter, error) for waiter in self._all())

    async def _pause(self, polled: float) -> bool:
        """Wait until a poll is due; return whether it covers all items, or only those that need their first poll."""
        finished = time.monotonic()
        while self._intervals:
            pause = self._outage.pause_seconds(min(self._intervals))
            # The second term ensures a break when the API responds more slowly than the interval.
            regular = max(polled + pause, finished + min(pause / 2, 1.0), finished + self._outage.retry_after_seconds)
            first = self._first_polls.due_at() if not self._outage.failures else math.inf
            # Not during an outage: the outcome of a request to create a session may then be unknown.
            observed = math.inf
            if self._observer is not None and not self._outage.failures:
                observed = self._observer.next_at()
            self._changed.clear()
            try:
                async with asyncio.timeout(min(regular, first, observed) - time.monotonic()):
                    await self._changed.wait()
            except TimeoutError:
                if observed < min(regular, first):
                    await self._notify(self._observed_events())
                    continue
                return regular <= first or len(self._first_polls) == self._intervals.total()
        return True

    async def _poll(self, everything: bool) -> None:
        # In a thread: the first call may resolve the host of the metrics.
        await asyncio.to_thread(self._metrics.count, "ionq.polls", self.ionq_conn_id, resource=self._resource.name)
        if self._credentials.is_due(in_outage=self._is_in_outage()) and await self._credentials.read():
            self._close()
            if (settings := self._credentials.settings) is not None:
                self._fetcher = Fetcher(self._resource, settings, lambda: bool(self._intervals))
        if everything:
            watched = list(self._waiters.items())
        else:
            watched = [(item_id, self._waiters[item_id]) for item_id in self._first_polls.item_ids()]
        first_polls = self._first_polls.take()
        began = time.monotonic()
        interest = self._observer.interest() if everything and self._observer is not None else NO_INTEREST
        await self._fetch(watched, interest)
        for waiter in first_polls:
            waiter.needs_first_poll = False
        self._report(len(watched), time.monotonic() - began)

    def _report(self, polled: int, seconds: float) -> None:
        waiters = self._intervals.total()
        self._metrics.gauge("ionq.waiters", self.ionq_conn_id, waiters, resource=self._resource.name)
        log.debug(
            "IonQ connection %r: polled %d of %d awaited %ss in %.3f s; %d waiters, shortest interval %g s;"
            " %d failures in a row, %d items that fail individually.",
            self.ionq_conn_id,
            polled,
            len(self._waiters),
            self._resource.name,
            seconds,
            waiters,
            min(self._intervals, default=math.inf),
            self._outage.failures,
            len(self._item_outages),
        )

    async def _fetch(self, watched: list[Watched], interest: Interest[T]) -> None:
        """Read items, and notify the waiters concerned of the outcome."""
        if self._fetcher is None:
            await self._failed(self._credentials.error)
            return
        snapshot, events = await asyncio.to_thread(self._fetch_and_decide, self._fetcher, watched, interest)
        was_in_outage = self._is_in_outage()
        await self._note_item_errors(snapshot)
        if snapshot.failure is not None:
            await self._failed(snapshot.failure)
        elif self._outage.passed():
            log.info("IonQ connection %r: the API responds again.", self.ionq_conn_id)
        if snapshot.failure is None:
            if was_in_outage:
                await self._notify(self._recovered(snapshot))
            events += self._observed_events(snapshot)
        await self._notify(events)

    # Run in a thread, up to "On the event loop".

    def _fetch_and_decide(
        self, fetcher: Fetcher[T], watched: list[Watched], interest: Interest[T]
    ) -> tuple[Snapshot[T], list[Notification]]:
        """Read the items and decide for each waiter."""
        # Items that fail individually come last: their errors say least about the others.
        ids = sorted((item_id for item_id, _ in watched), key=self._item_outages.__contains__)
        waiters_of = dict(watched)

        def is_kept(item_id: str, item: T) -> bool:
            return any(has_events(waiter, item) for waiter in list(waiters_of.get(item_id, ())))

        snapshot = fetcher.fetch(ids, self._outage.failures, interest, is_kept)
        now = time.monotonic()
        events: list[Notification] = []
        for item_id, waiters in watched:
            if item_id in snapshot.items:
                for waiter in list(waiters):
                    if waiter.ready_at <= now:
                        events += decision_events(waiter, snapshot.items[item_id])
        return snapshot, events

    # On the event loop.

    def _observed(self) -> PollObserver[T]:
        if self._observer is None:
            raise TypeError(f"The resource {self._resource.name} has no observer: each waiter must be an ItemWaiter")
        return self._observer

    def _is_in_outage(self) -> bool:
        return self._outage.failures > 0 or len(self._item_outages) > 0

    def _close(self) -> None:
        if self._fetcher is not None:
            self._fetcher.close()

    async def _failed(self, error: IonQError) -> None:
        """Handle a poll that failed for every waiter."""
        self._outage.failed(error, self._credentials.reads)
        self._metrics.count("ionq.poll_failures", self.ionq_conn_id, resource=self._resource.name)
        log.warning("The poll failed: %s", naming_connection(error, self.ionq_conn_id))
        await self._notify(outage_events(self._all(), error, final=self._outage.final))

    async def _note_item_errors(self, snapshot: Snapshot[T]) -> None:
        """Handle errors that concern single items."""
        events = self._item_outages.update(snapshot, self._waiters, self._credentials.reads)
        if not snapshot.errors:
            return
        log.warning(
            "IonQ connection %r: %d %ss could not be read: %s",
            self.ionq_conn_id,
            len(snapshot.errors),
            self._resource.name,
            next(iter(snapshot.errors.values())),
        )
        await self._notify(events)

    def _recovered(self, snapshot: Snapshot[T]) -> list[Notification]:
        seen = (waiter for item_id in snapshot.items for waiter in self._waiters.get(item_id, ()))
        return recovery_events(itertools.chain(seen, self._observer or ()))

    def _observed_events(self, snapshot: Snapshot[T] | None = None) -> list[Notification]:
        """Return the observer's notifications, after a poll or without one."""
        if self._observer is None:
            return []
        now = time.monotonic()
        if snapshot is not None:
            self._observer.update(snapshot, now)
        return list(self._observer.due(now))

    def _all(self) -> list[Waiter[Any]]:
        return [*itertools.chain.from_iterable(self._waiters.values()), *(self._observer or ())]

    async def _notify(self, notifications: Iterable[Notification]) -> None:
        finished = 0
        try:
            for count, (waiter, notification) in enumerate(notifications, start=1):
                waiter.notify(notification)
                finished += not isinstance(notification, (LogLine, BaseException))
                if count % NOTIFIED_AT_ONCE == 0:
                    await asyncio.sleep(0)
        finally:
            # Also if the poll is cancelled because its last waiter has left.
            if finished:
                self._metrics.count("ionq.settled", self.ionq_conn_id, finished, resource=self._resource.name)
