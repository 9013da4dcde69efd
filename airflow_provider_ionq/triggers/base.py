"""The base classes of the triggers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.utils import metrics
from airflow_provider_ionq.utils.ids import checked_id
from airflow_provider_ionq.utils.trigger_timeout import end_where_airflow_does_not, remaining_seconds
from airflow_provider_ionq.waiting.connection import PolledConnection
from airflow_provider_ionq.waiting.decision import Outcome
from airflow_provider_ionq.waiting.durations import duration_text
from airflow_provider_ionq.waiting.registry import subscribe
from airflow_provider_ionq.waiting.waiter import ItemWaiter, LogLine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
        with subscribe(self._connection(), self.resource, waiter):
            end_where_airflow_does_not(self, waiter)
            while isinstance(result := await waiter.next(), LogLine):
                self.log.log(result.level, result.text)
        return result

    def _connection(self) -> PolledConnection:
        # The poll itself repeats failed requests.
        return PolledConnection(self.ionq_conn_id, IonQHook(self.ionq_conn_id, max_retries=0).get_settings, metrics)


class IonQResourceTrigger(IonQTrigger):
    """
    Wait for one item of a resource; all triggers of one connection share one poll.

    Fires once, with the item's id; the item's JSON from the last poll, or None if the task should poll itself: the API
    rejects the request, or a list does not show the whole item; `first_look`: whether that was the first poll of the
    wait; and `remaining`: the rest of the time-out in seconds, None if Airflow does not expose it. Errors of the API do
    not fail the trigger. A subclass sets the resource, the argument with the id, and the target.

    :param ionq_conn_id: id of the Airflow connection.
    :param poke_interval: the longest time between two polls, in seconds.
    :param timeout: the task's time-out in seconds if the wait begins here; None if a worker has already polled.
    :param remaining: see :class:`IonQTrigger`.
    :param end_from_trigger: end the task as a success from the trigger when the target is met.
    :param push_xcom: push the item's JSON when the trigger ends the task, if Airflow supports it.
    """

    target: Target[Any]
    """The awaited state."""

    def __init__(
        self,
        ionq_conn_id: str,
        poke_interval: float,
        timeout: float | None,
        remaining: float | None,
        *,
        end_from_trigger: bool = False,
        push_xcom: bool = True,
    ) -> None:
        super().__init__(ionq_conn_id, remaining)
        self.poke_interval = poke_interval
        self.timeout = timeout
        self.end_from_trigger = end_from_trigger
        self.push_xcom = push_xcom

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire once."""
        field = self.resource.id_field
        try:
            # It may have rendered to an item's JSON.
            setattr(self, field, checked_id(getattr(self, field), field))
        except IonQFailException:
            # A worker reports the error: a task whose trigger raises is retried.
            yield self._event(None, first_poll=True)
            return
        item_id = getattr(self, field)
        if self.timeout is not None:
            self.log.info(
                "Waiting for IonQ %s %s to have %s; polling every %s for at most %s.",
                self.resource.name,
                item_id,
                self.target,
                duration_text(self.poke_interval),
                duration_text(self.timeout),
            )
        waiter = ItemWaiter(item_id, self.target, self.poke_interval, needs_first_poll=self._is_begin_of_wait())
        result: Finished = await self.wait(waiter)
        if self.end_from_trigger and result.item is not None:
            decision = self.target.decide(result.item)
            if decision.outcome is Outcome.MET:
                self.log.info("%s", decision.reason)
                yield self._end(result.item)
                return
        yield self._event(result.item if self.resource.lists_whole_items else None, first_poll=result.first_poll)

    def _event(self, item: Any, *, first_poll: bool) -> TriggerEvent:
        return TriggerEvent(
            {
                self.resource.id_field: getattr(self, self.resource.id_field),
                self.resource.name: item,
                "first_look": first_poll,
                "remaining": remaining_seconds(self),
            }
        )

    def _end(self, item: Any) -> TaskSuccessEvent:
        if not self.push_xcom:
            return TaskSuccessEvent()
        if not AIRFLOW_V_3_0_PLUS:
            return TaskSuccessEvent(xcoms={"return_value": item})
        # Airflow 3 would push the JSON text: a string, where every other mode pushes an object.
        self.log.info("The triggerer ends the task without an XCom: Airflow 3 cannot push an object from there.")
        return TaskSuccessEvent()

    def _is_begin_of_wait(self) -> bool:
        remaining = remaining_seconds(self)
        if self.timeout is None or remaining is None:
            return False
        return self.timeout - remaining <= FIRST_POLL_WITHIN_SECONDS
