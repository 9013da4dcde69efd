"""The operator that ends an IonQ session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.get_provider_info import DEFAULT_CONN_ID
from airflow_provider_ionq.utils.commands import LIST_OPEN_SESSIONS, end_command
from airflow_provider_ionq.utils.ids import TakesSessionId, checked_id
from airflow_provider_ionq.utils.links import IonQConsoleLink
from airflow_provider_ionq.utils.tasks import push_outputs, refusals_name_task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Session


class IonQEndSessionOperator(TakesSessionId, BaseOperator):
    """
    End an IonQ session, confirm that it has ended, and return its final JSON.

    A session that has already ended is a success. Every other outcome fails the task, with retries: set enough retries
    to outlast an outage, or use :func:`~airflow_provider_ionq.task_groups.session.ionq_session`, which does.

    :param session_id: id of the session, or its JSON, such as `create.output` (templated).
    :param cancel_jobs: cancel the session's open jobs first, one by one; a job that cannot be cancelled is logged,
        and does not keep the session open. The end of the session cancels queued jobs in any case.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :raises IonQFailException: without retries, when `session_id` is invalid; warns that a session may be open.
    :raises IonQNotEndedError: when the end of the session is not confirmed after 5 attempts; names the session, its
        backend and the limits that will end it.

    https://docs.ionq.com/api-reference/v0.4/sessions/end-session
    """

    template_fields: Sequence[str] = ("session_id", "ionq_conn_id")
    operator_extra_links = (IonQConsoleLink(),)
    ui_color = "#f6ead7"

    def __init__(
        self,
        *,
        session_id: str | Mapping[str, Any],
        cancel_jobs: bool = False,
        ionq_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("multiple_outputs", True)
        super().__init__(**kwargs)
        with refusals_name_task(self):
            if session_id == "":
                raise ValueError("session_id must be the id of an IonQ session, but is empty")
        self.session_id = session_id
        self.cancel_jobs = cancel_jobs
        self.ionq_conn_id = ionq_conn_id

    def execute(self, context: Context) -> Session:
        """End the session; return its JSON."""
        from airflow_provider_ionq.hooks.ionq import IonQHook

        try:
            session_id = checked_id(self.session_id, "session_id")
        except IonQFailException as error:
            raise IonQFailException(
                "No session was ended: if one was created for this task to end, it is still open and may cost money."
                f" The IonQ console and `{LIST_OPEN_SESSIONS}` show open sessions. Correct session_id and clear this"
                f" task, or run `{end_command('SESSION-ID', self.ionq_conn_id)}`. {error}"
            ) from None
        # Permanent errors are retried, too: a refused key may be rotated before the last retry.
        session = IonQHook(self.ionq_conn_id).end_session(session_id, cancel_jobs=self.cancel_jobs)
        self.log.info("Session %s has ended, at %s.", session["id"], session.get("ended_at"))
        return push_outputs(self, context, session)
