"""Waiting for capacity in the shared poll: the order of waiters, and the requests."""

from __future__ import annotations

import asyncio
import datetime
import gc
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.sessions import capacity_queue as capacity
from airflow_provider_ionq.triggers.capacity import IonQCapacityTrigger
from airflow_provider_ionq.waiting import waiter
from tests.support.facts import stating
from tests.waiting.test_metrics import Recorder, recorder
from tests.waiting.test_poller import LIST, ONE, create, routes, run, settled, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow

__all__ = ["recorder"]

BACKEND = "qpu.forte-1"
OTHER_BACKEND = "qpu.aria-1"


def waiting(open_ids: list[str], since: float = 0.0, **arguments: Any) -> IonQCapacityTrigger:
    """Return a trigger as the triggerer makes it of what is in the database."""
    given = {"backend": BACKEND, "ionq_conn_id": "ionq_default", "poke_interval": 0.05, "pause": 60.0, **arguments}
    _, kwargs = IonQCapacityTrigger(open_session_ids=open_ids, since=since, **given).serialize()
    return IonQCapacityTrigger(**json.loads(json.dumps(kwargs)))


async def fired(trigger: IonQCapacityTrigger) -> dict[str, Any]:
    """Run a trigger to its end; return the payload of its only event."""
    (event,) = [event async for event in trigger.run()]
    payload: dict[str, Any] = json.loads(json.dumps(event.payload))
    return payload


def start(triggers: list[IonQCapacityTrigger]) -> list[asyncio.Task[dict[str, Any]]]:
    return [asyncio.create_task(fired(trigger)) for trigger in triggers]


async def stop(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def polls(emulator: Emulator, number: int) -> None:
    """Wait for so many more answers."""
    before = len(emulator.requests)
    await until(lambda: len(emulator.requests) >= before + number)


def who_fired(tasks: list[asyncio.Task[Any]]) -> list[int]:
    return [number for number, task in enumerate(tasks) if task.done()]


@pytest.fixture
def no_spacing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pauses alone decide when one is woken without a session having ended."""
    monkeypatch.setattr(capacity, "TIMER_SPACING_SECONDS", 0.0)


def test_trigger_fires_when_a_session_of_the_backend_ends(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 2)

    async def scenario() -> dict[str, Any]:
        (task,) = start([waiting(ids)])
        await polls(ionq_emulator, 3)
        assert not task.done()
        ionq_emulator.end_session(ids[1])
        return await task

    assert run(scenario()) == {"backend": BACKEND, "session_id": ids[1], "remaining": None}


def test_trigger_fires_for_a_session_that_ended_between_the_deferral_and_the_first_poll(
    ionq_emulator: Emulator,
) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.end_session(session_id)
    assert run(fired(waiting([session_id])))["session_id"] == session_id
    assert len(ionq_emulator.requests) == 1


def test_event_carries_the_remaining_timeout(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.end_session(session_id)
    trigger = waiting([session_id])
    vars(trigger)["timeout_after"] = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100)
    assert 90 < run(fired(trigger))["remaining"] < 100


def test_each_session_that_ends_wakes_only_the_oldest_of_fifty_waiters(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 2)
    # Not in the order in which they come.
    ages = [(number * 7) % 50 for number in range(50)]

    async def scenario() -> None:
        tasks = start([waiting(ids, since=1000.0 + age) for age in ages])
        await polls(ionq_emulator, 2)
        ionq_emulator.end_session(ids[0])
        await until(lambda: bool(who_fired(tasks)))
        await polls(ionq_emulator, 4)
        assert [ages[number] for number in who_fired(tasks)] == [0]
        taken = ionq_emulator.create_session(backend=BACKEND)["id"]
        await polls(ionq_emulator, 2)
        ionq_emulator.end_session(taken)
        await until(lambda: len(who_fired(tasks)) == 2)
        await polls(ionq_emulator, 4)
        assert sorted(ages[number] for number in who_fired(tasks)) == [0, 1]
        assert tasks[ages.index(1)].result()["session_id"] == taken, "nobody had named it: the list has shown it"
        await stop(tasks)

    run(scenario())


def test_fifty_waiters_cost_one_request_an_interval(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 5)
    interval = 0.2

    async def scenario() -> None:
        tasks = start([waiting(ids, poke_interval=interval) for _ in range(50)])
        await polls(ionq_emulator, 6)
        await stop(tasks)

    run(scenario())
    asked_at = [request.at for request in ionq_emulator.requests]
    assert set(routes(ionq_emulator)) == {LIST}
    # Half an interval: the pause counts from the beginning of a poll, and a busy machine is late with either.
    assert all(later - earlier > interval / 2 for earlier, later in zip(asked_at, asked_at[1:], strict=False))
    assert len(asked_at) <= (asked_at[-1] - asked_at[0]) / interval + 2


def test_one_waiter_that_names_open_sessions_costs_one_request_per_interval(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 3)

    async def scenario() -> None:
        tasks = start([waiting(ids)])
        await polls(ionq_emulator, 5)
        await stop(tasks)

    run(scenario())
    assert set(routes(ionq_emulator)) == {LIST}


def test_session_of_another_backend_wakes_no_waiter(ionq_emulator: Emulator) -> None:
    (here,) = create(ionq_emulator, 1)
    there = ionq_emulator.create_session(backend=OTHER_BACKEND)["id"]

    async def scenario() -> list[str]:
        tasks = start([waiting([here]), waiting([there], backend=OTHER_BACKEND)])
        await polls(ionq_emulator, 2)
        ionq_emulator.end_session(there)
        payload = await tasks[1]
        await polls(ionq_emulator, 3)
        assert not tasks[0].done()
        ionq_emulator.end_session(here)
        return [payload["session_id"], (await tasks[0])["session_id"]]

    assert run(scenario()) == [there, here]


def test_waiters_for_sessions_and_for_capacity_share_the_poll(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 6)

    async def scenario() -> None:
        sessions = [asyncio.create_task(settled(session_id)) for session_id in ids]
        tasks = start([waiting(ids, since) for since in range(3)])
        await polls(ionq_emulator, 3)
        for session_id in ids[1:]:
            ionq_emulator.start_session(session_id)
        await asyncio.gather(*sessions[1:])
        await polls(ionq_emulator, 2)
        assert who_fired(tasks) == []
        ionq_emulator.end_session(ids[0])
        await asyncio.gather(sessions[0], tasks[0])
        await polls(ionq_emulator, 2)
        assert who_fired(tasks) == [0]
        await stop(tasks)

    run(scenario())
    assert set(routes(ionq_emulator)) == {LIST}
    assert len({request.peer for request in ionq_emulator.requests}) == 1


def test_a_long_history_is_listed_once_and_then_the_open_sessions_are_read_by_id(ionq_emulator: Emulator) -> None:
    ionq_emulator.create_history(300)
    unnamed, named = create(ionq_emulator, 2)

    async def scenario() -> list[str]:
        tasks = start([waiting([named], since) for since in range(3)])
        await until(lambda: routes(ionq_emulator)[ONE] >= 10)
        ionq_emulator.end_session(unnamed)
        first = await tasks[0]
        ionq_emulator.end_session(named)
        second = await tasks[1]
        await stop(tasks)
        return [first["session_id"], second["session_id"]]

    async def without_open_sessions() -> None:
        tasks = start([waiting([])])
        await asyncio.sleep(0.5)
        await stop(tasks)

    assert run(scenario()) == [unnamed, named]
    assert routes(ionq_emulator)[LIST] == 1
    before = len(ionq_emulator.requests)
    run(without_open_sessions())
    assert len(ionq_emulator.requests) == before + 1


def test_long_list_is_read_for_many_waiters(ionq_emulator: Emulator) -> None:
    ionq_emulator.create_history(100)
    ids = create(ionq_emulator, 1)

    async def scenario() -> None:
        tasks = start([waiting(ids) for _ in range(20)])
        await polls(ionq_emulator, 4)
        await stop(tasks)

    run(scenario())
    assert set(routes(ionq_emulator)) == {LIST}


def test_deleted_session_frees_capacity_like_an_ended_session(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 2)

    async def scenario() -> list[int]:
        tasks = start([waiting(ids, since) for since in range(3)])
        await polls(ionq_emulator, 2)
        ionq_emulator.delete_session(ids[0])
        assert (await tasks[0])["session_id"] == ids[0]
        await polls(ionq_emulator, 4)
        woken = who_fired(tasks)
        await stop(tasks)
        return woken

    assert run(scenario()) == [0]
    assert routes(ionq_emulator)[ONE] == 1, "that the list does not show it is not enough"


def test_session_missing_only_from_the_list_wakes_no_waiter(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 2)
    ionq_emulator.fail(200, route=LIST, seconds=60, body=json.dumps({"organization_id": "o", "sessions": [None, {}]}))

    async def scenario() -> None:
        tasks = start([waiting(ids)])
        await until(lambda: routes(ionq_emulator)[LIST] >= 4)
        assert who_fired(tasks) == []
        await stop(tasks)

    run(scenario())


def test_session_that_alone_cannot_be_read_wakes_no_waiter(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 2)
    ionq_emulator.fail(200, route=LIST, seconds=60, body=json.dumps({"organization_id": "o", "sessions": []}))
    ionq_emulator.update_session(ids[1], id="somebody-else")

    async def scenario() -> str:
        tasks = start([waiting(ids)])
        await until(lambda: routes(ionq_emulator)[ONE] >= 6)
        assert who_fired(tasks) == []
        ionq_emulator.end_session(ids[0])
        session_id: str = (await tasks[0])["session_id"]
        return session_id

    assert run(scenario()) == ids[0]


@pytest.mark.parametrize(
    "begin",
    [
        lambda emulator: emulator.fail(503, seconds=1.0),
        lambda emulator: emulator.fail(429, seconds=1.0, retry_after=1),
        lambda emulator: emulator.disturb("drop_after_read", seconds=1.0),
    ],
    ids=["503", "429", "dropped"],
)
def test_outage_wakes_no_waiter_even_if_a_pause_ends_in_it(
    ionq_emulator: Emulator, no_spacing: None, begin: Callable[[Emulator], None]
) -> None:
    ids = create(ionq_emulator, 2)

    async def scenario() -> tuple[dict[str, Any], float]:
        tasks = start([waiting(ids, since, pause=0.4) for since in range(3)])
        began = time.monotonic()
        begin(ionq_emulator)
        payload = await tasks[0]
        took = time.monotonic() - began
        await stop(tasks)
        return payload, took

    payload, took = run(scenario())
    assert payload["session_id"] is None
    assert took >= 1.0


def test_outage_and_recovery_are_logged_once(ionq_emulator: Emulator, task_log: Callable[[], list[str]]) -> None:
    (session_id,) = create(ionq_emulator, 1)

    async def scenario() -> None:
        tasks = start([waiting([session_id])])
        await polls(ionq_emulator, 2)
        ionq_emulator.fail(503, times=3)
        await polls(ionq_emulator, 6)
        ionq_emulator.end_session(session_id)
        await tasks[0]

    task_log()
    run(scenario())
    lines = task_log()
    assert len(stating(lines, "cannot be reached | waiting")) == 1
    assert len(stating(lines, "responds again | wait")) == 1


def test_permanently_rejected_key_wakes_every_waiter(ionq_emulator: Emulator, reread_at_once: None) -> None:
    ids = create(ionq_emulator, 2)

    async def scenario() -> list[dict[str, Any]]:
        tasks = start([waiting(ids, since) for since in range(5)])
        await polls(ionq_emulator, 2)
        ionq_emulator.api_key = "rotated"
        return await asyncio.gather(*tasks)

    assert [payload["session_id"] for payload in run(scenario())] == [None] * 5


def test_without_an_end_only_the_oldest_is_woken_after_its_pause(ionq_emulator: Emulator) -> None:
    ids = create(ionq_emulator, 1)

    async def scenario() -> float:
        began = time.monotonic()
        tasks = start([waiting(ids, since, pause=0.6, poke_interval=0.2) for since in (3.0, 1.0, 2.0)])
        payload = await tasks[1]
        took = time.monotonic() - began
        assert payload["session_id"] is None
        await polls(ionq_emulator, 6)
        assert who_fired(tasks) == [1], "the next one would be a while later"
        await stop(tasks)
        return took

    assert run(scenario()) >= 0.6


def test_a_pause_that_passes_between_two_polls_costs_no_request(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = create(ionq_emulator, 1)
    monkeypatch.setattr(waiter, "RESUME_AFTER_SECONDS", 0.1)

    async def scenario() -> None:
        young = start([waiting(ids, since=2.0, poke_interval=60.0)])
        await asyncio.sleep(0.1)
        old = start([waiting(ids, since=1.0, pause=0.3, poke_interval=60.0)])
        assert (await old[0])["session_id"] is None
        assert who_fired(young) == []
        await stop(young)

    run(scenario())
    assert ionq_emulator.requests == []


def test_no_waiter_is_woken_right_after_its_deferral_and_the_slot_is_kept(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)

    async def scenario() -> float:
        # A short interval makes it look long before the others may be woken.
        fast = asyncio.create_task(settled(session_id))
        await polls(ionq_emulator, 1)
        began = time.monotonic()
        tasks = start([waiting([session_id], since, poke_interval=1.0) for since in (2.0, 1.0)])
        ionq_emulator.end_session(session_id)
        await fast
        await until(lambda: bool(who_fired(tasks)))
        assert who_fired(tasks) == [1]
        await stop(tasks)
        return time.monotonic() - began

    assert run(scenario()) >= 1.0


def test_later_waiter_is_not_woken_by_an_end_that_has_woken_another(ionq_emulator: Emulator) -> None:
    ended, open_still = create(ionq_emulator, 2)

    async def scenario() -> list[str]:
        # One after the other: the poll of the first is over when the second begins to wait.
        ionq_emulator.end_session(ended)
        first = await fired(waiting([ended, open_still]))
        (task,) = start([waiting([ended, open_still])])
        await polls(ionq_emulator, 3)
        assert not task.done()
        ionq_emulator.end_session(open_still)
        return [first["session_id"], (await task)["session_id"]]

    assert run(scenario()) == [ended, open_still]


def test_after_a_restart_of_the_triggerer_the_wait_goes_on(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)
    triggers = [waiting([session_id], since) for since in (2.0, 1.0)]

    async def before() -> None:
        tasks = start(triggers)
        await polls(ionq_emulator, 2)
        assert who_fired(tasks) == []
        await stop(tasks)

    async def after() -> list[int]:
        tasks = start([IonQCapacityTrigger(**trigger.serialize()[1]) for trigger in triggers])
        await until(lambda: bool(who_fired(tasks)))
        await polls(ionq_emulator, 3)
        woken = who_fired(tasks)
        await stop(tasks)
        return woken

    run(before())
    ionq_emulator.end_session(session_id)
    assert run(after()) == [1]


def test_the_poll_stops_with_its_last_waiter_of_either_kind(ionq_emulator: Emulator) -> None:
    session_id, in_the_way = create(ionq_emulator, 2)

    async def scenario() -> int:
        wait = asyncio.create_task(settled(session_id))
        tasks = start([waiting([in_the_way])])
        await polls(ionq_emulator, 2)
        ionq_emulator.start_session(session_id)
        await wait
        await polls(ionq_emulator, 2)
        await stop(tasks)
        await until(lambda: len(asyncio.all_tasks()) == 1)
        before = len(ionq_emulator.requests)
        await asyncio.sleep(0.3)
        return len(ionq_emulator.requests) - before

    assert run(scenario()) == 0


def test_crash_of_the_poll_reaches_waiters_for_capacity(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)

    async def scenario() -> list[Any]:
        crashing = asyncio.create_task(settled(session_id, target=object()))  # type: ignore[arg-type]
        return await asyncio.gather(*start([waiting([session_id])]), crashing, return_exceptions=True)

    assert [type(result) for result in run(scenario())] == [RuntimeError] * 2


def test_waiters_for_capacity_are_counted_and_woken_ones_count_as_settled(
    ionq_emulator: Emulator, recorder: Recorder
) -> None:
    (session_id,) = create(ionq_emulator, 1)

    async def scenario() -> None:
        tasks = start([waiting([session_id], since) for since in range(3)])
        await polls(ionq_emulator, 2)
        ionq_emulator.end_session(session_id)
        await tasks[0]
        await polls(ionq_emulator, 2)
        await stop(tasks)

    run(scenario())
    assert recorder.gauges["ionq.waiters"][0] == 3
    assert recorder.gauges["ionq.waiters"][-2:] == [2, 0]
    assert recorder.counters["ionq.settled"] == 1


def test_no_turn_of_the_loop_is_long_with_ten_thousand_waiters(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = create(ionq_emulator, 3)
    turns: list[float] = []
    once: Callable[[asyncio.Handle], None] = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        once(handle)
        turns.append(time.thread_time() - began)

    async def scenario() -> None:
        tasks = start([waiting(ids, since=float(10_000 - number), poke_interval=1.0) for number in range(10_000)])
        await asyncio.sleep(0)
        # What else this process has collected by now is none of the poll's.
        gc.disable()
        monkeypatch.setattr(asyncio.Handle, "_run", timed)
        await until(lambda: len(ionq_emulator.requests) >= 2)
        for session_id in ids:
            ionq_emulator.end_session(session_id)
        await until(lambda: len(who_fired(tasks[-3:])) == 3)
        monkeypatch.undo()
        await stop(tasks)

    try:
        run(scenario())
    finally:
        gc.enable()
    assert max(turns) < 0.05
