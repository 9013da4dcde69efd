"""What the triggers share."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.utils import metrics
from airflow_provider_ionq.utils.trigger_timeout import end_where_airflow_does_not, remaining_seconds
from airflow_provider_ionq.waiting.connection import PolledConnection
from airflow_provider_ionq.waiting.registry import subscribe
from airflow_provider_ionq.waiting.waiter import ItemWaiter, LogLine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_ionq.waiting.resource import Resource
    from airflow_provider_ionq.waiting.target import Target
    from airflow_provider_ionq.waiting.waiter import Finished, Waiter

FIRST_POLL_WITHIN_SECONDS = 60.0
"""
The first poll of a wait that is older than this is not treated as its first.

A trigger forgets what it saw when its triggerer is restarted, and a mistake is believed at the first poll only.
"""


class IonQTrigger(BaseTrigger):
    """
    A trigger that takes part in the shared poll of a connection. Its arguments hold names only, never the API key.

    :param ionq_conn_id: id of the Airflow connection.
    :param remaining: what was left of the time-out when a worker deferred the task, in seconds, for where no triggerer
        ends the wait, as in `dag.test()`; None if it is not known.
    """

    arguments: ClassVar[tuple[str, ...]]
    """The arguments of the constructor. Each is an attribute."""

    resource: ClassVar[Resource[Any]]
    """What is polled."""

    def __init__(self, ionq_conn_id: str, remaining: float | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ionq_conn_id = ionq_conn_id
        self.remaining = remaining
        self.began = time.monotonic()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and arguments. Deferred tasks hold both in the database, and outlive upgrades."""
        cls = type(self)
        return f"{cls.__module__}.{cls.__qualname__}", {name: getattr(self, name) for name in self.arguments}

    async def wait(self, waiter: Waiter[Any]) -> Any:
        """
        Wait in the shared poll, and log on the way what it has to say.

        :param waiter: the place in the poll.
        :return: the waiter's result.
        """
        # The poll repeats failed requests itself.
        read_settings = IonQHook(self.ionq_conn_id, max_retries=0).get_settings
        with subscribe(PolledConnection(self.ionq_conn_id, read_settings, metrics), self.resource, waiter):
            end_where_airflow_does_not(self, waiter)
            while isinstance(result := await waiter.next(), LogLine):
                self.log.log(result.level, result.text)
        return result


class IonQResourceTrigger(IonQTrigger):
    """
    Wait for one item of a resource; all triggers of one connection share one poll.

    Fires once, with the item's id, its JSON as it was seen when its wait was over, or None when the API refuses to show
    it and the task should poll for itself, `first_look`: whether that was the first poll of the wait, and `remaining`:
    how much of the time-out is left, in seconds, None where Airflow does not tell. Does not fail for anything that the
    API says.

    :param ionq_conn_id: id of the Airflow connection.
    :param poke_interval: the longest time between two polls, in seconds.
    :param timeout: the task's time-out in seconds if the wait begins here; None if a worker has polled before.
    :param remaining: see :class:`IonQTrigger`.
    """

    def __init__(self, ionq_conn_id: str, poke_interval: float, timeout: float | None, remaining: float | None) -> None:
        super().__init__(ionq_conn_id, remaining)
        self.poke_interval = poke_interval
        self.timeout = timeout

    async def wait_for(self, item_id: str, target: Target[Any]) -> Finished:
        """
        Wait for an item.

        :param item_id: its id.
        :param target: what is waited for.
        """
        waiter = ItemWaiter(item_id, target, self.poke_interval, needs_first_poll=self._is_begin_of_wait())
        result: Finished = await self.wait(waiter)
        return result

    def event(self, item_id: str, item: Any, *, first_poll: bool) -> TriggerEvent:
        """
        Return what is fired.

        :param item_id: id of the item.
        :param item: its JSON; None when the task should poll for itself.
        :param first_poll: whether it was the first poll of the wait.
        """
        return TriggerEvent(
            {
                self.resource.id_field: item_id,
                self.resource.name: item,
                "first_look": first_poll,
                "remaining": remaining_seconds(self),
            }
        )

    def _is_begin_of_wait(self) -> bool:
        remaining = remaining_seconds(self)
        if self.timeout is None or remaining is None:
            return False
        return self.timeout - remaining <= FIRST_POLL_WITHIN_SECONDS

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire once."""
        raise NotImplementedError
        yield
