"""The trigger behind the deferrable session sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ionq.conditions import Target
from airflow_provider_ionq.poller import Settled, subscribe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection


class IonQSessionTrigger(BaseTrigger):
    """
    Wait for an IonQ session in the triggerer; all triggers of one connection share one poll.

    Fires once, with `{"session_id": ..., "session": ...}`: the session's JSON as it was seen when nothing was left to
    wait for, or None when the API refuses to show it and the task should look for itself. Does not judge, and does not
    fail for anything the API says. The arguments hold names only, never the API key.

    :param session_id: id of the session.
    :param ionq_conn_id: id of the Airflow connection.
    :param status: the awaited status, or a collection of which any will do; None leaves the status out of it.
    :param active: the awaited active flag; None leaves the flag out of it.
    :param poke_interval: the longest time between two looks, in seconds.
    """

    def __init__(
        self,
        session_id: str,
        ionq_conn_id: str,
        status: str | Collection[str] | None,
        active: bool | None,
        poke_interval: float,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.session_id = session_id
        self.ionq_conn_id = ionq_conn_id
        self.status = status
        self.active = active
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and arguments; both outlive upgrades, deferred tasks hold them in the database."""
        statuses = Target.of(self.status, self.active).statuses
        return (
            "airflow_provider_ionq.triggers.session.IonQSessionTrigger",
            {
                "session_id": self.session_id,
                "ionq_conn_id": self.ionq_conn_id,
                "status": None if statuses is None else list(statuses),
                "active": self.active,
                "poke_interval": self.poke_interval,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire once."""
        target = Target.of(self.status, self.active)
        with subscribe(self.ionq_conn_id, self.session_id, target, self.poke_interval) as waiter:
            while not isinstance(news := await waiter.next(), Settled):
                self.log.log(news.level, news.text)
        yield TriggerEvent({"session_id": self.session_id, "session": news.session})
