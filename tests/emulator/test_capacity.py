"""The capacity of backends, and the delay before a new session can be read."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_ionq.emulator import Emulator, Price, Step
from tests.emulator.conftest import BODY
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Client, Clock

FORTE = "qpu.forte-1"


def _open(client: Client, backend: str = FORTE, **settings: Any) -> requests.Response:
    return client("POST", "/sessions", json={"backend": backend, "settings": settings})


def test_full_backend_gets_409_and_nothing_is_created(run: Callable[..., Client]) -> None:
    client = run(capacity={FORTE: 2})
    assert [_open(client).status_code for _ in range(3)] == [201, 201, 409]
    refused = _open(client).json()
    assert (refused["statusCode"], refused["error"]) == (409, "Conflict")
    assert FORTE in refused["message"]
    assert len(client.emulator.sessions()) == 2


def test_backend_without_a_limit_is_never_full(run: Callable[..., Client]) -> None:
    client = run(capacity={FORTE: 0})
    assert _open(client).status_code == 409
    assert _open(client, "simulator").status_code == 201


def test_sessions_of_other_users_take_up_capacity_and_are_never_rejected(client: Client) -> None:
    client.emulator.capacity = {FORTE: 1}
    other = client.emulator.create_session()["id"]
    client.emulator.create_session("simulator")
    client.emulator.create_session()
    assert _open(client).status_code == 409
    client.emulator.end_session(other)
    assert _open(client).status_code == 409
    client.emulator.capacity = {FORTE: 2}
    assert _open(client).status_code == 201


def test_ended_session_frees_its_slot(client: Client) -> None:
    client.emulator.capacity = {FORTE: 1}
    session_id = _open(client).json()["id"]
    assert _open(client).status_code == 409
    client("POST", f"/sessions/{session_id}/end")
    assert _open(client).status_code == 201


def test_slot_is_freed_by_an_overdue_end(run: Callable[..., Client], clock: Clock) -> None:
    client = run(capacity={FORTE: 2}, clock=clock)
    _open(client, duration_limit_min=1)
    client.emulator.create_session(plan=[Step("ended", after_seconds=60)])
    clock.now += 59.9
    assert _open(client).status_code == 409
    clock.now += 0.1
    assert [_open(client).status_code for _ in range(3)] == [201, 201, 409]


def test_fields_that_were_only_set_free_no_slot(client: Client) -> None:
    client.emulator.capacity = {FORTE: 1}
    session_id = client.emulator.create_session()["id"]
    client.emulator.update_session(session_id, status="ended", backend="simulator")
    assert _open(client).status_code == 409


def test_capacity_can_be_set_and_taken_away(client: Client) -> None:
    assert client.emulator.capacity is None
    client.emulator.capacity = {FORTE: 0}
    assert client.emulator.capacity == {FORTE: 0}
    assert _open(client).status_code == 409
    client.emulator.capacity = None
    assert _open(client).status_code == 201


def test_one_slot_goes_to_one_of_many_simultaneous_requests(client: Client) -> None:
    client.emulator.capacity = {FORTE: 3}
    headers = {"Authorization": "apiKey emulator-key"}

    def ask(_number: int) -> int:
        url = f"{client.emulator.url}/sessions"
        return requests.post(url, json={"backend": FORTE}, headers=headers, timeout=20).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(ask, range(40)))
    assert statuses == [201] * 3 + [409] * 37


@pytest.mark.parametrize("capacity", [{"qpu.none": 1}, {FORTE: -1}, {FORTE: 1.0}, {FORTE: True}, {FORTE: None}])
def test_impossible_capacity_is_rejected(emulator: Emulator, capacity: Any) -> None:
    emulator.capacity = {FORTE: 5}
    with pytest.raises(ValueError, match="capacity"):
        emulator.capacity = capacity
    with pytest.raises(ValueError, match="capacity"):
        Emulator(capacity=capacity)
    assert emulator.capacity == {FORTE: 5}


def test_new_session_cannot_be_read_or_ended_for_a_while(run: Callable[..., Client], clock: Clock) -> None:
    client = run(read_after_write_seconds=5, clock=clock)
    session_id = _open(client).json()["id"]
    path = f"/sessions/{session_id}"
    job = BODY | {"backend": FORTE, "session_id": session_id}
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("GET", f"{path}/jobs", None),
        ("POST", "/jobs", job),
        ("POST", f"{path}/end", None),
    ]
    for moment in (0, 4.9):
        clock.now += moment
        assert [client(method, where, json=body).status_code for method, where, body in calls] == [404] * 4
        assert client("GET", "/sessions").json()["sessions"] == []
    assert client.emulator.session(session_id)["status"] == "created", "whoever steers the emulator sees it"
    clock.now += 0.1
    assert [session["id"] for session in client("GET", "/sessions").json()["sessions"]] == [session_id]
    assert [client(method, where, json=body).status_code for method, where, body in calls] == [200, 200, 201, 200]


def test_session_that_cannot_be_read_yet_takes_up_room(run: Callable[..., Client]) -> None:
    client = run(read_after_write_seconds=60, capacity={FORTE: 1})
    assert [_open(client).status_code for _ in range(2)] == [201, 409]


def test_delay_holds_for_sessions_created_while_it_is_set(client: Client) -> None:
    client.emulator.read_after_write_seconds = 5
    late = _open(client).json()["id"]
    client.emulator.read_after_write_seconds = 0
    at_once = _open(client).json()["id"]
    scripted = client.emulator.create_session()["id"]
    assert [client.session(session_id).status_code for session_id in (late, at_once, scripted)] == [404, 200, 200]


@pytest.mark.parametrize("seconds", [-1, float("nan"), "5", None])
def test_impossible_delay_is_rejected(emulator: Emulator, seconds: Any) -> None:
    with pytest.raises(ValueError, match="read_after_write_seconds"):
        emulator.read_after_write_seconds = seconds
    assert emulator.read_after_write_seconds == 0


@pytest.mark.parametrize("path", ["/sessions", "/nowhere", "/backends"])
def test_date_of_every_answer_is_by_the_emulators_clock(client: Client, clock: Clock, path: str) -> None:
    for now in (1_000_000_000.0, 1_600_000_000.7):
        clock.now = now
        for answer in (client("GET", path), client.control("GET", "/requests")):
            assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == int(now)
    client.emulator.fail(503)
    assert parsedate_to_datetime(client("GET", path).headers["Date"]).timestamp() == int(clock.now)


def test_settings_can_be_changed_over_http(client: Client) -> None:
    wanted = {"capacity": {FORTE: 1}, "read_after_write_seconds": 2.5, "job_seconds": None, "job_reads": 3}
    answer = client.control("PATCH", "/settings", json=wanted)
    assert (answer.status_code, answer.json()) == (200, answer.json() | wanted)
    assert (client.emulator.capacity, client.emulator.read_after_write_seconds) == ({FORTE: 1}, 2.5)
    assert (client.emulator.job_seconds, client.emulator.job_reads) == (None, 3)
    changed = answer.json() | {"capacity": None}
    assert client.control("PATCH", "/settings", json={"capacity": None}).json() == changed
    assert client.control("PATCH", "/settings", json={}).json() == changed


def test_plan_and_prices_can_be_set_over_http(client: Client) -> None:
    plan = [{"status": "started", "after_reads": 1, "after_seconds": None}]
    prices = {FORTE: {"unit": "credit", "job_cost_minimum": 5.0}}
    answer = client.control("PATCH", "/settings", json={"job_plan": plan, "prices": prices, "compiled_gates": 2})
    assert answer.status_code == 200
    assert client.emulator.job_plan == (Step("started", after_reads=1),)
    assert client.emulator.prices == {FORTE: Price(unit="credit", job_cost_minimum=5.0)}
    assert answer.json()["job_plan"] == plan
    assert answer.json()["prices"][FORTE] | prices[FORTE] == answer.json()["prices"][FORTE]
    assert client.control("PATCH", "/settings", json={"job_plan": None, "prices": None}).json()["prices"] is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"capacity": 5}, "capacity | object"),
        ({"capacity": {"qpu.none": 1}}, "qpu.none"),
        ({"capacity": {FORTE: "1"}}, "capacity | whole number"),
        ({"capacity": {FORTE: 9}, "read_after_write_seconds": -1}, "read_after_write_seconds"),
        ({"capacity": {FORTE: 9}, "job_seconds": "1"}, "job_seconds"),
        ({"capacity": {FORTE: 9}, "job_reads": 1.5}, "job_reads"),
        ({"capacity": {FORTE: 9}, "job_plan": [{"status": "ended", "after_reads": 1}]}, "plan | job"),
        ({"capacity": {FORTE: 9}, "job_plan": 5}, "plan | list"),
        ({"capacity": {FORTE: 9}, "prices": {"qpu.none": {}}}, "qpu.none"),
        ({"capacity": {FORTE: 9}, "prices": {FORTE: 5}}, "price | object"),
        ({"capacity": {FORTE: 9}, "prices": {FORTE: {"unit": "eur"}}}, "unit | usd, credit | eur"),
        ({"capacity": {FORTE: 9}, "prices": {FORTE: {"job_cost_minimum": -1}}}, "job_cost_minimum"),
        ({"capacity": {FORTE: 9}, "compiled_gates": -1}, "compiled_gates"),
        ({"colour": 1}, "unknown | colour"),
    ],
)
def test_bad_settings_over_http_change_nothing(client: Client, settings: dict[str, Any], message: str) -> None:
    answer = client.control("PATCH", "/settings", json=settings)
    assert answer.status_code == 400
    assert re.search(facts(message), answer.json()["message"])
    assert client.emulator.capacity is None
