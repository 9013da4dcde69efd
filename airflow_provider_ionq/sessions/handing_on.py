"""
Report an open session to Airflow, or end it.

Airflow may be unavailable for a while, and its exceptions differ by version: every exception counts as an outage.
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
"""Longest outage of Airflow after a session was created; then the session is ended."""


class Teller:
    """
    Report one session to Airflow.

    :param session_id: its id.
    :param asked_for: description of its request, for errors.
    :param end: ends the session and confirms its end.
    :param check: called after a failed attempt; raises when the task is being stopped.
    :param log: the task's logger.
    :param sleep: function that waits a number of seconds.
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
        Call `tell` until it succeeds, for at most a minute.

        :param tell: reports to Airflow; may be called more than once.
        :return: the last error after a minute of failures; None on success.
        """
        failure: Exception | None = None
        for _ in backoff(TELL_SECONDS, self._sleep):
            try:
                tell()
            except Exception as error:
                if failure is None:
                    self._log.warning(
                        "Session %s could not be reported to Airflow; retrying for %s: %s",
                        self._session_id,
                        duration_text(TELL_SECONDS),
                        error,
                    )
                failure = error
            else:
                return None
            # Not before the first attempt: a task that is stopped may be killed before it has ended the session.
            self._check()
        return failure

    def tell_or_end(self, tell: Callable[[], None]) -> None:
        """
        Call `tell` until it succeeds, and end the session after a minute of failures.

        :param tell: reports to Airflow; may be called more than once.
        :raises SessionNotHandedOnError: when the session could not be reported; it has ended.
        :raises SessionNotEndedError: when the session could not be reported, and its end is not confirmed.
        """
        failure = self.try_for_a_minute(tell)
        if failure is None:
            return
        words = (
            f"Session {self._session_id} was created on {self._asked_for}, but could not be reported to Airflow for"
            f" {duration_text(TELL_SECONDS)} ({type(failure).__name__}: {failure})."
        )
        self._log.warning("%s Ending it.", words)
        try:
            self._end()
        except SessionNotEndedError as error:
            raise SessionNotEndedError(f"{words} {error}", error.session) from failure
        raise SessionNotHandedOnError(
            f"{words} It has been ended, and a retry creates another.", self._session_id
        ) from failure
