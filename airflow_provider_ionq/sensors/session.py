"""Sensors on IonQ sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow_provider_ionq.exceptions import IonQFailException, IonQImpossibleStateException
from airflow_provider_ionq.sensors.base import IonQResourceSensor
from airflow_provider_ionq.sessions.rehearsal import backend_of_rehearsal, rehearsed_session
from airflow_provider_ionq.sessions.resource import SESSIONS
from airflow_provider_ionq.sessions.target import SessionTarget, is_ended
from airflow_provider_ionq.utils.ids import TakesSessionId
from airflow_provider_ionq.utils.tasks import (
    CLEAR_EXISTING_TASKS,
    is_rendered_later,
    is_run_again,
    refusals_name_task,
)
from airflow_provider_ionq.waiting.decision import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.waiting.decision import Decision


class IonQSessionSensor(TakesSessionId, IonQResourceSensor):
    """
    Wait for an IonQ session to have a status, an active flag, or both in one poll; return its JSON from that poll.

    Fails at once, without retries, if the session can never reach that state, and if the first poll shows a mistake: a
    rejected key, an unknown session or host, an invalid id. With `soft_fail` these skip the task. Outages are waited
    out until `timeout`, including rate limits and, once the wait has begun, the rotation of a key.

    Does not start the session: IonQ starts it when its first job is *submitted*, so a wait for `started` ends only if
    another task submits one. A session that was started and has ended does not count as `started`: use
    `("started", "ended")` to accept both.

    In a rehearsal of :func:`~airflow_provider_ionq.task_groups.session.ionq_session` there is no session: the sensor
    succeeds at once, with JSON that has the awaited state.

    :param session_id: id of the session, or its JSON, such as `create.output` (templated).
    :param status: the awaited status, or a collection of alternatives: `created`, `started`, `ended` (templated). None
        ignores the status, and then `active` must be given.
    :param active: the awaited value of the session's active flag (templated); None ignores the flag. IonQ does not
        document its meaning: `status` is the safer target.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :param deferrable: wait in the triggerer, without a worker slot and with one request per interval for all sessions
        of a connection, regardless of `mode`; needs a running triggerer. None means `[operators] default_deferrable`,
        unless `silent_fail`, `exponential_backoff` or `max_wait` is set, which only a worker supports.
    :param start_from_trigger: begin the wait in the triggerer, without a worker (Airflow 3.3); makes the sensor
        deferrable. If that is not certain to work, the wait begins on a worker and the task's log gives the reason: the
        task is mapped or has an `execution_timeout`, `status` or `active` is a template, or `session_id` or
        `ionq_conn_id` comes from another task or is a template that uses more than `dag_run`, `params`, `ds`, `ts`,
        `logical_date` and `run_id`.
    :param end_from_trigger: end a successful task from the triggerer, without a worker; makes the sensor deferrable.
        Pushes no XCom on Airflow 3, which cannot push an object from there. Any other outcome still ends on a worker.
        Cannot be combined with `outlets` or `multiple_outputs`.
    :param poke_interval: time between two polls, in seconds or as a timedelta, above 0.
    :param timeout: longest wait in seconds or as a timedelta, after which the task fails without retries.
    :raises IonQImpossibleStateException: if the session can never reach the awaited state.
    :raises IonQFailException: on a mistake, and on two consecutive rejections by the API.
    :raises AirflowSensorTimeout: after `timeout` and a last poll.

    https://docs.ionq.com/api-reference/v0.4/sessions/get-session
    """

    resource = SESSIONS
    trigger_class_path = "airflow_provider_ionq.triggers.session.IonQSessionTrigger"
    impossible_error = IonQImpossibleStateException
    target_fields = ("status", "active")
    template_fields: Sequence[str] = ("session_id", "ionq_conn_id", "status", "active")

    def __init__(
        self,
        *,
        session_id: str | Mapping[str, Any],
        status: str | Collection[str] | None = None,
        active: bool | str | None = None,
        **kwargs: Any,
    ) -> None:
        with refusals_name_task(self):
            super().__init__(**kwargs)
            self.session_id = session_id
            self.status = status
            self.active = active
            if isinstance(status, (set, frozenset)):
                # The order of a set differs between processes, which Airflow would treat as a new version of the DAG.
                self.status = sorted(status, key=str)
            if not is_rendered_later(self.status) and not is_rendered_later(self.active):
                SessionTarget.of(self.status, cast("bool | None", self.active))
            self.prepare()

    def target(self) -> SessionTarget:
        """Return the target; `status` and `active` must be rendered."""
        active: Any = self.active
        if isinstance(active, str):
            active = {"true": True, "false": False, "none": None, "": None}.get(active.strip().lower(), active)
        try:
            return SessionTarget.of(self.status, active)
        except ValueError as error:
            raise IonQFailException(f"status and active rendered to an invalid target: {error}") from None

    def _poll(self, *, first: bool = False, refused_before: bool = False) -> Any:
        if (backend := backend_of_rehearsal(self.session_id)) is None:
            return super()._poll(first=first, refused_before=refused_before)
        self.log.info("Rehearsal: there is no session to wait for.")
        target = self.target()
        return rehearsed_session(backend, status=(target.statuses or ("started",))[0], active=target.active)

    def trigger_arguments(self) -> dict[str, Any]:
        """Return the awaited status and active flag."""
        target = self.target()
        return {
            "status": None if target.statuses is None else list(target.statuses),
            "active": target.active,
        }

    def describe(self, item: Session) -> str:
        """Return the status of the last poll, and the active flag if it is awaited."""
        status = f"its status is {item['status']!r}"
        return status if self.target().active is None else f"{status} and active is {item.get('active')!r}"

    def advice(self, item: Session, decision: Decision, context: Context, *, first: bool) -> str | None:
        """Return advice if the task was cleared without the task that creates its session."""
        if not is_ended(item) or not (first or is_run_again(context)):
            return None
        if decision.outcome is Outcome.IMPOSSIBLE:
            return CLEAR_EXISTING_TASKS
        if set(self.target().statuses or ()) - {"ended"}:
            return f"Session {self.session_id} has ended. {CLEAR_EXISTING_TASKS}"
        return None
