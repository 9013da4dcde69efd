"""The operator that creates an IonQ session."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, BaseOperator

from airflow_provider_ionq.api.arguments import flag_of
from airflow_provider_ionq.exceptions import IonQCapacityTimeoutException, IonQFailException
from airflow_provider_ionq.get_provider_info import DEFAULT_CONN_ID
from airflow_provider_ionq.operators.create_task import OperatorCreateTask
from airflow_provider_ionq.sessions.request import LIMITS, SessionRequest
from airflow_provider_ionq.utils.deferral import DeferrableMixin, check_event
from airflow_provider_ionq.utils.links import IonQConsoleLink
from airflow_provider_ionq.utils.session_memory import SessionMemory
from airflow_provider_ionq.utils.tasks import (
    fail_on_permanent_errors,
    is_rendered_later,
    refusals_name_task,
    seconds_of,
)
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.errors import IonQError
    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.sessions.create import SessionCreation
    from airflow_provider_ionq.sessions.intent import Intent
    from airflow_provider_ionq.waiting.create_once import CreateOnce

LONGEST_PAUSE_SECONDS = 300.0


class IonQCreateSessionOperator(DeferrableMixin, BaseOperator):
    """
    Create an IonQ session, and return its JSON once the API shows it. The session costs money until it ends.

    This operator does not end the session. Use :func:`~airflow_provider_ionq.task_groups.session.ionq_session`, which
    always ends it, or :class:`~airflow_provider_ionq.operators.session.IonQEndSessionOperator` as a teardown.

    - When the device's session capacity is full, the task defers until a session of that backend ends, or for a pause
      that grows to 5 minutes. It then retries on a worker, for at most `timeout`.
    - The request is sent once. When its response is lost, the task compares the sessions before and after it. A
      candidate is named in the error, or adopted. Without a candidate the task fails and may be retried.
    - A retry after a crash finds the session that the crashed try created (Airflow 3.3). Before 3.3 it searches for
      candidates created since the run began, and continues as after a lost response.
    - A session of an earlier try is reused only if it has the backend, limits and connection of the current request;
      otherwise it is ended, and another is created.
    - No session is created when a task that ends it - a teardown of this task, or an operator that ends its session -
      will not run again in this run, as when only failed tasks were cleared. A session of an earlier try is ended.
    - A session is ended if its task is killed right after the request, or if Airflow is unavailable for a minute.

    Downstream, `create.output` is the session's JSON and `create.output["id"]` its id: each field is also pushed under
    its own name, unless `multiple_outputs=False`. The XCom `ionq_session_opening` records the progress of this task for
    the end task of `ionq_session`, in case this task is killed.

    :param backend: name of the device, such as `qpu.forte-1` (templated).
    :param duration_limit_min: minutes from its creation after which IonQ ends the session, a whole number from 1
        (templated); None or empty text for no such limit.
    :param job_count_limit: jobs after which IonQ ends it, a whole number from 1 (templated); None or empty
        text for no such limit.
    :param cost_limit_usd: cost of its jobs, in US dollars, at which IonQ ends it, above 0 (templated); None or empty
        text for no such limit. A session that ran any job is reported to be billed for at least an hour, regardless of
        this limit.
    :param allow_unlimited: allow a session without any limit; IonQ then never ends it by itself.
    :param adopt_lost_session: when the response was lost and there is exactly one candidate, continue with that session
        instead of failing, unless it was started meanwhile. Candidates are identified by backend, limits, project and
        time: another task that creates such a session in the same minutes could have created it.
    :param rehearse: create no session; the result is JSON that stands for one (templated: `True` or `False`). See
        :func:`~airflow_provider_ionq.task_groups.session.ionq_session`.
    :param timeout: longest wait for capacity, in seconds or as a timedelta, above 0, after which the task fails without
        retries.
    :param poke_interval: time between two polls of the backend's sessions while waiting for capacity, in seconds or as
        a timedelta, above 0.
    :param deferrable: wait for capacity in the triggerer, which must be running. False waits on a worker, and holds it.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :raises IonQNotPublishedError: the session could not be reported to Airflow, and has ended.
    :raises IonQNotEndedError: the end of a session could not be confirmed; names it.
    :raises IonQCapacityTimeoutException: without retries, after `timeout`.
    :raises IonQFailException: without retries, on permanent errors: an invalid limit, an unknown backend, a refused
        key; when no task of this run would end the session; and when the response was lost and there are candidates,
        which the message names: then its `reason` is an
        :class:`~airflow_provider_ionq.api.errors.IonQSessionLostError`.
    :raises IonQError: on transient errors; no session was created, as far as the API shows.

    https://docs.ionq.com/api-reference/v0.4/sessions/create-session
    """

    template_fields: Sequence[str] = ("backend", *LIMITS, "rehearse", "ionq_conn_id")
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
        rehearse: bool | str = False,
        timeout: float | timedelta = timedelta(days=1),
        poke_interval: float | timedelta = timedelta(minutes=1),
        deferrable: bool = True,
        ionq_conn_id: str = DEFAULT_CONN_ID,
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
        self.rehearse = rehearse
        with refusals_name_task(self):
            self.timeout = seconds_of("timeout", timeout)
            self.poke_interval = seconds_of("poke_interval", poke_interval)
        self.deferrable = deferrable
        self.ionq_conn_id = ionq_conn_id
        self._creator: CreateOnce[Session, Intent] | None = None
        # Values that are known at parse time are checked now; a template is checked when it is rendered.
        given = {name: getattr(self, name) for name in ("backend", *LIMITS)}
        known = {name: value for name, value in given.items() if not is_rendered_later(value)}
        with refusals_name_task(self):
            if not is_rendered_later(rehearse):
                flag_of("rehearse", rehearse)
            SessionRequest.of(
                **{"backend": "known later", **known}, allow_unlimited=allow_unlimited or len(known) < len(given)
            )

    def execute(self, context: Context) -> Session:
        """Create the session, or find the one that an earlier try created; return its JSON."""
        return self._create(context, since=time.time(), attempt=1, remaining=self.timeout)

    def execute_complete(
        self,
        context: Context,
        event: dict[str, Any] | None = None,
        since: float | None = None,
        attempt: int = 2,
        deadline: float | None = None,
    ) -> Session:
        """
        Retry the create request: there may be capacity now.

        :param event: event of the trigger.
        :param since: when the first request found no capacity, in epoch seconds; None means now.
        :param attempt: number of this attempt.
        :param deadline: end of the wait, in epoch seconds; None restarts `timeout`. The remaining time in the event
            takes precedence.
        :raises ValueError: when another trigger fired the event.
        """
        event = check_event(event, {"backend": self.backend}, optional=("session_id", "remaining"))
        if freed := event.get("session_id"):
            self.log.info("Session %s on %s has ended: retrying to create a session.", freed, self.backend)
        since = time.time() if since is None else since
        remaining = self.remaining_seconds(event, deadline)
        return self._create(context, since=since, attempt=attempt, remaining=remaining, resumed=True)

    def on_timeout(self, context: Context, by_execution_timeout: bool = False) -> Session:
        """Make a last attempt after the time-out: capacity may have become free while no triggerer ran."""
        try:
            return self._create(context, since=time.time(), attempt=1, remaining=0.0, resumed=True)
        except IonQCapacityTimeoutException as error:
            if not by_execution_timeout:
                raise
            limit = self.limit_text(by_execution_timeout=True)
            raise AirflowTaskTimeout(f"The task reached {limit}. {error.reason}") from None

    def on_kill(self) -> None:
        """End a session that this process has just created: no other task knows its id yet."""
        if self._creator is not None:
            self._creator.stop()

    def _create(
        self, context: Context, *, since: float, attempt: int, remaining: float, resumed: bool = False
    ) -> Session:
        # Imported here because they load the HTTP library, which parsing a DAG must not.
        from airflow_provider_ionq.hooks.ionq import IonQHook
        from airflow_provider_ionq.sessions.create import SessionCreation
        from airflow_provider_ionq.waiting.create_once import CreateOnce

        deadline = time.monotonic() + remaining
        SessionMemory(context, self.ionq_conn_id, resumed=resumed).republish()
        request, rehearse = self._request()
        memory = SessionMemory(context, self.ionq_conn_id, request, resumed=resumed)
        with fail_on_permanent_errors(self.ionq_conn_id):
            settings = IonQHook(self.ionq_conn_id).get_settings()
        creation = SessionCreation(
            settings,
            request,
            memory,
            OperatorCreateTask(self, self.ionq_conn_id, context),
            self.log,
            adopt=self.adopt_lost_session,
            rehearse=rehearse,
        )
        creator = self._creator = CreateOnce(creation, memory, self.log)
        try:
            while True:
                with fail_on_permanent_errors(self.ionq_conn_id):
                    session = creator.create()
                if session is not None:
                    return session
                self._wait(creation, creator.refusal, since, attempt, deadline - time.monotonic())
                attempt += 1
        except BaseException:
            # This includes a time-out: Airflow calls on_kill only after this block. A deferral has no session.
            creator.stop()
            raise
        finally:
            # From here on the downstream tasks own the session.
            self._creator = None

    def _request(self) -> tuple[SessionRequest, bool]:
        """Return the request, and whether it is only rehearsed."""
        try:
            request = SessionRequest.of(
                self.backend,
                **{name: getattr(self, name) for name in LIMITS},
                allow_unlimited=self.allow_unlimited,
            )
            return request, flag_of("rehearse", self.rehearse)
        except ValueError as error:
            raise IonQFailException(f"Invalid session request: {error}") from None

    def _wait(
        self, creation: SessionCreation, refusal: IonQError | None, since: float, attempt: int, remaining: float
    ) -> None:
        """Wait for capacity: return after the pause when waiting on the worker, else defer."""
        if remaining <= 0:
            raise IonQCapacityTimeoutException(
                f"There was no capacity for a session on {creation.describe()} within {self.limit_text()}, and no"
                f" session was created: {refusal}",
                reason=refusal,
            )
        requested = (refusal and refusal.retry_after_seconds) or 0.0
        pause = min(max(self.poke_interval * 2.0 ** min(attempt - 1, 10), requested), LONGEST_PAUSE_SECONDS)
        pause = max(pause, self.poke_interval)
        self._explain_wait(creation, refusal, attempt, remaining)
        if not self.deferrable:
            time.sleep(min(pause, remaining))
            return
        from airflow_provider_ionq.triggers.capacity import IonQCapacityTrigger

        trigger = IonQCapacityTrigger(
            backend=self.backend,
            ionq_conn_id=self.ionq_conn_id,
            open_session_ids=list(creation.open_ids),
            since=since,
            poke_interval=self.poke_interval,
            pause=pause,
            remaining=remaining,
        )
        self.defer_wait(trigger, remaining, first=attempt == 1, since=since, attempt=attempt + 1)

    def _explain_wait(
        self, creation: SessionCreation, refusal: IonQError | None, attempt: int, remaining: float
    ) -> None:
        limit = duration_text(remaining)
        if attempt > 1:
            self.log.info(
                "Still no session can be created on %s; waiting for at most another %s. %s",
                self.backend,
                limit,
                refusal,
            )
            return
        self.log.info(
            "No session can be created on %s now; waiting for at most %s. Open sessions of this organisation before"
            " the request there: %s. %s",
            self.backend,
            limit,
            ", ".join(creation.open_ids) or "none",
            refusal,
        )
