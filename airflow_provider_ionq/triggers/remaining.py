"""How much of a trigger's time-out is left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger


def remaining_seconds(trigger: BaseTrigger) -> float | None:
    """
    Return what is left until the triggerer times the wait out, by the clock that it goes by.

    :param trigger: the trigger, as the triggerer runs it.
    :return: seconds; None where Airflow does not tell.
    """
    timeout_after: datetime | None = getattr(trigger, "timeout_after", None)
    if timeout_after is None:
        return None
    if timeout_after.tzinfo is None:
        timeout_after = timeout_after.replace(tzinfo=UTC)
    return (timeout_after - datetime.now(UTC)).total_seconds()
