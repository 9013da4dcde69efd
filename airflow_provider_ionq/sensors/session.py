"""Sensors on IonQ sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow_provider_ionq.exceptions import IonQFailException, IonQImpossibleStateException
from airflow_provider_ionq.sensors.base import IonQResourceSensor
from airflow_provider_ionq.sessions.resource import SESSIONS
from airflow_provider_ionq.sessions.target import SessionTarget, is_ended
from airflow_provider_ionq.utils.tasks import (
    CLEAR_EXISTING_TASKS,
    TakesSessionId,
    checked_session_id,
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
                # A set has another order in each process, and Airflow would take it for a new version of the DAG.
                self.status = sorted(status, key=str)
            if not is_rendered_later(self.status) and not is_rendered_later(self.active):
                SessionTarget.of(self.status, cast("bool | None", self.active))
            self.prepare()

    def target(self) -> SessionTarget:
        """Return what is waited for, once it is rendered."""
        active: Any = self.active
        if isinstance(active, str):
            active = {"true": True, "false": False, "none": None, "": None}.get(active.strip().lower(), active)
        try:
            return SessionTarget.of(self.status, active)
        except ValueError as error:
            raise IonQFailException(f"status and active rendered to what cannot be awaited: {error}") from error

    def checked_id(self) -> str:
        """Return the rendered id of the session."""
        return checked_session_id(self.session_id)

    def trigger_arguments(self) -> dict[str, Any]:
        """Return the awaited status and active flag."""
        target = self.target()
        return {
            "status": None if target.statuses is None else list(target.statuses),
            "active": target.active,
        }

    def describe(self, item: Session) -> str:
        """Return the status that was seen last, and the active flag if that is awaited."""
        status = f"its status is {item['status']!r}"
        return status if self.target().active is None else f"{status} and active is {item.get('active')!r}"

    def advice(self, item: Session, decision: Decision, context: Context, *, first: bool) -> str | None:
        """Return what to do if the task was cleared without the task that opens its session."""
        if not is_ended(item) or not (first or is_run_again(context)):
            return None
        if decision.outcome is Outcome.IMPOSSIBLE:
            return CLEAR_EXISTING_TASKS
        if set(self.target().statuses or ()) - {"ended"}:
            return f"Session {self.session_id} has ended. {CLEAR_EXISTING_TASKS}"
        return None
