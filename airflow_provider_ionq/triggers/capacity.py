"""The trigger behind the operator that opens sessions, for when there is no capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.triggers.base import TriggerEvent

from airflow_provider_ionq.sessions.capacity_queue import CapacityWaiter
from airflow_provider_ionq.sessions.resource import SESSIONS
from airflow_provider_ionq.triggers.base import IonQTrigger
from airflow_provider_ionq.utils.trigger_timeout import remaining_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class IonQCapacityTrigger(IonQTrigger):
    """
    Wait in the triggerer until it is this task's turn to ask for a session again; sends nothing but reads.

    Shares one poll with all triggers of its connection. One session that ends wakes at most one task that waits for its
    backend, the oldest; without that only the oldest is woken, after a pause. The order holds within each triggerer
    only: tasks that wait in another one are not known here.

    Fires once, with `backend`, `session_id`: id of the session whose end gave way, None when none is known to have done
    so, and `remaining`: how much of the time-out is left, in seconds, None where Airflow does not tell. That it fires
    does not say that there is capacity: somebody else may have been faster. The arguments hold names only, never the
    API key.

    :param backend: name of the device.
    :param ionq_conn_id: id of the Airflow connection.
    :param open_session_ids: ids of the backend's sessions that had not ended when the task looked, before it asked.
    :param since: when the task first found no capacity, in epoch seconds; keep it when deferring again, the oldest is
        served first.
    :param poke_interval: the longest time between two looks, in seconds.
    :param pause: how long to wait when no session is known to have ended, in seconds.
    :param remaining: what was left of the time-out when the task was deferred, in seconds, for where no triggerer ends
        the wait, as in `dag.test()`; None if it is not known.
    """

    arguments = ("backend", "ionq_conn_id", "open_session_ids", "since", "poke_interval", "pause", "remaining")
    resource = SESSIONS

    def __init__(
        self,
        backend: str,
        ionq_conn_id: str,
        open_session_ids: list[str],
        since: float,
        poke_interval: float,
        pause: float,
        remaining: float | None = None,
    ) -> None:
        super().__init__(ionq_conn_id, remaining)
        self.backend = backend
        self.open_session_ids = open_session_ids
        self.since = since
        self.poke_interval = poke_interval
        self.pause = pause

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire once."""
        waiter = CapacityWaiter(self.backend, self.open_session_ids, self.since, self.poke_interval, self.pause)
        result = await self.wait(waiter)
        yield TriggerEvent(
            {"backend": self.backend, "session_id": result.session_id, "remaining": remaining_seconds(self)}
        )
