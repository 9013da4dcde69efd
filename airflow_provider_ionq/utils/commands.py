"""The commands that messages tell a person to run; see :mod:`airflow_provider_ionq.cli`."""

from __future__ import annotations

import shlex

LIST_OPEN_SESSIONS = "python -m airflow_provider_ionq sessions list --status created --status started"
"""Works on every Airflow, unlike `airflow ionq`."""


def end_command(session_id: object, ionq_conn_id: object) -> str:
    """
    Return the command that ends a session, quoted for a shell. Never raises, so that an error message is complete.

    :param session_id: id of the session.
    :param ionq_conn_id: id of the Airflow connection of type `ionq`; outside a worker perhaps still a template.
    """
    ids = [str(session_id), "--conn-id", str(ionq_conn_id)]
    return shlex.join(["python", "-m", "airflow_provider_ionq", "sessions", "end", *ids])
