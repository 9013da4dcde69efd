"""
Search for a session that a request without a response may have created, without Airflow.

Rules of this file: every poll reads the whole list; the next poll retries any error; only the last poll decides that
there is no candidate.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import IonQApiError, IonQError
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.sessions.request import describe_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.sessions.intent import Intent

FIND_SECONDS = 30.0
"""How long to search for a session that may have been created: the server may process a request late."""

LONGEST_LOOK_SECONDS = 10.0


def single_attempt_settings(settings: ClientSettings) -> ClientSettings:
    """Return settings for repeated polls: the retries of one poll would take longer than all polls may."""
    return dataclasses.replace(
        settings, max_retries=0, timeout_seconds=min(settings.timeout_seconds, LONGEST_LOOK_SECONDS)
    )


def backoff(seconds: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Pace repeated polls: the first at once, the next after growing pauses, the last when the time is up."""
    deadline = time.monotonic() + seconds
    pause = 1.0
    while True:
        yield
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return
        sleep(min(pause, remaining))
        pause = min(pause * 2, LONGEST_LOOK_SECONDS)


def read_in_time(client: IonQClient, session_id: str, seconds: float, sleep: Callable[[float], None]) -> Session:
    """
    Return a session as soon as the API shows it.

    :param client: client with :func:`single_attempt_settings`.
    :param session_id: id of the session.
    :param seconds: how long to try.
    :param sleep: function that waits a number of seconds.
    :raises IonQError: when the last poll failed.
    """
    failure: IonQError | None = None
    for _ in backoff(seconds, sleep):
        try:
            return client.get_session(session_id)
        except IonQError as error:
            failure = error
    assert failure is not None  # there is at least one poll
    raise failure


def find(client: IonQClient, intent: Intent, *, sleep: Callable[[float], None] = time.sleep) -> list[Session]:
    """
    Return the candidates for the session of a request as soon as there are any, or an empty list after 30 s.

    :param client: client with :func:`single_attempt_settings`.
    :param intent: the intent of the request.
    :param sleep: function that waits a number of seconds.
    :raises IonQError: when the last poll failed.
    """
    try:
        project_id = client.whoami().get("project_id")
    except IonQError:
        project_id = None
    failure: IonQError | None = None
    for _ in backoff(FIND_SECONDS, sleep):
        try:
            _, sessions = client.list_sessions_at()
        except IonQError as error:
            failure = error
            continue
        failure = None
        if found := [session for session in sessions if intent.may_be(session, project_id)]:
            return found
    if failure is not None:
        raise failure
    return []


def adoptable(found: list[Session]) -> Session | None:
    """Return the session to adopt: the only candidate, if it was not started."""
    return found[0] if len(found) == 1 and found[0]["status"] == "created" else None


def describe_candidates(found: list[Session]) -> str:
    """Describe the candidates, to follow "since then there"."""
    named = "; ".join(
        f"{session['id']}, created at {json_text(session.get('created_at'))} by user"
        f" {json_text(session.get('creator_id'))}, now {json_text(session['status'])} ({describe_limits(session)})"
        for session in found
    )
    number = "is a session" if len(found) == 1 else f"are {len(found)} sessions"
    return f"{number} that may be the one it created: {named}. IonQ gives no way to tell"


def with_backends(error: IonQError, backend: str, client: IonQClient) -> IonQError:
    """
    Add the known backends to the error of a refused request for an unknown backend.

    :param error: error of the API.
    :param backend: backend of the request.
    :param client: client that lists the backends.
    """
    if not isinstance(error, IonQApiError) or error.status not in (400, 404):
        return error
    try:
        names = [str(known["backend"]) for known in client.list_backends()]
    except (IonQError, KeyError, TypeError):
        return error
    if backend not in names:
        error.args = (f"{error} - there is no backend {backend!r}; known backends: {', '.join(names)}",)
    return error
