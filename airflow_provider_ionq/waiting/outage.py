"""
How long to pause while the API fails, and when to stop believing that it will pass.

Pure: the clock, the credentials and the waiting are the caller's, so that poke and the shared poll cannot drift.
"""

from __future__ import annotations

from airflow_provider_ionq.api.errors import IonQApiError, IonQError

MAX_RETRY_AFTER_SECONDS = 300.0
LONGEST_PAUSE_SECONDS = 300.0
LONGEST_PAUSE_INTERVALS = 8
REREAD_SECONDS = 60.0
"""After a failed look the connection is read again, at most once in this time."""


def is_refusal(error: IonQError) -> bool:
    """Tell whether an error is the API's own no, which asking again does not change: 401, 403, 404 and the like."""
    return isinstance(error, IonQApiError) and not error.retryable and error.status >= 400


class Outage:
    """
    The looks that failed in a row, of one session or of a whole connection.

    Anything is waited out but a refusal that was seen twice in a row, the second time with credentials that were read
    after the first.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.final = False
        self._retry_after: float | None = None
        self._refused_with: int | None = None

    def failed(self, error: IonQError, credentials: int) -> bool:
        """
        Take note of a failed look.

        :param error: why it failed.
        :param credentials: how often the credentials had been read when it was made.
        :return: whether the outage began with it.
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
    def refused(self) -> bool:
        """Whether the last look was refused."""
        return self._refused_with is not None

    def passed(self) -> bool:
        """Take note of a look that succeeded; return whether an outage is over with it."""
        was_out = self.failures > 0
        self.__init__()  # type: ignore[misc]
        return was_out

    def pause_seconds(self, interval: float, *, grow: bool = True) -> float:
        """
        Return the time until the next look.

        :param interval: the time between two looks when all is well, in seconds.
        :param grow: double the pause with each failure, up to 8 intervals or 300 s.
        """
        pause = interval
        if grow and self.failures:
            longest = max(interval, min(LONGEST_PAUSE_INTERVALS * interval, LONGEST_PAUSE_SECONDS))
            pause = min(interval * 2.0 ** min(self.failures - 1, 10), longest)
        return max(pause, min(self._retry_after or 0.0, MAX_RETRY_AFTER_SECONDS))
