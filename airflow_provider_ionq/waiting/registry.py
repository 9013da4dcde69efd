"""Take part in a shared poll: one per connection, resource and event loop, as long as it has waiters."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_ionq.waiting.poller import Poller
from airflow_provider_ionq.waiting.waiter import Waiter

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from airflow_provider_ionq.waiting.connection import PolledConnection
    from airflow_provider_ionq.waiting.observer import PollObserver
    from airflow_provider_ionq.waiting.resource import Resource

log = logging.getLogger(__name__)

AnyWaiter = TypeVar("AnyWaiter", bound=Waiter[Any])

Key = tuple[str, str]
"""The id of a connection and the name of a resource."""


@dataclass(frozen=True, slots=True, eq=False)
class _Poll:
    """A poll that was started in a dictionary of running polls."""

    key: Key
    running: dict[Key, _Poll]
    poller: Poller[Any]
    task: asyncio.Task[None]


class _Polls:
    """The polls of one event loop."""

    def __init__(self) -> None:
        self.running: dict[Key, _Poll] = {}
        # Outlive the polls: a returning waiter may have been the only one.
        self.observers: dict[Key, PollObserver[Any] | None] = {}


# An asyncio task cannot serve the triggers of another event loop.
_polls: WeakKeyDictionary[asyncio.AbstractEventLoop, _Polls] = WeakKeyDictionary()


class Subscription(Generic[AnyWaiter]):
    """
    A waiter's part in a poll; a context manager that ends it, and with the last waiter the poll.

    Thousands exist in a triggerer: a generator as context manager takes ten times the memory, and keeps its arguments.

    :param waiter: the waiter, which the poll has.
    :param poll: the poll.
    """

    __slots__ = ("_poll", "_waiter")

    def __init__(self, waiter: AnyWaiter, poll: _Poll) -> None:
        self._waiter = waiter
        self._poll = poll

    def __enter__(self) -> AnyWaiter:
        return self._waiter

    def __exit__(self, *_: object) -> None:
        poll = self._poll
        if poll.poller.remove(self._waiter):
            poll.task.cancel()
            if poll.running.get(poll.key) is poll:
                del poll.running[poll.key]


def subscribe(connection: PolledConnection, resource: Resource[Any], waiter: AnyWaiter) -> Subscription[AnyWaiter]:
    """
    Take part in the poll of a connection until the returned context manager exits, and start the poll if necessary.

    :param connection: the connection.
    :param resource: the polled resource.
    :param waiter: the waiter; an :class:`~airflow_provider_ionq.waiting.waiter.ItemWaiter`, or a waiter of
        the resource's observer.
    """
    polls = _polls.setdefault(asyncio.get_running_loop(), _Polls())
    key = (connection.ionq_conn_id, resource.name)
    if key not in polls.running:
        if key not in polls.observers:
            polls.observers[key] = resource.new_observer()
        poller = Poller(connection, resource, polls.observers[key])
        polls.running[key] = _Poll(key, polls.running, poller, _start(_run(poller, key, polls)))
    poll = polls.running[key]
    poll.poller.add(waiter)
    return Subscription(waiter, poll)


async def _run(poller: Poller[Any], key: Key, polls: _Polls) -> None:
    try:
        await poller.run()
    except Exception as error:
        polls.running.pop(key, None)
        log.exception("IonQ connection %r: the poll crashed; its waiters fail.", poller.ionq_conn_id)
        await poller.crashed(error)


def _start(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    # In its own context: otherwise it inherits the first trigger's, and logs to its task.
    return asyncio.get_running_loop().create_task(coroutine, name="ionq-poller", context=contextvars.Context())
