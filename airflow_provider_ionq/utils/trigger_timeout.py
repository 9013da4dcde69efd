"""How much of a trigger's time-out is left, and how the wait ends where Airflow does not end it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from airflow_provider_ionq.waiting.waiter import Waiter


class TimedTrigger(Protocol):
    """
    A trigger with a time-out.

    `trigger_id`: None where no triggerer runs the trigger, as in `dag.test()`; `remaining`: what was left of the
    time-out when the task was deferred, in seconds, or None; `began`: when the trigger began to run, by
    `time.monotonic()`.
    """

    trigger_id: int | None
    remaining: float | None
    began: float


def remaining_seconds(trigger: TimedTrigger) -> float | None:
    """
    Return what is left until the wait times out: by the clock of the triggerer, which ends it then, or by our own.

    :param trigger: the trigger, as it is run.
    :return: seconds; None where Airflow ends the wait and does not tell when.
    """
    timeout_after: datetime | None = getattr(trigger, "timeout_after", None)
    if timeout_after is None:
        if trigger.trigger_id is not None or trigger.remaining is None:
            return None
        return trigger.remaining - (time.monotonic() - trigger.began)
    if timeout_after.tzinfo is None:
        timeout_after = timeout_after.replace(tzinfo=UTC)
    return (timeout_after - datetime.now(UTC)).total_seconds()


def end_where_airflow_does_not(trigger: TimedTrigger, waiter: Waiter[Any]) -> None:
    """
    See to it that a wait which no triggerer times out is over when its time is: the task is then to look for itself.

    `dag.test()` runs a trigger without its time-out, and would wait for ever.

    :param trigger: the trigger, as it is run.
    :param waiter: its place in the poll.
    """
    if getattr(trigger, "timeout_after", None) is None and (remaining := remaining_seconds(trigger)) is not None:
        asyncio.get_running_loop().call_later(remaining, waiter.notify, waiter.result_of_refusal())
