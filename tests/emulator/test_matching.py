from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.emulator.matching import match
from airflow_provider_ionq.emulator.routes import API_ROUTES


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_encoded_id_is_decoded_unchanged(session_id: str) -> None:
    encoded = quote(session_id, safe="")
    assert match("GET", f"/v0.4/sessions/{encoded}") == (
        False,
        "GET /sessions/{session_id}",
        {"session_id": session_id},
    )
    assert match("GET", f"/v0.4/jobs/{encoded}") == (False, "GET /jobs/{job_id}", {"job_id": session_id})
    assert match("PUT", f"/v0.4/jobs/{encoded}/status/cancel")[1:] == (
        "PUT /jobs/{job_id}/status/cancel",
        {"job_id": session_id},
    )
    assert match("POST", f"/v0.4/sessions/{encoded}/end") == (
        False,
        "POST /sessions/{session_id}/end",
        {"session_id": session_id},
    )


@pytest.mark.parametrize("route", API_ROUTES)
def test_every_route_matches_itself(route: str) -> None:
    method, template = route.split(" ")
    assert match(method, "/v0.4" + template).route == route


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/sessions"),
        ("GET", "/v0.3/sessions"),
        ("GET", "/v0.4"),
        ("GET", "/v0.4/"),
        ("GET", "/v0.4/sessions/"),
        ("GET", "/v0.4/sessions//jobs"),
        ("GET", "/v0.4/sessions/a/b"),
        ("HEAD", "/v0.4/sessions"),
        ("DELETE", "/v0.4/sessions/a"),
        ("GET", "/v0.4/faults"),
        ("GET", "/_emulator/whoami"),
    ],
)
def test_unknown_method_or_path_has_no_route(method: str, path: str) -> None:
    assert match(method, path).route is None


def test_id_is_decoded_exactly_once() -> None:
    assert match("GET", "/v0.4/sessions/a%252Fb").parameters == {"session_id": "a%2Fb"}


def test_control_routes_are_told_apart_from_the_api() -> None:
    assert match("POST", "/_emulator/sessions") == (True, "POST /sessions", {})
    assert match("POST", "/v0.4/sessions") == (False, "POST /sessions", {})
