"""The log line for an end task that Airflow fails without running it."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQError
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.sessions.rehearsal import backend_of_rehearsal
from airflow_provider_ionq.sessions.request import describe_limits
from airflow_provider_ionq.utils.commands import end_command
from airflow_provider_ionq.utils.session_memory import PROGRESS_KEY, created_session_id

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

# Not the task's logger: outside a worker Airflow drops its lines.
log = logging.getLogger(__name__)


def report_session_left_open(context: Context) -> None:
    """
    Log which session may still be open, the limits that will end it and what to clear.

    An `on_failure_callback` of the end task. Never raises.

    Airflow calls it on a worker when the task has failed there. When the scheduler has failed the task, because it was
    queued for too long or its worker was lost, the DAG processor calls it: its log then has the line, and the task's
    log is empty. Nothing is logged if the task has already logged it.
    """
    with contextlib.suppress(Exception):
        if not isinstance(context.get("exception"), (IonQError, IonQFailException)):
            _report(context)


def _report(context: Any) -> None:
    ti, task = context["ti"], context["task"]
    session = _pulled(ti, task, "return_value")
    session_id = None
    if isinstance(session, dict) and (session_id := session.get("id")):
        backend = session.get("backend") or "an unknown backend"
        which = f"session {session_id} on {backend}, which {task.create_id} created: {describe_limits(session)}"
    elif session_id := created_session_id(_pulled(ti, task, PROGRESS_KEY)):
        which = f"session {session_id}, which {task.create_id} created: its limits are those of {task.create_id}"
    else:
        which = f"the session that {task.create_id} may have created: see its log"
    if backend_of_rehearsal(session_id) is not None:
        return
    where = f"run {ti.run_id!r} of DAG {ti.dag_id!r}"
    if (map_index := getattr(ti, "map_index", -1)) >= 0:
        where = f"map index {map_index}, {where}"
    command = end_command(session_id or "SESSION-ID", task.ionq_conn_id)
    log.error(
        "Task %s (%s) failed, and the end of a session that may cost money is not confirmed: %s. To end it, clear task"
        " %s in that run, or run: %s",
        ti.task_id,
        where,
        which,
        ti.task_id,
        command,
    )


def _pulled(ti: Any, task: Any, key: str) -> Any:
    # Airflow's DAG processor cannot read XComs in every version.
    with contextlib.suppress(Exception):
        return ti.xcom_pull(task_ids=task.create_id, key=key, map_indexes=getattr(ti, "map_index", -1))
    return None
