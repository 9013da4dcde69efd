"""
What is stored about a create request, and which sessions may be its result.

Pure: no I/O, no clock, no Airflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ionq.sessions.request import SessionRequest, created_epoch
from airflow_provider_ionq.sessions.target import is_ended
from airflow_provider_ionq.waiting.request_clients import Connections

if TYPE_CHECKING:
    from airflow_provider_ionq.api.models import Session

CLOCKS_APART_SECONDS = 60.0
"""The clocks behind `created_at` and the `Date` header are both IonQ's, and may differ by this."""


LATEST_SECONDS = 300.0
"""How long after its time-out the server may still process a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """
    What was known just before a create request.

    :param request: backend and limits of the request; None if unknown.
    :param open_ids: ids of the sessions of that backend that existed and had not ended.
    :param since: time of the server, in epoch seconds; None if its response had none.
    :param until: latest time at which the session was created, by the same clock; None if unknown.
    :param named: ids of the candidates that earlier errors named.
    :param connection: id of the Airflow connection of the request; None if unknown.
    """

    request: SessionRequest | None
    open_ids: tuple[str, ...]
    since: float | None
    until: float | None
    named: tuple[str, ...] = ()
    connection: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the intent as JSON."""
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
        """Return the intent from the JSON of :meth:`as_json`."""
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
        Tell whether a session may be the result of the request.

        A started session is a candidate only if the time of the request is known to some minutes and no earlier error
        named the session. Otherwise its user knows that it is theirs.

        :param project_id: project of the API key; None if unknown.
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


class CreateTask(Connections, Protocol):
    """The Airflow task that creates a session."""

    def missing_end_reason(self) -> str | None:
        """
        Return why no task would end a session that is created now; None when an end task will still run.

        :raises IonQNoEndTaskError: retryable, when that cannot be determined.
        """

    def hand_on(self, session: Session) -> None:
        """Hand the session to the downstream tasks."""
