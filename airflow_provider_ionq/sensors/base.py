"""The base class of the sensors."""

from __future__ import annotations

import importlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    PokeReturnValue,
)

from airflow_provider_ionq.get_provider_info import DEFAULT_CONN_ID
from airflow_provider_ionq.sensors.modes import is_deferrable, start_blocker, start_in_triggerer
from airflow_provider_ionq.sensors.polls import PollsItem
from airflow_provider_ionq.utils.deferral import DeferrableMixin, check_event
from airflow_provider_ionq.utils.links import IonQConsoleLink

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.providers.common.compat.sdk import Context


class IonQResourceSensor(DeferrableMixin, PollsItem, BaseSensorOperator):
    """
    Wait for one item of a resource by poking, rescheduling or deferring, with the same outcome in each mode.

    A subclass implements :class:`~airflow_provider_ionq.sensors.polls.PollsItem`. Its constructor sets the arguments,
    and then calls :meth:`prepare`.

    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :param deferrable: wait in the triggerer. None means `[operators] default_deferrable`, unless `silent_fail`,
        `exponential_backoff` or `max_wait` is set, which only a worker supports.
    :param start_from_trigger: begin the wait in the triggerer, without a worker (Airflow 3.3).
    :param end_from_trigger: end a successful task from the triggerer, without a worker.
    """

    operator_extra_links = (IonQConsoleLink(),)
    ui_color = "#f6ead7"

    def __init__(
        self,
        *,
        ionq_conn_id: str = DEFAULT_CONN_ID,
        deferrable: bool | None = None,
        start_from_trigger: bool = False,
        end_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ionq_conn_id = ionq_conn_id
        if isinstance(self.poke_interval, bool) or not self.poke_interval > 0:
            raise ValueError(f"poke_interval must be above 0 seconds, not {self.poke_interval!r}")
        self.deferrable = is_deferrable(
            self, deferrable, start_from_trigger=start_from_trigger, end_from_trigger=end_from_trigger
        )
        self.end_from_trigger = end_from_trigger
        self._start_from_trigger_requested = start_from_trigger

    def prepare(self) -> None:
        """Prepare the wait. A subclass's constructor calls it last."""
        if self._start_from_trigger_requested:
            self._start_from_trigger_blocker = start_blocker(self)
            if self._start_from_trigger_blocker is None:
                start_in_triggerer(self, self._trigger_arguments())
        self._start_over()

    def _start_over(self) -> None:
        self._forget_polls()
        self._polled = False
        self._unmet = False
        self._refused_before = False

    def execute(self, context: Context) -> Any:
        """Wait on the worker or, if deferrable, poll once and defer to the triggerer."""
        self._start_over()
        if self._start_from_trigger_requested:
            reason = (
                self._start_from_trigger_blocker or "Airflow supports it only for unmapped tasks outside dag.test()"
            )
            self.log.info("start_from_trigger=True, but this wait begins on a worker: %s.", reason)
        return self._execute_on_worker(context)

    def _execute_on_worker(self, context: Context) -> Any:
        # Also in deferrable mode, so that Airflow's own soft_fail and timeout apply in every mode.
        try:
            return super().execute(context)
        except AirflowRescheduleException as rescheduled:
            if self._poller is None or not self._poller.outage.refused or self._refused_before:
                raise
            from airflow_provider_ionq.waiting.outage import REREAD_SECONDS

            # The next poll would run in another process, which cannot know that this poll was rejected. The date is
            # that of the next poll, or of the deadline if that is earlier.
            pause = (rescheduled.reschedule_date - datetime.now(UTC)).total_seconds()
            time.sleep(max(0.0, min(pause, REREAD_SECONDS)))
            self._poller.read_connection_again()
            self._refused_before = True
            return self._execute_on_worker(context)
        except AirflowSensorTimeout:
            timed_out = AirflowSensorTimeout(self._timed_out())
            self._skip_if_never_fail(timed_out)
            raise timed_out from None
        except AirflowTaskTimeout:
            raise AirflowTaskTimeout(self._timed_out(by_execution_timeout=True)) from None
        except AirflowSkipException:
            if not self._unmet:
                raise
            # The poll did not skip, so Airflow skips for the time-out, without naming the target.
            raise AirflowSkipException(f"Skipping due to soft_fail is set to True: {self._timed_out()}") from None

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Poll once; return whether the target is met, with the item's JSON."""
        first = not self._polled and not self._was_rescheduled(context)
        self._polled = True
        self._unmet = False
        if first:
            self.log.info("Waiting for IonQ %s %s to have %s.", self.resource.name, self.item_id, self.target())
        item = self._poll(first=first, refused_before=self._refused_before)
        if item is not None and self._is_met(item, context, first=first):
            return PokeReturnValue(True, item)
        if item is not None and first:
            self._explain_wait(item)
        self._unmet = True
        return False

    def execute_complete(
        self, context: Context, event: dict[str, Any] | None = None, deadline: float | None = None
    ) -> Any:
        """
        Decide on the item in the trigger's event as `poke` does; poll again if the event has none.

        :param event: the trigger's event.
        :param deadline: when the wait times out, in seconds since the epoch; None restarts `timeout`.
        :raises ValueError: if the event is not from the sensor's trigger or is about another item.
        """
        seen = self._seen_by_trigger(event)
        is_over = self.remaining_seconds(seen, deadline) <= 0
        first_poll = seen.get("first_look", False)
        item = seen[self.resource.name] or self._poll(first=first_poll, refused_before=not is_over)
        if item is not None and self._is_met(item, context):
            return item
        remaining = self.remaining_seconds(seen, deadline)
        if remaining <= 0:
            raise AirflowSensorTimeout(self._timed_out())
        self._defer(remaining)

    def on_timeout(self, context: Context, by_execution_timeout: bool = False) -> Any:
        """Poll a last time after the time-out: the target may have been met while no triggerer ran."""
        item = self._poll()
        if item is not None and self._is_met(item, context):
            return item
        if by_execution_timeout:
            raise AirflowTaskTimeout(self._timed_out(by_execution_timeout=True))
        raise AirflowSensorTimeout(self._timed_out())

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after the trigger. After a time-out, poll once more and raise the same class as `poke`."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowException as error:
            self._skip_if_never_fail(error)
            raise

    def _timed_out(self, *, by_execution_timeout: bool = False) -> str:
        """Return the message of a time-out, the same in every mode."""
        limit = self.limit_text(by_execution_timeout=by_execution_timeout)
        awaited = f"{self.resource.name.capitalize()} {self.item_id} did not have {self.target()}"
        return f"{awaited} within {limit}; at the last poll {self._seen}."

    def _skip_if_never_fail(self, error: AirflowException) -> None:
        # From 3.2 on Airflow skips for a time-out when a task is resumed, but not in the poke loop.
        if self.never_fail and not isinstance(error, AirflowSkipException):
            raise AirflowSkipException(f"Skipping due to never_fail is set to True: {error}") from None

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        remaining = max(self.timeout - run_duration(), 0.0)
        if self.deferrable:
            self._defer(remaining, first=True)
        pause = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        if self._poller is not None:
            pause = self._poller.outage.pause_seconds(pause, grow=not self.reschedule)
        return min(pause, remaining)

    def _defer(self, remaining: float, *, first: bool = False) -> NoReturn:
        # Imported here, so that parsing a DAG file does not load the triggers.
        module, _, name = self.trigger_class_path.rpartition(".")
        trigger_class = getattr(importlib.import_module(module), name)
        self.defer_wait(trigger_class(**self._trigger_arguments(), remaining=remaining), remaining, first=first)

    def _trigger_arguments(self) -> dict[str, Any]:
        return {
            self.resource.id_field: self.item_id,
            "ionq_conn_id": self.ionq_conn_id,
            **self.trigger_arguments(),
            "poke_interval": self.poke_interval,
            "end_from_trigger": self.end_from_trigger,
            "push_xcom": self.do_xcom_push,
        }

    def _seen_by_trigger(self, event: dict[str, Any] | None) -> dict[str, Any]:
        """Return the event if it is from the sensor's trigger and about its item."""
        name = self.resource.name
        # Triggers of the first release may still run after an upgrade: their events have no optional key.
        optional = ("first_look", "remaining")
        seen = check_event(event, {self.resource.id_field: self.item_id}, required=[name], optional=optional)
        if seen[name] is not None and self.resource.id_of(seen[name]) != self.item_id:
            raise ValueError(f"The task waits for {name} {self.item_id}, but the event has another: {str(event)[:200]}")
        return seen

    def _was_rescheduled(self, context: Context) -> bool:
        """Return whether this try has polled before, in another process."""
        if not self.reschedule:
            return False
        if "task_reschedule_count" in context:
            return bool(context["task_reschedule_count"])
        from airflow.models.taskreschedule import TaskReschedule  # Airflow 2 only: Airflow 3 has it in the context

        return bool(TaskReschedule.query_for_task_instance(context["ti"]).count())
