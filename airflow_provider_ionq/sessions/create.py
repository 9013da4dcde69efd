"""
What is particular to creating a session, for :class:`~airflow_provider_ionq.waiting.create_once.CreateOnce`.

A session carries no mark of its request. After a lost response, a comparison of the lists before and after the request
shows whether a session was created; it is adopted only if the task says so, and otherwise named.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import (
    IonQConflictError,
    IonQError,
    IonQNotReadableError,
    IonQRateLimitError,
    IonQSessionLostError,
)
from airflow_provider_ionq.sessions.end import end_session
from airflow_provider_ionq.sessions.intent import LATEST_SECONDS, Intent
from airflow_provider_ionq.sessions.recover import adoptable, describe_lost, difference, find
from airflow_provider_ionq.sessions.rehearsal import backend_of_rehearsal, rehearsal_id, rehearsed_session
from airflow_provider_ionq.sessions.request import describe_limits
from airflow_provider_ionq.sessions.target import is_ended
from airflow_provider_ionq.waiting.creation import Creation, Reuse, Wording
from airflow_provider_ionq.waiting.request_clients import RequestClients
from airflow_provider_ionq.waiting.safe_log import SafeLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.sessions.intent import CreateTask
    from airflow_provider_ionq.sessions.request import SessionRequest
    from airflow_provider_ionq.waiting.creation import Memory


class SessionCreation(Creation["Session", Intent]):
    """
    The creation of one session.

    :param settings: settings of the client.
    :param request: backend and limits of the session.
    :param memory: storage that outlives this process.
    :param task: the Airflow task.
    :param log: the task's logger.
    :param adopt: adopt a candidate for a lost session, if it is the only one.
    :param rehearse: create no session, but what stands for one; end that of an earlier try.
    :param sleep: function that waits a number of seconds.
    """

    wording = Wording("session", "end", "ending", "ended")

    def __init__(
        self,
        settings: ClientSettings,
        request: SessionRequest,
        memory: Memory[Intent],
        task: CreateTask,
        log: Any,
        *,
        adopt: bool = False,
        rehearse: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.open_ids: tuple[str, ...] = ()
        """Ids of the sessions of the backend that had not ended before the last request."""
        self._settings = settings
        self._request = request
        self._memory = memory
        self._task = task
        self._log = SafeLog(log)
        self._adopt = adopt and not rehearse
        self._rehearse = rehearse
        self._sleep = sleep
        self._clients = RequestClients(settings, task)

    def describe(self, intent: Intent | None = None) -> str:
        """Return backend and limits, and the Airflow connection of an earlier request if it differs."""
        if intent is None:
            return str(self._request)
        return f"{intent.request or self._request}{self._clients.describe(intent.connection)}"

    def without_request(self) -> Session | None:
        """Return what stands for a session, in a rehearsal."""
        if not self._rehearse:
            return None
        backend = self._request.backend
        self._log.info("Rehearsal: no session is created on %s, and nothing costs money.", backend)
        settings: Any = self._request.settings
        return {**rehearsed_session(backend, status="created"), "settings": settings}

    def next_intent(self) -> Intent:
        """Read the list of sessions, to recognize those that are not the result of the request."""
        since, sessions = self._clients.current.list_sessions_at()
        mine = [session for session in sessions if session.get("backend") == self._request.backend]
        self.open_ids = tuple(session["id"] for session in mine if not is_ended(session))
        until = None if since is None else since + self._settings.timeout_seconds + LATEST_SECONDS
        return Intent(
            request=self._request,
            open_ids=self.open_ids,
            since=since,
            until=until,
            connection=self._task.connection,
        )

    def send(self, intent: Intent) -> Session:
        """Send the create request."""
        backend, limits = self._request.backend, self._request.settings
        return self._clients.create(lambda: self._clients.current.create_session(backend, limits), backend)

    def read(self, item_id: str, intent: Intent | None = None) -> Session:
        """Read a session with the connection of its request."""
        if (backend := backend_of_rehearsal(item_id)) is not None:
            return rehearsed_session(backend, status="created")
        return self._clients.single_attempt_of(_connection_of(intent)).get_session(item_id)

    def search(self, intent: Intent) -> list[Session]:
        """Search with the connection of the request."""
        try:
            return find(self._clients.single_attempt_of(intent.connection), intent, sleep=self._sleep)
        except IonQError as error:
            if self._clients.settings_of(intent.connection) is self._settings:
                raise
            raise IonQNotReadableError(
                f"An earlier try requested a session on {self.describe(intent)} and got no response. It is unknown"
                f" whether one is open, which may cost money; no other session was created: {error}"
            ) from None

    def choose(self, found: list[Session], intent: Intent, lost: IonQError | None) -> Session | None:
        """
        Return the candidate to adopt.

        :raises IonQSessionLostError: when there are candidates, and none may be adopted.
        """
        same = intent.request == self._request and self._clients.is_current(intent.connection)
        if self._adopt and same and (session := adoptable(found)) is not None:
            return session
        if not found:
            return None
        ids = [session["id"] for session in found]
        self._store_named(intent, ids)
        raise IonQSessionLostError(describe_lost(self.describe(intent), found, lost), ids)

    def judge(self, item: Session, intent: Intent | None) -> tuple[Reuse, str]:
        """Continue with an open session that matches the request; end one that does not."""
        if is_ended(item):
            return Reuse.REPLACE, "has ended"
        if backend_of_rehearsal(item["id"]) is not None:
            if self._rehearse and item["id"] == rehearsal_id(self._request.backend):
                return Reuse.CONTINUE, ""
            return Reuse.REPLACE, "was a rehearsal"
        if self._rehearse:
            return Reuse.END_AND_REPLACE, "a rehearsal is requested now"
        reason = difference(item, intent, self._request, self._task.connection)
        return (Reuse.CONTINUE, "") if reason is None else (Reuse.END_AND_REPLACE, reason)

    def end(self, item_id: str, intent: Intent | None = None) -> None:
        """End a session with the connection of its request, and confirm its end."""
        if backend_of_rehearsal(item_id) is not None:
            return
        end_session(self._clients.client_of(_connection_of(intent)), item_id, self._log, sleep=self._sleep)

    def request_end(self, item_id: str, seconds: float) -> bool:
        """Send one end request."""
        if backend_of_rehearsal(item_id) is None:
            self._clients.within(seconds).end_session(item_id)
        return True

    def missing_end_reason(self) -> str | None:
        """Ask Airflow for the states of the end tasks."""
        return self._task.missing_end_reason()

    def is_refused_for_now(self, error: IonQError) -> bool:
        """Tell whether the device has no capacity, or the API limits the rate."""
        return isinstance(error, (IonQConflictError, IonQRateLimitError))

    def details(self, item: Session) -> str:
        """Return the limits."""
        return f": {describe_limits(item)}"

    def hand_on(self, item: Session) -> None:
        """Push the XComs."""
        self._task.hand_on(item)

    def _store_named(self, intent: Intent, session_ids: list[str]) -> None:
        named = (*intent.named, *session_ids)
        try:
            self._memory.store_intent(dataclasses.replace(intent, named=tuple(dict.fromkeys(named))))
        except Exception as error:
            # The error that names the candidates matters more.
            self._log.warning("The ids of the candidates could not be stored: %s", error)


def _connection_of(intent: Intent | None) -> str | None:
    return None if intent is None else intent.connection
