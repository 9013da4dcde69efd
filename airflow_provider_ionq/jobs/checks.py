"""Check a job against its session and its backend before it is submitted, without Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQError
from airflow_provider_ionq.api.json_text import json_object, json_text
from airflow_provider_ionq.sessions.target import is_ended

if TYPE_CHECKING:
    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.jobs.request import JobRequest


def check_session(client: IonQClient, request: JobRequest) -> None:
    """
    Check that the session of a job is open, and is on the job's backend.

    :param client: client that reads the session.
    :param request: the job; nothing is checked for a job without a session.
    :raises IonQError: if it is not; a retry does not help.
    """
    if request.session_id is None:
        return
    session = client.get_session(request.session_id)
    if is_ended(session):
        raise IonQError(f"Session {request.session_id} has ended, so no job was submitted to it.")
    backend = session.get("backend")
    if isinstance(backend, str) and backend != request.backend:
        raise IonQError(
            f"Session {request.session_id} is on {json_text(backend)}, so no job for {request.backend} was submitted to"
            " it."
        )


def check_backend(client: IonQClient, request: JobRequest, log: Any) -> None:
    """
    Check that the backend of a job has enough qubits, if the API gives their number.

    :param client: client that lists the backends.
    :param request: the job.
    :param log: logger for a list that cannot be read for now.
    :raises IonQError: if it has too few; a retry does not help.
    """
    try:
        backends = client.list_backends()
    except IonQError as error:
        if not error.retryable:
            raise
        log.warning("The backends cannot be listed, so the number of qubits is not checked: %s", error)
        return
    for backend in backends:
        if json_object(backend).get("backend") == request.backend:
            try:
                request.check_fits(backend)
            except ValueError as error:
                raise IonQError(f"No job was submitted: {error}.") from None
