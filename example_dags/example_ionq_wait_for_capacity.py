"""
Wait a night long for a place on the device.

Situation: devices take few sessions at a time, and refuse another while all places are taken. A campaign would like one
before the morning; several runs of this DAG may wait at once.

You need: a connection `ionq_default` of type IonQ, sessions enabled for the account, and a running triggerer.

You will see: `night.create_session` deferred, holding no worker. It asks again when a session of your organisation on
that device ends, or after a pause that grows to five minutes; of those that wait the oldest comes first. With a place,
`campaign` runs in the session, which is then ended. After eight hours without one the run fails, and no session was
opened.
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
            """Stand for the work that runs in the session."""
            return f"ran in {session_id}"

        campaign(session.session_id)
