"""
What opening and ending a session can raise beyond what the client does.

Each is an :class:`~airflow_provider_ionq.api.errors.IonQError`, and names the session it is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import IonQError

if TYPE_CHECKING:
    from airflow_provider_ionq.api.models import Session


class SessionLostError(IonQError):
    """
    A request to open a session got no answer, and there are sessions since that may be the one it opened.

    A retry does not help: it would find the same.

    :param session_ids: their ids.
    """

    def __init__(self, text: str, session_ids: list[str]) -> None:
        super().__init__(text)
        self.session_ids = session_ids


class SessionNotShownError(IonQError):
    """The session that an earlier try opened, or may have opened, cannot be read. A retry may help."""

    retryable = True


class NobodyEndsSessionError(IonQError):
    """No task of the run would end the session any more, so none is left open. A retry does not help."""


class EndNotSeenError(IonQError):
    """It cannot be seen whether the end of the session is still to come, so none is opened. A retry may help."""

    retryable = True


class SessionNotHandedOnError(IonQError):
    """
    A session was opened and ended again, because Airflow could not be told of it. A retry may help.

    :param session_id: its id.
    """

    retryable = True

    def __init__(self, text: str, session_id: str) -> None:
        super().__init__(text)
        self.session_id = session_id


class OpeningStoppedError(IonQError):
    """The task that opens a session is being killed."""

    retryable = True


class SessionNotEndedError(IonQError):
    """
    A session was asked to end, and has not been seen to.

    :param session: as it was last seen; None if it never was.
    """

    retryable = True

    def __init__(self, text: str, session: Session | None) -> None:
        super().__init__(text)
        self.session = session
