"""
Open a session so that none is lost, without Airflow.

Rules of this file: the request that opens a session is sent once; what is known before it is remembered first, and the
session's id as soon as there is one; whether a request without an answer has opened a session is told by what is in
the list after it and was not before; a session that was opened is never given up for an error that comes later.
"""

from __future__ import annotations

import dataclasses
import signal
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.conditions import is_ended
from airflow_provider_ionq.errors import (
    IonQApiError,
    IonQConflictError,
    IonQError,
    IonQRateLimitError,
    IonQUnreachableError,
)
from airflow_provider_ionq.sessions.errors import OpeningStoppedError, SessionLostError, SessionNotShownError
from airflow_provider_ionq.sessions.intent import LATEST_SECONDS, Intent
from airflow_provider_ionq.sessions.request import closing_words
from airflow_provider_ionq.sessions.search import find, found_words, hasty, looks, only_unused
from airflow_provider_ionq.sessions.signals import held_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.models import Session
    from airflow_provider_ionq.sessions.intent import Memory
    from airflow_provider_ionq.sessions.request import SessionRequest
    from airflow_provider_ionq.settings import ClientSettings

SHOW_SECONDS = 30.0
"""So long the API may take to show a session that it has opened."""

KILLED_WITHIN_SECONDS = 4.0
"""Airflow kills a task for good 5 s after it asked it to end."""

PAUSE_OF_KILLED_SECONDS = 0.5


class Opening:
    """
    One session to be opened, over as many attempts as it takes.

    :param settings: of the client.
    :param request: what to open.
    :param memory: what outlives this process.
    :param log: the task's logger.
    :param adopt: take a session that may be the lost one for it, if it is the only one.
    :param sleep: waits so many seconds.
    """

    def __init__(
        self,
        settings: ClientSettings,
        request: SessionRequest,
        memory: Memory,
        log: Any,
        *,
        adopt: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        from airflow_provider_ionq.client import IonQClient

        self.settings = settings
        self.request = request
        self.session_id: str | None = None
        self.open_ids: tuple[str, ...] = ()
        self.refusal: IonQApiError | None = None
        self._stopped = False
        self._ended = False
        self._lost: IonQError | None = None
        self._memory = memory
        self._log = log
        self._adopt = adopt
        self._sleep = sleep
        self._client = IonQClient(settings)
        self._hasty_client = IonQClient(hasty(settings))

    def open(self) -> Session | None:
        """
        Return the session, found if an earlier process opened it, else opened now.

        :return: None when there is no capacity, or no more requests are taken, for now: `refusal` says which,
            `open_ids` which sessions of the backend are open.
        :raises SessionLostError: when it may have been opened and cannot be told from others.
        :raises SessionNotShownError: when the session that an earlier process opened cannot be read.
        :raises OpeningStoppedError: after :meth:`stop`.
        :raises IonQError: for what the API or the connection refuses, and for what may pass.
        """
        session = self._from_before() or self._open_another()
        self._check_stopped()
        return session

    def stop(self) -> None:
        """
        Open no session any more, and end the one that was opened, within the seconds that a killed task has left.

        Makes a client of its own: whoever calls this may have interrupted the other in the middle of a request.
        """
        from airflow_provider_ionq.client import IonQClient

        self._stopped = True
        if self.session_id is None or self._ended:
            return
        deadline = time.monotonic() + KILLED_WITHIN_SECONDS
        self._log.warning("This task is being killed: ending session %s, which it has opened.", self.session_id)
        while (left := deadline - time.monotonic()) > 0:
            in_time = dataclasses.replace(self.settings, max_retries=0, timeout_seconds=left)
            try:
                IonQClient(in_time).end_session(self.session_id)
            except IonQError as error:
                self._log.warning("Session %s could not be ended: %s", self.session_id, error)
                time.sleep(PAUSE_OF_KILLED_SECONDS)
            else:
                self._ended = True
                self._log.warning("Session %s was told to end.", self.session_id)
                return
        self._log.error("Session %s may still be open and cost money: end it.", self.session_id)

    def _check_stopped(self) -> None:
        if self._stopped:
            ended = f"session {self.session_id} was told to end" if self.session_id else "no session was opened"
            raise OpeningStoppedError(f"The task is being killed: {ended}.")

    def _from_before(self) -> Session | None:
        if (session_id := self._memory.session_id()) is not None:
            session = self._stored(session_id)
            if not is_ended(session):
                self.session_id = session_id
                self._log.info("Session %s was opened by an earlier try and is open: going on with it.", session_id)
                return session
            self._log.info("Session %s, opened by an earlier try, has ended: opening another.", session_id)
        elif (intent := self._memory.intent(self.request)) is not None:
            self._log.warning("An earlier try asked for a session and its outcome is not known: looking for it.")
            if (found := self._find(intent, None)) is not None:
                return found
            self._log.info("It opened none.")
        else:
            return None
        self._memory.forget()
        return None

    def _stored(self, session_id: str) -> Session:
        """Read the session that an earlier try opened: it costs money, so no refusal to show it is the last word."""
        failure: IonQError | None = None
        for _ in looks(SHOW_SECONDS, self._sleep):
            try:
                return self._hasty_client.get_session(session_id)
            except IonQError as error:
                failure = error
        raise SessionNotShownError(
            f"Session {session_id}, which an earlier try opened on {self.request}, cannot be read and may cost money;"
            f" no other was opened: {failure}"
        ) from failure

    def _open_another(self) -> Session | None:
        since, sessions = self._client.list_sessions_at()
        mine = [session for session in sessions if session.get("backend") == self.request.backend]
        self.open_ids = tuple(session["id"] for session in mine if not is_ended(session))
        until = None if since is None else since + self.settings.timeout_seconds + LATEST_SECONDS
        intent = Intent(request=self.request, open_ids=self.open_ids, since=since, until=until)
        self._memory.remember_intent(intent)
        with held_back(signal.SIGTERM, signal.SIGALRM):
            # Whoever kills the task now gets to do so when there is an id to end the session by.
            self._check_stopped()
            session = self._ask()
            if session is not None:
                self._take(session)
        if self.refusal is not None:
            return None
        if session is None:
            return self._find(intent, self._lost)
        self._log.info("Opened session %s on %s: %s.", session["id"], self.request, closing_words(session))
        return self._shown(session)

    def _ask(self) -> Session | None:
        """Send the request; return None when it was refused for now, or when its answer is lost."""
        self.refusal = None
        self._lost = None
        try:
            return self._client.create_session(self.request.backend, self.request.settings)
        except IonQError as error:
            if isinstance(error, IonQUnreachableError):
                error.retryable = True  # the list was answered a moment ago, so the connection is no mistake
            if error.perhaps_done:
                self._lost = error
                return None
            self._memory.forget()
            if isinstance(error, (IonQConflictError, IonQRateLimitError)):
                self.refusal = error
                return None
            raise self._with_backends(error) from error.__cause__

    def _take(self, session: Session) -> None:
        self.session_id = session["id"]
        try:
            self._memory.remember_session(session["id"])
        except Exception as error:
            # The session is open, and this process knows its id.
            self._log.warning("The id of session %s could not be stored for a later try: %s", session["id"], error)

    def _remember_named(self, intent: Intent, session_ids: list[str]) -> None:
        named = (*intent.named, *session_ids)
        try:
            self._memory.remember_intent(dataclasses.replace(intent, named=tuple(dict.fromkeys(named))))
        except Exception as error:
            # What is to be told matters more.
            self._log.warning("It could not be stored which sessions were named: %s", error)

    def _with_backends(self, error: IonQError) -> IonQError:
        """Add to a refused request which backends there are, if the asked one is none of them."""
        if not isinstance(error, IonQApiError) or error.status not in (400, 404):
            return error
        try:
            names = [backend["backend"] for backend in self._hasty_client.list_backends()]
        except (IonQError, KeyError, TypeError):
            return error
        if self.request.backend not in names:
            error.args = (f"{error} - there is no backend {self.request.backend!r}; there are: {', '.join(names)}",)
        return error

    def _shown(self, session: Session) -> Session:
        """Read the session back as soon as the API shows it."""
        failure: IonQError | None = None
        for _ in looks(SHOW_SECONDS, self._sleep):
            try:
                return self._hasty_client.get_session(session["id"])
            except IonQError as error:
                failure = error
        self._log.warning(
            "Session %s was opened, but the API has not shown it for %g s; going on with what it said then. %s",
            session["id"],
            SHOW_SECONDS,
            failure,
        )
        return session

    def _find(self, intent: Intent, lost: IonQError | None) -> Session | None:
        """
        Look for the session that a request without an answer may have opened.

        :param lost: how that request failed; None if nobody lived to see it.
        :return: the session, if it may be taken for it; None when there is none and an earlier try asked for it.
        """
        if lost is not None:
            self._log.warning("No answer to the request: looking for the session it may have opened. %s", lost)
        found = find(self._hasty_client, intent, sleep=self._sleep)
        if self._adopt and (session := only_unused(found)) is not None:
            self._log.warning("Taking session %s for the one that was asked for.", session["id"])
            self._take(session)
            return session
        if found:
            ids = [session["id"] for session in found]
            self._remember_named(intent, ids)
            raise SessionLostError(_lost_words(self.request, found, lost), ids)
        if lost is not None:
            raise lost
        return None


def _lost_words(request: SessionRequest, found: list[Session], lost: IonQError | None) -> str:
    who, why = ("An earlier try", "") if lost is None else ("This try", f" ({lost})")
    return (
        f"{who} asked for a session on {request} and got no answer{why}; since then there {found_words(found)}, so no"
        " other was opened. If it is yours, end it (IonQEndSessionOperator, or IonQHook().end_session), and clear this"
        " task and those after it to open another; or set adopt_lost_session=True and clear them: this task goes on"
        " with such a session if it is the only one and was not started. If it is somebody else's, clear them when it"
        " was started or has ended."
    )
