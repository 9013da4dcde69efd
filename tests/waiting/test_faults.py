"""The fault table: faults between the sensor and the API in every mode, and the outcome of the task."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Emulator, Step
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.waiting import outage
from tests.support.emulated import connection_with
from tests.waiting.modes import MODES, run_sensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.emulator.faults import DisturbanceKind

pytestmark = pytest.mark.one_airflow

Act = Callable[[Emulator], object]
OnRequest = Callable[[int, Callable[[], object]], None]

FAILING = 2
"""So many requests fail in each row, except where each of them takes as long as a request may."""


def failing(status: int, **answer: Any) -> Act:
    """Return what has requests answered with a status."""
    return lambda emulator: emulator.fail(status, times=FAILING, **answer)


def disturbed(kind: DisturbanceKind, **how: Any) -> Act:
    """Return what has answers go wrong below HTTP."""
    return lambda emulator: emulator.disturb(kind, times=FAILING, **how)


def no_answer_in_time(emulator: Emulator) -> None:
    emulator.disturb("delay", delay_seconds=30)


def an_endless_answer(emulator: Emulator) -> None:
    emulator.disturb("drip", delay_seconds=0.1)


def a_slow_503(emulator: Emulator) -> None:
    emulator.fail(503)
    an_endless_answer(emulator)


# One of each way that the code tells apart. Which statuses are transient, and what a Retry-After header may say, is in
# the tests of the client and of the outage.
IN_EVERY_MODE: dict[str, Act] = {
    "429 with a date in a hundred years": failing(429, retry_after="Wed, 21 Oct 2126 07:28:00 GMT"),
    "503": failing(503),
    "no answer in time": no_answer_in_time,
    "dropped before the request was read": disturbed("drop_before_read"),
    "dropped after the request was read": disturbed("drop_after_read"),
    "HTML body": failing(200, body="<html>busy</html>", content_type="text/html"),
    "wrong session": failing(200, body='{"id": "of-another", "status": "started"}'),
}
PASSING: dict[str, Act] = {
    **IN_EVERY_MODE,
    "409": failing(409),
    "429": failing(429),
    "429 with Retry-After in seconds": failing(429, retry_after=0),
    "429 with an invalid Retry-After": failing(429, retry_after="soon"),
    "503 with Retry-After": failing(503, retry_after=99999),
    "524": failing(524),
    "an answer that does not end in time": an_endless_answer,
    "a 503 that does not end in time": a_slow_503,
    "cut body": disturbed("cut_body", after_bytes=40),
    "no body": disturbed("cut_body"),
    "empty body": failing(200, body=""),
    "no object": failing(200, body="[]"),
}
TIMING_OUT = (no_answer_in_time, an_endless_answer, a_slow_503)
# The blocking poll and the shared one read answers by code of their own; the other modes poll by one of them.
IN_MID_WAIT = [
    (name, mode) for name in PASSING for mode in MODES if name in IN_EVERY_MODE or mode in ("poke", "deferrable")
]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, ionq_emulator: Emulator) -> None:
    """Wait for an answer for 1.5 s, and for what Retry-After asks for a fifth of one at most."""
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", connection_with(ionq_emulator, timeout_seconds=1.5))
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


def failing_requests(name: str) -> int:
    return 1 if PASSING[name] in TIMING_OUT else FAILING


def requests_sent(emulator: Emulator) -> int:
    return len(emulator.requests) + emulator.dropped_unread


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", IN_EVERY_MODE)
def test_a_fault_at_the_first_poll_is_waited_out(ionq_emulator: Emulator, name: str, mode: str) -> None:
    session_id = ionq_emulator.create_session()["id"]
    ionq_emulator.start_session(session_id)
    PASSING[name](ionq_emulator)
    ending = run_sensor(mode, session_id=session_id, status="started")
    assert (ending.state, ending.message) == ("success", "")
    assert ending.value == ionq_emulator.session(session_id)
    assert requests_sent(ionq_emulator) == failing_requests(name) + 1


@pytest.mark.parametrize(("name", "mode"), IN_MID_WAIT)
def test_a_fault_in_mid_wait_is_waited_out(
    ionq_emulator: Emulator, on_request: OnRequest, name: str, mode: str
) -> None:
    session_id = ionq_emulator.create_session(plan=[Step("started", after_reads=1)])["id"]
    on_request(1, lambda: PASSING[name](ionq_emulator))
    ending = run_sensor(mode, session_id=session_id, status="started")
    assert (ending.state, ending.message) == ("success", "")
    assert ending.value == ionq_emulator.session(session_id)
    assert requests_sent(ionq_emulator) == 1 + failing_requests(name) + 1


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
