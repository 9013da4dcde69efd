"""
What a task that creates a session stores.

For its own next try: see :class:`~airflow_provider_ionq.utils.task_memory.TaskMemory`. For the task that ends the
session, which cannot read another task's store: in an XCom, which persists even if the task dies before it returns.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.sessions.intent import Intent
from airflow_provider_ionq.utils.task_memory import TaskMemory

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.sessions.request import SessionRequest

STORE_PREFIX = "ionq_session"

PROGRESS_KEY = "ionq_session_opening"
"""XCom: the progress of the task that creates a session, for :func:`pending_intent` and :func:`created_session_id`."""

CLOCKS_APART = timedelta(minutes=5)
"""The tolerated difference between the clocks of Airflow and IonQ, when a session is found by the start of its run."""


def pending_intent(progress: object, context: Context) -> Intent | None:
    """
    Return the intent of a request whose outcome is unknown.

    :param progress: value of the XCom; None if the task stored nothing, which may mean any request since the run began.
    :param context: the context of the calling task.
    """
    if progress is None:
        return since_run_began(context, None)
    intent = progress.get("intent") if isinstance(progress, dict) else None
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


def created_session_id(progress: object) -> str | None:
    """
    Return the id of the session that the task created; None if it is unknown.

    :param progress: value of the XCom; an invalid value counts as None.
    """
    return progress.get("session_id") if isinstance(progress, dict) else None


def connection_of_request(progress: object) -> str | None:
    """
    Return the id of the Airflow connection with which the session was requested; None if it is unknown.

    :param progress: value of the XCom; an invalid value counts as None.
    """
    if not isinstance(progress, dict):
        return None
    intent = progress.get("intent")
    connection = intent.get("connection") if isinstance(intent, dict) else progress.get("connection")
    return connection if isinstance(connection, str) else None


class SessionMemory(TaskMemory):
    """
    A :class:`~airflow_provider_ionq.waiting.creation.Memory` of sessions.

    Where nothing outlives a process, a later try assumes that the previous one sent the current request some time after
    the run began.

    :param context: the task's context.
    :param connection: id of the Airflow connection with which sessions are created.
    :param request: the current request; None before it is validated.
    :param resumed: whether this process continues a deferred try, and so knows the outcome of its request.
    """

    def __init__(
        self, context: Context, connection: str, request: SessionRequest | None = None, *, resumed: bool = False
    ) -> None:
        super().__init__(context, STORE_PREFIX, resumed=resumed)
        self._context: Any = context
        self._request = request
        self._connection = connection
        self._resumed = resumed

    def republish(self) -> None:
        """
        Push again what an earlier try stored for the task that ends the session: a new try deletes the XComs.

        Must come first in a try, so that the session is not lost if the try then fails. Before 3.3 the earlier try's
        state is unknown and nothing is pushed, which the reader takes for any request since the run began.
        """
        if self._resumed or self.outcome_unknown:
            return
        intent = self.intent_json()
        if (session_id := self.item_id()) is not None:
            connection = intent.get("connection") if intent is not None else None
            self._push({"session_id": session_id, "connection": connection or self._connection})
        else:
            self._push({"intent": intent} if intent else {})

    def intent(self) -> Intent | None:
        """Return the intent that an earlier process of this task stored before its last request, or None."""
        if self.outcome_unknown:
            return since_run_began(self._context, self._request)
        value = self.intent_json()
        return None if value is None else Intent.of_json(value)

    def publish_id(self, item_id: str) -> None:
        """Push the session's id for the task that ends it."""
        self._push({"session_id": item_id, "connection": self._connection})

    def store_intent(self, intent: Intent) -> None:
        """Store the intent, and push it for the task that ends the session."""
        self.store_intent_json(intent.as_json())
        self._push({"intent": intent.as_json()})

    def forget(self) -> None:
        """Delete the stored session id and intent, also for the task that ends the session."""
        super().forget()
        self._push({})

    def _push(self, progress: dict[str, Any]) -> None:
        self._context["ti"].xcom_push(PROGRESS_KEY, progress)
