"""
One poll per connection in a triggerer process, shared by every trigger that waits on it.

Rules of this file: HTTP, JSON and decisions run in threads, never on the event loop; the loop only wakes those whose
session is settled, or whose turn it is to ask for one, a few at a time; a poller lives from its first waiter to its
last; what the API answers is never an exception here, only a bug is.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import naming_connection
from airflow_provider_ionq.sessions.capacity_queue import CapacityWatch
from airflow_provider_ionq.sessions.target import Outcome, decide, never_started_hint
from airflow_provider_ionq.utils import metrics
from airflow_provider_ionq.waiting import outage
from airflow_provider_ionq.waiting.credentials import ConnectionReader
from airflow_provider_ionq.waiting.fetcher import Asker, Look
from airflow_provider_ionq.waiting.waiter import (
    CapacityWaiter,
    News,
    Notice,
    SessionWaiter,
    Settled,
    Turn,
    Waiter,
    relief,
    trouble,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ionq.api.errors import IonQError
    from airflow_provider_ionq.sessions.capacity_queue import CapacityQueues

log = logging.getLogger(__name__)

WOKEN_AT_ONCE = 50
"""Waiters woken in one turn of the event loop."""

FIRST_LOOK_SECONDS = 5.0
"""
Between the regular polls there is one for sessions at which nobody has looked yet, so often at most.

A regular poll may be minutes away, and who started a wait wants to know of a wrong id or key at once.
"""

GATHERING_SECONDS = 0.5
"""The first look waits so long for others that are to have theirs, as when many tasks start at once."""

Watched = tuple[str, dict[SessionWaiter, None]]
"""A session's id and who waits for it."""


class Poller:
    """
    Polls one connection for all its waiters, at the shortest interval that any of them asked for.

    :param ionq_conn_id: id of the Airflow connection.
    :param queues: those who wait for capacity; kept by the caller, for they remember what a later poller must know.
    """

    def __init__(self, ionq_conn_id: str, queues: CapacityQueues[CapacityWaiter]) -> None:
        self.ionq_conn_id = ionq_conn_id
        self._queues = queues
        self._waiters: dict[str, dict[SessionWaiter, None]] = {}
        self._intervals: Counter[float] = Counter()
        self._changed = asyncio.Event()
        self._unseen: dict[SessionWaiter, None] = {}
        self._unseen_since = 0.0
        self._first_looked_at = -FIRST_LOOK_SECONDS
        self._connection = ConnectionReader(ionq_conn_id)
        self._asker: Asker | None = None
        self._outage = outage.Outage()
        self._session_outages: dict[str, outage.Outage] = {}

    def add(self, waiter: SessionWaiter | CapacityWaiter) -> None:
        """Let a waiter take part in the next poll."""
        if not self._intervals or waiter.interval < min(self._intervals):
            self._changed.set()
        self._intervals[waiter.interval] += 1
        if isinstance(waiter, CapacityWaiter):
            if self._queues.add(waiter):
                self._changed.set()
            return
        self._waiters.setdefault(waiter.session_id, {})[waiter] = None
        if waiter.unseen:
            if not self._unseen:
                self._unseen_since = time.monotonic()
                self._changed.set()
            self._unseen[waiter] = None

    def remove(self, waiter: SessionWaiter | CapacityWaiter) -> bool:
        """Let a waiter go; return whether it was the last."""
        self._intervals[waiter.interval] -= 1
        if not self._intervals[waiter.interval]:
            del self._intervals[waiter.interval]
        if isinstance(waiter, CapacityWaiter):
            self._queues.remove(waiter)
        else:
            same = self._waiters[waiter.session_id]
            del same[waiter]
            self._unseen.pop(waiter, None)
            if not same:
                del self._waiters[waiter.session_id]
                self._session_outages.pop(waiter.session_id, None)
        return not self._intervals

    async def run(self) -> None:
        """Poll until cancelled; for those whose worker has just looked first after an interval."""
        polled = time.monotonic()
        try:
            while True:
                if everybody := await self._pause(polled):
                    polled = time.monotonic()
                await self._poll(everybody)
        finally:
            self._close()
            metrics.gauge("ionq.waiters", self.ionq_conn_id, 0)

    async def crashed(self, error: BaseException) -> None:
        """Tell every waiter that the poll is no more."""
        await self._tell((waiter, error) for waiter in self._all())

    async def _pause(self, polled: float) -> bool:
        """Wait until a poll is due; return whether for everybody, or for those only at whom nobody has looked yet."""
        finished = time.monotonic()
        while self._intervals:
            pause = self._outage.pause_seconds(min(self._intervals))
            # The second part keeps answers slower than the interval from being asked for without a break.
            regular = max(polled + pause, finished + min(pause / 2, 1.0))
            first = math.inf
            if self._unseen and not self._outage.failures:
                first = max(self._first_looked_at + FIRST_LOOK_SECONDS, self._unseen_since + GATHERING_SECONDS)
            # Not while the API is out: whoever asks for a session then may not learn whether it got one.
            turn = math.inf if self._outage.failures else self._queues.next_at()
            self._changed.clear()
            try:
                async with asyncio.timeout(min(regular, first, turn) - time.monotonic()):
                    await self._changed.wait()
            except TimeoutError:
                if turn < min(regular, first):
                    await self._tell(self._turns())
                    continue
                return regular <= first or len(self._unseen) == self._intervals.total()
        return True

    async def _poll(self, everybody: bool) -> None:
        # In a thread: the first call may look up the statistics' host.
        await asyncio.to_thread(metrics.count, "ionq.polls", self.ionq_conn_id)
        if self._connection.is_due(troubled=self._is_troubled()) and await self._connection.read():
            self._close()
            if (settings := self._connection.settings) is not None:
                self._asker = Asker(settings, lambda: bool(self._intervals))
        if everybody:
            watched = list(self._waiters.items())
        else:
            ids = dict.fromkeys(waiter.session_id for waiter in self._unseen)
            watched = [(session_id, self._waiters[session_id]) for session_id in ids]
        seen, self._unseen = self._unseen, {}
        if seen:
            self._first_looked_at = time.monotonic()
        began = time.monotonic()
        await self._ask(watched, self._queues.watch() if everybody else CapacityWatch())
        for waiter in seen:
            waiter.unseen = False
        self._report(len(watched), time.monotonic() - began)

    def _report(self, asked_for: int, seconds: float) -> None:
        waiters = self._intervals.total()
        metrics.gauge("ionq.waiters", self.ionq_conn_id, waiters)
        log.debug(
            "IonQ connection %r: polled for %d of %d awaited sessions in %.3f s; %d waiters, shortest interval %g s;"
            " %d failures in a row, %d sessions that alone fail.",
            self.ionq_conn_id,
            asked_for,
            len(self._waiters),
            seconds,
            waiters,
            min(self._intervals, default=math.inf),
            self._outage.failures,
            len(self._session_outages),
        )

    async def _ask(self, watched: list[Watched], watch: CapacityWatch) -> None:
        """Ask for some of the sessions, and tell whom it concerns what came of it."""
        if self._asker is None:
            await self._failed(self._connection.error)
            return
        look, news = await asyncio.to_thread(self._look, self._asker, watched, watch)
        was_troubled = self._is_troubled()
        await self._note_session_errors(look)
        if look.failure is not None:
            await self._failed(look.failure)
        elif self._outage.passed():
            log.info("IonQ connection %r: the API answers again.", self.ionq_conn_id)
        if look.failure is None:
            if was_troubled:
                await self._tell(self._relieved(look))
            news += self._turns(look)
        await self._tell(news)

    # Everything from here to the next such line runs in a thread.

    def _look(self, asker: Asker, watched: list[Watched], watch: CapacityWatch) -> tuple[Look, list[News]]:
        """Ask for the sessions and decide for each waiter."""
        # Those that alone fail come last: what they do says least about the others.
        ids = sorted((session_id for session_id, _ in watched), key=self._session_outages.__contains__)
        look = asker.look(ids, self._outage.failures, watch)
        now = time.monotonic()
        news: list[News] = []
        for session_id, waiters in watched:
            if (session := look.sessions.get(session_id)) is not None:
                for waiter in list(waiters):
                    if waiter.ready_at > now:
                        continue
                    decision = decide(session, waiter.target)
                    if decision.outcome is not Outcome.WAIT:
                        news.append((waiter, Settled(session)))
                        continue
                    if waiter.unseen and (hint := never_started_hint(session, waiter.target)):
                        news.append((waiter, Notice(logging.WARNING, hint)))
                    if decision.warning != waiter.warned:
                        waiter.warned = decision.warning
                        if decision.warning:
                            news.append((waiter, Notice(logging.WARNING, decision.warning)))
        return look, news

    # Back on the event loop.

    def _is_troubled(self) -> bool:
        return self._outage.failures > 0 or bool(self._session_outages)

    def _close(self) -> None:
        if self._asker is not None:
            self._asker.close()

    async def _failed(self, error: IonQError) -> None:
        """Take note of a poll that failed for all."""
        self._outage.failed(error, self._connection.reads)
        metrics.count("ionq.poll_failures", self.ionq_conn_id)
        log.warning("The poll failed: %s", naming_connection(error, self.ionq_conn_id))
        await self._tell(trouble(self._all(), error, final=self._outage.final))

    async def _note_session_errors(self, look: Look) -> None:
        """Take note of the sessions that alone could not be read."""
        for session_id in look.sessions.keys() & self._session_outages.keys():
            del self._session_outages[session_id]
        if not look.errors:
            return
        news: list[News] = []
        for session_id, error in look.errors.items():
            if session_id not in self._waiters:
                continue  # who waited for it has left meanwhile
            state = self._session_outages.setdefault(session_id, outage.Outage())
            state.failed(error, self._connection.reads)
            news += trouble(self._waiters.get(session_id, ()), error, final=state.final)
        example = next(iter(look.errors.values()))
        log.warning(
            "IonQ connection %r: %d sessions could not be read: %s", self.ionq_conn_id, len(look.errors), example
        )
        await self._tell(news)

    def _relieved(self, look: Look) -> list[News]:
        seen = (waiter for session_id in look.sessions for waiter in self._waiters.get(session_id, ()))
        return relief(itertools.chain(seen, self._queues))

    def _turns(self, look: Look | None = None) -> list[News]:
        """Return whose turn it is to ask for a session, after a look or without one."""
        now = time.monotonic()
        if look is not None:
            self._queues.note(look.opened, look.over, now)
        return [(waiter, Turn(session_id)) for waiter, session_id in self._queues.turns(now)]

    def _all(self) -> list[Waiter[Any]]:
        return [*itertools.chain.from_iterable(self._waiters.values()), *self._queues]

    async def _tell(self, news: Iterable[News]) -> None:
        settled = 0
        try:
            for count, (waiter, item) in enumerate(news, start=1):
                waiter.tell(item)
                settled += isinstance(item, (Settled, Turn))
                if count % WOKEN_AT_ONCE == 0:
                    await asyncio.sleep(0)
        finally:
            # Also when the last of them has left meanwhile, which ends the poll.
            if settled:
                metrics.count("ionq.settled", self.ionq_conn_id, settled)
