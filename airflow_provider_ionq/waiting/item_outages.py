"""Outages of single items in a shared poll, while others can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.waiting.outage import Outage
from airflow_provider_ionq.waiting.waiter import outage_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_ionq.waiting.snapshot import Snapshot
    from airflow_provider_ionq.waiting.waiter import Notification, Waiter


class ItemOutages:
    """The items that could not be read in the last poll, although others could."""

    def __init__(self) -> None:
        self._outages: dict[str, Outage] = {}

    def __len__(self) -> int:
        return len(self._outages)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._outages

    def forget(self, item_id: str) -> None:
        """Remove an item that no longer has waiters."""
        self._outages.pop(item_id, None)

    def update(
        self, snapshot: Snapshot[Any], waiters: Mapping[str, Iterable[Waiter[Any]]], credentials: int
    ) -> list[Notification]:
        """
        Process a poll; return the notifications of the items that could not be read.

        :param snapshot: the result of the poll.
        :param waiters: the waiters by id of their item.
        :param credentials: how often the credentials had been read before the poll.
        """
        for item_id in snapshot.items.keys() & self._outages.keys():
            del self._outages[item_id]
        events: list[Notification] = []
        for item_id, error in snapshot.errors.items():
            if item_id not in waiters:
                continue  # its waiters have left in the meantime
            state = self._outages.setdefault(item_id, Outage())
            state.failed(error, credentials)
            events += outage_events(waiters[item_id], error, final=state.final)
        return events
