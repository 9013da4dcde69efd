"""
What an earlier try of the task asked for: whether it answers today's request, and how it is told.

Between two tries the DAG, the run's conf or a mapping may have changed: what was opened then is gone on with only if it
is what is asked for now.
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
    Return why a session that an earlier try opened is not what is asked for now; None when it is.

    :param session: as the API shows it.
    :param intent: what was known before its request; None if that is not known.
    :param request: what is asked for now.
    :param connection: id of the Airflow connection that is used now.
    """
    if intent is not None and intent.connection not in (None, connection):
        return f"it was opened with Airflow connection {intent.connection!r}, and {connection!r} is asked for now"
    if intent is not None and intent.request is not None:
        # Not what the API shows of its limits: it may add limits of its own.
        if intent.request != request:
            return f"it was opened on {intent.request}, and {request} is asked for now"
        same = session.get("backend") in (None, request.backend)
    else:
        same = request.is_answered_by(session)
    if same:
        return None
    return (
        f"it is on {json_text(session.get('backend'))}, and {describe_limits(session)}, and {request} is asked for now"
    )


def opened_on(intent: Intent | None, request: SessionRequest, connection: str) -> str:
    """
    Say what an earlier try asked for.

    :param intent: what was known before its request; None if that is not known.
    :param request: what is asked for now.
    :param connection: id of the Airflow connection that is used now, which goes without saying.
    """
    if intent is None:
        return str(request)
    with_connection = (
        "" if intent.connection in (None, connection) else f" with Airflow connection {intent.connection!r}"
    )
    return f"{intent.request or request}{with_connection}"


def lost_words(asked_for: str, found: list[Session], lost: IonQError | None) -> str:
    """
    Name the sessions that may be the one whose answer was lost.

    :param asked_for: what was asked for.
    :param found: the sessions.
    :param lost: how the request failed; None if nobody lived to see it.
    """
    who, why = ("An earlier try", "") if lost is None else ("This try", f" ({lost})")
    return (
        f"{who} requested a session on {asked_for} and got no answer{why}. Since then there"
        f" {describe_candidates(found)}, so no other was created. If it is yours, end it (IonQEndSessionOperator, or"
        " IonQHook().end_session), and clear this task and those after it to create another; or set"
        " adopt_lost_session=True and clear them: this task continues with such a session if it is the only one and was"
        " not started. If it belongs to somebody else, clear them when it was started or has ended."
    )
