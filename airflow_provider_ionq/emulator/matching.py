"""The matching of requests to routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from airflow_provider_ionq.emulator.control_endpoints import CONTROL_PREFIX, CONTROL_ROUTES
from airflow_provider_ionq.emulator.routes import API_PREFIX, API_ROUTES

if TYPE_CHECKING:
    from collections.abc import Mapping


class Match(NamedTuple):
    """
    The route of a request.

    :param control: whether the request is for the emulator itself, not for the API.
    :param route: template such as ``GET /sessions/{session_id}``; None if there is no such route.
    :param parameters: the variable segments of the path, percent-decoded once, by name.
    """

    control: bool
    route: str | None
    parameters: Mapping[str, str]


def match(method: str, raw_path: str) -> Match:
    """
    Find the route of a request.

    Starlette's router is not used: it sees the decoded path, in which ``%2F`` within an id becomes a separator.

    :param method: HTTP method, upper case.
    :param raw_path: path as the client sent it, percent-encoded, without the query.
    """
    control = raw_path.startswith(f"{CONTROL_PREFIX}/")
    prefix, routes = (CONTROL_PREFIX, list(CONTROL_ROUTES)) if control else (API_PREFIX, list(API_ROUTES))
    if raw_path.startswith(f"{prefix}/"):
        segments = raw_path.removeprefix(prefix).split("/")
        for route in routes:
            route_method, template = route.split(" ")
            if route_method == method and (parameters := _parameters(template.split("/"), segments)) is not None:
                return Match(control, route, parameters)
    return Match(control, None, {})


def _parameters(template: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    parameters = {}
    for expected, segment in zip(template, segments, strict=True):
        if expected.startswith("{") and segment:
            parameters[expected.strip("{}")] = unquote(segment)
        elif expected != segment:
            return None
    return parameters
