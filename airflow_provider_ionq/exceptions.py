"""
What a task raises. All of it fails the task at once, because a retry would see the same.

With `soft_fail` Airflow turns these into a skip, in every mode: they subclass AirflowFailException because the poke
loop skips on that class only, while a resumed task skips on any AirflowException.
"""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowFailException


class IonQFailException(AirflowFailException):
    """
    The API or the connection refuses what the task asks, and will go on doing so.

    :param text: the whole message.
    :param reason: the error that the message tells. It is not the cause: Airflow would print its traceback, too.
    """

    def __init__(self, text: str = "", *, reason: Exception | None = None) -> None:
        super().__init__(text)
        self.reason = reason


class IonQImpossibleStateException(IonQFailException):
    """The session can never have the awaited status or active flag."""


class IonQSessionLostException(IonQFailException):
    """A request to open a session got no answer, and sessions are there that may be the one it opened."""


class IonQCapacityTimeoutException(IonQFailException):
    """The device had no capacity for a session within the task's time-out; none was opened."""
