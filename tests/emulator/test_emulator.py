from __future__ import annotations

import errno
import json
import logging
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_ionq.emulator import Emulator, RecordedRequest, Step, UnknownSession
from tests.emulator.conftest import Client, Clock

if TYPE_CHECKING:
    from collections.abc import Callable


def test_session_is_a_copy(emulator: Emulator) -> None:
    settings = {"cost_limit": {"unit": "usd", "value": 1}}
    session = emulator.create_session(settings=settings)
    session["settings"]["cost_limit"]["value"] = 2
    settings["cost_limit"]["value"] = 3
    emulator.sessions()[0]["settings"]["cost_limit"]["value"] = 4
    assert emulator.session(session["id"])["settings"] == {"cost_limit": {"unit": "usd", "value": 1}}


def test_inspection_by_the_test_does_not_count_as_a_read(client: Client) -> None:
    emulator = client.emulator
    session_id = emulator.create_session(plan=[Step("started", after_reads=1)])["id"]
    for _ in range(3):
        assert emulator.session(session_id)["status"] == "created"
        assert emulator.sessions()[0]["status"] == "created"
    assert [client.status(session_id) for _ in range(2)] == ["created", "started"]


def test_inspection_brings_the_session_up_to_date(emulator: Emulator, clock: Clock) -> None:
    session_id = emulator.create_session(plan=[Step("ended", after_seconds=1)])["id"]
    clock.now += 1
    assert emulator.sessions()[0]["status"] == "ended"
    assert emulator.session(session_id)["ender_id"] is None


def test_empty_plan_overrides_the_plan_of_the_emulator() -> None:
    emulator = Emulator(plan=[Step("started", after_reads=0)])
    assert emulator.create_session()["status"] == "started"
    assert emulator.create_session(plan=())["status"] == "created"


def test_any_field_can_be_set_to_anything(client: Client) -> None:
    session_id = client.emulator.create_session(settings={"job_count_limit": 1})["id"]
    returned = client.emulator.update_session(
        session_id, remove=["ended_at", "no such field"], status="paused", settings=None, id="other", new={"deep": [1]}
    )
    served = client.session(session_id).json()
    assert served == returned
    assert (served["status"], served["settings"], served["id"], served["new"]) == (
        "paused",
        None,
        "other",
        {"deep": [1]},
    )
    assert "ended_at" not in served


def test_later_start_overwrites_a_status_that_was_set(emulator: Emulator) -> None:
    session_id = emulator.create_session()["id"]
    emulator.update_session(session_id, status="paused")
    assert emulator.start_session(session_id)["status"] == "started"


def test_field_that_json_cannot_express_is_rejected_at_once(emulator: Emulator) -> None:
    session_id = emulator.create_session()["id"]
    with pytest.raises(TypeError):
        emulator.update_session(session_id, created_at=object())
    assert isinstance(emulator.session(session_id)["created_at"], str)


def test_deleted_session_gets_404(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    client.emulator.delete_session(session_id)
    assert client.session(session_id).status_code == 404
    assert client.emulator.sessions() == []


@pytest.mark.parametrize("call", ["session", "start_session", "end_session", "update_session", "delete_session"])
def test_unknown_session_is_named(emulator: Emulator, call: str) -> None:
    with pytest.raises(UnknownSession, match="'missing'"):
        getattr(emulator, call)("missing")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backend": "qpu.none"}, "backend"),
        ({"settings": {"colour": "red"}}, "settings.colour"),
        ({"session_id": ""}, "session_id"),
        ({"session_id": 5}, "session_id"),
        ({"session_id": "taken"}, "session .*'taken' exists"),
    ],
)
def test_impossible_session_is_rejected(emulator: Emulator, arguments: dict[str, Any], message: str) -> None:
    emulator.create_session(session_id="taken")
    with pytest.raises(ValueError, match=message):
        emulator.create_session(**arguments)
    assert len(emulator.sessions()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"active": "sometimes"}, "active"), ({"port": -1}, "port"), ({"port": 65536}, "port"), ({"port": "80"}, "port")],
)
def test_impossible_emulator_is_rejected(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Emulator(**arguments)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [{"deep": float("-inf")}]])
def test_number_that_json_cannot_express_is_rejected(emulator: Emulator, value: Any) -> None:
    session = emulator.create_session()
    with pytest.raises(ValueError, match="JSON"):
        emulator.update_session(session["id"], active=value)
    assert emulator.session(session["id"]) == session


def test_log_records_request_and_answer(client: Client, clock: Clock) -> None:
    client.emulator.create_session(session_id="a/b")
    response = client("GET", "/sessions/a%2Fb/jobs?session_id=%20")
    (request,) = client.emulator.requests
    assert request == RecordedRequest(
        method="GET",
        path="/v0.4/sessions/a/b/jobs",
        raw_path="/v0.4/sessions/a%2Fb/jobs",
        route="GET /sessions/{session_id}/jobs",
        session_id="a/b",
        query="session_id=%20",
        status=200,
        request_id=response.headers["x-request-id"],
        at=clock.now,
        peer=request.peer,
        authorized=True,
    )
    assert request.peer[0] == "127.0.0.1"
    with pytest.raises(FrozenInstanceError):
        request.status = 500  # type: ignore[misc]


def test_log_distinguishes_connections(client: Client) -> None:
    client("GET", "/whoami")
    client("GET", "/whoami")
    requests.get(f"{client.emulator.url}/backends", timeout=10)
    ports = [request.peer[1] for request in client.emulator.requests]
    assert ports[0] == ports[1] != ports[2]


def test_log_has_refused_requests_and_unknown_routes(client: Client) -> None:
    client("GET", "/whoami", key="wrong-marked-key")
    client("GET", "/nowhere")
    client.emulator.fail(503)
    client("GET", "/whoami")
    log = client.emulator.requests
    assert [(request.route, request.status, request.authorized) for request in log] == [
        ("GET /whoami", 401, False),
        (None, 404, True),
        ("GET /whoami", 503, True),
    ]
    assert "key" not in repr(log)


def test_cleared_log_is_empty(client: Client) -> None:
    client("GET", "/whoami")
    client.emulator.clear_requests()
    assert client.emulator.requests == []


def test_connection_leads_airflow_to_the_emulator(emulator: Emulator) -> None:
    emulator.api_key = "rotated"
    assert json.loads(emulator.airflow_connection) == {
        "conn_type": "ionq",
        "host": f"http://127.0.0.1:{emulator.port}/v0.4",
        "password": "rotated",
    }


def test_fixture_sets_the_connection(ionq_emulator: Emulator) -> None:
    connection = json.loads(os.environ["AIRFLOW_CONN_IONQ_DEFAULT"])
    headers = {"Authorization": f"apiKey {connection['password']}"}
    assert requests.get(f"{connection['host']}/whoami", headers=headers, timeout=10).status_code == 200
    assert len(ionq_emulator.requests) == 1


def test_stop_takes_no_time_while_clients_keep_their_connections() -> None:
    """Test suites start and stop an emulator for each test. uvicorn's own stop takes 0.2 s."""
    began = time.monotonic()
    for _ in range(20):
        with Emulator() as emulator, requests.Session() as session:
            session.get(f"{emulator.url}/backends", timeout=10)
            emulator.stop()
    assert time.monotonic() - began < 2.0


def test_stop_frees_the_port_and_ends_the_thread() -> None:
    threads = threading.active_count()
    with Emulator() as emulator:
        port = emulator.port
        with requests.Session() as http:
            http.get(f"{emulator.url}/backends", timeout=10)
            assert threading.active_count() > threads
            emulator.stop()
            with pytest.raises(requests.ConnectionError):
                http.get(f"{emulator.url}/backends", timeout=10)
    assert threading.active_count() == threads
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        probe.listen()


def test_second_start_takes_the_same_port_and_keeps_the_sessions() -> None:
    emulator = Emulator()
    emulator.start()
    port = emulator.port
    emulator.create_session(session_id="kept")
    emulator.stop()
    emulator.stop()
    emulator.start()
    try:
        assert emulator.port == port
        assert Client(emulator).status("kept") == "created"
    finally:
        emulator.stop()


def test_running_emulator_is_not_started_again(emulator: Emulator) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        emulator.start()


def test_port_is_unknown_before_the_first_start() -> None:
    with pytest.raises(RuntimeError, match="before it is started"):
        _ = Emulator().url
    with pytest.raises(RuntimeError, match="no port before"):
        _ = Emulator().port
    assert Emulator(port=8123).url == "http://127.0.0.1:8123/v0.4"


def test_port_in_use_is_named(emulator: Emulator) -> None:
    with pytest.raises(OSError, match=f"port {emulator.port}") as caught:
        Emulator(port=emulator.port).start()
    assert caught.value.errno == errno.EADDRINUSE


def test_emulator_is_not_reachable_from_other_addresses(emulator: Emulator) -> None:
    with socket.socket() as probe:
        probe.settimeout(5)
        assert probe.connect_ex(("127.0.0.2", emulator.port)) != 0


def test_emulator_leaves_signals_and_loggers_alone(caplog: pytest.LogCaptureFixture) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    root = list(logging.getLogger().handlers)
    with caplog.at_level(logging.DEBUG), Emulator() as emulator:
        requests.get(f"{emulator.url}/backends", timeout=10)
        assert {number: signal.getsignal(number) for number in handlers} == handlers
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
    assert logging.getLogger().handlers == root


def test_two_emulators_share_nothing(run: Callable[..., Client]) -> None:
    first, second = run(), run(api_key="other")
    first.emulator.create_session()
    assert second("GET", "/sessions", key="other").json()["sessions"] == []
    assert second("GET", "/sessions").status_code == 401


def test_many_threads_lose_no_read_and_no_request(client: Client) -> None:
    session_id = client.emulator.create_session(plan=[Step("started", after_reads=200)])["id"]

    def work(_: int) -> list[str]:
        with requests.Session() as http:
            own = Client(client.emulator, http)
            return [own.status(session_id) for _ in range(25)]

    with ThreadPoolExecutor(8) as pool:
        seen = [status for statuses in pool.map(work, range(8)) for status in statuses]
    assert seen == ["created"] * 200
    assert len(client.emulator.requests) == 200
    assert client.status(session_id) == "started"


def test_list_grows_in_proportion_to_the_sessions(client: Client) -> None:
    def cheapest_list() -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            assert client("GET", "/sessions").ok
            times.append(time.perf_counter() - began)
        return min(times)

    for _ in range(500):
        client.emulator.create_session()
    small = cheapest_list()
    for _ in range(4500):
        client.emulator.create_session()
    large = cheapest_list()
    assert len(client("GET", "/sessions").json()["sessions"]) == 5000
    # Ten times the sessions: about ten times the time if linear, a hundred times if quadratic.
    assert large < 40 * small


def test_body_of_an_aborted_request_does_no_harm(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.emulator.port), timeout=10) as raw:
        raw.sendall(b"POST /v0.4/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert client("GET", "/whoami").status_code == 200
    assert client.emulator.sessions() == []
