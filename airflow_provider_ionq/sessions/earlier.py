"""
The request of an earlier try of the task: whether it matches the current request, and how messages describe it.

Between two tries the DAG, the run's conf or a mapping may have changed: a session of the earlier try is reused only if
it matches the current request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.sessions.recover import describe_candidates
from airflow_provider_ionq.sessions.request import describe_limits

if TYPE_CHECKING:
    from airflow_provider_ionq.api.errors import IonQError
    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.sessions.intent import Intent
    from airflow_provider_ionq.sessions.request import SessionRequest


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


def opened_on(intent: Intent | None, request: SessionRequest, connection: str) -> str:
    """
    Describe the request of an earlier try.

    :param intent: the intent of that request; None if it is unknown.
    :param request: the current request.
    :param connection: id of the current Airflow connection, which is left out of the description.
    """
    if intent is None:
        return str(request)
    with_connection = (
        "" if intent.connection in (None, connection) else f" with Airflow connection {intent.connection!r}"
    )
    return f"{intent.request or request}{with_connection}"


def lost_words(asked_for: str, found: list[Session], lost: IonQError | None) -> str:
    """
    Describe the candidates for a session whose create response was lost.

    :param asked_for: description of the request.
    :param found: the candidates.
    :param lost: error of the request; None if it is unknown because the process died.
    """
    who, why = ("An earlier try", "") if lost is None else ("This try", f" ({lost})")
    return (
        f"{who} requested a session on {asked_for} and got no response{why}. Since then there"
        f" {describe_candidates(found)}, so no other was created. If it is yours, end it (IonQEndSessionOperator, or"
        " IonQHook().end_session), and clear this task and those after it to create another; or set"
        " adopt_lost_session=True and clear them: this task continues with such a session if it is the only one and was"
        " not started. If it belongs to another user, clear them once it was started or has ended."
    )
