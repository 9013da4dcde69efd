"""Faults on demand, and counts of connections and dropped requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from airflow_provider_ionq.emulator.faults import Disturbance, Fault, FaultQueue

if TYPE_CHECKING:
    from collections.abc import Callable


class FaultControl:
    """
    The faults of future requests. Every method may be called from any thread.

    :param clock: returns the time in epoch seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: FaultQueue[Fault] = FaultQueue()
        self._disturbances: FaultQueue[Disturbance] = FaultQueue()
        self._drops: FaultQueue[Disturbance] = FaultQueue()
        self._dropped_unread = 0
        self._connections_made = 0
        self._connections_open = 0

    def add(self, fault: Fault | Disturbance) -> None:
        """Add a fault; it counts from now."""
        with self._lock:
            if isinstance(fault, Fault):
                self._faults.add(fault, self._clock())
            else:
                queue = self._drops if fault.kind == "drop_before_read" else self._disturbances
                queue.add(fault, self._clock())

    def clear(self) -> None:
        """Remove all faults and disturbances."""
        with self._lock:
            self._faults.clear()
            self._disturbances.clear()
            self._drops.clear()

    def take_fault(self, route: str | None, *, after_effect: bool = False) -> Fault | None:
        """
        Return the fault for the current request and count it; None for no fault.

        :param after_effect: whether the request has been processed.
        """
        with self._lock:
            return self._faults.take(route, self._clock(), lambda fault: fault.after_effect is after_effect)

    def take_disturbance(self, route: str | None) -> Disturbance | None:
        """Return the disturbance of the current request's answer and count it; None for no disturbance."""
        with self._lock:
            return self._disturbances.take(route, self._clock())

    def take_drop_before_read(self) -> bool:
        """Return whether to drop the arriving request unread, and count it if so."""
        with self._lock:
            dropped = self._drops.take(None, self._clock()) is not None
            self._dropped_unread += dropped
            return dropped

    @property
    def dropped_unread(self) -> int:
        """Number of requests that were dropped before they were read; they are not logged."""
        return self._dropped_unread

    @property
    def connections_made(self) -> int:
        """Number of TCP connections that clients have opened."""
        return self._connections_made

    @property
    def connections_open(self) -> int:
        """Number of TCP connections that are open now."""
        return self._connections_open

    def connection_opened(self) -> None:
        """Count a new connection."""
        with self._lock:
            self._connections_made += 1
            self._connections_open += 1

    def connection_closed(self) -> None:
        """Count a closed connection."""
        with self._lock:
            self._connections_open -= 1

    def clear_counts(self) -> None:
        """Reset the counts of connections made and of requests dropped unread."""
        with self._lock:
            self._connections_made = 0
            self._dropped_unread = 0
