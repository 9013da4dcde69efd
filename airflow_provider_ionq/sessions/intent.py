"""
What is remembered of a session that was asked for, and which session may be it.

Pure: no I/O, no clock, no Airflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ionq.sessions.request import SessionRequest, created_epoch
from airflow_provider_ionq.sessions.target import is_ended

if TYPE_CHECKING:
    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.api.settings import ClientSettings

CLOCKS_APART_SECONDS = 60.0
"""The clocks behind `created_at` and the `Date` header are both IonQ's, and need not be the same."""


LATEST_SECONDS = 300.0
"""So long after its time-out may a request still have had its effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """
    What was known just before a session was asked for.

    :param request: what was asked for; None if that is not known.
    :param open_ids: ids of the sessions of that backend that were there and had not ended.
    :param since: the server's time, in epoch seconds; None when it did not tell.
    :param until: when at the latest the session was created, by the same clock; None if that is not known.
    :param named: ids of sessions that people were told of as perhaps this one.
    :param connection: id of the Airflow connection that it was asked for with; None if that is not known.
    """

    request: SessionRequest | None
    open_ids: tuple[str, ...]
    since: float | None
    until: float | None
    named: tuple[str, ...] = ()
    connection: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "request": self.request and self.request.as_json(),
            "open_ids": list(self.open_ids),
            "since": self.since,
            "until": self.until,
            "named": list(self.named),
            "connection": self.connection,
        }

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> Intent:
        """Take what :meth:`as_json` gave."""
        request = value["request"] and SessionRequest(**value["request"])
        return cls(
            request=request,
            open_ids=tuple(value["open_ids"]),
            since=value["since"],
            until=value["until"],
            named=tuple(value["named"]),
            connection=value.get("connection"),
        )

    def may_be(self, session: Session, project_id: str | None) -> bool:
        """
        Tell whether a session may be the one that was asked for.

        One that was started may be it where it is known to some minutes when it was asked for: elsewhere, and where
        people were told of it before, somebody works in it who knows that it is theirs.

        :param project_id: that of the API key; None when it is not known.
        """
        created = created_epoch(session)
        return (
            session["id"] not in self.open_ids
            and not is_ended(session)
            and (session["status"] == "created" or (self.until is not None and session["id"] not in self.named))
            and (self.request is None or self.request.is_answered_by(session))
            and (self.since is None or created is None or created >= self.since - CLOCKS_APART_SECONDS)
            and (self.until is None or created is None or created <= self.until + CLOCKS_APART_SECONDS)
            and (project_id is None or session.get("project_id") in (None, project_id))
        )


class Memory(Protocol):
    """What outlives the process that opens a session, for its next try and for the task that ends the session."""

    def session_id(self) -> str | None:
        """Return the id of the session that was opened."""

    def intent(self, request: SessionRequest) -> Intent | None:
        """
        Return what was known before the last request: of the session that was opened, or whose outcome is not known.

        :param request: what is asked for now, for a memory that keeps nothing.
        """

    def tell_session(self, session_id: str) -> None:
        """Tell the task that ends the session its id."""

    def remember_session(self, session_id: str) -> None:
        """Keep the id of the session that was opened, for a later try."""

    def remember_intent(self, intent: Intent) -> None:
        """Keep what is known before the request."""

    def forget(self) -> None:
        """Keep neither."""


class Surroundings(Protocol):
    """What the task that opens a session knows of Airflow."""

    connection: str
    """Id of the Airflow connection that the session is asked for with."""

    def missing_end_reason(self) -> str | None:
        """
        Return why no task would end a session that is opened now; None when the end is still to come.

        :raises IonQError: retryable, when that cannot be seen.
        """

    def settings_of(self, connection: str) -> ClientSettings | None:
        """Return the settings of another Airflow connection; None when there is none of that id."""

    def hand_on(self, session: Session) -> None:
        """Give the session to the tasks downstream."""
