"""
Look for a session that a request without an answer may have opened, without Airflow.

Rules of this file: every look takes the whole list; what the API cannot answer now it may answer at the next look; only
the last look decides that there is none.
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
"""So long a session is looked for that may have been opened: a late request may still be on its way."""

LONGEST_LOOK_SECONDS = 10.0


def single_attempt_settings(settings: ClientSettings) -> ClientSettings:
    """Return settings for looking again and again: a look's own retries would take longer than all of them may."""
    return dataclasses.replace(
        settings, max_retries=0, timeout_seconds=min(settings.timeout_seconds, LONGEST_LOOK_SECONDS)
    )


def backoff(seconds: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Pace the looks for something: at once, then with growing pauses, the last when the time is up."""
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

    :param client: with :func:`single_attempt_settings` settings.
    :param session_id: its id.
    :param seconds: for how long to try.
    :param sleep: waits so many seconds.
    :raises IonQError: when the last look failed.
    """
    failure: IonQError | None = None
    for _ in backoff(seconds, sleep):
        try:
            return client.get_session(session_id)
        except IonQError as error:
            failure = error
    assert failure is not None  # there is a look at least
    raise failure


def find(client: IonQClient, intent: Intent, *, sleep: Callable[[float], None] = time.sleep) -> list[Session]:
    """
    Return the sessions that may be the one that was asked for: as soon as there are any, or none after 30 s.

    :param client: with :func:`single_attempt_settings` settings.
    :param intent: what was known before the request.
    :param sleep: waits so many seconds.
    :raises IonQError: when the last look failed.
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
    """Return the session that an author who adopts lost ones goes on with: the only one, if nobody works in it."""
    return found[0] if len(found) == 1 and found[0]["status"] == "created" else None


def describe_candidates(found: list[Session]) -> str:
    """Name what was found, as in "since then there ..."."""
    named = "; ".join(
        f"{session['id']}, created at {json_text(session.get('created_at'))} by user"
        f" {json_text(session.get('creator_id'))}, now {json_text(session['status'])} ({describe_limits(session)})"
        for session in found
    )
    number = "is a session" if len(found) == 1 else f"are {len(found)} sessions"
    return f"{number} that may be the one it opened: {named}. IonQ gives no way to tell"


def with_backends(error: IonQError, backend: str, client: IonQClient) -> IonQError:
    """
    Add to a refused request which backends there are, if the one that was asked for is none of them.

    :param error: the refusal.
    :param backend: what was asked for.
    :param client: asked for the backends.
    """
    if not isinstance(error, IonQApiError) or error.status not in (400, 404):
        return error
    try:
        names = [str(known["backend"]) for known in client.list_backends()]
    except (IonQError, KeyError, TypeError):
        return error
    if backend not in names:
        error.args = (f"{error} - there is no backend {backend!r}; there are: {', '.join(names)}",)
    return error
