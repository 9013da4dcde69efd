"""
Outages of the API: the pause between polls, and when a failure is permanent.

Pure: the caller has the clock and the credentials and waits, so that poke and the shared poll share the same rules.
"""

from __future__ import annotations

from airflow_provider_ionq.api.errors import IonQApiError, IonQError

MAX_RETRY_AFTER_SECONDS = 300.0
LONGEST_PAUSE_SECONDS = 300.0
LONGEST_PAUSE_INTERVALS = 8
REREAD_SECONDS = 60.0
"""After a failed poll the connection is read again, at most once per this time."""


def is_refusal(error: IonQError) -> bool:
    """Return whether the API rejected the request, so that a retry does not help: 401, 403, 404 and the like."""
    return isinstance(error, IonQApiError) and not error.retryable and error.status >= 400


class Outage:
    """
    Consecutive failed polls of one item or of a whole connection.

    Every failure is waited out, except two consecutive rejections, the second with credentials that were read after the
    first.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.final = False
        self._retry_after: float | None = None
        self._refused_with: int | None = None

    def failed(self, error: IonQError, credentials: int) -> bool:
        """
        Record a failed poll.

        :param error: the error of the poll.
        :param credentials: how often the credentials had been read before the poll.
        :return: whether the outage began with this poll.
        """
        self.failures += 1
        self._retry_after = error.retry_after_seconds
        if not is_refusal(error):
            self._refused_with = None
        elif self._refused_with is None:
            self._refused_with = credentials
        else:
            self.final = credentials > self._refused_with
        return self.failures == 1

    @property
    def retry_after_seconds(self) -> float:
        """The pause that the API requested with the last failure, in seconds, bounded; 0 without one."""
        return min(self._retry_after or 0.0, MAX_RETRY_AFTER_SECONDS)

    @property
    def refused(self) -> bool:
        """Whether the last poll was rejected."""
        return self._refused_with is not None

    def passed(self) -> bool:
        """Record a successful poll; return whether it ended an outage."""
        was_out = self.failures > 0
        self.__init__()  # type: ignore[misc]
        return was_out

    def pause_seconds(self, interval: float, *, grow: bool = True) -> float:
        """
        Return the time until the next poll, in seconds.

        :param interval: the time between two polls without an outage, in seconds.
        :param grow: double the pause with each failure, up to 8 intervals or 300 s.
        """
        pause = interval
        if grow and self.failures:
            longest = max(interval, min(LONGEST_PAUSE_INTERVALS * interval, LONGEST_PAUSE_SECONDS))
            pause = min(interval * 2.0 ** min(self.failures - 1, 10), longest)
        return max(pause, self.retry_after_seconds)
