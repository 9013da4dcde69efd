"""
What a task that creates a session stores.

For its own next try: in Airflow's task state store. For the task that ends the session, which cannot read another
task's store: in an XCom, which persists even if the task dies before it returns.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.sessions.intent import Intent

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.sessions.request import SessionRequest

SESSION_KEY = "ionq_session_id"
INTENT_KEY = "ionq_session_intent"
OPENING_KEY = "ionq_session_opening"
"""XCom: the progress of the task that creates a session, for :func:`asked_for` and :func:`opened_session_id`."""

CLOCKS_APART = timedelta(minutes=5)
"""The tolerated difference between the clocks of Airflow and IonQ, when a session is found by the start of its run."""


def asked_for(opening: object, context: Context) -> Intent | None:
    """
    Return the intent of a request whose outcome is unknown.

    :param opening: value of the XCom; None if the task stored nothing, which may mean any request since the run began.
    :param context: the context of the calling task.
    """
    if opening is None:
        return since_run_began(context, None)
    intent = opening.get("intent") if isinstance(opening, dict) else None
    return Intent.of_json(intent) if intent else None


def since_run_began(context: Context, request: SessionRequest | None) -> Intent:
    """
    Return the intent of a request that was not stored: it was sent after the run began.

    :param context: the context of a task of that run.
    :param request: the request; None if it is unknown too.
    """
    run: Any = context["dag_run"]
    since = None if run.start_date is None else (run.start_date - CLOCKS_APART).timestamp()
    return Intent(request=request, open_ids=(), since=since, until=None)


def opened_session_id(opening: object) -> str | None:
    """
    Return the id of the session that the task created; None if it is unknown.

    :param opening: value of the XCom; an invalid value counts as None.
    """
    return opening.get("session_id") if isinstance(opening, dict) else None


def opened_with_connection(opening: object) -> str | None:
    """
    Return the id of the Airflow connection with which the session was requested; None if it is unknown.

    :param opening: value of the XCom; an invalid value counts as None.
    """
    if not isinstance(opening, dict):
        return None
    intent = opening.get("intent")
    connection = intent.get("connection") if isinstance(intent, dict) else opening.get("connection")
    return connection if isinstance(connection, str) else None


class TaskMemory:
    """
    A :class:`~airflow_provider_ionq.sessions.intent.Memory` in the task state store of Airflow 3.3.

    Before 3.3 nothing outlives a process. A later try then assumes that the previous one requested a session some time
    after the run began.

    :param context: the task's context.
    :param connection: id of the Airflow connection with which sessions are created.
    :param resumed: whether this process continues a deferred try, and so knows the outcome of its request.
    """

    def __init__(self, context: Context, connection: str, *, resumed: bool = False) -> None:
        self._context: Any = context
        self._connection = connection
        self._resumed = resumed
        self._store: Any = context.get("task_state_store")
        self._retried = self._context["ti"].try_number > 1

    def republish(self) -> None:
        """
        Push again what an earlier try stored for the task that ends the session: a new try deletes the XComs.

        Must come first in a try, so that the session is not lost if the try then fails. Before 3.3 the earlier try's
        state is unknown and nothing is pushed, which the reader takes for any request since the run began.
        """
        if self._resumed or (self._store is None and self._retried):
            return
        intent = None if self._store is None else self._store.get(INTENT_KEY)
        if (session_id := self.session_id()) is not None:
            connection = intent.get("connection") if isinstance(intent, dict) else None
            self._tell({"session_id": session_id, "connection": connection or self._connection})
        else:
            self._tell({"intent": intent} if intent else {})

    def session_id(self) -> str | None:
        """Return the id of the session that an earlier process of this task created; None if it is unknown."""
        value = None if self._store is None else self._store.get(SESSION_KEY)
        return value if isinstance(value, str) else None

    def intent(self, request: SessionRequest) -> Intent | None:
        """Return the intent that an earlier process of this task stored before its last request, or None."""
        if self._store is not None:
            value = self._store.get(INTENT_KEY)
            return Intent.of_json(value) if isinstance(value, dict) else None
        return since_run_began(self._context, request) if self._retried and not self._resumed else None

    def tell_session(self, session_id: str) -> None:
        """Push the session's id for the task that ends it."""
        self._tell({"session_id": session_id, "connection": self._connection})

    def remember_session(self, session_id: str) -> None:
        """Store the id of the created session for a later try."""
        if self._store is not None:
            self._store.set(SESSION_KEY, session_id)

    def remember_intent(self, intent: Intent) -> None:
        """Store the intent before the request is sent."""
        if self._store is not None:
            self._store.set(INTENT_KEY, intent.as_json())
        self._tell({"intent": intent.as_json()})

    def forget(self) -> None:
        """Delete the stored session id and intent."""
        if self._store is not None:
            self._store.delete(SESSION_KEY)
            self._store.delete(INTENT_KEY)
        self._tell({})

    def _tell(self, opening: dict[str, Any]) -> None:
        self._context["ti"].xcom_push(OPENING_KEY, opening)
