"""
What a task that opens a session remembers, and for whom.

For its own next try: in Airflow's task state store, or a stand-in. For the task that ends the session, which no other
task's store is open to: as an XCom, which is there even if the task dies before it returns.
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
"""XCom: how far the task that opens a session had come, as :func:`asked_for` and :func:`opened_session_id` read it."""

CLOCKS_APART = timedelta(minutes=5)
"""So much may Airflow's clock differ from IonQ's where a session is told by when its run began."""


def asked_for(opening: object, context: Context) -> Intent | None:
    """
    Return what was known before a request whose outcome the task did not live to learn.

    :param opening: value of the XCom; None, when the task did not come so far as to tell anything, may mean any request
        since the run began.
    :param context: of the task that asks this.
    """
    if opening is None:
        return since_run_began(context, None)
    intent = opening.get("intent") if isinstance(opening, dict) else None
    return Intent.of_json(intent) if intent else None


def since_run_began(context: Context, request: SessionRequest | None) -> Intent:
    """
    Return what is known of a request that was not remembered: it was sent after the run began.

    :param context: of a task of that run.
    :param request: what was asked for; None if that is not known either.
    """
    run: Any = context["dag_run"]
    since = None if run.start_date is None else (run.start_date - CLOCKS_APART).timestamp()
    return Intent(request=request, open_ids=(), since=since, until=None)


def opened_session_id(opening: object) -> str | None:
    """
    Return the id of the session that the task opened.

    :param opening: value of the XCom; anything else is as none.
    """
    return opening.get("session_id") if isinstance(opening, dict) else None


def opened_with_connection(opening: object) -> str | None:
    """
    Return the id of the Airflow connection that the session was asked for with; None if that is not known.

    :param opening: value of the XCom; anything else is as none.
    """
    if not isinstance(opening, dict):
        return None
    intent = opening.get("intent")
    connection = intent.get("connection") if isinstance(intent, dict) else opening.get("connection")
    return connection if isinstance(connection, str) else None


class TaskMemory:
    """
    A :class:`~airflow_provider_ionq.sessions.intent.Memory` in the task state store of Airflow 3.3.

    Before 3.3 nothing is kept that outlives a process. There a later try takes it that the one before asked for a
    session, some time after the run began.

    :param context: the task's.
    :param connection: id of the Airflow connection that sessions are opened with.
    :param resumed: whether this process goes on with a try that was deferred, and so knows how its request ended.
    """

    def __init__(self, context: Context, connection: str, *, resumed: bool = False) -> None:
        self._context: Any = context
        self._connection = connection
        self._resumed = resumed
        self._store: Any = context.get("task_state_store")
        self._retried = self._context["ti"].try_number > 1

    def republish(self) -> None:
        """
        Tell the task that ends the session what an earlier try remembered: its XComs are gone when a try begins.

        The first thing to do in a try: should it fail before it does anything else, the session is not forgotten.
        Before 3.3 an earlier try's is not known, and nothing is told: to the other that means just so much.
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
        """Return the id of the session that an earlier process of this task opened; None if none is known."""
        value = None if self._store is None else self._store.get(SESSION_KEY)
        return value if isinstance(value, str) else None

    def intent(self, request: SessionRequest) -> Intent | None:
        """Return what an earlier process of this task knew before its last request."""
        if self._store is not None:
            value = self._store.get(INTENT_KEY)
            return Intent.of_json(value) if isinstance(value, dict) else None
        return since_run_began(self._context, request) if self._retried and not self._resumed else None

    def tell_session(self, session_id: str) -> None:
        """Tell the task that ends the session its id."""
        self._tell({"session_id": session_id, "connection": self._connection})

    def remember_session(self, session_id: str) -> None:
        """Keep the id of the session that was opened, for a later try."""
        if self._store is not None:
            self._store.set(SESSION_KEY, session_id)

    def remember_intent(self, intent: Intent) -> None:
        """Keep what is known before the request."""
        if self._store is not None:
            self._store.set(INTENT_KEY, intent.as_json())
        self._tell({"intent": intent.as_json()})

    def forget(self) -> None:
        """Keep neither."""
        if self._store is not None:
            self._store.delete(SESSION_KEY)
            self._store.delete(INTENT_KEY)
        self._tell({})

    def _tell(self, opening: dict[str, Any]) -> None:
        self._context["ti"].xcom_push(OPENING_KEY, opening)
