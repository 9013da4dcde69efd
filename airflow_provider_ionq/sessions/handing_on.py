"""
Tell Airflow of a session that is open, or end it.

Airflow may be away for a while, and what it then raises differs by version: every exception counts as that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.sessions.errors import SessionNotEndedError, SessionNotHandedOnError
from airflow_provider_ionq.sessions.recover import backoff
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.sessions.log import SafeLog

TELL_SECONDS = 60.0
"""So long Airflow may be away when a session was opened; then the session is ended."""


class Teller:
    """
    Tells Airflow of one session.

    :param session_id: its id.
    :param asked_for: what it was opened as, for errors.
    :param end: ends it and sees that it has ended.
    :param check: called after an attempt that failed; raises when the task is being stopped.
    :param log: the task's.
    :param sleep: waits so many seconds.
    """

    def __init__(
        self,
        session_id: str,
        asked_for: str,
        *,
        end: Callable[[], None],
        check: Callable[[], None],
        log: SafeLog,
        sleep: Callable[[float], None],
    ) -> None:
        self._session_id = session_id
        self._asked_for = asked_for
        self._end = end
        self._check = check
        self._log = log
        self._sleep = sleep

    def try_for_a_minute(self, tell: Callable[[], None]) -> Exception | None:
        """
        Call what tells Airflow until it does not raise.

        :param tell: may be called more than once.
        :return: why it failed for a minute; None when it did not.
        """
        failure: Exception | None = None
        for _ in backoff(TELL_SECONDS, self._sleep):
            try:
                tell()
            except Exception as error:
                if failure is None:
                    self._log.warning(
                        "Airflow could not be told of session %s; trying again for %s: %s",
                        self._session_id,
                        duration_text(TELL_SECONDS),
                        error,
                    )
                failure = error
            else:
                return None
            # Not before the first attempt: a task that is stopped may not get to end the session in its few seconds.
            self._check()
        return failure

    def tell_or_end(self, tell: Callable[[], None]) -> None:
        """
        Call what tells Airflow until it does not raise, and end the session if that lasts.

        :param tell: may be called more than once.
        :raises SessionNotHandedOnError: when Airflow could not be told; the session has ended.
        :raises SessionNotEndedError: when Airflow could not be told and the session was not seen to end.
        """
        failure = self.try_for_a_minute(tell)
        if failure is None:
            return
        words = (
            f"Session {self._session_id} was opened on {self._asked_for}, but Airflow could not be told of it for"
            f" {duration_text(TELL_SECONDS)} ({type(failure).__name__}: {failure})."
        )
        self._log.warning("%s Ending it.", words)
        try:
            self._end()
        except SessionNotEndedError as error:
            raise SessionNotEndedError(f"{words} {error}", error.session) from failure
        raise SessionNotHandedOnError(
            f"{words} It has been ended, and a retry opens another.", self._session_id
        ) from failure
