"""The trigger of the operator that creates sessions, for when there is no capacity."""

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
    Wait in the triggerer until it is this task's turn to request a session again; sends only reads.

    Shares one poll with all triggers of its connection. Each session that ends wakes at most one task that waits for
    its backend, the oldest; if none ends, the oldest task is woken after a pause. The order holds only within a
    triggerer, which does not know the tasks that wait in another one.

    Fires once, with `backend`; `session_id`: id of the session whose end freed capacity, None if none is known; and
    `remaining`: the rest of the time-out in seconds, None if Airflow does not expose it. The event does not guarantee
    capacity: another client may be faster. The arguments never contain the API key.

    :param backend: name of the device.
    :param ionq_conn_id: id of the Airflow connection.
    :param open_session_ids: ids of the backend's sessions that had not ended before the task requested one.
    :param since: when the task first found no capacity, in epoch seconds; pass the same value when deferring again,
        because the oldest task is served first.
    :param poke_interval: the longest time between two polls, in seconds.
    :param pause: how long to wait if no session is known to have ended, in seconds.
    :param remaining: the rest of the time-out when the task was deferred, in seconds, for use without a triggerer, as
        in `dag.test()`; None if it is unknown.
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
