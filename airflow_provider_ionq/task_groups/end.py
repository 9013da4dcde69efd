"""The task that ends the session of a group, whatever became of the task that opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_ionq.exceptions import IonQFailException, IonQSessionLost
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.session import IonQEndSessionOperator
from airflow_provider_ionq.sessions.request import closing_words
from airflow_provider_ionq.task_memory import asked_for, opened_session_id
from airflow_provider_ionq.tasks import states_in_run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.models import Session

FAILED_STATES = frozenset({"failed", "upstream_failed"})


class EndSessionOfGroup(IonQEndSessionOperator):
    """
    End the session of a group, whether `create_session` handed it on or did not live to do so.

    - A session that was opened and not handed on - the task was killed, or marked failed before its retry - is ended.
    - Where the task died before the answer to its request, the session that it may have opened is looked for, and named
      in the error; or ended, if the author adopts such sessions.
    - A run in which `create_session` did not succeed is never left green: when no work has failed, this task does.
    - When the session is not seen to end, the log says what was opened and what will close it.

    :param opened: the session's JSON as `create_session` returned it (templated); None if it returned none.
    :param opening: how far `create_session` had come (templated), as :mod:`~airflow_provider_ionq.task_memory` says it.
    :param adopt_lost_session: end a session that may be the lost one, if it is the only one.
    :ivar last_work_ids: ids of the tasks by whose states Airflow judges the run.
    :raises IonQSessionLost: without retries; names the sessions that may be the one that `create_session` opened.
    :raises IonQFailException: without retries, when no session is open but the run must not be a success.
    :raises SessionNotEndedError: when the session was not seen to end.
    """

    template_fields: Sequence[str] = (*IonQEndSessionOperator.template_fields, "opened", "opening")

    def __init__(self, *, opened: Any, opening: Any, adopt_lost_session: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.opened = opened
        self.opening = opening
        self.adopt_lost_session = adopt_lost_session
        self.last_work_ids: Collection[str] = ()

    def execute(self, context: Context) -> Session:
        """End the session; return its JSON."""
        if isinstance(self.opened, dict):
            return self._end(context, self.opened)
        session_id = opened_session_id(self.opening) or self._lost_session_id()
        if session_id is None:
            self._fail_unless_the_work_has(context, "it opened no session")
            raise AirflowSkipException("There is no session to end: create_session opened none.")
        self.session_id = session_id
        session = self._end(context, {})
        self._fail_unless_the_work_has(context, f"session {session_id}, which it opened, has ended")
        return session

    def _end(self, context: Context, opened: dict[str, Any]) -> Session:
        try:
            return super().execute(context)
        except Exception:
            self.log.error(
                "Session %s on %s is not known to have ended, and may cost money: %s. End it by hand if need be.",
                self.session_id,
                opened.get("backend", "a backend that is not known"),
                closing_words(opened),
            )
            raise

    def _lost_session_id(self) -> str | None:
        """Look for the session that was asked for by a task that died before it learned of it."""
        intent = asked_for(self.opening)
        if intent is None:
            return None
        # Not when the DAG is parsed: they load the HTTP library.
        from airflow_provider_ionq.client import IonQClient
        from airflow_provider_ionq.sessions.search import find, found_words, hasty

        self.log.warning("create_session asked for a session and its outcome is not known: looking for it.")
        found = find(IonQClient(hasty(IonQHook(self.ionq_conn_id).get_settings())), intent)
        if not found:
            return None
        if len(found) == 1 and self.adopt_lost_session:
            self.log.warning("Taking session %s for the one that was asked for.", found[0]["id"])
            return found[0]["id"]
        raise IonQSessionLost(
            f"create_session asked for a session on {intent.request} and did not learn of an answer; since then there"
            f" {found_words(found)}, so none was ended. If it is yours, end it: IonQEndSessionOperator, or"
            " IonQHook().end_session."
        )

    def _fail_unless_the_work_has(self, context: Context, what: str) -> None:
        """Keep the run from being a success: Airflow skips the work of a setup that was stopped before its retry."""
        if not states_in_run(context, self.last_work_ids) & FAILED_STATES:
            raise IonQFailException(
                f"create_session was stopped before it handed a session on; {what}. Nothing else has failed, so this"
                " task does: the run is no success."
            )
