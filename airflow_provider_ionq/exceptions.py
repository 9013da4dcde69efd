"""
Exceptions of tasks. Each fails the task without retries, because a retry would fail in the same way.

With `soft_fail` Airflow turns these into a skip, in every mode: they subclass AirflowFailException because the poke
loop skips on that class only, while a resumed task skips on any AirflowException.
"""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowFailException


class IonQFailException(AirflowFailException):
    """
    A permanent error: a retry would fail in the same way.

    :param text: the whole message.
    :param reason: the error that the message describes, such as an error of :mod:`airflow_provider_ionq.api.errors`. It
        is not the cause: Airflow would also print its traceback.
    """

    def __init__(self, text: str = "", *, reason: Exception | None = None) -> None:
        super().__init__(text)
        self.reason = reason


class IonQImpossibleStateException(IonQFailException):
    """The session or job can never have the awaited status, or the session the awaited active flag."""


class IonQCapacityTimeoutException(IonQFailException):
    """The device had no capacity for a session within the task's time-out; no session was created."""
