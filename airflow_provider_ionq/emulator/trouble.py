"""What goes wrong on demand, and what is counted on the wire."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from airflow_provider_ionq.emulator.faults import Disturbance, DisturbanceKind, Fault, FaultQueue

if TYPE_CHECKING:
    from collections.abc import Callable


class Trouble:
    """
    The faults to come. Every method may be called from any thread.

    :param clock: gives the time in epoch seconds.
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
        Give coming requests another answer than the right one, before key and session are looked at.

        Faults are used up in the order in which they were added. With ``after_effect`` the right answer is lost: the
        request does what it asks for, then this is the answer.

        :param status: HTTP status, 200 to 599.
        :param route: the only route that gets it, such as ``GET /sessions/{session_id}``; None for every request.
        :param times: number of requests that get it; None for one, or for no limit if ``seconds`` is given.
        :param seconds: how long from now every request gets it; None if requests are counted.
        :param retry_after: value of the ``Retry-After`` header, sent as it is; None for no such header.
        :param body: sent as it is; None for the API's error body (no body below 400).
        :param content_type: of ``body``.
        :param after_effect: let the request have its effect first. One that the API refuses, for a wrong key or at full
            capacity for instance, has none: it gets that refusal, and does not use the fault up.
        :raises ValueError: an argument is refused.
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
        Let something happen on the wire to coming requests; what is answered may be a fault of :meth:`fail`.

        - ``delay``: the answer begins ``delay_seconds`` later.
        - ``drip``: its head comes at once, its body byte by byte, each ``delay_seconds`` after the one before.
        - ``drop_before_read``: the connection is reset when a request begins to come in; it is not in the log.
        - ``drop_after_read``: the request has its effect and is in the log; instead of an answer comes a reset.
        - ``cut_body``: the head announces the whole body, ``after_bytes`` of it come, the connection is closed.

        :param kind: one of these.
        :param route: the only route to which it happens; None for every request. Not for ``drop_before_read``.
        :param times: number of requests; None for one, or for no limit if ``seconds`` is given.
        :param seconds: how long from now it happens to every request; None if requests are counted.
        :param delay_seconds: for ``delay`` and ``drip``, which need it.
        :param after_bytes: for ``cut_body``, bytes of the body.
        :raises ValueError: an argument is refused.
        """
        disturbance = Disturbance(kind, route, times, seconds, delay_seconds, after_bytes)
        queue = self._drops if kind == "drop_before_read" else self._disturbances
        with self._lock:
            queue.add(disturbance, self._clock())

    def clear_faults(self) -> None:
        """Give every request its right answer again."""
        with self._lock:
            self._faults.clear()
            self._disturbances.clear()
            self._drops.clear()

    def take_fault(self, route: str | None, *, after_effect: bool = False) -> Fault | None:
        """
        Return the fault that the request at hand gets, counting it; None for no fault.

        :param after_effect: the request has had its effect.
        """
        with self._lock:
            return self._faults.take(route, self._clock(), lambda fault: fault.after_effect is after_effect)

    def take_disturbance(self, route: str | None) -> Disturbance | None:
        """Return what happens to the answer of the request at hand, counting it; None for nothing."""
        with self._lock:
            return self._disturbances.take(route, self._clock())

    def take_drop_before_read(self) -> bool:
        """Tell whether the request that begins to come in is dropped unread, counting it."""
        with self._lock:
            dropped = self._drops.take(None, self._clock()) is not None
            self._dropped_unread += dropped
            return dropped

    @property
    def dropped_unread(self) -> int:
        """Requests that were dropped before they were read, and so are in no log."""
        return self._dropped_unread

    @property
    def connections_made(self) -> int:
        """TCP connections that clients have opened."""
        return self._connections_made

    @property
    def connections_open(self) -> int:
        """TCP connections that are open now."""
        return self._connections_open

    def connection_opened(self) -> None:
        """Count a connection."""
        with self._lock:
            self._connections_made += 1
            self._connections_open += 1

    def connection_closed(self) -> None:
        """Count a connection out."""
        with self._lock:
            self._connections_open -= 1

    def clear_counts(self) -> None:
        """Count made connections and dropped requests from here."""
        with self._lock:
            self._connections_made = 0
            self._dropped_unread = 0
