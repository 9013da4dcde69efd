"""Deferral of a task to the triggerer, and its resumption on a worker: the same for sensors and operators."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from airflow.providers.common.compat.sdk import BaseOperator, Context
    from airflow.triggers.base import BaseTrigger

    _Operator = BaseOperator
else:
    _Operator = object

TIMED_OUT_AIRFLOW_2 = "Trigger/execution timeout"
"""Airflow 2's error for a trigger that timed out; in Airflow 2 this includes `execution_timeout`."""

TIMED_OUT = ("Trigger timeout", TIMED_OUT_AIRFLOW_2)

_QUOTED_CHARACTERS = 200


def check_event(
    event: object, own: Mapping[str, Any], *, required: Collection[str] = (), optional: Collection[str] = ()
) -> dict[str, Any]:
    """
    Return the event with which a task was resumed if the task's own trigger fired it.

    :param event: the event.
    :param own: keys of the event with the values that it must have.
    :param required: further keys that the event must have.
    :param optional: keys that the event may have.
    :raises ValueError: if another trigger fired the event, or the event is about another item.
    """
    quoted = str(event)[:_QUOTED_CHARACTERS]
    expected = {*own, *required}
    if not isinstance(event, dict) or not expected <= event.keys() <= {*expected, *optional}:
        raise ValueError(f"The task was resumed with an unexpected event: {quoted}")
    for name, value in own.items():
        if event[name] != value:
            raise ValueError(f"The task waits for {name} {value!r}, but was resumed with another event: {quoted}")
    return event


class DeferrableMixin(_Operator):
    """
    A mixin for sensors and operators that wait in the triggerer for at most `timeout`.

    Must precede Airflow's base class. The class must have an `execute_complete` with the arguments `event` and
    `deadline`, which it passes to :meth:`remaining_seconds`, and an :meth:`on_timeout`.
    """

    timeout: float
    """Longest wait, in seconds."""

    def on_timeout(self, context: Context, by_execution_timeout: bool = False) -> Any:
        """
        Make a last attempt after the time-out: the wait may have been over while no triggerer ran.

        :param context: the task's context.
        :param by_execution_timeout: whether it was `execution_timeout` that ended the wait (Airflow 2).
        """
        raise NotImplementedError

    def limit_text(self, *, by_execution_timeout: bool = False) -> str:
        """Return the limit that a wait has reached, for a time-out's message."""
        if by_execution_timeout and self.execution_timeout is not None:
            return f"its execution_timeout of {duration_text(self.execution_timeout.total_seconds())}"
        return duration_text(self.timeout)

    def defer_wait(self, trigger: BaseTrigger, remaining: float, *, first: bool, **kwargs: Any) -> NoReturn:
        """
        Continue the wait in the triggerer, and then in `execute_complete`.

        :param trigger: the trigger.
        :param remaining: the rest of the wait, in seconds.
        :param first: whether the wait continues in the triggerer for the first time.
        :param kwargs: further arguments of `execute_complete`.
        """
        if first:
            self.log.info("Deferring: the wait continues in the triggerer, which must be running.")
        self.defer(
            trigger=trigger,
            method_name="execute_complete",
            kwargs={"deadline": time.time() + remaining, **kwargs},
            timeout=timedelta(seconds=remaining),
        )

    def remaining_seconds(self, event: Mapping[str, Any], deadline: float | None) -> float:
        """
        Return the rest of the wait, in seconds.

        :param event: the trigger's event. Its `remaining` takes precedence: Airflow's clock for the time-out is that of
            its database.
        :param deadline: end of the wait, in seconds since the epoch; None restarts `timeout`.
        """
        remaining: float | None = event.get("remaining")
        if remaining is not None:
            return remaining
        return self.timeout if deadline is None else min(deadline - time.time(), self.timeout)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after the trigger, or call :meth:`on_timeout` after its time-out."""
        if next_method == "__fail__" and (error := (next_kwargs or {}).get("error")) in TIMED_OUT:
            by_execution_timeout = (
                error == TIMED_OUT_AIRFLOW_2
                and self.execution_timeout is not None
                and self.execution_timeout.total_seconds() < self.timeout
            )
            next_method, next_kwargs = "on_timeout", {"by_execution_timeout": by_execution_timeout}
        return super().resume_execution(next_method, next_kwargs, context)
