"""Sensors on IonQ sessions."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, cast

from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_ionq.exceptions import IonQFailException, IonQSessionUnreachable
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.sessions.target import Outcome, Target, decide, is_ended, never_started_hint
from airflow_provider_ionq.utils.links import IonQConsoleLink
from airflow_provider_ionq.utils.start_from_trigger import why_on_worker
from airflow_provider_ionq.utils.tasks import (
    CLEAR_EXISTING_TASKS,
    TIMED_OUT,
    TIMED_OUT_AIRFLOW_2,
    TakesSessionId,
    is_rendered_later,
    is_run_again,
    refusals_name_task,
)
from airflow_provider_ionq.waiting import outage
from airflow_provider_ionq.waiting.blocking_poller import Lookout
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Session


class IonQSessionSensor(TakesSessionId, BaseSensorOperator):
    """
    Wait for an IonQ session to have a status, an active flag, or both in one answer; return its JSON as it was seen.

    Fails at once, without retries, when the session can never have them any more, and when the first look shows a
    mistake: a refused key, an unknown session or host, an id that cannot be one. With `soft_fail` these skip the task.
    Outages are waited out until `timeout`, also rate limits and, once the wait has begun, a key that is being rotated.

    Does not start the session: IonQ starts it when its first job is *submitted*, so a wait for `started` ends only if
    something else submits one. A session that was started and has ended since does not count as `started`: ask for
    `("started", "ended")` where that is enough.

    :param session_id: id of the session, or its JSON, such as `create.output` (templated).
    :param status: the awaited status, or a collection of which any will do: `created`, `started`, `ended` (templated).
        None leaves it out, and then `active` must be given.
    :param active: the awaited value of the session's active flag (templated); None leaves it out. IonQ does not
        document what the flag means: `status` is the safer target.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :param deferrable: wait in the triggerer, at the cost of no worker slot and of one request per interval for all
        sessions of a connection, whatever `mode` says; needs a running triggerer. None means
        `[operators] default_deferrable`, unless `silent_fail`, `exponential_backoff` or `max_wait` is set, which only
        a worker can do.
    :param start_from_trigger: begin the wait in the triggerer, with no worker (Airflow 3.3); makes the sensor
        deferrable. Where that is not certain to work, the wait begins on a worker and the task's log says why: when it
        is mapped, has an `execution_timeout`, or `status` or `active` is a template, or `session_id` or `ionq_conn_id`
        comes from another task or is a template with more in it than `dag_run`, `params`, `ds`, `ts`, `logical_date`
        and `run_id`.
    :param end_from_trigger: end the task as a success from the triggerer, with no worker; makes the sensor deferrable.
        Pushes no XCom on Airflow 3, which cannot push an object from there. Whatever is no success still ends on a
        worker. Not with `outlets`.
    :param poke_interval: time between two looks, in seconds or as a timedelta, above 0.
    :param timeout: longest wait in seconds or as a timedelta, after which the task fails without retries.
    :raises IonQSessionUnreachable: when the session can never have what is awaited.
    :raises IonQFailException: for a mistake, and for what the API has refused twice in a row.
    :raises AirflowSensorTimeout: after `timeout`, and a last look.

    https://docs.ionq.com/api-reference/v0.4/sessions/get-session
    """

    template_fields: Sequence[str] = ("session_id", "ionq_conn_id", "status", "active")
    operator_extra_links = (IonQConsoleLink(),)
    ui_color = "#f6ead7"

    def __init__(
        self,
        *,
        session_id: str | Mapping[str, Any],
        status: str | Collection[str] | None = None,
        active: bool | str | None = None,
        ionq_conn_id: str = IonQHook.default_conn_name,
        deferrable: bool | None = None,
        start_from_trigger: bool = False,
        end_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        with refusals_name_task(self):
            super().__init__(**kwargs)
            self.session_id = session_id
            self.status = status
            self.active = active
            self.ionq_conn_id = ionq_conn_id
            self._check_target()
            if isinstance(self.poke_interval, bool) or not self.poke_interval > 0:
                raise ValueError(f"poke_interval must be above 0 seconds, not {self.poke_interval!r}")
            self.deferrable = self._is_deferrable(
                deferrable, start_from_trigger=start_from_trigger, end_from_trigger=end_from_trigger
            )
            if end_from_trigger and self.outlets:
                raise ValueError("end_from_trigger cannot be used with outlets: only a worker emits their asset events")
            if end_from_trigger and self.multiple_outputs:
                raise ValueError("end_from_trigger cannot be used with multiple_outputs: only a worker pushes them")
        self.end_from_trigger = end_from_trigger
        self._asked_to_start_from_trigger = start_from_trigger
        if start_from_trigger:
            self._start_from_trigger()
        self._start_over()

    def _check_target(self) -> None:
        """Check what is awaited, unless it is a template."""
        if isinstance(self.status, (set, frozenset)):
            # A set has another order in each process, and Airflow would take it for a new version of the DAG.
            self.status = sorted(self.status, key=str)
        if not is_rendered_later(self.status) and not is_rendered_later(self.active):
            Target.of(self.status, cast("bool | None", self.active))

    def _is_deferrable(self, deferrable: bool | None, **asked: bool) -> bool:
        if without_worker := [name for name, wanted in asked.items() if wanted]:
            if deferrable is False:
                raise ValueError(f"{' and '.join(without_worker)} cannot be used with deferrable=False")
            deferrable = True
        worker_only = [name for name in ("silent_fail", "exponential_backoff", "max_wait") if getattr(self, name)]
        if deferrable and worker_only:
            raise ValueError(f"{', '.join(worker_only)} cannot be used with deferrable=True: only a worker can do that")
        if deferrable is None:
            return conf.getboolean("operators", "default_deferrable", fallback=False) and not worker_only
        return deferrable

    @property
    def _target(self) -> Target:
        """What is awaited, once it is rendered."""
        active: Any = self.active
        if isinstance(active, str):
            active = {"true": True, "false": False, "none": None, "": None}.get(active.strip().lower(), active)
        try:
            return Target.of(self.status, active)
        except ValueError as error:
            raise IonQFailException(f"status and active rendered to what cannot be awaited: {error}") from error

    def _start_from_trigger(self) -> None:
        """Have the scheduler hand this task to the triggerer, where that is certain to work."""
        self._why_on_worker = why_on_worker(
            {"session_id": self.session_id, "ionq_conn_id": self.ionq_conn_id}, self.get_dag()
        )
        if self._why_on_worker is None and (is_rendered_later(self.status) or is_rendered_later(self.active)):
            self._why_on_worker = "status or active is a template, which is checked when it is rendered"
        if self._why_on_worker is None and self.execution_timeout is not None:
            # With it Airflow would cut the wait short, which it does not when a worker defers.
            self._why_on_worker = "execution_timeout is set"
        if self._why_on_worker is None:
            from airflow.triggers.base import StartTriggerArgs

            # On this instance alone: a mapped task would take those of the class, with wrong arguments.
            self.start_from_trigger = True
            self.start_trigger_args = StartTriggerArgs(
                trigger_cls="airflow_provider_ionq.triggers.session.IonQSessionTrigger",
                trigger_kwargs=self._trigger_arguments() | {"timeout": self.timeout},
                next_method="execute_complete",
                timeout=timedelta(seconds=self.timeout),
            )

    def _start_over(self) -> None:
        self._lookout: Lookout | None = None
        self._looked = False
        self._unmet = False
        self._seen = "it has not been read"
        self._warned = False
        self._refused_before = False

    def execute(self, context: Context) -> Any:
        """Wait on the worker or, if deferrable, look once and hand the wait to the triggerer."""
        self._start_over()
        if self._asked_to_start_from_trigger:
            reason = self._why_on_worker or "Airflow does so for mapped tasks and in dag.test()"
            self.log.info("start_from_trigger=True, but this wait begins on a worker: %s.", reason)
        return self._execute_on_worker(context)

    def _execute_on_worker(self, context: Context) -> Any:
        # In deferrable mode too: soft_fail and timeout are then Airflow's own, the same in every mode.
        try:
            return super().execute(context)
        except AirflowRescheduleException as rescheduled:
            if self._lookout is None or not self._lookout.outage.refused or self._refused_before:
                raise
            # The next look would be another process's, which cannot know that this one was refused. The date is that of
            # the next look, or of the deadline if that comes first.
            pause = (rescheduled.reschedule_date - datetime.now(UTC)).total_seconds()
            time.sleep(max(0.0, min(pause, outage.REREAD_SECONDS)))
            self._lookout.read_connection_again()
            self._refused_before = True
            return self._execute_on_worker(context)
        except AirflowSensorTimeout as error:
            timed_out = AirflowSensorTimeout(self._timed_out())
            self._skip_if_never_fail(timed_out)
            raise timed_out from error
        except AirflowTaskTimeout as error:
            raise AirflowTaskTimeout(self._timed_out(by_execution_timeout=True)) from error
        except AirflowSkipException as skip:
            if not self._unmet:
                raise
            # The look did not skip, so it is the time-out that Airflow skips for, without saying what was awaited.
            raise AirflowSkipException(f"Skipping due to soft_fail is set to True: {self._timed_out()}") from skip

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Look once; say whether what is awaited is there, with the session's JSON."""
        first = not self._looked and not self._was_rescheduled(context)
        self._looked = True
        self._unmet = False
        if first:
            self.log.info("Waiting for IonQ session %s to have %s.", self.session_id, self._target)
        session = self._look(first=first, refused_before=self._refused_before)
        if session is not None and self._is_reached(session, may_have_ended_before=first or is_run_again(context)):
            return PokeReturnValue(True, session)
        if session is not None and first:
            self._explain_wait(session)
        self._unmet = True
        return False

    def execute_complete(
        self, context: Context, event: dict[str, Any] | None = None, deadline: float | None = None
    ) -> Session:
        """
        Take what the trigger saw, or look again if it saw nothing, and decide as `poke` does.

        :param event: what the trigger fired.
        :param deadline: when the wait times out, in seconds since the epoch; None starts `timeout` anew.
        :raises ValueError: when the event is not of our trigger or of another session.
        """
        seen = self._seen_by_trigger(event)
        is_over = self._remaining(seen, deadline) <= 0
        session = seen["session"] or self._look(first=seen.get("first_look", False), refused_before=not is_over)
        if session is not None and self._is_reached(session, may_have_ended_before=is_run_again(context)):
            return session
        remaining = self._remaining(seen, deadline)
        if remaining <= 0:
            raise AirflowSensorTimeout(self._timed_out())
        self._defer(remaining)

    def _remaining(self, seen: dict[str, Any], deadline: float | None) -> float:
        remaining: float | None = seen.get("remaining")
        if remaining is None:
            remaining = self.timeout if deadline is None else min(deadline - time.time(), self.timeout)
        return remaining

    def last_look(self, context: Context, by_execution_timeout: bool = False) -> Session:
        """Look a last time after the time-out: while no triggerer ran, the session may have got there."""
        session = self._look()
        if session is not None and self._is_reached(session, may_have_ended_before=is_run_again(context)):
            return session
        if by_execution_timeout:
            raise AirflowTaskTimeout(self._timed_out(by_execution_timeout=True))
        raise AirflowSensorTimeout(self._timed_out())

    def _timed_out(self, *, by_execution_timeout: bool = False) -> str:
        """Return what a time-out of any mode says."""
        limit = duration_text(self.timeout)
        if by_execution_timeout and self.execution_timeout is not None:
            limit = f"its execution_timeout of {duration_text(self.execution_timeout.total_seconds())}"
        return f"Session {self.session_id} did not have {self._target} within {limit}; at the last look {self._seen}."

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after the trigger; a time-out gets a last look, and the class that `poke` raises on every Airflow."""
        if next_method == "__fail__" and (error_text := (next_kwargs or {}).get("error")) in TIMED_OUT:
            by_execution_timeout = (
                error_text == TIMED_OUT_AIRFLOW_2
                and self.execution_timeout is not None
                and self.execution_timeout.total_seconds() < self.timeout
            )
            next_method, next_kwargs = "last_look", {"by_execution_timeout": by_execution_timeout}
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowException as error:
            self._skip_if_never_fail(error)
            raise

    def _skip_if_never_fail(self, error: AirflowException) -> None:
        # Airflow skips for a time-out when a task is resumed, from 3.2 on, and not in the poke loop.
        if self.never_fail and not isinstance(error, AirflowSkipException):
            raise AirflowSkipException(f"Skipping due to never_fail is set to True: {error}") from error

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        remaining = max(self.timeout - run_duration(), 0.0)
        if self.deferrable:
            self.log.info("Deferring: from here on the triggerer waits, so one must be running.")
            self._defer(remaining)
        pause = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        if self._lookout is not None:
            pause = self._lookout.outage.pause_seconds(pause, grow=not self.reschedule)
        return min(pause, remaining)

    def _defer(self, remaining: float) -> NoReturn:
        # Here, so that a DAG file that is parsed every 30 seconds does not load the triggers.
        from airflow_provider_ionq.triggers.session import IonQSessionTrigger

        self.defer(
            trigger=IonQSessionTrigger(**self._trigger_arguments(), remaining=remaining),
            method_name="execute_complete",
            kwargs={"deadline": time.time() + remaining},
            timeout=timedelta(seconds=remaining),
        )

    def _trigger_arguments(self) -> dict[str, Any]:
        target = self._target
        return {
            "session_id": self.session_id,
            "ionq_conn_id": self.ionq_conn_id,
            "status": None if target.statuses is None else list(target.statuses),
            "active": target.active,
            "poke_interval": self.poke_interval,
            "end_from_trigger": self.end_from_trigger,
            "push_xcom": self.do_xcom_push,
        }

    def _look(self, *, first: bool = False, refused_before: bool = False) -> Session | None:
        if self._lookout is None:
            # Not before: the connection id is a template until the task runs.
            self._lookout = Lookout(self.ionq_conn_id, self.log)
        try:
            session = self._lookout.look(self.session_id, first=first, refused_before=refused_before)
        except IonQFailException as error:
            self._log_before_skip(error)
            raise
        self._seen = f"it could not be read: {self._lookout.failure}" if session is None else self._shown(session)
        return session

    def _shown(self, session: Session) -> str:
        status = f"its status is {session['status']!r}"
        return status if self._target.active is None else f"{status} and active is {session.get('active')!r}"

    def _is_reached(self, session: Session, *, may_have_ended_before: bool) -> bool:
        """
        Decide, and say what to do if the task was cleared without the one that opens its session.

        :param may_have_ended_before: whether the session may have ended before this try of the task.
        """
        target = self._target
        decision = decide(session, target)
        ended_before = may_have_ended_before and is_ended(session)
        if decision.outcome is Outcome.UNREACHABLE:
            hint = f" {CLEAR_EXISTING_TASKS}" if ended_before else ""
            error = IonQSessionUnreachable(f"{decision.reason}{hint}")
            self._log_before_skip(error)
            raise error
        if decision.outcome is Outcome.REACHED:
            self.log.info("%s", decision.reason)
            if ended_before and set(target.statuses or ()) - {"ended"}:
                self.log.warning("Session %s has ended. %s", self.session_id, CLEAR_EXISTING_TASKS)
        elif decision.warning and not self._warned:
            self._warned = True
            self.log.warning("%s", decision.warning)
        return decision.outcome is Outcome.REACHED

    def _log_before_skip(self, error: IonQFailException) -> None:
        # Airflow's log of a skip gives soft_fail as the reason, and not what happened.
        if self.soft_fail or self.never_fail:
            self.log.warning("%s", error)

    def _explain_wait(self, session: Session) -> None:
        self.log.info(
            "Its status is %s; looking every %s for at most %s.",
            session["status"],
            duration_text(self.poke_interval),
            duration_text(self.timeout),
        )
        if hint := never_started_hint(session, self._target):
            self.log.warning("%s", hint)

    def _seen_by_trigger(self, event: dict[str, Any] | None) -> dict[str, Any]:
        """Return the event of our trigger on our session."""
        # Triggers of the first release, which may still run after an upgrade, tell the first two only.
        known = {"session_id", "session", "first_look", "remaining"}
        if not isinstance(event, dict) or not {"session_id", "session"} <= event.keys() <= known:
            raise ValueError(f"The trigger fired an event that is not ours: {str(event)[:200]}")
        session: Session | None = event["session"]
        if event["session_id"] != self.session_id or (session is not None and session.get("id") != self.session_id):
            raise ValueError(f"The trigger of session {self.session_id} fired an event of another: {str(event)[:200]}")
        return event

    def _was_rescheduled(self, context: Context) -> bool:
        """Tell whether this try has looked before, in another process."""
        if not self.reschedule:
            return False
        if "task_reschedule_count" in context:
            return bool(context["task_reschedule_count"])
        from airflow.models.taskreschedule import TaskReschedule  # Airflow 2 only: later ones say it in the context

        return bool(TaskReschedule.query_for_task_instance(context["ti"]).count())
