"""
Find the session of an earlier request, and decide whether it may be reused, without Airflow.

Every search reads the whole list; only the last poll decides that there is no candidate. Between two tries the DAG, the
run's conf or a mapping may have changed: a session of the earlier try is reused only if it matches the current request.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import IonQError
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.sessions.request import describe_limits
from airflow_provider_ionq.waiting.backoff import poll_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.sessions.intent import Intent
    from airflow_provider_ionq.sessions.request import SessionRequest

FIND_SECONDS = 30.0
"""How long to search for a session that may have been created: the server may process a request late."""


def find(client: IonQClient, intent: Intent, *, sleep: Callable[[float], None] = time.sleep) -> list[Session]:
    """
    Return the candidates for the session of a request as soon as there are any, or an empty list after 30 s.

    :param client: client with :func:`~airflow_provider_ionq.waiting.backoff.single_attempt_settings`.
    :param intent: the intent of the request.
    :param sleep: function that waits a number of seconds.
    :raises IonQError: when the last poll failed.
    """
    try:
        project_id = client.whoami().get("project_id")
    except IonQError:
        project_id = None

    def candidates() -> list[Session]:
        _, sessions = client.list_sessions_at()
        return [session for session in sessions if intent.may_be(session, project_id)]

    return poll_until(candidates, FIND_SECONDS, accept=bool, sleep=sleep)


def adoptable(found: list[Session]) -> Session | None:
    """Return the session to adopt: the only candidate, if it was not started."""
    return found[0] if len(found) == 1 and found[0]["status"] == "created" else None


def difference(session: Session, intent: Intent | None, request: SessionRequest, connection: str) -> str | None:
    """
    Return why a session that an earlier try created does not match the current request; None when it matches.

    :param session: its JSON from the API.
    :param intent: the intent of its request; None if it is unknown.
    :param request: the current request.
    :param connection: id of the current Airflow connection.
    """
    if intent is not None and intent.connection not in (None, connection):
        return f"it was created with Airflow connection {intent.connection!r}, and {connection!r} is requested now"
    if intent is not None and intent.request is not None:
        # Not compared with the limits that the API shows: it may add limits of its own.
        if intent.request != request:
            return f"it was created on {intent.request}, and {request} is requested now"
        same = session.get("backend") in (None, request.backend)
    else:
        same = request.is_answered_by(session)
    if same:
        return None
    return (
        f"it is on {json_text(session.get('backend'))}, and {describe_limits(session)}, and {request} is requested now"
    )


def describe_candidates(found: list[Session]) -> str:
    """Describe the candidates, to follow "since then there"."""
    named = "; ".join(
        f"{session['id']}, created at {json_text(session.get('created_at'))} by user"
        f" {json_text(session.get('creator_id'))}, now {json_text(session['status'])} ({describe_limits(session)})"
        for session in found
    )
    number = "is a session" if len(found) == 1 else f"are {len(found)} sessions"
    return f"{number} that may be the one it created: {named}. IonQ gives no way to tell"


def describe_lost(request: str, found: list[Session], lost: IonQError | None) -> str:
    """
    Return the error text for a session whose create response was lost.

    :param request: description of the request.
    :param found: the candidates.
    :param lost: error of the request; None if it is unknown because the process died.
    """
    subject, cause = ("An earlier try", "") if lost is None else ("This try", f" ({lost})")
    return (
        f"{subject} requested a session on {request} and got no response{cause}. Since then there"
        f" {describe_candidates(found)}, so no other session was created. If it is yours, end it"
        " (IonQEndSessionOperator, or IonQHook().end_session), and clear this task and those after it to create another"
        "; or set adopt_lost_session=True and clear them: this task continues with such a session if it is the only one"
        " and was not started. If it belongs to another user, clear them once it was started or has ended."
    )
