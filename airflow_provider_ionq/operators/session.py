"""Operators on IonQ sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ionq.get_provider_info import DEFAULT_CONN_ID
from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.operators.end_session import IonQEndSessionOperator
from airflow_provider_ionq.sessions.target import SessionTarget, is_ended, is_selected
from airflow_provider_ionq.utils.ids import TakesSessionId, checked_id
from airflow_provider_ionq.utils.links import IonQConsoleLink
from airflow_provider_ionq.utils.tasks import (
    CLEAR_EXISTING_TASKS,
    fail_on_permanent_errors,
    is_run_again,
    push_outputs,
    refusals_name_task,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Session

__all__ = [
    "IonQCreateSessionOperator",
    "IonQEndSessionOperator",
    "IonQGetSessionOperator",
    "IonQListSessionsOperator",
]


class IonQGetSessionOperator(TakesSessionId, BaseOperator):
    """
    Read an IonQ session and push its whole JSON to XCom, as a dict.

    Downstream, `get.output` is the dict and `get.output["status"]` its status: each field is also pushed under its own
    name, unless `multiple_outputs=False`. This operator reads once; to wait for a status, use
    :class:`~airflow_provider_ionq.sensors.session.IonQSessionSensor`.

    :param session_id: id of the session, or its JSON, such as `create.output` (templated).
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :raises IonQFailException: without retries, on permanent errors: a refused key, an unknown session or host, an
        invalid id or connection.
    :raises IonQError: on transient errors, such as an API that is still down after the connection's `max_retries`.

    https://docs.ionq.com/api-reference/v0.4/sessions/get-session
    """

    template_fields: Sequence[str] = ("session_id", "ionq_conn_id")
    operator_extra_links = (IonQConsoleLink(),)
    ui_color = "#f6ead7"

    def __init__(
        self, *, session_id: str | Mapping[str, Any], ionq_conn_id: str = DEFAULT_CONN_ID, **kwargs: Any
    ) -> None:
        # `output["status"]` of Airflow is the XCom with the key "status", not an item of the returned dict.
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(**kwargs)
        self.session_id = session_id
        self.ionq_conn_id = ionq_conn_id

    def execute(self, context: Context) -> Session:
        """Return the session's JSON."""
        from airflow_provider_ionq.hooks.ionq import IonQHook

        hook = IonQHook(self.ionq_conn_id)
        with fail_on_permanent_errors(self.ionq_conn_id):
            session = hook.get_session(checked_id(self.session_id, "session_id"))
        self.log.info("Session %s has status %s.", session["id"], session["status"])
        if is_ended(session) and is_run_again(context):
            self.log.warning("Session %s has ended. %s", session["id"], CLEAR_EXISTING_TASKS)
        return push_outputs(self, context, session)


class IonQListSessionsOperator(BaseOperator):
    """
    List the organisation's IonQ sessions, and return the JSON of each session that matches every given filter.

    The API keeps ended sessions: without a filter the list, and the XCom, may be long.

    :param status: a status, or a collection of statuses: `created`, `started`, `ended`; None for any. A session with
        `ended_at` counts as `ended`, whatever its `status`.
    :param active: value of the active flag, which IonQ does not document; None for both.
    :param backend: name of the device (templated); None for any.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :raises IonQFailException: without retries, on permanent errors.
    :raises IonQError: on transient errors.

    https://docs.ionq.com/api-reference/v0.4/sessions/get-sessions
    """

    template_fields: Sequence[str] = ("backend", "ionq_conn_id")
    operator_extra_links = (IonQConsoleLink(),)
    ui_color = "#f6ead7"

    def __init__(
        self,
        *,
        status: str | Collection[str] | None = None,
        active: bool | None = None,
        backend: str | None = None,
        ionq_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.status = status
        self.active = active
        self.backend = backend
        self.ionq_conn_id = ionq_conn_id
        with refusals_name_task(self):
            self._target = None if status is None and active is None else SessionTarget.of(status, active)

    def execute(self, context: Context) -> list[Session]:
        """Return the sessions."""
        from airflow_provider_ionq.hooks.ionq import IonQHook

        with fail_on_permanent_errors(self.ionq_conn_id):
            sessions = IonQHook(self.ionq_conn_id).list_sessions(self.active)
        found = [session for session in sessions if is_selected(session, self._target, self.backend)]
        self.log.info("%d of %d sessions match the filters.", len(found), len(sessions))
        return found
