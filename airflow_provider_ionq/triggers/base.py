"""The base classes of the triggers."""

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
    from airflow_provider_ionq.waiting.resource import Resource
    from airflow_provider_ionq.waiting.target import Target
    from airflow_provider_ionq.waiting.waiter import Finished, Waiter

FIRST_POLL_WITHIN_SECONDS = 60.0
"""
In a wait that is older than this, no poll counts as the first.

A trigger loses its state when its triggerer restarts, and errors are treated as mistakes at the first poll only.
"""


class IonQTrigger(BaseTrigger):
    """
    A trigger that takes part in the shared poll of a connection. Its arguments never contain the API key.

    :param ionq_conn_id: id of the Airflow connection.
    :param remaining: the rest of the time-out when a worker deferred the task, in seconds, for use without a triggerer,
        as in `dag.test()`; None if it is unknown.
    """

    arguments: ClassVar[tuple[str, ...]]
    """The constructor's arguments, which are also attributes."""

    resource: ClassVar[Resource[Any]]
    """The polled resource."""

    def __init__(self, ionq_conn_id: str, remaining: float | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ionq_conn_id = ionq_conn_id
        self.remaining = remaining
        self.began = time.monotonic()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and arguments. Both are stored with deferred tasks, which outlive upgrades."""
        cls = type(self)
        return f"{cls.__module__}.{cls.__qualname__}", {name: getattr(self, name) for name in self.arguments}

    async def wait(self, waiter: Waiter[Any]) -> Any:
        """
        Wait in the shared poll, and write its log lines to the task's log.

        :param waiter: the place in the poll.
        :return: the waiter's result.
        """
        # The poll itself repeats failed requests.
        read_settings = IonQHook(self.ionq_conn_id, max_retries=0).get_settings
        with subscribe(PolledConnection(self.ionq_conn_id, read_settings, metrics), self.resource, waiter):
            end_where_airflow_does_not(self, waiter)
            while isinstance(result := await waiter.next(), LogLine):
                self.log.log(result.level, result.text)
        return result


class IonQResourceTrigger(IonQTrigger):
    """
    Wait for one item of a resource; all triggers of one connection share one poll.

    Fires once, with the item's id; the item's JSON from the last poll, or None if the API rejects the request and the
    task should poll itself; `first_look`: whether that was the first poll of the wait; and `remaining`: the rest of the
    time-out in seconds, None if Airflow does not expose it. Errors of the API do not fail the trigger.

    :param ionq_conn_id: id of the Airflow connection.
    :param poke_interval: the longest time between two polls, in seconds.
    :param timeout: the task's time-out in seconds if the wait begins here; None if a worker has already polled.
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
        :param target: the awaited state.
        """
        waiter = ItemWaiter(item_id, target, self.poke_interval, needs_first_poll=self._is_begin_of_wait())
        result: Finished = await self.wait(waiter)
        return result

    def event(self, item_id: str, item: Any, *, first_poll: bool) -> TriggerEvent:
        """
        Return the event.

        :param item_id: id of the item.
        :param item: its JSON; None if the task should poll itself.
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
