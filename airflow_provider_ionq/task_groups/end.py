"""The task that ends the session of a group, whatever became of the task that opens it."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException, AirflowSkipException

from airflow_provider_ionq.api.errors import IonQError, naming_connection
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.exceptions import IonQFailException, IonQSessionLostException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.session import IonQEndSessionOperator
from airflow_provider_ionq.sessions.errors import SessionNotEndedError
from airflow_provider_ionq.sessions.log import SafeLog
from airflow_provider_ionq.sessions.request import describe_limits
from airflow_provider_ionq.utils.task_memory import asked_for, opened_session_id, opened_with_connection
from airflow_provider_ionq.utils.tasks import states_in_run
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.api.models import Session

GONE_SECONDS = 15.0
"""So long may a task live on that was marked failed: until its next heartbeat, and then until it is killed for good."""

FAILED_STATES = frozenset({"failed", "upstream_failed"})


class EndSessionOfGroup(IonQEndSessionOperator):
    """
    End the session of a group, whether `create_session` handed it on or did not live to do so.

    - A session that was opened and not handed on - the task was killed, or marked failed before its retry - is ended.
    - Where the task died before the answer to its request, the session that it may have opened is looked for, and named
      in the error; or ended, if the author adopts such sessions.
    - A run in which `create_session` did not succeed is never left green: when no work has failed, this task does.
    - It is ended with the connection that it was opened with, if Airflow still has that, whatever the DAG says now.
    - When the session is not seen to end, the log says what was opened and what will close it.

    :param opened: the session's JSON as `create_session` returned it (templated); None if it returned none.
    :param opening: how far `create_session` had come, as :mod:`~airflow_provider_ionq.utils.task_memory` says it: an
        XComArg, read when it is needed.
    :param create_id: id of the `create_session` task.
    :param adopt_lost_session: end a session that may be the lost one, if it is the only one and was not started.
    :ivar last_work_ids: ids of the tasks inside that have no other one downstream.
    :raises IonQSessionLost: without retries; names the sessions that may be the one that `create_session` opened.
    :raises IonQFailException: without retries, when no session is open but the run must not be a success.
    :raises SessionNotEndedError: when the session was not seen to end, or it cannot be seen whether there is one.
    """

    template_fields: Sequence[str] = (*IonQEndSessionOperator.template_fields, "opened")
    custom_operator_name = "IonQEndSessionOperator"

    def __init__(
        self, *, opened: Any, opening: Any, create_id: str, adopt_lost_session: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.opened = opened
        self.opening = opening
        self.create_id = create_id
        self.adopt_lost_session = adopt_lost_session
        self.last_work_ids: Collection[str] = ()

    def resolve_template_files(self) -> None:
        """Have the group check the whole DAG: Airflow calls this for every task when it has parsed a DAG file."""
        super().resolve_template_files()
        group: Any = self.task_group
        group.check_whole_dag()

    def execute(self, context: Context) -> Session:
        """End the session; return its JSON."""
        if isinstance(self.opened, dict):
            self._use_connection_of(self._told(context))
            session = self._end(context, self.opened)
            if "success" in states_in_run(context, self, [self.create_id]):
                return session
        else:
            session_id = self._session_id_not_handed_on(context)
            if session_id is None:
                self._fail_unless_the_work_has(context, "it opened no session")
                raise AirflowSkipException(
                    "There is no session to end, so this task is skipped: create_session failed before it asked IonQ"
                    " for one, or its request was refused or had no effect."
                )
            self.session_id = session_id
            session = self._end(context, {})
        self._fail_unless_the_work_has(context, f"session {self.session_id}, which it opened, has ended")
        return session

    def _end(self, context: Context, opened: dict[str, Any]) -> Session:
        try:
            return super().execute(context)
        except Exception:
            SafeLog(self.log).error(
                "Session %s on %s is not known to have ended, and may cost money: %s. End it by hand if need be.",
                self.session_id,
                json_text(opened.get("backend", "a backend that is not known")),
                describe_limits(opened) if opened else "its limits are those of create_session",
            )
            raise

    def _session_id_not_handed_on(self, context: Context) -> str | None:
        """Return the id of the session that `create_session` opened and did not return; None if it opened none."""
        log = SafeLog(self.log)
        log.warning(
            "create_session handed no session on. In %s, when a task that was stopped is gone for good, this task looks"
            " for a session that create_session opened: first in what it told before it ended; then, if its request got"
            " no answer, among IonQ's sessions.",
            duration_text(GONE_SECONDS),
        )
        time.sleep(GONE_SECONDS)
        opening = self.opening.resolve(context)
        self._use_connection_of(opening)
        intent = asked_for(opening, context)
        if intent is None:
            return opened_session_id(opening)
        # Not when the DAG is parsed: they load the HTTP library.
        from airflow_provider_ionq.api.client import IonQClient
        from airflow_provider_ionq.sessions.recover import adoptable, describe_candidates, find, single_attempt_settings

        # Whoever was told of them, they are not seen to have ended.
        intent = dataclasses.replace(intent, named=())
        asked = f"asked for a session on {intent.request}" if intent.request else "may have asked for a session"
        try:
            settings = single_attempt_settings(IonQHook(self.ionq_conn_id).get_settings())
            found = find(IonQClient(settings, check_address=True), intent)
        except (IonQError, AirflowNotFoundException) as error:
            raise SessionNotEndedError(
                f"create_session {asked}, and it is not known whether one is open, which may cost money: the sessions"
                f" cannot be read: {naming_connection(error, self.ionq_conn_id)}",
                None,
            ) from None
        if (session_id := opened_session_id(self.opening.resolve(context))) is not None:
            return session_id  # it lived on, and has learned of its answer meanwhile
        if not found:
            return None
        session = adoptable(found) if self.adopt_lost_session and intent.request is not None else None
        if session is not None:
            log.warning("Taking session %s for the one that was asked for.", session["id"])
            return session["id"]
        raise IonQSessionLostException(
            f"create_session {asked} and learned of no answer; since then there {describe_candidates(found)}, so"
            " none was ended. If it is yours, end it: IonQEndSessionOperator, or IonQHook().end_session."
        )

    def _told(self, context: Context) -> object:
        """Return how far `create_session` had come; None also when that cannot be read, which must not keep it open."""
        try:
            return self.opening.resolve(context)
        except Exception as error:
            SafeLog(self.log).warning("It cannot be read with which connection the session was opened: %s", error)
            return None

    def _use_connection_of(self, opening: object) -> None:
        """Go on with the connection that the session was asked for with: the DAG may name another by now."""
        connection = opened_with_connection(opening)
        if connection is None or connection == self.ionq_conn_id:
            return
        try:
            IonQHook(connection).get_settings()
        except AirflowNotFoundException:
            return
        SafeLog(self.log).warning(
            "The session was asked for with Airflow connection %r, not %r: using that.", connection, self.ionq_conn_id
        )
        self.ionq_conn_id = connection

    def _fail_unless_the_work_has(self, context: Context, what: str) -> None:
        """
        Keep the run from being a success.

        Airflow judges it by the tasks with nothing but such teardowns downstream that may not fail it. It skips the
        work of a setup that was stopped before its retry, and then nothing has failed.
        """
        dag: Any = self.dag
        last = [dag.get_task(task_id) for task_id in self.last_work_ids]
        judged = [task.task_id for task in last if all(below.is_teardown for below in task.downstream_list)]
        if not states_in_run(context, self, judged) & FAILED_STATES:
            raise IonQFailException(
                f"create_session did not succeed; {what}. No work has failed for it, so this task does: the run is no"
                " success."
            )
