"""
Create a session so that none is lost, without Airflow.

Rules of this file:

- The create request is sent once.
- The intent is stored before the request, and the session's id as soon as it is known.
- After a lost response, a comparison of the lists before and after the request shows whether a session was created.
- A created session is handed on or ended, whatever fails later.
- No session is created, or kept, that does not match the current request or that no task would end.
"""

from __future__ import annotations

import dataclasses
import functools
import signal
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import (
    IonQApiError,
    IonQConflictError,
    IonQError,
    IonQRateLimitError,
    IonQUnreachableError,
)
from airflow_provider_ionq.sessions.earlier import difference, lost_words, opened_on
from airflow_provider_ionq.sessions.end import end_session
from airflow_provider_ionq.sessions.errors import (
    NobodyEndsSessionError,
    OpeningStoppedError,
    SessionLostError,
    SessionNotShownError,
)
from airflow_provider_ionq.sessions.handing_on import Teller
from airflow_provider_ionq.sessions.intent import LATEST_SECONDS, Intent
from airflow_provider_ionq.sessions.log import SafeLog
from airflow_provider_ionq.sessions.recover import adoptable, find, read_in_time, single_attempt_settings, with_backends
from airflow_provider_ionq.sessions.request import describe_limits
from airflow_provider_ionq.sessions.signals import defer_signals
from airflow_provider_ionq.sessions.target import is_ended
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.sessions.intent import Memory, Surroundings
    from airflow_provider_ionq.sessions.request import SessionRequest

SHOW_SECONDS = 30.0
"""Longest time that the API may take to show a session that it has created."""

KILLED_WITHIN_SECONDS = 4.0
"""Airflow kills a task for good 5 s after the request to terminate."""

PAUSE_OF_KILLED_SECONDS = 0.5


class SessionCreator:
    """
    Create one session, over as many attempts as needed.

    :param settings: settings of the client.
    :param request: backend and limits of the session.
    :param memory: storage that outlives this process.
    :param surroundings: access to Airflow.
    :param log: the task's logger.
    :param adopt: adopt a candidate for a lost session, if it is the only one.
    :param sleep: function that waits a number of seconds.
    """

    def __init__(
        self,
        settings: ClientSettings,
        request: SessionRequest,
        memory: Memory,
        surroundings: Surroundings,
        log: Any,
        *,
        adopt: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        from airflow_provider_ionq.api.client import IonQClient

        self.settings = settings
        self.request = request
        self.session_id: str | None = None
        self.open_ids: tuple[str, ...] = ()
        self.refusal: IonQApiError | None = None
        self._stopped = False
        self._ended = False
        self._lost: IonQError | None = None
        self._memory = memory
        self._surroundings = surroundings
        self._log = SafeLog(log)
        self._adopt = adopt
        self._sleep = sleep
        self._client = IonQClient(settings, check_address=True)
        self._single_attempt_client = IonQClient(single_attempt_settings(settings))

    def open(self) -> Session | None:
        """
        Find the session of an earlier process, or create one; hand it to the downstream tasks and return it.

        :return: None when the backend has no capacity, or the API limits the rate, for now: `refusal` is the reason,
            `open_ids` are the open sessions of the backend.
        :raises NobodyEndsSessionError: when no task of the run would end it; a session of an earlier process is ended.
        :raises SessionLostError: when it may have been created and cannot be told from other sessions.
        :raises SessionNotShownError: when the session of an earlier process cannot be read.
        :raises SessionNotEndedError: when a session had to be ended, and its end is not confirmed.
        :raises SessionNotHandedOnError: when it could not be reported to Airflow; it has ended.
        :raises OpeningStoppedError: after :meth:`stop`.
        :raises IonQError: on transient errors, and when the API or the connection refuses the request.
        """
        session = self._from_before() or self._open_another()
        self._check_stopped()
        if session is not None:
            self._teller(session["id"]).tell_or_end(functools.partial(self._surroundings.hand_on, session))
            self._check_stopped()
        return session

    def stop(self) -> None:
        """
        Create no further session, and end the created one, within the seconds that a killed task has left.

        Uses a separate client: the call may have interrupted the other client in the middle of a request.
        """
        from airflow_provider_ionq.api.client import IonQClient

        self._stopped = True
        if self.session_id is None or self._ended:
            return
        deadline = time.monotonic() + KILLED_WITHIN_SECONDS
        self._log.warning("This task is being stopped: ending session %s, which it created.", self.session_id)
        while (left := deadline - time.monotonic()) > 0:
            in_time = dataclasses.replace(self.settings, max_retries=0, timeout_seconds=left)
            try:
                IonQClient(in_time).end_session(self.session_id)
            except Exception as error:  # after any error the session may still be open
                self._log.warning("Session %s could not be ended: %s", self.session_id, error)
                time.sleep(PAUSE_OF_KILLED_SECONDS)
            else:
                self._ended = True
                self._log.warning("Requested the end of session %s.", self.session_id)
                return
        self._log.error("Session %s may still be open and cost money: end it.", self.session_id)

    def _check_stopped(self) -> None:
        if self._stopped:
            ended = f"requested the end of session {self.session_id}" if self.session_id else "no session was created"
            raise OpeningStoppedError(f"The task is being killed: {ended}.")

    def _from_before(self) -> Session | None:
        session_id, intent = self._memory.session_id(), self._memory.intent(self.request)
        if session_id is not None:
            if (session := self._stored(session_id, intent)) is not None:
                return session
        elif intent is not None:
            self._log.warning("An earlier try requested a session, and the outcome is unknown: searching for it.")
            if (found := self._find(intent, None)) is not None:
                return found
            self._log.info("The earlier try created no session.")
        else:
            return None
        self._memory.forget()
        return None

    def _stored(self, session_id: str, intent: Intent | None) -> Session | None:
        """Return the session of an earlier try if it is open and matches the request; else make sure that it ends."""
        settings = self._settings_of(intent)
        asked_for = opened_on(intent, self.request, self._surroundings.connection)
        try:
            # It costs money, so even permanent errors are retried.
            session = read_in_time(self._single_attempt_client_of(settings), session_id, SHOW_SECONDS, self._sleep)
        except IonQError as error:
            raise SessionNotShownError(
                f"Session {session_id}, which an earlier try created on {asked_for}, cannot be read and may cost money;"
                f" no other was created: {error}"
            ) from error
        if is_ended(session):
            self._log.info("Session %s, created by an earlier try, has ended: creating another.", session_id)
            return None
        if (why := self._surroundings.missing_end_reason()) is not None:
            self._end(session_id, settings)
            raise NobodyEndsSessionError(f"{why} Session {session_id}, which an earlier try created, has been ended.")
        if (why := difference(session, intent, self.request, self._surroundings.connection)) is not None:
            self._log.warning("Ending session %s, which an earlier try created: %s.", session_id, why)
            self._end(session_id, settings)
            self._log.info("Session %s has ended: creating another.", session_id)
            return None
        self.session_id = session_id
        self._log.info("Session %s was created by an earlier try and is open: continuing with it.", session_id)
        return session

    def _settings_of(self, intent: Intent | None) -> ClientSettings:
        """Return the settings that a request was sent with: the DAG may name another connection now."""
        connection = None if intent is None else intent.connection
        if connection is None or connection == self._surroundings.connection:
            return self.settings
        return self._surroundings.settings_of(connection) or self.settings

    def _single_attempt_client_of(self, settings: ClientSettings) -> IonQClient:
        from airflow_provider_ionq.api.client import IonQClient

        return (
            self._single_attempt_client if settings is self.settings else IonQClient(single_attempt_settings(settings))
        )

    def _end(self, session_id: str, settings: ClientSettings) -> None:
        from airflow_provider_ionq.api.client import IonQClient

        end_session(IonQClient(settings), session_id, self._log, sleep=self._sleep)

    def _give_up(self) -> None:
        if self.session_id is not None:
            self._end(self.session_id, self.settings)
            self._ended = True

    def _check_end_to_come(self) -> None:
        if (why := self._surroundings.missing_end_reason()) is not None:
            raise NobodyEndsSessionError(f"{why} No session was created.")

    def _open_another(self) -> Session | None:
        self._check_end_to_come()
        since, sessions = self._client.list_sessions_at()
        mine = [session for session in sessions if session.get("backend") == self.request.backend]
        self.open_ids = tuple(session["id"] for session in mine if not is_ended(session))
        until = None if since is None else since + self.settings.timeout_seconds + LATEST_SECONDS
        intent = Intent(
            request=self.request,
            open_ids=self.open_ids,
            since=since,
            until=until,
            connection=self._surroundings.connection,
        )
        # Checked again: the list may have taken minutes, in which the end task was marked or started.
        self._check_end_to_come()
        self._memory.remember_intent(intent)
        with defer_signals(signal.SIGTERM, signal.SIGALRM):
            # A signal that arrives now is handled only when the id to end the session by is known.
            self._check_stopped()
            session = self._ask()
            self.session_id = session["id"] if session is not None else None
        if session is not None:
            self._take(session)
            self._end_if_nobody_will(session["id"])
        if self.refusal is not None:
            return None
        if session is None:
            return self._find(intent, self._lost)
        self._log.info("Created session %s on %s: %s.", session["id"], self.request, describe_limits(session))
        return self._shown(session)

    def _end_if_nobody_will(self, session_id: str) -> None:
        """End the session that was just created if its end task was marked during the request."""
        try:
            why = self._surroundings.missing_end_reason()
        except IonQError as error:
            # Before the request the end task was still going to run.
            self._log.warning("It cannot be determined whether a task will still end session %s: %s", session_id, error)
            return
        if why is not None:
            self._give_up()
            raise NobodyEndsSessionError(f"{why} Session {session_id}, which was just created, has been ended.")

    def _ask(self) -> Session | None:
        """Send the request; return None when it is refused for now, or when its response is lost."""
        self.refusal = None
        self._lost = None
        try:
            return self._client.create_session(self.request.backend, self.request.settings)
        except IonQError as error:
            if isinstance(error, IonQUnreachableError):
                error.retryable = True  # the list request has just succeeded, so the connection is valid
            if error.may_have_applied:
                self._lost = error
                return None
            self._memory.forget()
            if isinstance(error, (IonQConflictError, IonQRateLimitError)):
                self.refusal = error
                return None
            raise with_backends(error, self.request.backend, self._single_attempt_client) from error.__cause__

    def _take(self, session: Session) -> None:
        """Report the session to its end task, and store its id for a later try."""
        session_id = self.session_id = session["id"]
        teller = self._teller(session_id)
        teller.tell_or_end(lambda: self._memory.tell_session(session_id))
        if (failure := teller.try_for_a_minute(lambda: self._memory.remember_session(session_id))) is not None:
            # The end task knows the session, so it may be handed on.
            self._log.warning("The id of session %s could not be stored for a later try: %s", session_id, failure)

    def _teller(self, session_id: str) -> Teller:
        return Teller(
            session_id,
            str(self.request),
            end=self._give_up,
            check=self._check_stopped,
            log=self._log,
            sleep=self._sleep,
        )

    def _remember_named(self, intent: Intent, session_ids: list[str]) -> None:
        named = (*intent.named, *session_ids)
        try:
            self._memory.remember_intent(dataclasses.replace(intent, named=tuple(dict.fromkeys(named))))
        except Exception as error:
            # The error that names the candidates matters more.
            self._log.warning("The ids of the candidates could not be stored: %s", error)

    def _shown(self, session: Session) -> Session:
        """Return the session as soon as the API shows it."""
        try:
            return read_in_time(self._single_attempt_client, session["id"], SHOW_SECONDS, self._sleep)
        except IonQError as error:
            self._log.warning(
                "Session %s was created, but the API has not shown it for %s; using the create response. %s",
                session["id"],
                duration_text(SHOW_SECONDS),
                error,
            )
            return session

    def _find(self, intent: Intent, lost: IonQError | None) -> Session | None:
        """
        Search for the session that a request without a response may have created.

        :param lost: error of that request; None if it is unknown because the process died.
        :return: the session, if it may be adopted; None without a candidate for the request of an earlier try.
        """
        if lost is not None:
            self._log.warning("No response to the request: searching for the session it may have created. %s", lost)
        found = self._search(intent)
        same = intent.request == self.request and intent.connection in (None, self._surroundings.connection)
        if self._adopt and same and (session := adoptable(found)) is not None:
            self._log.warning("Adopting session %s as the one that was requested.", session["id"])
            if (why := self._surroundings.missing_end_reason()) is not None:
                self._end(session["id"], self.settings)
                raise NobodyEndsSessionError(f"{why} Session {session['id']}, adopted as the lost one, has been ended.")
            self._take(session)
            return session
        if found:
            ids = [session["id"] for session in found]
            self._remember_named(intent, ids)
            asked_for = opened_on(intent, self.request, self._surroundings.connection)
            raise SessionLostError(lost_words(asked_for, found, lost), ids)
        if lost is not None:
            raise lost
        return None

    def _search(self, intent: Intent) -> list[Session]:
        settings = self._settings_of(intent)
        try:
            return find(self._single_attempt_client_of(settings), intent, sleep=self._sleep)
        except IonQError as error:
            if settings is self.settings:
                raise
            asked_for = opened_on(intent, self.request, self._surroundings.connection)
            raise SessionNotShownError(
                f"An earlier try requested a session on {asked_for} and got no response. It is unknown whether one is"
                f" open, which may cost money; no other was created: {error}"
            ) from error
