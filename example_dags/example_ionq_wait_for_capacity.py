"""
Wait all night for session capacity on a device.

Situation: a device takes few sessions at a time, and refuses another while its capacity is in use. A campaign needs a
session before the morning; several runs of this DAG may wait at once.

You need: a connection `ionq_default` of type IonQ, sessions enabled for the account, and a running triggerer.

You will see: `night.create_session` deferred, holding no worker. It tries again when a session of your organisation on
that device ends, or after a pause that grows to five minutes; the oldest waiter comes first. Once a session is created,
`campaign` runs in it, and the session is then ended. After eight hours without capacity the run fails, and no session
was created.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ionq.task_groups.session import ionq_session

with DAG("example_ionq_wait_for_capacity", schedule=None, doc_md=__doc__, tags=["ionq", "example"]):
    with ionq_session(
        "night",
        backend="qpu.forte-1",
        duration_limit_min=120,
        job_count_limit=50,
        timeout=timedelta(hours=8),
        poke_interval=60,
    ) as session:

        @task
        def campaign(session_id: str) -> str:
            """Placeholder for the work in the session."""
            return f"ran in {session_id}"

        campaign(session.session_id)
