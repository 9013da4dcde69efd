"""Take part in the shared poll: each connection has one in each event loop, for as long as somebody waits."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_ionq.sessions.capacity_queue import CapacityQueues
from airflow_provider_ionq.waiting.poller import Poller
from airflow_provider_ionq.waiting.waiter import CapacityWaiter, SessionWaiter

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Iterator

    from airflow_provider_ionq.sessions.target import Target

log = logging.getLogger(__name__)


class _Polls:
    """The polls of one event loop."""

    def __init__(self) -> None:
        self.running: dict[str, tuple[Poller, asyncio.Task[None]]] = {}
        # Outlive the polls: who comes back to wait again may have been the only one.
        self.queues: dict[str, CapacityQueues[CapacityWaiter]] = {}


# A task of one event loop cannot serve the triggers of another.
_polls: WeakKeyDictionary[asyncio.AbstractEventLoop, _Polls] = WeakKeyDictionary()

AnyWaiter = TypeVar("AnyWaiter", SessionWaiter, CapacityWaiter)


def subscribe(
    ionq_conn_id: str, session_id: str, target: Target, interval: float, *, unseen: bool = False
) -> contextlib.AbstractContextManager[SessionWaiter]:
    """
    Wait for a session for as long as the context is open.

    :param ionq_conn_id: id of the Airflow connection.
    :param session_id: id of the awaited session.
    :param target: what is waited for.
    :param interval: the longest time between two looks, in seconds.
    :param unseen: whether nobody has looked at the session yet, so that the first look is one at which mistakes count.
    """
    return _subscribed(ionq_conn_id, SessionWaiter(session_id, target, interval, unseen=unseen))


def queue_up(
    ionq_conn_id: str, backend: str, open_ids: Collection[str], since: float, interval: float, pause: float
) -> contextlib.AbstractContextManager[CapacityWaiter]:
    """
    Wait for capacity of a backend for as long as the context is open.

    :param ionq_conn_id: id of the Airflow connection.
    :param backend: name of the device.
    :param open_ids: ids of its sessions that had not ended when the task looked.
    :param since: when the task first found no capacity, in epoch seconds.
    :param interval: the longest time between two looks, in seconds.
    :param pause: how long the oldest waits when no session is known to have ended, in seconds.
    """
    return _subscribed(ionq_conn_id, CapacityWaiter(backend, open_ids, since, interval, pause))


@contextlib.contextmanager
def _subscribed(ionq_conn_id: str, waiter: AnyWaiter) -> Iterator[AnyWaiter]:
    """Take part in the poll of a connection, starting it if need be."""
    polls = _polls.setdefault(asyncio.get_running_loop(), _Polls())
    if ionq_conn_id not in polls.running:
        new = Poller(ionq_conn_id, polls.queues.setdefault(ionq_conn_id, CapacityQueues()))
        polls.running[ionq_conn_id] = (new, _start(_run(new, polls)))
    poller, task = polls.running[ionq_conn_id]
    poller.add(waiter)
    try:
        yield waiter
    finally:
        if poller.remove(waiter):
            task.cancel()
            if polls.running.get(ionq_conn_id) == (poller, task):
                del polls.running[ionq_conn_id]


async def _run(poller: Poller, polls: _Polls) -> None:
    try:
        await poller.run()
    except Exception as error:
        polls.running.pop(poller.ionq_conn_id, None)
        log.exception("IonQ connection %r: the poll crashed; its waiters fail.", poller.ionq_conn_id)
        await poller.crashed(error)


def _start(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    # In a context of its own: else it inherits that of the trigger that came first, and logs into its task.
    return asyncio.get_running_loop().create_task(coroutine, name="ionq-poller", context=contextvars.Context())
