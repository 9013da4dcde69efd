"""The fault table: faults between the sensor and the API in every mode, and the outcome of the task."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Emulator, Step
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.waiting import outage
from tests.waiting.modes import MODES, run_sensor

if TYPE_CHECKING:
    from collections.abc import Iterator

Act = Callable[[Emulator], object]
OnRequest = Callable[[int, Callable[[], object]], None]

FAILING = 2
"""So many requests fail in each row."""

PASSING: dict[str, Act] = {
    "429": lambda e: e.fail(429, times=FAILING),
    "429 with Retry-After in seconds": lambda e: e.fail(429, times=FAILING, retry_after=0),
    "429 with a date that is past": lambda e: e.fail(429, times=FAILING, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
    "429 with a date in a hundred years": lambda e: e.fail(
        429, times=FAILING, retry_after="Wed, 21 Oct 2126 07:28:00 GMT"
    ),
    **{
        f"429 with Retry-After {value}": lambda e, value=value: e.fail(429, times=FAILING, retry_after=value)  # type: ignore[misc]
        for value in ("99999999999", "-5", "nan", "inf", "1e400", "soon", "")
    },
    "503 with Retry-After": lambda e: e.fail(503, times=FAILING, retry_after=99999),
    **{
        str(status): lambda e, status=status: e.fail(status, times=FAILING)  # type: ignore[misc]
        for status in (408, 409, 425, 500, 502, 503, 504, *range(520, 530))
    },
    "no answer in time": lambda e: e.disturb("delay", delay_seconds=30, times=FAILING),
    "an answer that does not end in time": lambda e: e.disturb("drip", delay_seconds=0.1, times=FAILING),
    "a 503 that does not end in time": lambda e: [
        act(e) for act in (lambda e: e.fail(503, times=FAILING), PASSING["an answer that does not end in time"])
    ],
    "dropped before the request was read": lambda e: e.disturb("drop_before_read", times=FAILING),
    "dropped after the request was read": lambda e: e.disturb("drop_after_read", times=FAILING),
    "cut body": lambda e: e.disturb("cut_body", after_bytes=40, times=FAILING),
    "no body": lambda e: e.disturb("cut_body", times=FAILING),
    "HTML body": lambda e: e.fail(200, body="<html>busy</html>", content_type="text/html", times=FAILING),
    "empty body": lambda e: e.fail(200, body="", times=FAILING),
    "no object": lambda e: e.fail(200, body="[]", times=FAILING),
    "wrong session": lambda e: e.fail(200, body='{"id": "of-another", "status": "started"}', times=FAILING),
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, ionq_emulator: Emulator) -> None:
    """Wait for an answer for half a second, and for what Retry-After asks for a fifth of one at most."""
    connection = {**json.loads(ionq_emulator.airflow_connection), "extra": {"timeout_seconds": 0.5}}
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", json.dumps(connection))
    monkeypatch.setattr(outage, "MAX_RETRY_AFTER_SECONDS", 0.2)


@pytest.fixture
def on_request(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> OnRequest:
    """Do something when the emulator has decided on its n-th answer, before anybody has it."""

    def arrange(number: int, action: Callable[[], object]) -> None:
        record = ionq_emulator.record

        def wrapped(request: Any) -> None:
            record(request)
            if len(ionq_emulator.requests) == number:
                action()

        monkeypatch.setattr(ionq_emulator, "record", wrapped)

    return arrange


def requests_sent(emulator: Emulator) -> int:
    return len(emulator.requests) + emulator.dropped_unread


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PASSING)
def test_a_fault_at_the_first_poll_is_waited_out(ionq_emulator: Emulator, name: str, mode: str) -> None:
    session_id = ionq_emulator.create_session()["id"]
    ionq_emulator.start_session(session_id)
    PASSING[name](ionq_emulator)
    ending = run_sensor(mode, session_id=session_id, status="started")
    assert (ending.state, ending.message) == ("success", "")
    assert ending.value == ionq_emulator.session(session_id)
    assert requests_sent(ionq_emulator) == FAILING + 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PASSING)
def test_a_fault_in_mid_wait_is_waited_out(
    ionq_emulator: Emulator, on_request: OnRequest, name: str, mode: str
) -> None:
    session_id = ionq_emulator.create_session(plan=[Step("started", after_reads=1)])["id"]
    on_request(1, lambda: PASSING[name](ionq_emulator))
    ending = run_sensor(mode, session_id=session_id, status="started")
    assert (ending.state, ending.message) == ("success", "")
    assert ending.value == ionq_emulator.session(session_id)
    assert requests_sent(ionq_emulator) == 1 + FAILING + 1


@pytest.mark.parametrize("mode", MODES)
def test_a_late_answer_is_an_answer(ionq_emulator: Emulator, mode: str) -> None:
    session_id = ionq_emulator.create_session()["id"]
    ionq_emulator.start_session(session_id)
    ionq_emulator.disturb("delay", delay_seconds=0.2)
    assert run_sensor(mode, session_id=session_id, status="started").state == "success"
    assert requests_sent(ionq_emulator) == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.usefixtures("reread_at_once")
def test_temporary_refusal_is_waited_out_in_mid_wait(ionq_emulator: Emulator, on_request: OnRequest, mode: str) -> None:
    session_id = ionq_emulator.create_session(plan=[Step("started", after_reads=1)])["id"]
    on_request(1, lambda: ionq_emulator.fail(401))
    assert run_sensor(mode, session_id=session_id, status="started").state == "success"
    assert [request.status for request in ionq_emulator.requests] == [200, 401, 200]


REFUSED: dict[str, tuple[Callable[[Emulator, str], object], str]] = {
    "401 for good": (lambda e, session_id: setattr(e, "api_key", "rotated"), "401"),
    "403 for good": (lambda e, session_id: e.fail(403, seconds=60), "403"),
    "session deleted": (lambda e, session_id: e.delete_session(session_id), "404"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.usefixtures("reread_at_once")
def test_permanent_refusal_fails_without_a_retry(
    ionq_emulator: Emulator, on_request: OnRequest, name: str, mode: str
) -> None:
    act, says = REFUSED[name]
    session_id = ionq_emulator.create_session()["id"]
    on_request(1, lambda: act(ionq_emulator, session_id))
    ending = run_sensor(mode, session_id=session_id, status="started")
    assert (ending.state, ending.error) == ("failed", IonQFailException)
    assert says in ending.message
    # One that is fine, two that are refused; and what the triggerer saw is seen by the worker that says so.
    in_triggerer = mode in ("deferrable", "start_from_trigger")
    asked_for_address = sum(request.route == "GET /whoami" for request in ionq_emulator.requests)
    assert requests_sent(ionq_emulator) - asked_for_address == 3 + in_triggerer


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.usefixtures("reread_at_once")
def test_key_rotated_at_ionq_first_is_waited_out(
    ionq_emulator: Emulator,
    on_request: OnRequest,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    session_id = ionq_emulator.create_session(plan=[Step("started", after_reads=1)])["id"]
    on_request(1, lambda: setattr(ionq_emulator, "api_key", "rotated"))
    on_request(2, lambda: monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", ionq_emulator.airflow_connection))
    assert run_sensor(mode, session_id=session_id, status="started").state == "success"
    assert [request.status for request in ionq_emulator.requests] == [200, 401, 200]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.usefixtures("reread_at_once")
def test_host_that_moves_to_another_address_is_followed(
    ionq_emulator: Emulator,
    on_request: OnRequest,
    monkeypatch: pytest.MonkeyPatch,
    another_emulator: Emulator,
    mode: str,
) -> None:
    session_id = ionq_emulator.create_session()["id"]
    another_emulator.create_session(session_id=session_id)
    another_emulator.start_session(session_id)

    def move() -> None:
        ionq_emulator.disturb("drop_before_read", seconds=60)
        monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", another_emulator.airflow_connection)

    on_request(1, move)
    ending = run_sensor(mode, session_id=session_id, status="started")
    assert ending.value == another_emulator.session(session_id)
    assert len(another_emulator.requests) == 1
    # In reschedule mode every look reads the connection.
    assert ionq_emulator.dropped_unread <= 1


@pytest.fixture
def another_emulator() -> Iterator[Emulator]:
    with Emulator(api_key="the-other-key") as emulator:
        yield emulator


@pytest.mark.parametrize("mode", MODES)
def test_name_that_cannot_be_resolved_for_a_while_is_waited_out(
    ionq_emulator: Emulator,
    on_request: OnRequest,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    session_id = ionq_emulator.create_session(plan=[Step("started", after_reads=1)])["id"]
    resolve = socket.getaddrinfo
    asked: list[Any] = []

    def gone(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if port == ionq_emulator.port and len(asked) < FAILING:
            asked.append(host)
            raise socket.gaierror(-3, "Temporary failure in name resolution")
        return resolve(host, port, *arguments, **options)

    def go() -> None:
        monkeypatch.setattr(socket, "getaddrinfo", gone)
        # A kept connection needs no name.
        ionq_emulator.disturb("drop_after_read")

    on_request(1, go)
    ending = run_sensor(mode, session_id=session_id, status="started")
    assert ending.state == "success", ending.message
    assert len(asked) == FAILING
