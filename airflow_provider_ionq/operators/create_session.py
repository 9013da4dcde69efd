"""The operator that opens an IonQ session."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseOperator

from airflow_provider_ionq.exceptions import IonQCapacityTimeoutException, IonQFailException, IonQSessionLostException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.ends import missing_end_reason
from airflow_provider_ionq.sessions.errors import NobodyEndsSessionError, SessionLostError
from airflow_provider_ionq.sessions.request import LIMITS, SessionRequest
from airflow_provider_ionq.utils.links import IonQConsoleLink
from airflow_provider_ionq.utils.task_memory import TaskMemory
from airflow_provider_ionq.utils.tasks import (
    TIMED_OUT,
    fail_on_permanent_errors,
    is_rendered_later,
    push_session,
    refusals_name_task,
)
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.sessions.create import SessionCreator

LONGEST_PAUSE_SECONDS = 300.0


class IonQCreateSessionOperator(BaseOperator):
    """
    Open an IonQ session, and return its JSON once the API shows it. It costs money until it is ended.

    Does not end it: use :func:`~airflow_provider_ionq.task_groups.session.ionq_session`, which does so whatever
    happens, or :class:`~airflow_provider_ionq.operators.session.IonQEndSessionOperator` as a teardown.

    - When the device's session capacity is full, waits: deferred, until a session of that backend ends or after a pause
      that grows to 5 minutes, and then tries again on a worker; at most for `timeout`.
    - The request is sent once. When its answer is lost, the sessions before and after it are compared: one that may be
      it is named in the error, or adopted. When there is none, the task fails and may be retried.
    - A retry after a crash finds the session that the crashed try opened (Airflow 3.3). Before 3.3 it looks for
      sessions created since the run began that may be it, and goes on as after a lost answer.
    - What an earlier try opened is gone on with only if it has the backend, limits and connection that are asked for
      now; else it is ended, and another is opened.
    - Opens none when a task that ends it - a teardown of this task, or an operator that ends its session - will not run
      any more in this run, as after only failed tasks were cleared. What an earlier try opened is ended then.
    - A session that was just opened by a task that is being killed is ended. So is one of which Airflow could not be
      told for a minute.

    Downstream, `create.output` is the session's JSON and `create.output["id"]` its id: each field is pushed under its
    own name too, unless `multiple_outputs=False`. The XCom `ionq_session_opening` is for the end of `ionq_session`: how
    far this task had come, should it not live to return.

    :param backend: name of the device, such as `qpu.forte-1` (templated).
    :param duration_limit_min: minutes from its creation after which IonQ ends the session, a whole number from 1
        (templated); None or empty text for no such limit.
    :param job_count_limit: jobs after which IonQ ends it, a whole number from 1 (templated); None or empty
        text for no such limit.
    :param cost_limit_usd: cost of its jobs, in US dollars, at which IonQ ends it, above 0 (templated); None or empty
        text for no such limit. A session that ran any job is reported to be billed an hour at least, whatever this
        says.
    :param allow_unlimited: open it without any limit, too; nothing at IonQ then closes it.
    :param adopt_lost_session: when an answer was lost and there is exactly one session since that may be the one it
        opened, go on with that session instead of failing, unless it was started meanwhile. It is told by backend,
        limits, project and time: another task that opens such a session in the same minutes could have opened it.
    :param timeout: longest wait for capacity, in seconds or as a timedelta, above 0, after which the task fails without
        retries.
    :param poke_interval: time between two looks at the backend's sessions while waiting for capacity, in seconds or as
        a timedelta, above 0.
    :param deferrable: wait for capacity in the triggerer, which must be running, and hold no worker. False waits on the
        worker.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :raises IonQSessionLost: without retries; names the sessions that may be the one whose answer was lost.
    :raises SessionNotHandedOnError: Airflow could not be told of the session, which has ended.
    :raises SessionNotEndedError: a session that should have been ended was not seen to; names it.
    :raises IonQCapacityTimeout: without retries, after `timeout`.
    :raises IonQFailException: without retries, for a mistake: a limit that is none, an unknown backend, a refused key;
        and when no task of this run would end the session.
    :raises IonQError: for what may pass; nothing was opened, as far as the API shows.

    https://docs.ionq.com/api-reference/v0.4/sessions/create-session
    """

    template_fields: Sequence[str] = ("backend", *LIMITS, "ionq_conn_id")
    operator_extra_links = (IonQConsoleLink(),)
    ui_color = "#f6ead7"

    def __init__(
        self,
        *,
        backend: str,
        duration_limit_min: int | str | None = None,
        job_count_limit: int | str | None = None,
        cost_limit_usd: float | str | None = None,
        allow_unlimited: bool = False,
        adopt_lost_session: bool = False,
        timeout: float | timedelta = timedelta(days=1),
        poke_interval: float | timedelta = timedelta(minutes=1),
        deferrable: bool = True,
        ionq_conn_id: str = IonQHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(**kwargs)
        self.backend = backend
        self.duration_limit_min = duration_limit_min
        self.job_count_limit = job_count_limit
        self.cost_limit_usd = cost_limit_usd
        self.allow_unlimited = allow_unlimited
        self.adopt_lost_session = adopt_lost_session
        with refusals_name_task(self):
            self.timeout = _seconds("timeout", timeout)
            self.poke_interval = _seconds("poke_interval", poke_interval)
        self.deferrable = deferrable
        self.ionq_conn_id = ionq_conn_id
        self._opening: SessionCreator | None = None
        # Values that are known now are refused now; a template is checked when it is rendered.
        given = {name: getattr(self, name) for name in ("backend", *LIMITS)}
        known = {name: value for name, value in given.items() if not is_rendered_later(value)}
        with refusals_name_task(self):
            SessionRequest.of(
                **{"backend": "known later", **known}, allow_unlimited=allow_unlimited or len(known) < len(given)
            )

    def execute(self, context: Context) -> Session:
        """Open the session, or find the one that an earlier try opened; return its JSON."""
        return self._open(context, since=time.time(), attempt=1, remaining=self.timeout)

    def execute_complete(
        self,
        context: Context,
        event: dict[str, Any] | None = None,
        since: float | None = None,
        attempt: int = 2,
        deadline: float | None = None,
    ) -> Session:
        """
        Ask again, now that there may be capacity.

        :param event: what the trigger fired.
        :param since: when the first request found no capacity, in epoch seconds; None means now.
        :param attempt: number of this attempt.
        :param deadline: when the wait is over, in epoch seconds, None starts `timeout` anew; the trigger knows better,
            where Airflow tells it.
        :raises ValueError: when the event is not of our trigger.
        """
        if not isinstance(event, dict) or event.get("backend") != self.backend:
            raise ValueError(f"The trigger fired an event that is not ours: {str(event)[:200]}")
        if freed := event.get("session_id"):
            self.log.info("Session %s on %s has ended: asking for one again.", freed, self.backend)
        now = time.time()
        remaining = event.get("remaining")
        if remaining is None:
            remaining = self.timeout if deadline is None else deadline - now
        since = now if since is None else since
        return self._open(context, since=since, attempt=attempt, remaining=remaining, resumed=True)

    def on_timeout(self, context: Context) -> Session:
        """Ask a last time after the time-out: while no triggerer ran, there may have come to be capacity."""
        return self._open(context, since=time.time(), attempt=1, remaining=0.0, resumed=True)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume after the trigger; a time-out gets a last attempt."""
        if next_method == "__fail__" and (next_kwargs or {}).get("error") in TIMED_OUT:
            next_method, next_kwargs = "on_timeout", {}
        return super().resume_execution(next_method, next_kwargs, context)

    def on_kill(self) -> None:
        """End a session that this process has just opened: nobody else knows of it yet."""
        if self._opening is not None:
            self._opening.stop()

    def _open(
        self, context: Context, *, since: float, attempt: int, remaining: float, resumed: bool = False
    ) -> Session:
        # Not when the DAG is parsed: it loads the HTTP library.
        from airflow_provider_ionq.sessions.create import SessionCreator

        deadline = time.monotonic() + remaining
        memory = TaskMemory(context, self.ionq_conn_id, resumed=resumed)
        memory.republish()
        request = self._request()
        with fail_on_permanent_errors(self.ionq_conn_id):
            settings = IonQHook(self.ionq_conn_id).get_settings()
        surroundings = _Surroundings(self, context)
        self._opening = SessionCreator(settings, request, memory, surroundings, self.log, adopt=self.adopt_lost_session)
        try:
            while True:
                try:
                    with fail_on_permanent_errors(self.ionq_conn_id):
                        session = self._opening.open()
                except IonQFailException as error:
                    if isinstance(error.reason, SessionLostError):
                        raise IonQSessionLostException(str(error), reason=error.reason) from None
                    if isinstance(error.reason, NobodyEndsSessionError):
                        raise IonQFailException(str(error.reason), reason=error.reason) from None
                    raise
                if session is not None:
                    return session
                self._wait(self._opening, since, attempt, deadline - time.monotonic())
                attempt += 1
        except BaseException:
            # Among others a time-out: Airflow calls on_kill when this is over. A deferral has no session.
            self._opening.stop()
            raise
        finally:
            # From here on the session belongs to the tasks downstream.
            self._opening = None

    def _request(self) -> SessionRequest:
        try:
            return SessionRequest.of(
                self.backend,
                **{name: getattr(self, name) for name in LIMITS},
                allow_unlimited=self.allow_unlimited,
            )
        except ValueError as error:
            raise IonQFailException(f"The session cannot be asked for: {error}") from error

    def _wait(self, opening: SessionCreator, since: float, attempt: int, remaining: float) -> None:
        """Wait for capacity; returns if that is done on the worker."""
        if remaining <= 0:
            raise IonQCapacityTimeoutException(
                f"There was no capacity for a session on {opening.request} within {duration_text(self.timeout)}, and"
                f" none was opened: {opening.refusal}"
            )
        asked = (opening.refusal and opening.refusal.retry_after_seconds) or 0.0
        pause = min(max(self.poke_interval * 2.0 ** min(attempt - 1, 10), asked), LONGEST_PAUSE_SECONDS)
        pause = max(pause, self.poke_interval)
        if attempt == 1:
            self.log.info(
                "No session can be opened on %s now; waiting for at most %s. Open there just before: %s. %s",
                self.backend,
                duration_text(remaining),
                ", ".join(opening.open_ids) or "none of this organisation's",
                opening.refusal,
            )
        else:
            self.log.info(
                "Still no session can be opened on %s; waiting on for at most %s. %s",
                self.backend,
                duration_text(remaining),
                opening.refusal,
            )
        if not self.deferrable:
            time.sleep(min(pause, remaining))
            return
        if attempt == 1:
            self.log.info("Deferring: from here on the triggerer waits, so one must be running.")
        from airflow_provider_ionq.triggers.capacity import IonQCapacityTrigger

        self.defer(
            trigger=IonQCapacityTrigger(
                backend=self.backend,
                ionq_conn_id=self.ionq_conn_id,
                open_session_ids=list(opening.open_ids),
                since=since,
                poke_interval=self.poke_interval,
                pause=pause,
                remaining=remaining,
            ),
            method_name="execute_complete",
            kwargs={"since": since, "attempt": attempt + 1, "deadline": time.time() + remaining},
            timeout=timedelta(seconds=remaining),
        )


class _Surroundings:
    """The :class:`~airflow_provider_ionq.sessions.intent.Surroundings` of a task."""

    def __init__(self, operator: IonQCreateSessionOperator, context: Context) -> None:
        self.connection = operator.ionq_conn_id
        self._operator = operator
        self._context = context

    def missing_end_reason(self) -> str | None:
        return missing_end_reason(self._operator, self._context)

    def settings_of(self, connection: str) -> ClientSettings | None:
        try:
            return IonQHook(connection).get_settings()
        except AirflowNotFoundException:
            return None

    def hand_on(self, session: Session) -> None:
        push_session(self._operator, self._context, session)


def _seconds(name: str, value: float | timedelta) -> float:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ValueError(f"{name} must be a number of seconds above 0, or such a timedelta, not {value!r}")
    return float(seconds)
