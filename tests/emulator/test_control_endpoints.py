from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Client


def test_session_is_created_with_plan_and_settings(client: Client) -> None:
    plan = [{"status": "started", "after_reads": 1}, {"status": "ended", "after_reads": 1}]
    settings = {"job_count_limit": 3}
    response = client.control(
        "POST",
        "/sessions",
        json={"backend": "simulator", "session_id": "mine", "settings": settings, "plan": plan},
    )
    assert response.status_code == 201
    assert response.json() == client.emulator.session("mine")
    assert response.json()["settings"] == settings
    assert [client.status("mine") for _ in range(3)] == ["created", "started", "ended"]


def test_session_is_created_with_defaults(client: Client) -> None:
    response = client.control("POST", "/sessions", data="{}")
    assert response.status_code == 201
    assert client.status(response.json()["id"]) == "created"


def test_status_that_exists_moves_the_session(client: Client) -> None:
    client.emulator.create_session(session_id="a/b")
    started = client.control("PATCH", "/sessions/a%2Fb", json={"status": "started"})
    assert started.status_code == 200
    assert started.json()["started_at"] is not None
    ended = client.control("PATCH", "/sessions/a%2Fb", json={"status": "ended", "note": "by hand"}).json()
    assert (ended["status"], ended["active"], ended["note"]) == ("ended", False, "by hand")
    assert ended["ended_at"] is not None


def test_any_field_can_be_set_or_removed(client: Client) -> None:
    client.emulator.create_session(session_id="s")
    fields = {"status": "paused", "session_id": "x", "self": 1, "remove": ["ended_at"]}
    response = client.control("PATCH", "/sessions/s", json=fields)
    assert response.status_code == 200
    served = client.session("s").json()
    assert (served["status"], served["session_id"], served["self"]) == ("paused", "x", 1)
    assert "ended_at" not in served
    assert "remove" not in served


def test_session_is_deleted(client: Client) -> None:
    client.emulator.create_session(session_id="s")
    assert client.control("DELETE", "/sessions/s").status_code == 204
    assert client.session("s").status_code == 404


def test_faults_are_set_and_cleared(client: Client) -> None:
    fault = {"status": 429, "route": "GET /whoami", "times": 2, "retry_after": 5, "body": "slow"}
    assert client.control("POST", "/faults", json=fault).status_code == 201
    response = client("GET", "/whoami")
    assert (response.status_code, response.headers["Retry-After"], response.text) == (429, "5", "slow")
    assert client.control("DELETE", "/faults").status_code == 204
    assert client("GET", "/whoami").status_code == 200


def test_requests_are_shown_and_cleared(client: Client) -> None:
    client("GET", "/whoami")
    (request,) = client.control("GET", "/requests").json()
    assert (request["route"], request["status"], request["authorized"]) == ("GET /whoami", 200, True)
    assert client.control("DELETE", "/requests").status_code == 204
    assert client.control("GET", "/requests").json() == []


def test_control_is_neither_logged_nor_hit_by_faults(client: Client) -> None:
    client.emulator.fail(503)
    assert client.control("GET", "/requests").status_code == 200
    assert client.control("POST", "/sessions", data="{}").status_code == 201
    assert client.emulator.requests == []
    assert client("GET", "/whoami").status_code == 503


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/sessions", "", "not JSON"),
        ("POST", "/sessions", b"\xff", "not JSON"),
        ("POST", "/sessions", "[]", "JSON object"),
        ("POST", "/sessions", '{"colour": 1}', "unknown fields: colour"),
        ("POST", "/sessions", '{"backend": "qpu.none"}', "backend"),
        ("POST", "/sessions", '{"backend": null}', "backend"),
        ("POST", "/sessions", '{"settings": null}', "settings must"),
        ("POST", "/sessions", '{"settings": [1]}', "settings must"),
        ("POST", "/sessions", '{"session_id": 5}', "session_id"),
        ("POST", "/sessions", '{"session_id": "s"}', "'s' exists"),
        ("POST", "/sessions", '{"plan": null}', "plan must"),
        ("POST", "/sessions", '{"plan": [5]}', "a step must"),
        ("POST", "/sessions", '{"plan": [{"after_reads": 1}]}', "needs a status"),
        ("POST", "/sessions", '{"plan": [{"status": "started", "when": 1}]}', "unknown fields: when"),
        ("POST", "/sessions", '{"plan": [{"status": "started", "after_seconds": "1"}]}', "after_seconds"),
        ("PATCH", "/sessions/s", "5", "JSON object"),
        ("PATCH", "/sessions/s", '{"remove": "ended_at"}', "remove must"),
        ("PATCH", "/sessions/s", '{"remove": [[]]}', "remove must"),
        ("PATCH", "/sessions/over", '{"status": "started"}', "has ended"),
        ("POST", "/faults", "{}", "needs a status"),
        ("POST", "/faults", '{"status": "x"}', "status must"),
        ("POST", "/faults", '{"status": 500, "route": []}', "route must"),
        ("POST", "/faults", '{"status": 500, "seconds": 1e999}', '"seconds" is out of range'),
        ("POST", "/faults", '{"status": 500, "body": {}}', "body must"),
    ],
)
def test_bad_input_gets_400_with_the_reason(client: Client, method: str, path: str, body: Any, message: str) -> None:
    client.emulator.create_session(session_id="s")
    client.emulator.create_session(session_id="over")
    client.emulator.end_session("over")
    before = client.emulator.sessions()
    response = client.control(method, path, data=body)
    assert response.status_code == 400
    assert message in response.json()["message"]
    assert client.emulator.sessions() == before


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/sessions/missing"), ("DELETE", "/sessions/missing")])
def test_unknown_session_gets_404_that_names_it(client: Client, method: str, path: str) -> None:
    response = client.control(method, path, data="{}")
    assert response.status_code == 404
    assert "missing" in response.json()["message"]


def test_unknown_control_route_gets_404(client: Client) -> None:
    assert client.control("PUT", "/faults").status_code == 404
