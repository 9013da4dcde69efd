"""The routes, and the matching of requests."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

API_PREFIX = "/v0.4"
CONTROL_PREFIX = "/_emulator"

API_ROUTES = (
    "GET /whoami",
    "GET /backends",
    "GET /backends/{backend}",
    "POST /sessions",
    "GET /sessions",
    "GET /sessions/{session_id}",
    "POST /sessions/{session_id}/end",
    "GET /sessions/{session_id}/jobs",
    "POST /jobs",
    "GET /jobs",
    "GET /jobs/{job_id}",
    "PUT /jobs/{job_id}/status/cancel",
)
KEYLESS_ROUTES = frozenset({"GET /backends", "GET /backends/{backend}"})
CONTROL_ROUTES = (
    "POST /sessions",
    "PATCH /sessions/{session_id}",
    "DELETE /sessions/{session_id}",
    "POST /history",
    "POST /jobs",
    "PATCH /jobs/{job_id}",
    "PATCH /settings",
    "POST /faults",
    "DELETE /faults",
    "GET /requests",
    "GET /connections",
    "DELETE /requests",
)


class Match(NamedTuple):
    """
    The route of a request.

    :param control: whether the request is for the emulator itself, not for the API.
    :param route: template such as ``GET /sessions/{session_id}``; None if there is no such route.
    :param parameter: the variable segment of the path, percent-decoded once; empty if the route has none.
    """

    control: bool
    route: str | None
    parameter: str


def match(method: str, raw_path: str) -> Match:
    """
    Find the route of a request.

    Starlette's router is not used: it sees the decoded path, in which ``%2F`` within an id becomes a separator.

    :param method: HTTP method, upper case.
    :param raw_path: path as the client sent it, percent-encoded, without the query.
    """
    control = raw_path.startswith(f"{CONTROL_PREFIX}/")
    prefix, routes = (CONTROL_PREFIX, CONTROL_ROUTES) if control else (API_PREFIX, API_ROUTES)
    if raw_path.startswith(f"{prefix}/"):
        segments = raw_path.removeprefix(prefix).split("/")
        for route in routes:
            route_method, template = route.split(" ")
            parameter = _parameter(template.split("/"), segments)
            if route_method == method and parameter is not None:
                return Match(control, route, unquote(parameter))
    return Match(control, None, "")


def _parameter(template: list[str], segments: list[str]) -> str | None:
    if len(template) != len(segments):
        return None
    parameter = ""
    for expected, segment in zip(template, segments, strict=True):
        if expected.startswith("{") and segment:
            parameter = segment
        elif expected != segment:
            return None
    return parameter
