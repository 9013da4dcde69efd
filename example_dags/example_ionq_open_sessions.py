"""
List the sessions that are open, and since when.

Situation: sessions cost money while they are open, and not all of them are created from Airflow.

You need: a connection `ionq_default` of type IonQ.

You will see: `list_open` pushes the organisation's sessions that have not ended, and `report` prints them with their
limits. This DAG ends no session, because it cannot know whether one is in use. To end a session, use
`IonQEndSessionOperator`, or the command `airflow ionq sessions end`.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ionq.operators.session import IonQListSessionsOperator

with DAG("example_ionq_open_sessions", schedule=None, doc_md=__doc__, tags=["ionq", "example"]):
    list_open = IonQListSessionsOperator(task_id="list_open", status=("created", "started"))

    @task
    def report(sessions: list[dict[str, Any]]) -> list[str]:
        """Print the sessions, the oldest first."""
        lines = [
            f"{session['id']} on {session['backend']} since {session['created_at']}, limits {session.get('settings')}"
            for session in sorted(sessions, key=lambda session: session["created_at"])
        ]
        print("\n".join(lines) or "No session is open.")
        return lines

    report(list_open.output)
