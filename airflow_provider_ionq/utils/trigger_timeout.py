"""The remaining time-out of a trigger, and the end of the wait where Airflow does not enforce it."""

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

    `trigger_id`: None if no triggerer runs the trigger, as in `dag.test()`; `remaining`: the rest of the time-out when
    the task was deferred, in seconds, or None; `began`: when the trigger began to run, by `time.monotonic()`.
    """

    trigger_id: int | None
    remaining: float | None
    began: float


def remaining_seconds(trigger: TimedTrigger) -> float | None:
    """
    Return the seconds until the wait times out, by the triggerer's deadline or else by the trigger's own clock.

    :param trigger: the running trigger.
    :return: seconds; None if Airflow ends the wait but does not expose the deadline.
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
    End a wait at its time-out where no triggerer does; the task then polls itself.

    `dag.test()` runs a trigger without its time-out, and would wait forever.

    :param trigger: the running trigger.
    :param waiter: its place in the poll.
    """
    if getattr(trigger, "timeout_after", None) is None and (remaining := remaining_seconds(trigger)) is not None:
        asyncio.get_running_loop().call_later(remaining, waiter.notify, waiter.result_of_refusal())
