"""The task that ends the session of a group, whatever the outcome of the task that creates it."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException, AirflowSkipException

from airflow_provider_ionq.api.errors import IonQError, IonQNotEndedError, IonQSessionLostError
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.operators.end_session import IonQEndSessionOperator
from airflow_provider_ionq.sessions.request import describe_limits
from airflow_provider_ionq.utils.commands import end_command
from airflow_provider_ionq.utils.session_memory import connection_of_request, created_session_id, pending_intent
from airflow_provider_ionq.utils.tasks import states_in_run
from airflow_provider_ionq.waiting.connection import naming_connection
from airflow_provider_ionq.waiting.durations import duration_text
from airflow_provider_ionq.waiting.safe_log import SafeLog

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Session

STOPPING_SECONDS = 15.0
"""How long a task may run after it was marked failed: until its next heartbeat, and then until it is killed."""

FAILED_STATES = frozenset({"failed", "upstream_failed"})


class EndSessionOfGroup(IonQEndSessionOperator):
    """
    End the session of a group, whether or not `create_session` handed it on.

    - A session that was created and not handed on, because the task was killed or was marked failed before its retry,
      is ended.
    - If the task was killed before the response to its request, this task searches for the session that it may have
      created. A candidate is named in the error, or ended with `adopt_lost_session`.
    - A run without a success of `create_session` never ends as a success: if no task inside fails it, this task does.
    - The session is ended with the connection that created it, if Airflow still has it, even if the DAG has changed.
    - When the end is not confirmed, the log names the session and the limits that will end it.

    :param created: the session's JSON as returned by `create_session` (templated); None if it returned none.
    :param progress: progress of `create_session` in the form of :mod:`~airflow_provider_ionq.utils.session_memory`: an
        XComArg, read when needed.
    :param create_id: id of the `create_session` task.
    :param adopt_lost_session: end a candidate for a lost session, if it is the only one and was not started.
    :ivar last_work_ids: ids of the tasks inside without another task inside downstream.
    :raises IonQFailException: without retries, when there are candidates for the session that `create_session` created,
        which the message names: then its `reason` is an
        :class:`~airflow_provider_ionq.api.errors.IonQSessionLostError`; and when no session is open but the run must
        not be a success.
    :raises IonQNotEndedError: when the end of the session is not confirmed, or its existence cannot be determined.
    """

    template_fields: Sequence[str] = (*IonQEndSessionOperator.template_fields, "created")
    custom_operator_name = "IonQEndSessionOperator"

    def __init__(
        self, *, created: Any, progress: Any, create_id: str, adopt_lost_session: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.created = created
        self.progress = progress
        self.create_id = create_id
        self.adopt_lost_session = adopt_lost_session
        self.last_work_ids: Collection[str] = ()

    def resolve_template_files(self) -> None:
        """Check the whole DAG through the group: Airflow calls this for every task after it has parsed a DAG file."""
        super().resolve_template_files()
        group: Any = self.task_group
        group.check_whole_dag()

    def execute(self, context: Context) -> Session:
        """End the session; return its JSON."""
        if isinstance(self.created, dict):
            self._use_connection_of(self._read_progress(context))
            session = self._end(context, self.created)
            if "success" in states_in_run(context, self, [self.create_id]):
                return session
        else:
            session_id = self._session_id_not_handed_on(context)
            if session_id is None:
                self._fail_unless_the_work_has(context, "it created no session")
                raise AirflowSkipException(
                    "There is no session to end, so this task is skipped: create_session failed before it requested"
                    " one from IonQ, or its request was refused or had no effect."
                )
            self.session_id = session_id
            session = self._end(context, {})
        self._fail_unless_the_work_has(context, f"session {self.session_id}, which it created, has ended")
        return session

    def _end(self, context: Context, created: dict[str, Any]) -> Session:
        try:
            return super().execute(context)
        except Exception:
            SafeLog(self.log).error(
                "The end of session %s on %s is not confirmed, and it may cost money: %s. To end it, clear this task,"
                " or run: %s",
                self.session_id,
                json_text(created.get("backend", "an unknown backend")),
                describe_limits(created) if created else "its limits are those of create_session",
                end_command(self.session_id, self.ionq_conn_id),
            )
            raise

    def _session_id_not_handed_on(self, context: Context) -> str | None:
        """Return the id of a session that `create_session` did not hand on; None if it created none."""
        log = SafeLog(self.log)
        log.warning(
            "create_session handed on no session. In %s, when a stopped task has certainly ended, this task searches"
            " for a session that create_session created: first in the XComs of create_session, then, if its request got"
            " no response, among the sessions at IonQ.",
            duration_text(STOPPING_SECONDS),
        )
        time.sleep(STOPPING_SECONDS)
        progress = self.progress.resolve(context)
        self._use_connection_of(progress)
        intent = pending_intent(progress, context)
        if intent is None:
            return created_session_id(progress)
        # Imported here because they load the HTTP library, which parsing a DAG must not.
        from airflow_provider_ionq.api.client import IonQClient
        from airflow_provider_ionq.hooks.ionq import IonQHook
        from airflow_provider_ionq.sessions.recover import adoptable, describe_candidates, find
        from airflow_provider_ionq.waiting.backoff import single_attempt_settings

        # Candidates that were named before may still be open.
        intent = dataclasses.replace(intent, named=())
        requested = f"requested a session on {intent.request}" if intent.request else "may have requested a session"
        try:
            settings = single_attempt_settings(IonQHook(self.ionq_conn_id).get_settings())
            found = find(IonQClient(settings, check_address=True), intent)
        except (IonQError, AirflowNotFoundException) as error:
            raise IonQNotEndedError(
                f"create_session {requested}, and it is unknown whether one is open, which may cost money: the sessions"
                f" cannot be read: {naming_connection(error, self.ionq_conn_id)}"
            ) from None
        if (session_id := created_session_id(self.progress.resolve(context))) is not None:
            return session_id  # it was still running, and has received its response meanwhile
        if not found:
            return None
        session = adoptable(found) if self.adopt_lost_session and intent.request is not None else None
        if session is not None:
            log.warning("Adopting session %s as the one that was requested.", session["id"])
            return session["id"]
        text = (
            f"create_session {requested} and received no response. Since then there {describe_candidates(found)}, so"
            " none was ended. If it is yours, end it: IonQEndSessionOperator, or IonQHook().end_session."
        )
        raise IonQFailException(text, reason=IonQSessionLostError(text, [session["id"] for session in found]))

    def _read_progress(self, context: Context) -> object:
        """Return the progress of `create_session`; None if it cannot be read, which must not prevent the end."""
        try:
            return self.progress.resolve(context)
        except Exception as error:
            SafeLog(self.log).warning("The connection that created the session cannot be read: %s", error)
            return None

    def _use_connection_of(self, progress: object) -> None:
        """Switch to the connection that requested the session: the DAG may name another one now."""
        connection = connection_of_request(progress)
        if connection is None or connection == self.ionq_conn_id:
            return
        from airflow_provider_ionq.hooks.ionq import IonQHook

        try:
            IonQHook(connection).get_settings()
        except AirflowNotFoundException:
            return
        SafeLog(self.log).warning(
            "The session was requested with Airflow connection %r, not %r: using that.", connection, self.ionq_conn_id
        )
        self.ionq_conn_id = connection

    def _fail_unless_the_work_has(self, context: Context, what: str) -> None:
        """
        Keep the run from being a success.

        Airflow derives the state of a run from the tasks with only such teardowns downstream that may not fail it. It
        skips the work of a setup that was stopped before its retry, and then no task has failed.
        """
        dag: Any = self.dag
        last = [dag.get_task(task_id) for task_id in self.last_work_ids]
        judged = [task.task_id for task in last if all(below.is_teardown for below in task.downstream_list)]
        if not states_in_run(context, self, judged) & FAILED_STATES:
            raise IonQFailException(
                f"create_session did not succeed; {what}. No task inside fails the run, so this task does: the run must"
                " not be a success."
            )
