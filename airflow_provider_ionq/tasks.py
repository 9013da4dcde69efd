"""What the operators and sensors share: rendered arguments, and errors told in a task's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_ionq.errors import IonQError
from airflow_provider_ionq.exceptions import IonQFailException

if TYPE_CHECKING:
    from airflow_provider_ionq.hooks.ionq import IonQHook
    from airflow_provider_ionq.models import Session


def look_at_session(hook: IonQHook, session_id: object) -> Session:
    """
    Return a session's JSON for a task.

    :param hook: the hook to ask through.
    :param session_id: the rendered argument; anything that cannot be an id is refused before any request.
    :raises IonQFailException: for what asking again does not change; names the connection.
    :raises IonQError: for what may pass.
    """
    try:
        return hook.get_session(checked_session_id(session_id))
    except (IonQError, AirflowNotFoundException) as error:
        if isinstance(error, IonQError) and error.retryable:
            raise
        raise IonQFailException(f"{error} (Airflow connection {hook.ionq_conn_id!r})") from error


def checked_session_id(session_id: object) -> str:
    """
    Return the rendered `session_id` if it can be one.

    :raises IonQFailException: saying what it rendered to.
    """
    if not isinstance(session_id, str) or session_id.strip() in ("", ".", "..", "None"):
        raise IonQFailException(
            f"session_id must be the id of an IonQ session, but it rendered to {session_id!r}"
            f" ({type(session_id).__name__}): does the task that gives it push one?"
        )
    return session_id
