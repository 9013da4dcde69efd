"""
One poll per connection in a triggerer process, shared by every trigger that waits on it.

Rules of this file: HTTP, JSON and decisions run in threads, never on the event loop; the loop only wakes those whose
session is settled, a few at a time; a poller lives from its first waiter to its last; what the API answers is
never an exception here, only a bug is.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from airflow_provider_ionq import outage
from airflow_provider_ionq.asker import Asker, Look
from airflow_provider_ionq.conditions import Outcome, Target, decide
from airflow_provider_ionq.errors import IonQConfigurationError, IonQError
from airflow_provider_ionq.hooks.ionq import IonQHook

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator

    from airflow_provider_ionq.models import Session
    from airflow_provider_ionq.settings import ClientSettings

log = logging.getLogger(__name__)

WOKEN_AT_ONCE = 50
"""Waiters woken in one turn of the event loop."""

SETTLING_SECONDS = 5.0
"""
A waiter is not woken sooner than this, or than its interval if that is shorter.

The worker that deferred has just looked, and Airflow 3 takes a task that is resumed before the deferring process was
seen to end, up to `[workers] min_heartbeat_interval` later, for one that was killed.
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """
    Nothing more to wait for.

    :param session: the session's JSON as it was seen; None means that the API refuses to show it, look again.
    """

    session: Session | None


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
    """

    __slots__ = ("_news", "_woken", "interval", "ready_at", "session_id", "target", "troubled", "warned")

    def __init__(self, session_id: str, target: Target, interval: float) -> None:
        self.session_id = session_id
        self.target = target
        self.interval = interval
        self.ready_at = time.monotonic() + min(interval, SETTLING_SECONDS)
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


class Poller:
    """
    Polls one connection for all its waiters, at the shortest interval that any of them asked for.

    :param ionq_conn_id: id of the Airflow connection.
    """

    def __init__(self, ionq_conn_id: str) -> None:
        self.ionq_conn_id = ionq_conn_id
        self._waiters: dict[str, dict[Waiter, None]] = {}
        self._intervals: Counter[float] = Counter()
        self._changed = asyncio.Event()
        self._settings: ClientSettings | None = None
        self._settings_error: IonQError | None = None
        self._settings_tried_at: float | None = None
        self._settings_reads = 0
        self._asker: Asker | None = None
        self._outage = outage.Outage()
        self._session_outages: dict[str, outage.Outage] = {}

    def add(self, waiter: Waiter) -> None:
        """Let a waiter take part in the next poll."""
        if not self._intervals or waiter.interval < min(self._intervals):
            self._changed.set()
        self._intervals[waiter.interval] += 1
        self._waiters.setdefault(waiter.session_id, {})[waiter] = None

    def remove(self, waiter: Waiter) -> bool:
        """Let a waiter go; return whether it was the last."""
        same = self._waiters[waiter.session_id]
        del same[waiter]
        if not same:
            del self._waiters[waiter.session_id]
            self._session_outages.pop(waiter.session_id, None)
        self._intervals[waiter.interval] -= 1
        if not self._intervals[waiter.interval]:
            del self._intervals[waiter.interval]
        return not self._waiters

    async def run(self) -> None:
        """Poll until cancelled, first after an interval: the worker of the first waiter has just looked."""
        started = time.monotonic()
        try:
            while True:
                await self._pause(started)
                started = time.monotonic()
                await self._poll()
        finally:
            self._close()

    async def crashed(self, error: BaseException) -> None:
        """Tell every waiter that the poll is no more."""
        await self._tell((waiter, error) for waiter in self._all())

    async def _pause(self, started: float) -> None:
        finished = time.monotonic()
        while self._intervals:
            pause = self._outage.pause_seconds(min(self._intervals))
            # The second part keeps answers slower than the interval from being asked for without a break.
            until = max(started + pause, finished + min(pause / 2, 1.0))
            self._changed.clear()
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    await self._changed.wait()
            except TimeoutError:
                return

    async def _poll(self) -> None:
        if self._reading_is_due():
            await self._read_settings()
        if self._asker is None:
            await self._failed(self._settings_error or IonQConfigurationError("the connection was never read"))
            return
        look, news = await asyncio.to_thread(self._look, self._asker, list(self._waiters.items()))
        was_troubled = self._outage.failures > 0 or bool(self._session_outages)
        await self._note_session_errors(look)
        if look.failure is not None:
            await self._failed(look.failure)
        elif self._outage.passed():
            log.info("IonQ connection %r: the API answers again.", self.ionq_conn_id)
        if was_troubled and look.failure is None:
            await self._tell(self._relieved(look))
        await self._tell(news)

    # Everything from here to the next such line runs in a thread.

    def _look(self, asker: Asker, watched: list[tuple[str, dict[Waiter, None]]]) -> tuple[Look, list[News]]:
        """Ask for the sessions and decide for each waiter."""
        # Those that alone fail come last: what they do says least about the others.
        ids = sorted((session_id for session_id, _ in watched), key=self._session_outages.__contains__)
        look = asker.look(ids, self._outage.failures)
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
                    elif decision.warning != waiter.warned:
                        waiter.warned = decision.warning
                        if decision.warning:
                            news.append((waiter, Notice(logging.WARNING, decision.warning)))
        return look, news

    # Back on the event loop.

    def _reading_is_due(self) -> bool:
        if self._settings_tried_at is None:
            return True
        troubled = self._outage.failures > 0 or bool(self._session_outages)
        return troubled and time.monotonic() - self._settings_tried_at >= outage.REREAD_SECONDS

    async def _read_settings(self) -> None:
        """Read the connection; keep what we have when it cannot be read."""
        self._settings_tried_at = time.monotonic()
        try:
            settings = await asyncio.to_thread(IonQHook(self.ionq_conn_id, max_retries=0).get_settings)
        except IonQError as error:
            self._settings_error = error
        except Exception as error:  # a secrets backend may raise anything; it is an outage like another
            self._settings_error = IonQConfigurationError(
                f"connection {self.ionq_conn_id!r} could not be read: {error}"
            )
        else:
            self._settings_reads += 1
            if settings != self._settings:
                self._close()
                self._settings, self._asker = settings, Asker(settings, lambda: bool(self._waiters))
            return
        log.warning("IonQ connection %r: %s", self.ionq_conn_id, self._settings_error)

    def _close(self) -> None:
        if self._asker is not None:
            self._asker.close()

    async def _failed(self, error: IonQError) -> None:
        """Take note of a poll that failed for all."""
        self._outage.failed(error, self._settings_reads)
        log.warning("IonQ connection %r: poll failed: %s", self.ionq_conn_id, error)
        await self._tell(_trouble(self._all(), error, final=self._outage.final))

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
            state.failed(error, self._settings_reads)
            news += _trouble(self._waiters.get(session_id, ()), error, final=state.final)
        example = next(iter(look.errors.values()))
        log.warning(
            "IonQ connection %r: %d sessions could not be read: %s", self.ionq_conn_id, len(look.errors), example
        )
        await self._tell(news)

    def _relieved(self, look: Look) -> list[News]:
        relieved = [waiter for id_ in look.sessions for waiter in self._waiters.get(id_, ()) if waiter.troubled]
        for waiter in relieved:
            waiter.troubled = False
        return [(waiter, _ANSWERS_AGAIN) for waiter in relieved]

    def _all(self) -> list[Waiter]:
        return [waiter for waiters in self._waiters.values() for waiter in waiters]

    async def _tell(self, news: Iterable[News]) -> None:
        for count, (waiter, item) in enumerate(news, start=1):
            waiter.tell(item)
            if count % WOKEN_AT_ONCE == 0:
                await asyncio.sleep(0)


_ANSWERS_AGAIN = Notice(logging.INFO, "The IonQ API answers again; waiting on.")


def _trouble(waiters: Iterable[Waiter], error: IonQError, *, final: bool) -> list[News]:
    """Make the news of a failed look: once for each waiter, or the last when it is final."""
    if final:
        return [(waiter, Settled(None)) for waiter in waiters if waiter.ready_at <= time.monotonic()]
    notice = Notice(logging.WARNING, f"The IonQ API cannot be asked; waiting on until it can. {error}")
    untold = [waiter for waiter in waiters if not waiter.troubled]
    for waiter in untold:
        waiter.troubled = True
    return [(waiter, notice) for waiter in untold]


# A task of one event loop cannot serve the triggers of another.
_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, tuple[Poller, asyncio.Task[None]]]] = (
    WeakKeyDictionary()
)


@contextlib.contextmanager
def subscribe(ionq_conn_id: str, session_id: str, target: Target, interval: float) -> Iterator[Waiter]:
    """
    Take part in the poll of a connection, starting it if need be, for as long as the context is open.

    :param ionq_conn_id: id of the Airflow connection.
    :param session_id: id of the awaited session.
    :param target: what is waited for.
    :param interval: the longest time between two looks, in seconds.
    """
    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    if ionq_conn_id not in pollers:
        poller = Poller(ionq_conn_id)
        pollers[ionq_conn_id] = (poller, _start(_run(poller, pollers)))
    poller, task = pollers[ionq_conn_id]
    waiter = Waiter(session_id, target, interval)
    poller.add(waiter)
    try:
        yield waiter
    finally:
        if poller.remove(waiter):
            task.cancel()
            if pollers.get(ionq_conn_id) == (poller, task):
                del pollers[ionq_conn_id]


async def _run(poller: Poller, pollers: dict[str, tuple[Poller, asyncio.Task[None]]]) -> None:
    try:
        await poller.run()
    except Exception as error:
        pollers.pop(poller.ionq_conn_id, None)
        log.exception("IonQ connection %r: the poll crashed; its waiters fail.", poller.ionq_conn_id)
        await poller.crashed(error)


def _start(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    # In a context of its own: else it inherits that of the trigger that came first, and logs into its task.
    return asyncio.get_running_loop().create_task(coroutine, name="ionq-poller", context=contextvars.Context())
