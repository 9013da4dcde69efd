"""
Errors of creating and ending a session, in addition to those of the client.

Each is an :class:`~airflow_provider_ionq.api.errors.IonQError`, and names its session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import IonQError

if TYPE_CHECKING:
    from airflow_provider_ionq.api.models import Session


class SessionLostError(IonQError):
    """
    The response to a create request was lost, and there are candidates for the session that it created.

    A retry does not help: it would find the same candidates.

    :param session_ids: ids of the candidates.
    """

    def __init__(self, text: str, session_ids: list[str]) -> None:
        super().__init__(text)
        self.session_ids = session_ids


class SessionNotShownError(IonQError):
    """The session that an earlier try created, or may have created, cannot be read. A retry may help."""

    retryable = True


class NobodyEndsSessionError(IonQError):
    """No task of the run would end the session, so no session is left open. A retry does not help."""


class EndNotSeenError(IonQError):
    """It is unknown whether a task will still end the session, so no session is created. A retry may help."""

    retryable = True


class SessionNotHandedOnError(IonQError):
    """
    A session was created and ended again, because it could not be reported to Airflow. A retry may help.

    :param session_id: its id.
    """

    retryable = True

    def __init__(self, text: str, session_id: str) -> None:
        super().__init__(text)
        self.session_id = session_id


class OpeningStoppedError(IonQError):
    """The task that creates a session is being killed."""

    retryable = True


class SessionNotEndedError(IonQError):
    """
    The end of a session was requested, but not confirmed.

    :param session: last JSON that was read of the session; None if it was never read.
    """

    retryable = True

    def __init__(self, text: str, session: Session | None) -> None:
        super().__init__(text)
        self.session = session
