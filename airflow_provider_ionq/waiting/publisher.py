"""
Report a created item to Airflow, or end it.

Airflow may be unavailable for a while, and its exceptions differ by version: every exception counts as an outage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import IonQError, IonQNotEndedError, IonQNotPublishedError
from airflow_provider_ionq.waiting.backoff import backoff
from airflow_provider_ionq.waiting.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.waiting.safe_log import SafeLog

PUBLISH_SECONDS = 60.0
"""Longest outage of Airflow after an item was created; then the item is ended."""


class Publisher:
    """
    Report one created item to Airflow.

    :param item: name and id of the item.
    :param created: description of its creation, for errors: a sentence without its end.
    :param end: ends the item and confirms its end.
    :param ended: what `end` has done, such as "It has been ended".
    :param check_stopped: called after a failed attempt; raises when the task is being stopped.
    :param log: the task's logger.
    :param sleep: function that waits a number of seconds.
    """

    def __init__(
        self,
        item: str,
        created: str,
        *,
        end: Callable[[], None],
        ended: str,
        check_stopped: Callable[[], None],
        log: SafeLog,
        sleep: Callable[[float], None],
    ) -> None:
        self._item = item
        self._created = created
        self._end = end
        self._ended = ended
        self._check_stopped = check_stopped
        self._log = log
        self._sleep = sleep

    def publish(self, report: Callable[[], None]) -> Exception | None:
        """
        Call `report` until it succeeds, for at most a minute.

        :param report: reports to Airflow; may be called more than once.
        :return: the last error after a minute of failures; None on success.
        """
        failure: Exception | None = None
        for _ in backoff(PUBLISH_SECONDS, self._sleep):
            try:
                report()
            except Exception as error:
                if failure is None:
                    self._log.warning(
                        "%s could not be reported to Airflow; retrying for %s: %s",
                        self._item,
                        duration_text(PUBLISH_SECONDS),
                        error,
                    )
                failure = error
            else:
                return None
            # Not before the first attempt: a task that is stopped may be killed before it has ended the item.
            self._check_stopped()
        return failure

    def publish_or_end(self, report: Callable[[], None]) -> None:
        """
        Call `report` until it succeeds, and end the item after a minute of failures.

        :param report: reports to Airflow; may be called more than once.
        :raises IonQNotPublishedError: when the item could not be reported; it has ended.
        :raises IonQNotEndedError: when the item could not be reported, and its end is not confirmed.
        """
        failure = self.publish(report)
        if failure is None:
            return
        text = (
            f"{self._created}, but could not be reported to Airflow for {duration_text(PUBLISH_SECONDS)}"
            f" ({type(failure).__name__}: {failure})."
        )
        self._log.warning("%s Ending it.", text)
        try:
            self._end()
        except IonQError as error:
            raise IonQNotEndedError(f"{text} {error}") from None
        raise IonQNotPublishedError(f"{text} {self._ended}, and a retry creates another.") from None
