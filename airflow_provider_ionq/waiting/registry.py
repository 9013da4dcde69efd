"""Take part in a shared poll: one per connection, resource and event loop, as long as it has waiters."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_ionq.waiting.poller import Poller
from airflow_provider_ionq.waiting.waiter import Waiter

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from airflow_provider_ionq.waiting.connection import PolledConnection
    from airflow_provider_ionq.waiting.observer import PollObserver
    from airflow_provider_ionq.waiting.resource import Resource

log = logging.getLogger(__name__)

AnyWaiter = TypeVar("AnyWaiter", bound=Waiter[Any])

Key = tuple[str, str]
"""The id of a connection and the name of a resource."""


class _Polls:
    """The polls of one event loop."""

    def __init__(self) -> None:
        self.running: dict[Key, tuple[Poller[Any], asyncio.Task[None]]] = {}
        # Outlive the polls: a returning waiter may have been the only one.
        self.observers: dict[Key, PollObserver[Any] | None] = {}


# An asyncio task cannot serve the triggers of another event loop.
_polls: WeakKeyDictionary[asyncio.AbstractEventLoop, _Polls] = WeakKeyDictionary()


@contextlib.contextmanager
def subscribe(connection: PolledConnection, resource: Resource[Any], waiter: AnyWaiter) -> Iterator[AnyWaiter]:
    """
    Take part in the poll of a connection while the context is open, and start the poll if necessary.

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
        new = Poller(connection, resource, polls.observers[key])
        polls.running[key] = (new, _start(_run(new, key, polls)))
    poller, task = polls.running[key]
    poller.add(waiter)
    try:
        yield waiter
    finally:
        if poller.remove(waiter):
            task.cancel()
            if polls.running.get(key) == (poller, task):
                del polls.running[key]


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
