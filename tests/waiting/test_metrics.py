"""The metrics of the shared poll, and the triggerer's log at debug level."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.utils import metrics
from airflow_provider_ionq.utils.metrics import Stats
from airflow_provider_ionq.waiting import poller
from tests.waiting.test_poller import create, run, settled, until

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator


class Recorder:
    """Takes what is told to the statistics."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.gauges: dict[str, list[float]] = {}
        self.tags: list[dict[str, str]] = []

    def incr(self, stat: str, count: int = 1, *, tags: dict[str, str]) -> None:
        self.counters[stat] += count
        self.tags.append(tags)

    def gauge(self, stat: str, value: float, *, tags: dict[str, str]) -> None:
        self.gauges.setdefault(stat, []).append(value)
        self.tags.append(tags)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(metrics, "Stats", recorder)
    return recorder


def test_polls_failures_waiters_and_settled_waits_are_counted(ionq_emulator: Emulator, recorder: Recorder) -> None:
    ids = create(ionq_emulator, 5)

    async def scenario() -> None:
        waits = [asyncio.create_task(settled(session_id)) for session_id in ids]
        await until(lambda: len(ionq_emulator.requests) >= 2)
        ionq_emulator.fail(429, times=2)
        await until(lambda: [request.status for request in ionq_emulator.requests].count(429) == 2)
        for session_id in ids:
            ionq_emulator.start_session(session_id)
        await asyncio.gather(*waits)

    run(scenario())
    assert recorder.counters["ionq.polls"] == len(ionq_emulator.requests)
    assert recorder.counters["ionq.poll_failures"] == 2
    assert recorder.counters["ionq.settled"] == len(ids)
    assert recorder.gauges["ionq.waiters"][0] == len(ids)
    assert recorder.gauges["ionq.waiters"][-1] == 0
    assert {tuple(tags.items()) for tags in recorder.tags} == {
        (("ionq_conn_id", "ionq_default"), ("resource", "session"))
    }


@pytest.mark.parametrize("count", [1, poller.NOTIFIED_AT_ONCE, 2 * poller.NOTIFIED_AT_ONCE])
def test_waits_that_settle_with_the_last_poll_are_counted(
    ionq_emulator: Emulator, recorder: Recorder, count: int
) -> None:
    ids = create(ionq_emulator, count)
    for session_id in ids:
        ionq_emulator.start_session(session_id)

    async def scenario() -> None:
        await asyncio.gather(*map(settled, ids))

    run(scenario())
    assert recorder.counters["ionq.settled"] == count


def test_no_wait_fails_when_statistics_cannot_be_sent(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "Stats", None)
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.start_session(session_id)
    session, _ = run(settled(session_id))
    assert session == ionq_emulator.session(session_id)


def test_debug_level_shows_the_state_of_the_poll(ionq_emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.start_session(session_id)
    ionq_emulator.fail(503)
    with caplog.at_level(logging.DEBUG, logger=poller.__name__):
        run(settled(session_id))
    states = [record.getMessage() for record in caplog.records if ": polled " in record.getMessage()]
    assert len(states) == len(ionq_emulator.requests) == 2
    assert "1 of 1 awaited sessions" in states[0]
    assert "1 failures in a row" in states[0]


def test_statistics_are_those_that_the_triggerer_sets_up() -> None:
    """A copy of the module that nobody initializes would swallow everything."""
    runner: Any = pytest.importorskip("airflow.jobs.triggerer_job_runner")
    set_up = getattr(runner, "stats", None)
    if set_up is None:
        assert Stats is runner.Stats
    else:
        assert Stats.incr is set_up.incr
