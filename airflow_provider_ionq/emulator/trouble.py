"""Faults on demand, and counts of connections and dropped requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from airflow_provider_ionq.emulator.faults import Disturbance, DisturbanceKind, Fault, FaultQueue

if TYPE_CHECKING:
    from collections.abc import Callable


class Trouble:
    """
    Faults of future requests. Every method may be called from any thread.

    :param clock: returns the time in epoch seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: FaultQueue[Fault] = FaultQueue()
        self._disturbances: FaultQueue[Disturbance] = FaultQueue()
        self._drops: FaultQueue[Disturbance] = FaultQueue()
        self._connections_made = 0
        self._connections_open = 0
        self._dropped_unread = 0

    def fail(
        self,
        status: int,
        *,
        route: str | None = None,
        times: int | None = None,
        seconds: float | None = None,
        retry_after: int | str | None = None,
        body: str | bytes | None = None,
        content_type: str = "application/json",
        after_effect: bool = False,
    ) -> None:
        """
        Give future requests this answer, before the key and the session are checked.

        Faults are used in the order in which they were added. With ``after_effect`` the request is processed, then its
        regular answer is replaced by this one.

        :param status: HTTP status, 200 to 599.
        :param route: the only affected route, such as ``GET /sessions/{session_id}``; None for every request.
        :param times: number of affected requests; None for one, or for no limit if ``seconds`` is given.
        :param seconds: seconds from now during which every request is affected; None if requests are counted.
        :param retry_after: value of the ``Retry-After`` header, sent unchanged; None for no such header.
        :param body: sent unchanged; None for the API's error body (no body below 400).
        :param content_type: content type of ``body``.
        :param after_effect: process the request first. A request that the API rejects, for instance for an invalid key
            or at full capacity, has no effect: it gets its regular error, and the fault stays for a later request.
        :raises ValueError: an argument is invalid.
        """
        fault = Fault(status, route, times, seconds, retry_after, body, content_type, after_effect)
        with self._lock:
            self._faults.add(fault, self._clock())

    def disturb(
        self,
        kind: DisturbanceKind,
        *,
        route: str | None = None,
        times: int | None = None,
        seconds: float | None = None,
        delay_seconds: float = 0.0,
        after_bytes: int = 0,
    ) -> None:
        """
        Disturb future requests on the wire; their answers may also be faults of :meth:`fail`.

        - ``delay``: the answer begins ``delay_seconds`` later.
        - ``drip``: the head comes at once, then the body byte by byte, each byte after ``delay_seconds``.
        - ``drop_before_read``: the connection is reset when a request begins to arrive; the request is not logged.
        - ``drop_after_read``: the request is processed and logged; the connection is reset instead of an answer.
        - ``cut_body``: the head announces the whole body, but the connection is closed after ``after_bytes`` of it.

        :param kind: one of these kinds.
        :param route: the only affected route; None for every request. Not allowed for ``drop_before_read``.
        :param times: number of affected requests; None for one, or for no limit if ``seconds`` is given.
        :param seconds: seconds from now during which every request is affected; None if requests are counted.
        :param delay_seconds: seconds of delay; required for ``delay`` and ``drip``, and not allowed for other kinds.
        :param after_bytes: number of bytes of the body, for ``cut_body`` only.
        :raises ValueError: an argument is invalid.
        """
        disturbance = Disturbance(kind, route, times, seconds, delay_seconds, after_bytes)
        queue = self._drops if kind == "drop_before_read" else self._disturbances
        with self._lock:
            queue.add(disturbance, self._clock())

    def clear_faults(self) -> None:
        """Remove all faults and disturbances: every request gets its regular answer."""
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
