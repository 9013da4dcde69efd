"""The assignment of faults to requests. No I/O and no lock; the time is always passed in."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, Literal, TypeVar, get_args

from airflow_provider_ionq.emulator.routes import API_ROUTES
from airflow_provider_ionq.emulator.state import is_duration

if TYPE_CHECKING:
    from collections.abc import Callable

_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED)


DisturbanceKind = Literal["delay", "drip", "drop_before_read", "drop_after_read", "cut_body"]


@dataclass(frozen=True, kw_only=True)
class Limited:
    """
    The scope of a fault: a route, and a number of requests or a duration.

    :param route: the only affected route, such as ``GET /sessions/{session_id}``; None for every request.
    :param times: number of affected requests; None for one, or for no limit if ``seconds`` is given.
    :param seconds: seconds from now during which every request is affected; None if requests are counted.
    """

    route: str | None = None
    times: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.route is not None and self.route not in list(API_ROUTES):
            raise ValueError(f"route must be one of {', '.join(API_ROUTES)}, not {self.route!r}")
        if self.times is not None and self.seconds is not None:
            raise ValueError("give times or seconds, not both")
        if self.times is not None and (type(self.times) is not int or self.times < 1):
            raise ValueError(f"times must be a whole number from 1, not {self.times!r}")
        if self.seconds is not None and not is_duration(self.seconds):
            raise ValueError(f"seconds must be a number from 0, not {self.seconds!r}")


@dataclass(frozen=True)
class Fault(Limited):
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

    status: int
    _: KW_ONLY
    retry_after: int | str | None = None
    body: str | bytes | None = None
    content_type: str = "application/json"
    after_effect: bool = False

    def __post_init__(self) -> None:
        if type(self.status) is not int or not 200 <= self.status <= 599:
            raise ValueError(f"status must be a whole number from 200 to 599, not {self.status!r}")
        super().__post_init__()
        if self.retry_after is not None:
            _check_header("retry_after", str(self.retry_after))
            if type(self.retry_after) not in (int, str):
                raise ValueError(f"retry_after must be a whole number or a string, not {self.retry_after!r}")
        _check_header("content_type", self.content_type)
        if self.body is not None and not isinstance(self.body, str | bytes):
            raise ValueError(f"body must be a string or bytes, not {self.body!r}")
        if isinstance(self.body, str) and any("\ud800" <= character <= "\udfff" for character in self.body):
            raise ValueError("body has a lone surrogate, which no encoding can send: pass bytes")
        if type(self.after_effect) is not bool:
            raise ValueError(f"after_effect must be true or false, not {self.after_effect!r}")
        if self.body and self.status in _BODILESS:
            raise ValueError(f"an answer with status {self.status} has no body")


@dataclass(frozen=True)
class Disturbance(Limited):
    """
    Disturb future requests on the wire; their answers may also be faults with a status.

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

    kind: DisturbanceKind
    _: KW_ONLY
    delay_seconds: float = 0.0
    after_bytes: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(DisturbanceKind):
            raise ValueError(f"kind must be one of {', '.join(get_args(DisturbanceKind))}, not {self.kind!r}")
        super().__post_init__()
        if self.kind == "drop_before_read" and self.route is not None:
            raise ValueError("drop_before_read takes no route: the route is not known before the request is read")
        if not is_duration(self.delay_seconds):
            raise ValueError(f"delay_seconds must be a number from 0, not {self.delay_seconds!r}")
        if (self.kind in ("delay", "drip")) is not (self.delay_seconds > 0):
            raise ValueError("delay_seconds must be above 0 for delay and drip, and 0 for other kinds")
        if type(self.after_bytes) is not int or self.after_bytes < 0:
            raise ValueError(f"after_bytes must be a whole number from 0, not {self.after_bytes!r}")
        if self.after_bytes and self.kind != "cut_body":
            raise ValueError("after_bytes must be 0 unless kind is cut_body")


def _check_header(name: str, value: object) -> None:
    # The HTTP library rejects such a header only when it is sent, and then drops the connection.
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or value != value.strip():
        raise ValueError(f"{name} must be printable ASCII without spaces around it, not {value!r}")


LimitedT = TypeVar("LimitedT", bound=Limited)


@dataclass
class _Live(Generic[LimitedT]):
    fault: LimitedT
    left: int | None
    until: float


@dataclass
class FaultQueue(Generic[LimitedT]):
    """The remaining faults, oldest first."""

    _live: list[_Live[LimitedT]] = field(default_factory=list)

    def add(self, fault: LimitedT, now: float) -> None:
        """
        Append a fault.

        :param now: epoch seconds; the beginning of a fault with ``seconds``.
        """
        if fault.seconds is None:
            self._live.append(_Live(fault, fault.times or 1, float("inf")))
        else:
            self._live.append(_Live(fault, None, now + fault.seconds))

    def take(
        self, route: str | None, now: float, wanted: Callable[[LimitedT], bool] = lambda _fault: True
    ) -> LimitedT | None:
        """
        Return the fault for a request and count it; None for the regular answer.

        :param route: route of the request; None if it has none.
        :param now: epoch seconds.
        :param wanted: whether to take the next fault; if not, it stays in the queue.
        """
        self._live = [live for live in self._live if live.until > now and live.left != 0]
        for live in self._live:
            if live.fault.route in (None, route):
                if not wanted(live.fault):
                    return None
                if live.left is not None:
                    live.left -= 1
                return live.fault
        return None

    def clear(self) -> None:
        """Remove every fault."""
        self._live.clear()
