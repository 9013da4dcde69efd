from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Client, Clock

SESSION_ROUTES = [
    ("GET", "/sessions"),
    ("POST", "/sessions"),
    ("GET", "/sessions/one"),
    ("POST", "/sessions/one/end"),
    ("GET", "/sessions/one/jobs"),
]
ODD_IDS = ["a/b", "a%2Fb", "100%", "with space", "a+b", "ümläut-☃", "?query", "#fragment", "a%252Fb", "..%2F"]


def _is_error(response: Any, status: int) -> bool:
    body = response.json()
    return (
        response.status_code == status
        and body["statusCode"] == status
        and {type(body["error"]), type(body["message"])} == {str}
        and bool(response.headers["x-request-id"])
    )


@pytest.mark.parametrize("authorization", [None, "", "emulator-key", "Bearer emulator-key", "apiKey wrong", "apiKey "])
@pytest.mark.parametrize(("method", "path"), [("GET", "/whoami"), *SESSION_ROUTES])
def test_request_without_the_right_key_gets_401(
    client: Client, method: str, path: str, authorization: str | None
) -> None:
    client.emulator.create_session(session_id="one")
    headers = {} if authorization is None else {"Authorization": authorization}
    response = client.http.request(method, client.emulator.url + path, headers=headers, timeout=10)
    assert _is_error(response, 401)
    assert response.json()["error"] == "Unauthorized Error"
    assert client.emulator.session("one")["status"] == "created"


def test_authorization_scheme_must_match_exactly(client: Client) -> None:
    for scheme, status in (("apiKey", 200), ("apikey", 401), ("APIKEY", 401)):
        headers = {"Authorization": f"{scheme} emulator-key"}
        assert client.http.get(f"{client.emulator.url}/whoami", headers=headers, timeout=10).status_code == status


def test_rotated_key_replaces_the_old_one(client: Client) -> None:
    client.emulator.api_key = "second"
    assert client("GET", "/whoami").status_code == 401
    assert client("GET", "/whoami", key="second").status_code == 200


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "ключ", None])
def test_key_that_no_header_can_carry_is_rejected(client: Client, key: Any) -> None:
    with pytest.raises(ValueError, match="api_key"):
        client.emulator.api_key = key


def test_whoami_describes_the_key(client: Client) -> None:
    body = client("GET", "/whoami").json()
    assert uuid.UUID(body["key_id"])
    assert body["project_id"] == client.emulator.create_session()["project_id"]
    assert body["key_name"]


def test_backends_need_no_key(client: Client) -> None:
    listed = client("GET", "/backends", key=None)
    assert listed.status_code == 200
    assert {"simulator", "qpu.forte-1"} <= {backend["backend"] for backend in listed.json()}
    for backend in listed.json():
        single = client("GET", f"/backends/{backend['backend']}", key=None)
        assert single.json() == backend


def test_unknown_backend_gets_404(client: Client) -> None:
    assert _is_error(client("GET", "/backends/qpu.none"), 404)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("GET", "/sessions/"), ("PUT", "/sessions"), ("GET", "")]
)
def test_unknown_route_gets_404(client: Client, method: str, path: str) -> None:
    assert _is_error(client(method, path), 404)


def test_created_session_has_every_field(client: Client, clock: Clock) -> None:
    clock.now = 1748465225.44
    response = client("POST", "/sessions", json={"backend": "qpu.forte-1"})
    assert response.status_code == 201
    session = response.json()
    assert uuid.UUID(session.pop("id"))
    for name in ("organization_id", "project_id", "creator_id"):
        assert session.pop(name)
    assert session == {
        "backend": "qpu.forte-1",
        "created_at": "2025-05-28T20:47:05.440Z",
        "started_at": None,
        "ended_at": None,
        "ender_id": None,
        "active": True,
        "status": "created",
    }


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"job_count_limit": 0},
        {"job_count_limit": 5, "duration_limit_min": 60, "cost_limit": {"unit": "usd", "value": 12.5}},
    ],
)
def test_settings_are_served_as_given(client: Client, settings: dict[str, Any]) -> None:
    session = client("POST", "/sessions", json={"backend": "simulator", "settings": settings}).json()
    assert session["settings"] == settings
    assert client.session(session["id"]).json() == session


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ("{}", ["backend"]),
        ('{"backend": null}', ["backend"]),
        ('{"backend": 5}', ["backend"]),
        ('{"backend": []}', ["backend"]),
        ('{"backend": "qpu.none"}', ["backend"]),
        ('{"backend": "simulator", "name": "x"}', ["name"]),
        ('{"backend": "simulator", "settings": null}', ["settings"]),
        ('{"backend": "simulator", "settings": []}', ["settings"]),
        ('{"backend": "simulator", "settings": {"expires_at": "x"}}', ["settings.expires_at"]),
        ('{"backend": "simulator", "settings": {"job_count_limit": "5"}}', ["settings.job_count_limit"]),
        ('{"backend": "simulator", "settings": {"job_count_limit": 1.5}}', ["settings.job_count_limit"]),
        ('{"backend": "simulator", "settings": {"job_count_limit": true}}', ["settings.job_count_limit"]),
        ('{"backend": "simulator", "settings": {"duration_limit_min": 2147483648}}', ["settings.duration_limit_min"]),
        ('{"backend": "simulator", "settings": {"cost_limit": 5}}', ["settings.cost_limit"]),
        (
            '{"backend": "simulator", "settings": {"cost_limit": {}}}',
            ["settings.cost_limit.unit", "settings.cost_limit.value"],
        ),
        (
            '{"backend": "simulator", "settings": {"cost_limit": {"unit": "usd", "value": NaN}}}',
            [],
        ),
        (
            '{"backend": "simulator", "settings": {"cost_limit": {"unit": "usd", "value": 1e999}}}',
            ["settings.cost_limit.value"],
        ),
        (
            '{"backend": "simulator", "settings": {"cost_limit": {"unit": "usd", "value": 1, "per": "h"}}}',
            ["settings.cost_limit.per"],
        ),
        ("[]", []),
        ("", []),
        ("not JSON", []),
        (b"\xff", []),
        ("[" * 100_000, []),
    ],
)
def test_bad_body_gets_400_that_names_the_keys(client: Client, body: str | bytes, keys: list[str]) -> None:
    response = client("POST", "/sessions", data=body)
    assert _is_error(response, 400)
    assert response.json()["error"] == "Bad Request"
    assert response.json()["validation"] == {"source": "payload", "keys": keys}
    assert all(key in response.json()["message"] for key in keys)
    assert client.emulator.sessions() == []


def test_list_wraps_the_sessions_in_their_organization(client: Client) -> None:
    ids = [client.emulator.create_session()["id"] for _ in range(3)]
    body = client("GET", "/sessions").json()
    assert set(body) == {"organization_id", "sessions"}
    assert [session["id"] for session in body["sessions"]] == ids
    assert {session["organization_id"] for session in body["sessions"]} == {body["organization_id"]}


def test_list_is_filtered_by_active(client: Client) -> None:
    live, over = (client.emulator.create_session()["id"] for _ in range(2))
    client.emulator.end_session(over)
    for value, expected in (("true", [live]), ("false", [over])):
        body = client("GET", f"/sessions?active={value}").json()
        assert [session["id"] for session in body["sessions"]] == expected


@pytest.mark.parametrize("value", ["", "True", "1", "yes"])
def test_active_filter_that_is_not_a_boolean_gets_400(client: Client, value: str) -> None:
    response = client("GET", f"/sessions?active={value}")
    assert _is_error(response, 400)
    assert response.json()["validation"] == {"source": "query", "keys": ["active"]}


@pytest.mark.parametrize(
    ("reading", "expected"), [("not_ended", [True, True, False]), ("started", [False, True, False])]
)
def test_active_follows_the_chosen_reading(run: Callable[..., Client], reading: str, expected: list[bool]) -> None:
    client = run(active=reading)
    session_id = client.emulator.create_session()["id"]
    seen = [client.session(session_id).json()["active"]]
    client.emulator.start_session(session_id)
    seen.append(client.session(session_id).json()["active"])
    client.emulator.end_session(session_id)
    seen.append(client.session(session_id).json()["active"])
    assert seen == expected


def test_end_call_ends_the_session_and_records_the_user(client: Client, clock: Clock) -> None:
    session = client.emulator.create_session()
    clock.now += 1
    response = client("POST", f"/sessions/{session['id']}/end")
    assert response.status_code == 200
    ended = response.json()
    assert (ended["status"], ended["active"]) == ("ended", False)
    assert ended["ender_id"] == session["creator_id"]
    assert ended["ended_at"] > session["created_at"]
    assert ended["started_at"] is None


def test_second_end_call_answers_the_same(client: Client, clock: Clock) -> None:
    session_id = client.emulator.create_session()["id"]
    first = client("POST", f"/sessions/{session_id}/end")
    clock.now += 60
    second = client("POST", f"/sessions/{session_id}/end")
    assert (second.status_code, second.json()) == (200, first.json())


def test_session_ended_by_its_plan_has_no_ender(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    client.emulator.end_session(session_id)
    assert client.session(session_id).json()["ender_id"] is None


def test_new_session_has_no_jobs(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    assert client("GET", f"/sessions/{session_id}/jobs").json() == {"jobs": [], "next": None}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/sessions/x"), ("POST", "/sessions/x/end"), ("GET", "/sessions/x/jobs")]
)
def test_unknown_session_gets_404(client: Client, method: str, path: str) -> None:
    response = client(method, path)
    assert _is_error(response, 404)
    assert response.json()["error"] == "Not Found Error"


@pytest.mark.parametrize(("method", "path"), SESSION_ROUTES)
def test_account_without_sessions_gets_404_until_they_are_enabled(
    run: Callable[..., Client], method: str, path: str
) -> None:
    client = run(sessions_enabled=False)
    client.emulator.create_session(session_id="one")
    body = {"backend": "simulator"} if (method, path) == ("POST", "/sessions") else None
    assert _is_error(client(method, path, json=body), 404)
    assert client("GET", "/whoami").status_code == 200
    client.emulator.sessions_enabled = True
    assert client(method, path, json=body).ok


@pytest.mark.parametrize("session_id", ODD_IDS)
def test_encoded_id_reaches_its_session(client: Client, session_id: str) -> None:
    for other in ODD_IDS:
        client.emulator.create_session(session_id=other)
    assert client.session(session_id).json()["id"] == session_id
    assert client.emulator.requests[-1].session_id == session_id


def test_created_session_follows_the_plan_of_the_emulator(run: Callable[..., Client]) -> None:
    client = run(plan=[Step("started", after_reads=1), Step("ended", after_reads=1)])
    session_id = client("POST", "/sessions", json={"backend": "simulator"}).json()["id"]
    assert [client.status(session_id) for _ in range(3)] == ["created", "started", "ended"]


def test_list_and_single_reads_count_alike(client: Client) -> None:
    session_id = client.emulator.create_session(plan=[Step("started", after_reads=2)])["id"]
    assert client.status(session_id) == "created"
    assert [session["status"] for session in client("GET", "/sessions").json()["sessions"]] == ["created"]
    assert client.emulator.session(session_id)["status"] == "started"
    assert client.status(session_id) == "started"


def test_list_that_leaves_a_session_out_does_not_read_it(client: Client) -> None:
    session_id = client.emulator.create_session(plan=[Step("started", after_reads=1)])["id"]
    assert client("GET", "/sessions?active=false").json()["sessions"] == []
    assert client.status(session_id) == "created"


def test_time_moves_a_session_on(client: Client, clock: Clock) -> None:
    session_id = client.emulator.create_session(plan=[Step("started", after_seconds=5)])["id"]
    assert client.status(session_id) == "created"
    clock.now += 5
    assert client.status(session_id) == "started"


def test_lone_surrogate_is_sent_back_as_it_came(client: Client) -> None:
    cost = {"unit": "\ud800", "value": 1}
    body = '{"backend": "simulator", "settings": {"cost_limit": {"unit": "\\ud800", "value": 1}}}'
    assert client("POST", "/sessions", data=body).json()["settings"]["cost_limit"] == cost


def test_every_answer_has_a_request_id_of_its_own(client: Client) -> None:
    client.emulator.fail(503, route="GET /whoami")
    responses = [client("GET", "/whoami"), client("GET", "/whoami"), client("GET", "/x"), client.control("GET", "/x")]
    assert len({response.headers["x-request-id"] for response in responses}) == 4
