"""Requests to the API in Airflow's own `TriggerRunner`: rate limits, long histories, waiters that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.churn import CONNECTIONS
from benchmarks.fake import Asked
from benchmarks.history import is_within_bytes
from benchmarks.limits import SLACK_SECONDS
from benchmarks.presence import Presence, looks, too_close, without_waiter
from tests.scale.cases import HISTORY, LIMIT, PATIENCE_SECONDS

if TYPE_CHECKING:
    from concurrent.futures import Future

    from benchmarks.churn import Churned
    from benchmarks.history import Watched
    from benchmarks.limits import Limited

pytestmark = pytest.mark.scale


@pytest.fixture(params=["limit", "retry-after"])
def limited(running: dict[str, Future[Any]], request: pytest.FixtureRequest) -> Limited:
    seen: Limited = running[request.param].result(PATIENCE_SECONDS)
    return seen


@pytest.fixture
def watched(running: dict[str, Future[Any]]) -> Watched:
    seen: Watched = running["history"].result(PATIENCE_SECONDS)
    return seen


@pytest.fixture
def churned(running: dict[str, Future[Any]]) -> Churned:
    seen: Churned = running["churn"].result(PATIENCE_SECONDS)
    return seen


def test_a_limited_api_is_polled_at_most_once_an_interval(limited: Limited) -> None:
    assert 1 <= limited.refused <= LIMIT.limited_seconds / LIMIT.interval
    assert limited.shortest_pause >= LIMIT.interval - SLACK_SECONDS


def test_retry_after_is_honoured_by_the_shared_poll(running: dict[str, Future[Any]]) -> None:
    seen: Limited = running["retry-after"].result(PATIENCE_SECONDS)
    assert seen.refused >= 1
    assert seen.shortest_pause >= LIMIT.retry_after - SLACK_SECONDS


def test_no_trigger_fails_and_all_fire_correctly_when_the_rate_limit_ends(limited: Limited) -> None:
    assert limited.last_event_at > limited.ends_at
    assert limited.fired_as_told


def test_few_waiters_do_not_take_the_list_of_a_long_history_again(watched: Watched) -> None:
    assert is_within_bytes(HISTORY, watched)
    assert watched.lists_ever <= 1
    assert watched.counts.requests == HISTORY.waiting * HISTORY.intervals
    assert watched.fired_as_told


def test_waiters_that_come_and_go_share_one_poll_per_connection(churned: Churned) -> None:
    assert churned.groups > len(CONNECTIONS)
    assert {name for name, asked in churned.asked.items() if asked} == set(CONNECTIONS)
    assert churned.looks_too_close == 0
    assert 1 <= churned.most_polls <= len(CONNECTIONS)


def test_api_is_not_polled_without_a_waiter(churned: Churned) -> None:
    assert churned.gaps >= 2
    assert churned.looks_without_waiter == 0


def test_only_settled_waiters_fire_when_waiters_come_and_go(churned: Churned) -> None:
    assert churned.failures == []
    assert churned.fired_as_told


@pytest.mark.parametrize("kind", ["tasks", "threads", "sockets", "objects"])
def test_waiters_that_come_and_go_leave_nothing_behind(churned: Churned, kind: str) -> None:
    assert churned.leaked(kind) == []


def _list_asked(*moments: float) -> list[Asked]:
    return [Asked(moment, "/v0.4/sessions", 200, 1) for moment in moments]


def test_check_reports_two_parallel_polls_as_too_close() -> None:
    there = [Presence(2.0, 0.0, 100.0)]
    assert too_close(looks(_list_asked(1, 3, 5, 7)), there) == 0
    assert too_close(looks(_list_asked(1, 2, 3, 4)), there) == 3


def test_check_reports_a_poll_at_the_interval_of_a_waiter_that_has_left() -> None:
    there = [Presence(2.0, 0.0, 10.0), Presence(10.0, 0.0, 100.0)]
    assert too_close([9.0, 11.0, 13.0], there) == 1


def test_check_reports_polls_before_between_and_after_waiters() -> None:
    there = [Presence(2.0, 10.0, 20.0), Presence(2.0, 30.0, 40.0)]
    assert without_waiter([9.0, 15.0, 25.0, 35.0, 41.0], there) == 3


def test_check_counts_reads_of_several_sessions_as_one_poll_until_a_session_repeats() -> None:
    asked = [Asked(moment, f"/v0.4/sessions/{name}", 200, 1) for moment, name in [(1, "a"), (1.1, "b"), (1.2, "a")]]
    assert looks(asked) == [1, 1.2]
