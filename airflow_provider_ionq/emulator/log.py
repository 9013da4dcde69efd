"""The request log."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

LOG_LIMIT = 100_000


@dataclass(frozen=True)
class RecordedRequest:
    """
    One logged request to the API. Headers are not kept, so the key is not in the log.

    :param method: HTTP method.
    :param path: path, percent-decoded once.
    :param raw_path: path as the client sent it.
    :param route: template such as ``GET /sessions/{session_id}``; None if there is no such route.
    :param session_id: id of a session in the path, percent-decoded once; None if the route has none.
    :param query: query string as the client sent it, without ``?``.
    :param status: HTTP status of the answer.
    :param request_id: ``x-request-id`` of the answer.
    :param at: epoch seconds.
    :param peer: address and port of the client; one port is one TCP connection.
    :param authorized: whether the request carried the accepted key, even where none is needed.
    :param job_id: id of a job in the path, percent-decoded once; None if the route has none.
    """

    method: str
    path: str
    raw_path: str
    route: str | None
    session_id: str | None
    query: str
    status: int
    request_id: str
    at: float
    peer: tuple[str, int]
    authorized: bool
    job_id: str | None = None


class RequestLog:
    """The requests to the API, of which only the last 100,000 are kept. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=LOG_LIMIT)
        self._lock = threading.Lock()

    def add(self, request: RecordedRequest) -> None:
        """Add a request."""
        with self._lock:
            self._requests.append(request)

    def all(self) -> list[RecordedRequest]:
        """Return the requests, oldest first."""
        with self._lock:
            return list(self._requests)

    def clear(self) -> None:
        """Remove all requests."""
        with self._lock:
            self._requests.clear()
