"""Waits that begin in the triggerer poll at once, and permanent errors are final at the first poll."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ionq.sessions.resource import SESSIONS
from airflow_provider_ionq.sessions.target import SessionTarget
from airflow_provider_ionq.waiting.registry import subscribe
from airflow_provider_ionq.waiting.waiter import Finished, ItemWaiter, LogLine
from tests.support.polls import polled_connection
from tests.waiting.test_poller import LIST, ONE, create, routes, run, until

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow

STARTED = SessionTarget.of("started", None)
FAR_OFF = 3600.0
"""An interval after which no test is still there."""


async def first_poll(session_id: str, *, needs_first_poll: bool = True, interval: float = FAR_OFF) -> Finished:
    waiter = ItemWaiter(session_id, STARTED, interval, needs_first_poll=needs_first_poll)
    with subscribe(polled_connection("ionq_default"), SESSIONS, waiter):
        while isinstance(result := await waiter.next(), LogLine):
            pass
        return result


def test_first_poll_does_not_wait_for_the_interval(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.start_session(session_id)
    settled = run(first_poll(session_id))
    assert (settled.item, settled.first_poll) == (ionq_emulator.session(session_id), False)
    assert routes(ionq_emulator) == {ONE: 1}


def test_first_polls_of_many_waits_that_begin_together_are_one_request(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 100)
    for session_id in ids:
        ionq_emulator.start_session(session_id)

    async def scenario() -> list[Finished]:
        return await asyncio.gather(*map(first_poll, ids))

    assert [one.item for one in run(scenario())] == [ionq_emulator.session(session_id) for session_id in ids]
    assert routes(ionq_emulator) == {LIST: 1}


def test_two_first_polls_of_the_same_session_cost_one_request(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.start_session(session_id)

    async def scenario() -> list[Finished]:
        return await asyncio.gather(*(first_poll(session_id) for _ in range(2)))

    assert len(run(scenario())) == 2
    assert routes(ionq_emulator) == {ONE: 1}


def test_a_first_poll_among_waiters_reads_its_own_session_only(ionq_emulator: Emulator) -> None:
    seen_by_worker = create(ionq_emulator, 5)
    (begun_here,) = create(ionq_emulator, 1)
    ionq_emulator.start_session(begun_here)

    async def scenario() -> None:
        others = [asyncio.create_task(first_poll(session_id, needs_first_poll=False)) for session_id in seen_by_worker]
        await first_poll(begun_here)
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    run(scenario())
    assert [request.session_id for request in ionq_emulator.requests] == [begun_here]


def test_first_polls_that_keep_coming_are_gathered(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 20)

    async def scenario() -> None:
        waits = []
        for session_id in ids:
            waits.append(asyncio.create_task(first_poll(session_id)))
            await asyncio.sleep(0.1)
        await until(lambda: len(ionq_emulator.requests) >= 1)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

    run(scenario())
    # Those of the first half second, by list or one by one; the others' turn is 5 s later.
    assert len(ionq_emulator.requests) < 10


@pytest.mark.parametrize(
    "mistake",
    [
        lambda emulator, session_id: emulator.delete_session(session_id),
        lambda emulator, session_id: setattr(emulator, "api_key", "another"),
        lambda emulator, session_id: emulator.fail(403, seconds=60),
        lambda emulator, session_id: emulator.stop(),
    ],
    ids=["404", "401", "403", "refused connection"],
)
def test_permanent_error_is_final_at_the_first_poll(ionq_emulator: Emulator, mistake: object) -> None:
    (session_id,) = create(ionq_emulator, 1)
    mistake(ionq_emulator, session_id)  # type: ignore[operator]
    began = time.monotonic()
    assert run(first_poll(session_id)) == Finished(None, first_poll=True)
    assert time.monotonic() - began < 30
    assert len(ionq_emulator.requests) <= 1


@pytest.mark.parametrize("status", [429, 500, 503, 524])
def test_an_outage_at_the_first_poll_is_waited_out(ionq_emulator: Emulator, status: int) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.start_session(session_id)
    ionq_emulator.fail(status, times=2)
    settled = run(first_poll(session_id, interval=0.2))
    assert settled.item is not None
    assert Counter(request.status for request in ionq_emulator.requests) == {status: 2, 200: 1}


@pytest.mark.usefixtures("reread_at_once")
def test_session_that_was_polled_once_needs_no_first_poll_again(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)

    async def scenario() -> Finished:
        wait = asyncio.create_task(first_poll(session_id, interval=0.1))
        await until(lambda: len(ionq_emulator.requests) >= 2)
        ionq_emulator.delete_session(session_id)
        return await wait

    assert run(scenario()) == Finished(None, first_poll=False)
    assert [request.status for request in ionq_emulator.requests].count(404) == 2


def test_the_hint_that_a_session_may_never_start_comes_with_the_first_poll(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)

    async def scenario() -> list[str]:
        waiter = ItemWaiter(session_id, STARTED, 0.1, needs_first_poll=True)
        with subscribe(polled_connection("ionq_default"), SESSIONS, waiter):
            notice = await waiter.next()
            await until(lambda: len(ionq_emulator.requests) >= 4)
            ionq_emulator.start_session(session_id)
            settled = await waiter.next()
        assert isinstance(notice, LogLine)
        assert isinstance(settled, Finished)
        return [notice.text]

    (text,) = run(scenario())
    assert "first job is submitted" in text
