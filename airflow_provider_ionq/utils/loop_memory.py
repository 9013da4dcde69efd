"""What a loop in a task stores for the next try, and whether this process still runs the task."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_ionq.api.errors import IonQCreateStoppedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.providers.common.compat.sdk import Context

STORE_PREFIX = "ionq_loop"

PLACE_KEY = "ionq_loop_run"
"""XCom: the run of the loop whose job is submitted next."""

_NOT_RUNNING = ("success", "failed", "up_for_retry", "up_for_reschedule", "restarting", "skipped", "removed")
"""States in Airflow 2 of a task that no process runs."""


class LoopMemory:
    """
    A :class:`~airflow_provider_ionq.jobs.loop_record.LoopStore` in the task state store of Airflow 3.3.

    Before Airflow 3.3 nothing outlives a process: a later try lists all jobs once.

    :param context: the task's context.
    :param loop: name of the loop, or its number among the loops of the task that have no name.
    """

    def __init__(self, context: Context, loop: str | int) -> None:
        self._context = context
        self._ti: Any = context["ti"]
        self._store: Any = context.get("task_state_store")
        # A name may be longer than a key.
        self._prefix = f"{STORE_PREFIX}_{hashlib.sha256(json.dumps(loop).encode()).hexdigest()[:16]}"
        self.jobs_unknown = self._store is None and self._ti.try_number > 1

    def page(self, number: int) -> Mapping[str, Any] | None:
        """Return a page that an earlier try stored, counted from 0; None without one."""
        value = None if self._store is None else self._store.get(f"{self._prefix}_{number}")
        return value if isinstance(value, dict) else None

    def store_page(self, number: int, page: dict[str, Any]) -> None:
        """Store a page. Airflow refuses that to the process of an earlier try."""
        if self._store is not None:
            self._store.set(f"{self._prefix}_{number}", page)

    def check_owner(self, place: int) -> None:
        """
        Check right before a request that this process still runs the task.

        With a store, Airflow checks that when the place is stored.

        :param place: the run of the loop.
        :raises IonQCreateStoppedError: in Airflow 2, if another process runs the task, or none.
        :raises Exception: in Airflow 3, if the supervisor is gone.
        """
        if self._store is not None:
            return
        self._ti.xcom_push(PLACE_KEY, place)
        if AIRFLOW_V_3_0_PLUS:
            return
        # A process of Airflow 2 writes to the database itself, and goes on when its supervisor has died.
        run: Any = self._context["dag_run"]
        row = run.get_task_instance(self._ti.task_id, map_index=self._ti.map_index)
        mine = (self._ti.try_number, str(self._ti.job_id))
        if row is None or row.state in _NOT_RUNNING or (row.try_number, str(row.job_id)) != mine:
            raise IonQCreateStoppedError("Airflow no longer runs the task in this process: no job was submitted.")
