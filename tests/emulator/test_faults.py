from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_ionq.emulator import Emulator, Step
from airflow_provider_ionq.emulator.routes import API_ROUTES
from tests.emulator.conftest import BODY
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Client, Clock


def test_fault_hits_one_request_by_default(client: Client) -> None:
    client.emulator.fail(503)
    assert [client("GET", "/whoami").status_code for _ in range(2)] == [503, 200]


def test_fault_hits_the_given_number_of_requests(client: Client) -> None:
    client.emulator.fail(429, times=3)
    assert [client("GET", "/whoami").status_code for _ in range(4)] == [429, 429, 429, 200]


def test_fault_hits_its_route_only(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    client.emulator.fail(500, route="GET /sessions/{session_id}")
    assert client("GET", "/sessions").status_code == 200
    assert client("GET", "/whoami").status_code == 200
    assert client.session(session_id).status_code == 500
    assert client.session(session_id).status_code == 200


@pytest.mark.parametrize("route", API_ROUTES)
def test_fault_of_a_route_replaces_its_answer(client: Client, route: str) -> None:
    method, template = route.split(" ")
    client.emulator.fail(500, route=route, body="lost")
    answer = client(method, re.sub(r"\{\w+\}", "x", template))
    assert (answer.status_code, answer.text) == (500, "lost")
    assert [(request.route, request.status) for request in client.emulator.requests] == [(route, 500)]


@pytest.mark.parametrize("fault", ["a status", "a reset"])
def test_lost_answer_about_a_job_has_had_its_effect(client: Client, fault: str) -> None:
    def lose(route: str, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        if fault == "a status":
            client.emulator.fail(502, route=route, after_effect=True)
            assert client(method, path, json=body).status_code == 502
        else:
            client.emulator.disturb("drop_after_read", route=route)
            with pytest.raises(requests.ConnectionError):
                client(method, path, json=body)

    lose("POST /jobs", "POST", "/jobs", BODY)
    (job,) = client.emulator.jobs()
    lose("POST /jobs/{job_id}/clone", "POST", f"/jobs/{job['id']}/clone", {"name": "clone"})
    (_, clone) = client.emulator.jobs()
    lose("PUT /jobs/{job_id}/status/cancel", "PUT", f"/jobs/{job['id']}/status/cancel")
    lose("PUT /jobs/status/cancel", "PUT", "/jobs/status/cancel", {"ids": [clone["id"]]})
    assert [known["status"] for known in client.emulator.jobs()] == ["canceled", "canceled"]
    lose("DELETE /jobs/{job_id}", "DELETE", f"/jobs/{job['id']}")
    lose("DELETE /jobs", "DELETE", "/jobs", {"ids": [clone["id"]]})
    assert client.emulator.jobs() == []


def test_fault_without_route_hits_unknown_routes_too(client: Client) -> None:
    client.emulator.fail(502)
    assert [client("GET", "/nowhere").status_code for _ in range(2)] == [502, 404]


def test_fault_lasts_the_given_number_of_seconds(client: Client, clock: Clock) -> None:
    client.emulator.fail(503, seconds=30)
    assert client("GET", "/whoami").status_code == 503
    clock.now += 29.9
    assert client("GET", "/whoami").status_code == 503
    clock.now += 0.1
    assert client("GET", "/whoami").status_code == 200


def test_faults_are_used_up_in_order(client: Client) -> None:
    client.emulator.fail(502, times=2)
    client.emulator.fail(429)
    assert [client("GET", "/whoami").status_code for _ in range(4)] == [502, 502, 429, 200]


def test_cleared_faults_do_not_happen(client: Client) -> None:
    client.emulator.fail(502, times=5)
    client.emulator.fail(503, seconds=500)
    client.emulator.clear_faults()
    assert client("GET", "/whoami").status_code == 200


@pytest.mark.parametrize(("value", "sent"), [(7, "7"), (0, "0"), ("Wed, 21 Oct 2026 07:28:00 GMT",) * 2, ("soon",) * 2])
def test_retry_after_is_sent_as_given(client: Client, value: int | str, sent: str) -> None:
    client.emulator.fail(429, retry_after=value)
    assert client("GET", "/whoami").headers["Retry-After"] == sent


def test_retry_after_is_left_out_unless_given(client: Client) -> None:
    client.emulator.fail(429)
    assert "Retry-After" not in client("GET", "/whoami").headers


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "Bad Request"),
        (401, "Unauthorized Error"),
        (404, "Not Found Error"),
        (429, "Too Many Requests"),
        (500, "Internal Server Error"),
        (524, "Error"),
    ],
)
def test_fault_has_the_error_body_of_the_api(client: Client, status: int, name: str) -> None:
    client.emulator.fail(status)
    response = client("GET", "/whoami")
    assert response.status_code == status
    body = response.json()
    assert (body["statusCode"], body["error"]) == (status, name)
    assert isinstance(body["message"], str)
    assert set(body) == {"statusCode", "error", "message"}
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (502, "<html>Bad gateway</html>", "text/html"),
        (200, "not JSON", "application/json"),
        (200, b"\xff\xfe\x00", "application/octet-stream"),
        (200, "[]", "application/json"),
        (503, "", "text/plain"),
    ],
)
def test_body_is_sent_as_given(client: Client, status: int, body: str | bytes, content_type: str) -> None:
    client.emulator.fail(status, body=body, content_type=content_type)
    response = client("GET", "/whoami")
    assert response.status_code == status
    assert response.content == (body.encode() if isinstance(body, str) else body)
    assert response.headers["Content-Type"].startswith(content_type)


def test_fault_below_400_without_body_is_empty(client: Client) -> None:
    client.emulator.fail(204)
    response = client("GET", "/whoami")
    assert (response.status_code, response.content) == (204, b"")


def test_request_with_a_fault_reads_nothing(run: Callable[..., Client]) -> None:
    client = run(plan=[Step("started", after_reads=1)])
    session_id = client.emulator.create_session()["id"]
    client.emulator.fail(503, times=3)
    assert [client.session(session_id).status_code for _ in range(3)] == [503] * 3
    assert [client.status(session_id) for _ in range(2)] == ["created", "started"]


def test_fault_precedes_the_key_and_the_account(client: Client) -> None:
    client.emulator.sessions_enabled = False
    client.emulator.fail(503, times=2)
    assert client("GET", "/whoami", key=None).status_code == 503
    assert client("GET", "/sessions").status_code == 503


CREATE = "POST /sessions"


def _create(client: Client, key: str = "emulator-key") -> int:
    return client("POST", "/sessions", json={"backend": "qpu.forte-1"}, key=key).status_code


def test_fault_after_the_effect_loses_the_answer_only(client: Client) -> None:
    client.emulator.fail(500, route=CREATE, after_effect=True)
    assert [_create(client) for _ in range(2)] == [500, 201]
    assert len(client.emulator.sessions()) == 2
    assert [request.status for request in client.emulator.requests] == [500, 201]


def test_fault_before_the_effect_prevents_it(client: Client) -> None:
    client.emulator.fail(500, route=CREATE)
    assert _create(client) == 500
    assert client.emulator.sessions() == []


def test_fault_after_the_effect_is_left_for_a_request_that_has_one(client: Client) -> None:
    client.emulator.capacity = {"qpu.forte-1": 1}
    other = client.emulator.create_session()["id"]
    client.emulator.fail(502, route=CREATE, after_effect=True, retry_after=3)
    assert _create(client, key="wrong") == 401
    assert [_create(client) for _ in range(2)] == [409, 409]
    client.emulator.end_session(other)
    assert [_create(client) for _ in range(2)] == [502, 409]
    assert len(client.emulator.sessions()) == 2


def test_faults_before_and_after_the_effect_are_used_up_in_order(client: Client) -> None:
    client.emulator.fail(502, route=CREATE)
    client.emulator.fail(500, route=CREATE, times=2, after_effect=True)
    client.emulator.fail(503, route=CREATE)
    assert [_create(client) for _ in range(5)] == [502, 500, 500, 503, 201]
    assert len(client.emulator.sessions()) == 3


def test_lost_end_has_ended_the_session(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    client.emulator.fail(503, route="POST /sessions/{session_id}/end", after_effect=True)
    assert client("POST", f"/sessions/{session_id}/end").status_code == 503
    assert client.status(session_id) == "ended"


def test_fault_after_the_effect_can_be_set_over_http(client: Client) -> None:
    fault = {"status": 500, "route": CREATE, "after_effect": True}
    assert client.control("POST", "/faults", json=fault).status_code == 201
    assert client.control("POST", "/faults", json=fault | {"after_effect": "yes"}).status_code == 400
    assert [_create(client) for _ in range(2)] == [500, 201]
    assert len(client.emulator.sessions()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"status": 199}, "status must"),
        ({"status": 600}, "status must"),
        ({"status": "503"}, "status must"),
        ({"status": True}, "status must"),
        ({"status": 500, "route": "GET /session"}, "route | GET /whoami | 'GET /session'"),
        ({"status": 500, "times": 0}, "times must"),
        ({"status": 500, "times": 1.0}, "times must"),
        ({"status": 500, "seconds": -1}, "seconds must"),
        ({"status": 500, "seconds": float("nan")}, "seconds must"),
        ({"status": 500, "times": 1, "seconds": 1}, "times or seconds"),
        ({"status": 500, "retry_after": 1.5}, "retry_after must"),
        ({"status": 500, "retry_after": "1\r\nX: y"}, "retry_after must"),
        ({"status": 500, "content_type": "text/plain\n"}, "content_type must"),
        ({"status": 500, "content_type": None}, "content_type must"),
        ({"status": 500, "body": {"a": 1}}, "body must"),
        ({"status": 500, "after_effect": 1}, "after_effect must"),
        ({"status": 204, "body": "x"}, "has no body"),
        ({"status": 304, "body": "x"}, "has no body"),
    ],
)
def test_impossible_fault_is_rejected(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=facts(message)):
        Emulator().fail(**arguments)
