"""Disturbances on the wire, observed by a plain socket and by an HTTP client."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, get_args

import pytest
import requests

from airflow_provider_ionq.emulator.faults import DisturbanceKind
from airflow_provider_ionq.emulator.wire import _KINDS
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.emulator import Emulator
    from tests.emulator.conftest import Client

ONE = "GET /sessions/{session_id}"
GET_KEY = b"GET /v0.4/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: apiKey emulator-key\r\n\r\n"


@pytest.fixture
def wire(emulator: Emulator) -> Iterator[socket.socket]:
    """Return an open connection."""
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=10) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def until(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_delayed_answer_is_the_right_one_and_nothing_comes_before(emulator: Emulator, wire: socket.socket) -> None:
    emulator.disturb("delay", delay_seconds=0.5)
    began = time.monotonic()
    wire.sendall(GET_KEY)
    first = wire.recv(1)
    assert first == b"H"
    assert 0.5 <= time.monotonic() - began < 5
    wire.sendall(GET_KEY)
    second = time.monotonic()
    wire.recv(65536)
    assert time.monotonic() - second < 0.5, "the connection is as good as before"


def test_a_delay_of_one_connection_does_not_delay_another(client: Client) -> None:
    client.emulator.disturb("delay", delay_seconds=30)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(requests.get, f"{client.emulator.url}/backends", timeout=20)
        until(lambda: client.emulator.requests)
        assert client("GET", "/whoami").status_code == 200
        began = time.monotonic()
        client.emulator.stop()
        assert time.monotonic() - began < 10, "a pending answer must not hold the stop up"
        with pytest.raises(requests.ConnectionError):
            slow.result()


def test_a_fault_can_come_late(client: Client) -> None:
    client.emulator.fail(503)
    client.emulator.disturb("delay", delay_seconds=0.2)
    began = time.monotonic()
    assert client("GET", "/whoami").status_code == 503
    assert time.monotonic() - began >= 0.2


def test_a_dripping_body_comes_whole_byte_by_byte(client: Client) -> None:
    client.emulator.disturb("drip", delay_seconds=0.002)
    began = time.monotonic()
    response = client("GET", "/whoami")
    assert response.json()["key_id"]
    assert time.monotonic() - began >= 0.002 * len(response.content)


def test_a_drop_before_reading_is_a_reset_that_no_application_sees(emulator: Emulator, wire: socket.socket) -> None:
    emulator.disturb("drop_before_read")
    wire.sendall(GET_KEY)
    with pytest.raises(ConnectionResetError):
        read_all(wire)
    assert emulator.requests == []
    assert emulator.dropped_unread == 1


def test_a_kept_connection_is_dropped_too(emulator: Emulator, wire: socket.socket) -> None:
    wire.sendall(GET_KEY)
    wire.recv(65536)
    emulator.disturb("drop_before_read")
    wire.sendall(GET_KEY)
    with pytest.raises(ConnectionResetError):
        read_all(wire)
    assert len(emulator.requests) == 1


def test_a_request_in_two_parts_is_dropped_once(emulator: Emulator, wire: socket.socket) -> None:
    wire.sendall(GET_KEY[:40])
    time.sleep(0.05)  # so that the server reads it as two
    wire.sendall(GET_KEY[40:])
    assert wire.recv(65536).startswith(b"HTTP/1.1 200")
    assert emulator.dropped_unread == 0


def test_a_drop_after_reading_has_its_effect_and_no_answer(emulator: Emulator, wire: socket.socket) -> None:
    emulator.disturb("drop_after_read")
    body = b'{"backend": "qpu.forte-1"}'
    head = GET_KEY.replace(b"GET /v0.4/whoami", b"POST /v0.4/sessions").replace(
        b"\r\n\r\n", f"\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    wire.sendall(head + body)
    with pytest.raises(ConnectionResetError):
        read_all(wire)
    assert len(emulator.sessions()) == 1
    assert [request.status for request in emulator.requests] == [201]


@pytest.mark.parametrize("after_bytes", [0, 1, 40])
def test_a_cut_body_is_announced_whole(emulator: Emulator, wire: socket.socket, after_bytes: int) -> None:
    emulator.disturb("cut_body", after_bytes=after_bytes)
    wire.sendall(GET_KEY)
    head, _, body = read_all(wire).partition(b"\r\n\r\n")
    (announced,) = [int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")]
    assert len(body) == after_bytes < announced


@pytest.mark.parametrize("kind", ["drop_before_read", "drop_after_read"])
def test_disturbance_ends_after_the_given_number_of_requests(client: Client, kind: Any) -> None:
    client.emulator.disturb(kind, times=2)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            client("GET", "/whoami")
    assert client("GET", "/whoami").status_code == 200


def test_only_the_named_route_is_disturbed(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    client.emulator.disturb("drop_after_read", route=ONE)
    assert client("GET", "/sessions").status_code == 200
    with pytest.raises(requests.ConnectionError):
        client.session(session_id)
    assert client.session(session_id).status_code == 200


def test_seconds_go_by_the_emulators_clock(client: Client, clock: Any) -> None:
    client.emulator.disturb("drop_after_read", seconds=30)
    for _ in range(3):
        with pytest.raises(requests.ConnectionError):
            client("GET", "/whoami")
    clock.now += 30
    assert client("GET", "/whoami").status_code == 200


@pytest.mark.parametrize("kind", ["drop_before_read", "drop_after_read", "cut_body"])
def test_cleared_disturbances_do_not_happen(client: Client, kind: Any) -> None:
    client.emulator.disturb(kind, times=5)
    client.emulator.clear_faults()
    assert client("GET", "/whoami").status_code == 200


@pytest.mark.parametrize("kind", ["drop_before_read", "drop_after_read"])
def test_the_emulators_own_routes_are_not_disturbed(client: Client, kind: Any) -> None:
    client.emulator.disturb(kind)
    assert client.control("GET", "/requests").status_code == 200
    with pytest.raises(requests.ConnectionError):
        client("GET", "/whoami")


def test_connections_are_counted(client: Client, emulator: Emulator) -> None:
    assert (emulator.connections_made, emulator.connections_open) == (0, 0)
    for _ in range(3):
        client("GET", "/whoami")
    assert (emulator.connections_made, emulator.connections_open) == (1, 1)
    requests.get(f"{emulator.url}/backends", timeout=10)
    assert emulator.connections_made == 2
    until(lambda: emulator.connections_open == 1)
    emulator.clear_requests()
    assert (emulator.connections_made, emulator.connections_open) == (0, 1)


def test_many_simultaneous_clients_are_disturbed_the_given_number_of_times(emulator: Emulator) -> None:
    emulator.disturb("drop_after_read", times=30)
    emulator.disturb("drop_before_read", times=30)
    lost, lock = [], threading.Lock()

    def ask() -> None:
        for _ in range(10):
            try:
                requests.get(f"{emulator.url}/backends", timeout=20)
            except requests.ConnectionError:
                with lock:
                    lost.append(1)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 60
    assert emulator.dropped_unread == 30
    assert len(emulator.requests) == 170
    until(lambda: emulator.connections_open == 0)


def test_a_client_that_leaves_during_a_delay_leaves_nothing_behind(emulator: Emulator, wire: socket.socket) -> None:
    emulator.disturb("delay", delay_seconds=0.2)
    wire.sendall(GET_KEY)
    until(lambda: emulator.requests)
    wire.close()
    until(lambda: emulator.connections_open == 0)
    assert requests.get(f"{emulator.url}/backends", timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"kind": "slow"}, "kind | delay | slow"),
        ({"kind": "delay"}, "delay_seconds | above 0"),
        ({"kind": "delay", "delay_seconds": -1}, "delay_seconds | 0 | -1"),
        ({"kind": "drop_after_read", "delay_seconds": 1}, "delay_seconds | above 0"),
        ({"kind": "drop_before_read", "route": ONE}, "no route"),
        ({"kind": "drop_after_read", "route": "GET /nowhere"}, "route | GET /nowhere"),
        ({"kind": "cut_body", "after_bytes": -1}, "after_bytes | whole number | -1"),
        ({"kind": "drip", "delay_seconds": 1, "after_bytes": 1}, "after_bytes | cut_body"),
        ({"kind": "cut_body", "times": 0}, "times must"),
        ({"kind": "cut_body", "times": 1, "seconds": 1}, "times or seconds"),
    ],
)
def test_invalid_disturbance_is_rejected(emulator: Emulator, arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=facts(named)):
        emulator.disturb(**arguments)


def test_every_kind_of_disturbance_has_a_transport() -> None:
    # This one needs none: the connection is reset before there is an answer.
    assert {*_KINDS, "drop_before_read"} == set(get_args(DisturbanceKind))


def test_disturbances_and_counts_are_available_over_http(client: Client) -> None:
    assert client.control("POST", "/faults", json={"kind": "drop_before_read", "times": 1}).status_code == 201
    with pytest.raises(requests.ConnectionError):
        client("GET", "/whoami")
    counts = client.control("GET", "/connections").json()
    assert counts["dropped_unread"] == 1
    assert counts["made"] >= 2
    for bad in ({"kind": "delay"}, {"kind": "drip", "status": 500}, {"kind": "cut_body", "retry_after": 1}):
        assert client.control("POST", "/faults", json=bad).status_code == 400


def test_a_history_is_of_sessions_that_ended_long_ago(client: Client) -> None:
    (live,) = [client.emulator.create_session()["id"]]
    assert client.control("POST", "/history", json={"count": 3}).status_code == 201
    assert client.control("POST", "/history", json={"count": "3"}).status_code == 400
    sessions = client("GET", "/sessions").json()["sessions"]
    assert [session["status"] for session in sessions] == ["created", "ended", "ended", "ended"]
    for session in sessions[1:]:
        assert session["created_at"] < session["started_at"] < session["ended_at"] < sessions[0]["created_at"]
        assert session.keys() == sessions[0].keys() | {"settings"}
        assert client.session(session["id"]).json() == session
    assert client.status(live) == "created"


@pytest.mark.one_airflow
def test_twenty_thousand_old_sessions_are_a_list_of_about_ten_megabytes(client: Client) -> None:
    client.emulator.create_history(20_000)
    response = client("GET", "/sessions")
    assert len(response.json()["sessions"]) == 20_000
    assert 8_000_000 < len(response.content) < 14_000_000
