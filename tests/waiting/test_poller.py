"""The shared poll: its requests, its notifications, its start and stop."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.sessions.resource import SESSIONS
from airflow_provider_ionq.sessions.target import SessionTarget
from airflow_provider_ionq.triggers.session import IonQSessionTrigger
from airflow_provider_ionq.waiting.registry import subscribe
from airflow_provider_ionq.waiting.waiter import Finished, ItemWaiter, LogLine
from tests.support.polls import polled_connection
from tests.waiting.modes import first_event

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from requests_mock import Mocker

    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow

LIST = "GET /sessions"
ONE = "GET /sessions/{session_id}"
STARTED = SessionTarget.of("started", None)


def create(emulator: Emulator, count: int) -> list[str]:
    return [emulator.create_session(backend="qpu.forte-1")["id"] for _ in range(count)]


def routes(emulator: Emulator) -> Counter[str | None]:
    return Counter(request.route for request in emulator.requests)


async def settled(
    session_id: str, target: SessionTarget = STARTED, interval: float = 0.05, conn: str = "ionq_default"
) -> Any:
    """Wait as a trigger does; return the session and the log lines on the way."""
    lines = []
    with subscribe(polled_connection(conn), SESSIONS, ItemWaiter(session_id, target, interval)) as waiter:
        while isinstance(result := await waiter.next(), LogLine):
            lines.append(result.text)
        assert isinstance(result, Finished)
        return result.item, lines


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the emulator answers from another thread
            await asyncio.sleep(0.005)


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run in a loop of its own, and see that nothing of the poll is left in it."""

    async def whole() -> Any:
        async with asyncio.timeout(60):
            result = await coroutine
            await until(lambda: len(asyncio.all_tasks()) == 1)
        return result

    return asyncio.run(whole())


def test_many_waiters_cost_one_list_per_poll(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 200)

    async def scenario() -> list[Any]:
        waits = [asyncio.create_task(settled(session_id)) for session_id in ids]
        await until(lambda: routes(ionq_emulator)[LIST] >= 5)
        for session_id in ids:
            ionq_emulator.start_session(session_id)
        return await asyncio.gather(*waits)

    results = run(scenario())
    assert [session for session, _ in results] == [ionq_emulator.session(session_id) for session_id in ids]
    assert routes(ionq_emulator)[ONE] == 0
    assert len({request.peer for request in ionq_emulator.requests}) == 1


def test_few_sessions_are_read_by_id(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 3)

    async def scenario() -> None:
        waits = [asyncio.create_task(settled(session_id)) for session_id in ids]
        await until(lambda: len(ionq_emulator.requests) >= 9)
        for session_id in ids:
            ionq_emulator.start_session(session_id)
        await asyncio.gather(*waits)

    run(scenario())
    assert set(routes(ionq_emulator)) == {ONE}


def test_many_waiters_of_one_session_cost_one_request_per_poll(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)

    async def scenario() -> None:
        waits = [asyncio.create_task(settled(session_id, interval=0.2)) for _ in range(100)]
        await until(lambda: len(ionq_emulator.requests) >= 2)
        ionq_emulator.start_session(session_id)
        await asyncio.gather(*waits)

    run(scenario())
    assert len(ionq_emulator.requests) == 3


def test_a_long_history_is_listed_once_and_then_read_by_id(ionq_emulator: Emulator) -> None:
    for session_id in create(ionq_emulator, 300):
        ionq_emulator.end_session(session_id)
    ids = create(ionq_emulator, 5)

    async def scenario() -> None:
        waits = [asyncio.create_task(settled(session_id)) for session_id in ids]
        await until(lambda: routes(ionq_emulator)[ONE] >= 25)
        for session_id in ids:
            ionq_emulator.start_session(session_id)
        await asyncio.gather(*waits)

    run(scenario())
    assert routes(ionq_emulator)[LIST] == 1
    assert len({request.peer for request in ionq_emulator.requests}) <= 4


def test_sessions_that_the_list_does_not_show_are_read_by_id(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 6)
    ionq_emulator.fail(200, route=LIST, seconds=60, body=json.dumps({"organization_id": "o", "sessions": [None, {}]}))
    for session_id in ids:
        ionq_emulator.start_session(session_id)

    async def scenario() -> Any:
        return await asyncio.gather(*(settled(session_id) for session_id in ids))

    assert [session["id"] for session, _ in run(scenario())] == ids


def test_one_deleted_session_does_not_disturb_the_others(ionq_emulator: Emulator, reread_at_once: None) -> None:
    gone, *ids = create(ionq_emulator, 6)
    ionq_emulator.delete_session(gone)

    async def scenario() -> Any:
        waits = [asyncio.create_task(settled(session_id)) for session_id in [gone, *ids]]
        session, notices = await waits[0]
        assert not any(wait.done() for wait in waits[1:])
        for session_id in ids:
            ionq_emulator.start_session(session_id)
        return session, notices, await asyncio.gather(*waits[1:])

    session, notices, others = run(scenario())
    assert session is None
    assert "404" in notices[0]
    assert [notices for _, notices in others] == [[]] * 5


def test_shortest_interval_counts(ionq_emulator: Emulator) -> None:
    slow, fast = create(ionq_emulator, 2)

    async def scenario() -> None:
        wait_slow = asyncio.create_task(settled(slow, interval=1))
        await asyncio.sleep(0.1)
        assert ionq_emulator.requests == []
        wait_fast = asyncio.create_task(settled(fast, interval=0.05))
        await until(lambda: len(ionq_emulator.requests) >= 7)
        ionq_emulator.start_session(slow)
        await wait_slow
        ionq_emulator.start_session(fast)
        await wait_fast

    run(scenario())


def test_first_poll_comes_after_an_interval_and_wakes_no_new_waiter(ionq_emulator: Emulator) -> None:
    first, second = create(ionq_emulator, 2)
    ionq_emulator.start_session(first)
    ionq_emulator.start_session(second)

    async def scenario() -> tuple[float, float]:
        began = time.monotonic()
        wait_first = asyncio.create_task(settled(first, interval=0.4))
        await asyncio.sleep(0.3)
        wait_second = asyncio.create_task(settled(second, interval=0.4))
        await wait_first
        woken_first = time.monotonic() - began
        await wait_second
        return woken_first, time.monotonic() - began

    woken_first, woken_second = run(scenario())
    assert woken_first >= 0.4
    assert woken_second >= 0.7


def test_no_request_without_a_waiter(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)

    async def scenario() -> int:
        wait = asyncio.create_task(settled(session_id, interval=0.02))
        await until(lambda: len(ionq_emulator.requests) >= 3)
        wait.cancel()
        await asyncio.wait([wait])
        await until(lambda: len(asyncio.all_tasks()) == 1)
        await asyncio.sleep(0.1)
        before = len(ionq_emulator.requests)
        await asyncio.sleep(0.3)
        return len(ionq_emulator.requests) - before

    assert run(scenario()) == 0


def test_cancelling_one_waiter_leaves_the_others(ionq_emulator: Emulator) -> None:
    first, second = create(ionq_emulator, 2)

    async def scenario() -> Any:
        waits = [asyncio.create_task(settled(session_id)) for session_id in (first, second)]
        await until(lambda: len(ionq_emulator.requests) >= 2)
        waits[0].cancel()
        await asyncio.wait([waits[0]])
        ionq_emulator.start_session(second)
        return await waits[1]

    session, _ = run(scenario())
    assert session["id"] == second


def test_each_connection_has_its_own_poll(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", ionq_emulator.airflow_connection)
    ids = create(ionq_emulator, 2)
    for session_id in ids:
        ionq_emulator.start_session(session_id)

    async def scenario() -> None:
        await asyncio.gather(settled(ids[0]), settled(ids[1], conn="other"))

    run(scenario())
    assert len({request.peer for request in ionq_emulator.requests}) == 2


def test_outage_and_recovery_are_logged_once_for_each_waiter(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 10)

    async def scenario() -> Any:
        waits = [asyncio.create_task(settled(session_id)) for session_id in ids]
        await until(lambda: len(ionq_emulator.requests) >= 2)
        ionq_emulator.fail(503, times=4)
        await until(lambda: len(ionq_emulator.requests) >= 8)
        for session_id in ids:
            ionq_emulator.start_session(session_id)
        return await asyncio.gather(*waits)

    for session, notices in run(scenario()):
        assert session["status"] == "started"
        began, over = notices
        assert "503" in began
        assert "again" in over


def test_an_outage_costs_one_request_per_poll_also_when_reading_by_id(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 3)
    ionq_emulator.fail(503, times=4)
    for session_id in ids:
        ionq_emulator.start_session(session_id)

    async def scenario() -> None:
        await asyncio.gather(*(settled(session_id) for session_id in ids))

    run(scenario())
    assert len(ionq_emulator.requests) == 4 + 3


def test_single_failing_session_does_not_hide_the_others(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 3)
    ionq_emulator.update_session(ids[0], id="somebody-else")
    for session_id in ids[1:]:
        ionq_emulator.start_session(session_id)

    async def scenario() -> Any:
        bad = asyncio.create_task(settled(ids[0]))
        good = await asyncio.gather(*(settled(session_id) for session_id in ids[1:]))
        bad.cancel()
        await asyncio.wait([bad])
        return good

    assert [session["id"] for session, _ in run(scenario())] == ids[1:]


def test_outage_that_begins_between_two_sessions_ends_the_poll(
    requests_mock: Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", json.dumps({"conn_type": "ionq", "password": "k"}))
    sessions = "https://api.ionq.co/v0.4/sessions"
    requests_mock.get(f"{sessions}/s-0", json={"id": "s-0", "status": "started"})
    for session_id in ("s-1", "s-2"):
        requests_mock.get(f"{sessions}/{session_id}", status_code=503, headers={"Retry-After": "60"})

    async def scenario() -> Any:
        waits = [asyncio.create_task(settled(f"s-{number}", interval=0.2)) for number in range(3)]
        session, _ = await waits[0]
        await asyncio.sleep(1)
        for wait in waits[1:]:
            wait.cancel()
        await asyncio.wait(waits[1:])
        return session

    assert run(scenario())["id"] == "s-0", "what was seen before the outage is told"
    asked = [request.path.rpartition("/")[2] for request in requests_mock.request_history]
    assert asked == ["s-0", "s-1"], "Retry-After is honoured"


def test_failing_list_is_replaced_by_reads_by_id(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 5)
    ionq_emulator.fail(504, route=LIST, seconds=60)
    for session_id in ids:
        ionq_emulator.start_session(session_id)

    async def scenario() -> Any:
        return await asyncio.gather(*(settled(session_id) for session_id in ids))

    assert [session["id"] for session, _ in run(scenario())] == ids
    assert routes(ionq_emulator) == {LIST: 2, ONE: 5}


def test_single_failing_session_does_not_make_the_logs_of_others_flap(ionq_emulator: Emulator) -> None:
    bad, *ids = create(ionq_emulator, 3)
    ionq_emulator.update_session(bad, id="somebody-else")

    async def scenario() -> Any:
        waits = [asyncio.create_task(settled(session_id)) for session_id in (bad, *ids)]
        await until(lambda: len(ionq_emulator.requests) >= 30)
        for session_id in ids:
            ionq_emulator.start_session(session_id)
        results = await asyncio.gather(*waits[1:])
        waits[0].cancel()
        await asyncio.wait(waits[:1])
        return results

    for _, notices in run(scenario()):
        assert len(notices) <= 2


def test_retry_after_holds_the_poll(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.fail(429, retry_after=1)
    ionq_emulator.start_session(session_id)
    run(settled(session_id))
    first, second = (request.at for request in ionq_emulator.requests)
    assert second - first >= 0.95


def test_permanently_rejected_key_wakes_every_waiter(ionq_emulator: Emulator, reread_at_once: None) -> None:
    ids = create(ionq_emulator, 10)

    async def scenario() -> Any:
        waits = [asyncio.create_task(settled(session_id)) for session_id in ids]
        await until(lambda: len(ionq_emulator.requests) >= 2)
        ionq_emulator.api_key = "rotated"
        return await asyncio.gather(*waits)

    assert [session for session, _ in run(scenario())] == [None] * 10


def test_a_rotated_key_is_picked_up(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, reread_at_once: None
) -> None:
    (session_id,) = create(ionq_emulator, 1)

    async def scenario() -> Any:
        wait = asyncio.create_task(settled(session_id))
        await until(lambda: len(ionq_emulator.requests) >= 2)
        ionq_emulator.api_key = "rotated"
        monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", ionq_emulator.airflow_connection)
        await until(lambda: ionq_emulator.requests[-1].status == 200 and len(ionq_emulator.requests) > 3)
        ionq_emulator.start_session(session_id)
        return await wait

    session, _ = run(scenario())
    assert session["status"] == "started"


def test_a_connection_that_cannot_be_read_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", json.dumps({"conn_type": "ionq"}))

    async def scenario() -> str:
        waiter = ItemWaiter("s-1", STARTED, 0.05)
        with subscribe(polled_connection("ionq_default"), SESSIONS, waiter):
            line = await waiter.next()
            assert isinstance(line, LogLine)
            return line.text

    assert "password" in run(scenario())


def test_a_crash_reaches_every_waiter(ionq_emulator: Emulator) -> None:
    broken: Any = SessionTarget(3, None)  # type: ignore[arg-type]
    ids = create(ionq_emulator, 4)

    async def scenario() -> Any:
        waits = [settled(session_id) for session_id in ids[:3]]
        return await asyncio.gather(*waits, settled(ids[3], broken), return_exceptions=True)

    assert [type(result.__cause__) for result in run(scenario())] == [TypeError] * 4
    assert run(settled_after_start(ionq_emulator, ids[0]))["id"] == ids[0], "the next waiter gets a new poll"


async def settled_after_start(emulator: Emulator, session_id: str) -> Any:
    emulator.start_session(session_id)
    session, _ = await settled(session_id)
    return session


def test_log_lines_of_the_poll_are_in_no_task_log(ionq_emulator: Emulator) -> None:
    whose: contextvars.ContextVar[str] = contextvars.ContextVar("whose", default="nobody's")
    seen = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append((record.getMessage(), whose.get()))

    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.fail(503)
    ionq_emulator.start_session(session_id)

    async def scenario() -> None:
        whose.set("a trigger's")
        await settled(session_id)

    logger = logging.getLogger("airflow_provider_ionq.waiting.poller")
    logger.addHandler(handler := Handler())
    try:
        run(scenario())
    finally:
        logger.removeHandler(handler)
    assert [owner for text, owner in seen if "poll failed" in text] == ["nobody's"]


def test_an_unknown_status_is_warned_of_once(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.update_session(session_id, status="paused")

    async def scenario() -> Any:
        wait = asyncio.create_task(settled(session_id))
        await until(lambda: len(ionq_emulator.requests) >= 5)
        ionq_emulator.update_session(session_id, status="started")
        return await wait

    _, notices = run(scenario())
    assert len(notices) == 1
    assert "'paused'" in notices[0]


def test_trigger_takes_a_single_status_too() -> None:
    _, arguments = IonQSessionTrigger("s-1", "c", "started", None, 60.0).serialize()
    assert arguments["status"] == ["started"]


def test_trigger_fires_once_with_id_and_json(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.end_session(session_id)
    trigger = IonQSessionTrigger(session_id, "ionq_default", ["started"], None, 0.05)
    event = run(first_event(trigger))
    assert event.payload == {
        "session_id": session_id,
        "session": ionq_emulator.session(session_id),
        "first_look": False,
        "remaining": None,
    }
