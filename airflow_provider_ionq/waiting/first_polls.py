"""When a poller makes an extra poll for new waiters, before the regular one."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ionq.waiting.waiter import ItemWaiter

FIRST_POLL_SECONDS = 5.0
"""
The shortest time between two extra polls for waiters whose item has not been polled yet.

The regular poll may be minutes away, and a wrong id or key should be reported at once.
"""

GATHERING_SECONDS = 0.5
"""An extra poll waits this long for other new waiters, because many tasks may start at once."""


class FirstPolls:
    """The waiters of a poller whose item has not been polled yet."""

    def __init__(self) -> None:
        self._waiters: dict[ItemWaiter, None] = {}
        self._since = 0.0
        self._polled_at = -FIRST_POLL_SECONDS

    def __len__(self) -> int:
        return len(self._waiters)

    def add(self, waiter: ItemWaiter) -> bool:
        """Add a waiter; return whether it is the only one now."""
        if not self._waiters:
            self._since = time.monotonic()
        self._waiters[waiter] = None
        return len(self._waiters) == 1

    def discard(self, waiter: ItemWaiter) -> None:
        """Remove a waiter, if it is one."""
        self._waiters.pop(waiter, None)

    def item_ids(self) -> list[str]:
        """Return the ids of their items, each once."""
        return list(dict.fromkeys(waiter.item_id for waiter in self._waiters))

    def due_at(self) -> float:
        """Return when to poll them, on the monotonic clock; infinity without a waiter."""
        if not self._waiters:
            return math.inf
        return max(self._polled_at + FIRST_POLL_SECONDS, self._since + GATHERING_SECONDS)

    def take(self) -> list[ItemWaiter]:
        """Remove and return all waiters, which are polled now."""
        taken = list(self._waiters)
        self._waiters.clear()
        if taken:
            self._polled_at = time.monotonic()
        return taken
