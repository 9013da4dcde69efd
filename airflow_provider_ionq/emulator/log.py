"""The entry of the request log."""

from __future__ import annotations

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
    :param session_id: id in the path, percent-decoded once; None if the route has none.
    :param query: query string as the client sent it, without ``?``.
    :param status: HTTP status of the answer.
    :param request_id: ``x-request-id`` of the answer.
    :param at: epoch seconds.
    :param peer: address and port of the client; one port is one TCP connection.
    :param authorized: whether the request carried the accepted key, even where none is needed.
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
