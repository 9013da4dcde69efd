"""The order in which waiters for capacity are woken: one slot, one waiter, the oldest, once."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.sessions import capacity_queue as capacity
from airflow_provider_ionq.sessions.capacity_queue import CapacityQueue, CapacityQueues, CapacityWaiter, RetryCreate
from airflow_provider_ionq.waiting.observer import Interest
from airflow_provider_ionq.waiting.snapshot import Snapshot

pytestmark = pytest.mark.one_airflow

SPACING = capacity.TIMER_SPACING_SECONDS
NEVER = math.inf


@dataclass(eq=False)
class Request:
    """A waiter that is ready at once and whose pause does not pass, if nothing else is said."""

    since: float
    open_ids: list[str] = field(default_factory=list)
    ready_at: float = 0.0
    pause: float = NEVER
    due_at: float = NEVER
    backend: str = "qpu.forte-1"


def queue_of(*requests: Request) -> CapacityQueue[Request]:
    queue: CapacityQueue[Request] = CapacityQueue()
    for request in requests:
        queue.add(request)
    return queue


def test_session_that_ends_wakes_only_the_oldest_waiter() -> None:
    young, old, middle = Request(3, ["s"]), Request(1, ["s"]), Request(2, ["s"])
    queue = queue_of(young, old, middle)
    assert queue.turns(10) == []
    queue.update([], ["s"], 10)
    assert queue.turns(10) == [(old, "s")]
    assert queue.turns(10_000) == []


def test_first_waiter_to_come_is_served_among_equally_old_waiters() -> None:
    first, second = Request(1, ["s", "t"]), Request(1)
    queue = queue_of(first, second)
    queue.update([], ["s"], 10)
    assert queue.turns(10) == [(first, "s")]


def test_two_sessions_that_end_wake_the_two_oldest() -> None:
    requests = [Request(number, ["s", "t"]) for number in range(5)]
    queue = queue_of(*requests)
    queue.update([], ["t", "s"], 10)
    assert [request for request, _ in queue.turns(10)] == requests[:2]


def test_session_seen_open_by_a_poll_counts_like_a_named_session() -> None:
    request = Request(1)
    queue = queue_of(request)
    queue.update(["s"], [], 10)
    assert list(queue.open_ids) == ["s"]
    queue.update([], ["s"], 11)
    assert queue.turns(11) == [(request, "s")]


def test_the_end_of_a_session_that_was_never_known_to_be_open_says_nothing() -> None:
    queue = queue_of(Request(1))
    queue.update([], ["s"], 10)
    assert queue.turns(10) == []


def test_end_is_credited_once_even_if_the_session_is_named_again_or_flickers() -> None:
    first, second = Request(1, ["s"]), Request(2, ["s"])
    queue = queue_of(first, second)
    queue.update([], ["s"], 10)
    assert queue.turns(10) == [(first, "s")]
    queue.add(Request(0, ["s"]))
    queue.update(["s"], [], 11)
    queue.update([], ["s"], 12)
    assert queue.turns(12) == []
    assert list(queue.open_ids) == []


def test_an_end_stays_credited_when_the_last_waiter_has_left() -> None:
    queue = queue_of(Request(1, ["s", "t"]))
    queue.update([], ["s"], 10)
    assert len(queue.turns(10)) == 1
    assert list(queue.open_ids) == [], "nobody asks for the other any more"
    queue.add(Request(2, ["s"]))
    queue.update([], ["s", "t"], 11)
    assert queue.turns(11) == []


def test_credited_ends_are_forgotten_at_last() -> None:
    queue = queue_of(Request(1, ["s"]), Request(2))
    queue.update([], ["s"], 10)
    assert len(queue.turns(10)) == 1
    late = 10 + capacity.CREDITED_KEPT_SECONDS
    queue.update([], [], late)
    queue.add(Request(3, ["s"]))
    assert list(queue.open_ids) == ["s"]
    ids = [f"s-{number}" for number in range(capacity.CREDITED_KEPT + 5)]
    queue.update(ids, [], late)
    queue.update([], ids, late)
    queue.update(ids, [], late)
    assert list(queue.open_ids) == ["s", *ids[:5]]


def test_slot_without_a_ready_waiter_goes_to_the_oldest_as_soon_as_a_waiter_is_ready() -> None:
    old, young = Request(1, ["s"], ready_at=15), Request(2, ready_at=15)
    queue = queue_of(young, old)
    queue.update([], ["s"], 10)
    assert queue.turns(10) == []
    assert queue.next_at() == 15
    assert queue.turns(14.9) == []
    assert queue.turns(15) == [(old, "s")]
    assert queue.next_at() == NEVER


def test_a_slot_does_not_wait_for_the_oldest_while_another_is_ready() -> None:
    settling, ready = Request(1, ["s"], ready_at=15), Request(2)
    queue = queue_of(settling, ready)
    queue.update([], ["s"], 10)
    assert queue.turns(10) == [(ready, "s")]


def test_slots_beyond_the_number_of_waiters_are_not_kept_for_later_waiters() -> None:
    queue = queue_of(Request(1, ["s", "t", "u"]), Request(2, ready_at=15))
    queue.update([], ["s", "t", "u"], 10)
    assert len(queue.turns(10)) == 1
    queue.add(Request(3, ready_at=12))
    assert len(queue.turns(20)) == 1


def test_slot_left_by_the_last_waiter_is_not_kept() -> None:
    settling = Request(1, ["s"], ready_at=15)
    queue = queue_of(settling)
    queue.update([], ["s"], 10)
    assert queue.turns(10) == []
    queue.remove(settling)
    queue.add(Request(2))
    assert queue.turns(20) == []


def test_without_an_end_only_the_oldest_is_woken_and_the_next_after_its_own_pause() -> None:
    old, young = Request(1, pause=60, due_at=60), Request(2, pause=20, due_at=20)
    queue = queue_of(young, old)
    assert queue.turns(59) == [], "the younger one's pause is over, but it is not its turn"
    assert queue.next_at() == 60
    assert queue.turns(60) == [(old, None)]
    assert queue.next_at() == 80
    assert queue.turns(79) == []
    assert queue.turns(80) == [(young, None)]


def test_waiters_are_woken_by_their_pauses_at_least_the_spacing_apart() -> None:
    queue = queue_of(*(Request(number, pause=1, due_at=1) for number in range(3)))
    woken = [second for second in range(100) if queue.turns(second)]
    assert woken == [1, 1 + SPACING, 1 + 2 * SPACING]


def test_single_waiter_that_returns_is_delayed_by_the_spacing_too() -> None:
    queue = queue_of(Request(1, pause=1, due_at=1))
    assert len(queue.turns(1)) == 1
    queue.add(Request(1, pause=1, due_at=4))
    assert queue.turns(1 + SPACING - 0.1) == []
    assert len(queue.turns(1 + SPACING)) == 1


def test_waiter_woken_by_an_end_uses_up_the_turn_of_the_pause() -> None:
    old, young = Request(1, ["s"], pause=60, due_at=60), Request(2, pause=60, due_at=60)
    queue = queue_of(old, young)
    queue.update([], ["s"], 100)
    assert queue.turns(100) == [(old, "s")], "one end, one launch"
    assert queue.next_at() == 160


def test_a_pause_that_is_over_before_the_waiter_is_ready_waits_for_it() -> None:
    request = Request(1, ready_at=5, pause=1, due_at=1)
    assert queue_of(request).next_at() == 5


def test_waiter_that_has_left_is_not_woken() -> None:
    gone, next_one = Request(1, ["s"], pause=1, due_at=1), Request(2, pause=60, due_at=60)
    queue = queue_of(gone, next_one)
    queue.remove(gone)
    assert queue.next_at() == 60
    queue.update([], ["s"], 10)
    assert queue.turns(10) == [(next_one, "s")], "what it named is remembered for the others"


def test_only_a_new_oldest_waiter_hurries_the_poll() -> None:
    queue: CapacityQueue[Request] = CapacityQueue()
    assert [queue.add(Request(since)) for since in (5, 6, 5, 4)] == [True, False, False, True]


def test_session_of_another_backend_wakes_no_waiter() -> None:
    queues = CapacityQueues()
    here, there = (CapacityWaiter(backend, [], since=1, interval=0, pause=NEVER) for backend in ("here", "there"))
    assert [queues.add(here), queues.add(there)] == [True, True]
    now = time.monotonic()
    sessions: list[Any] = [{"id": "s", "backend": "there"}, {"id": "t", "backend": "elsewhere"}]
    queues.update(Snapshot(matched=sessions), now)
    interest = queues.interest()
    assert (interest.ids, interest.waiters) == (("s",), 2)
    assert interest.matches is not None
    assert [interest.matches(session) for session in sessions] == [True, False]
    assert not interest.matches(sessions[0] | {"status": "ended"})
    queues.update(Snapshot(final=["s", "t"]), now + 1)
    assert queues.due(now + 1) == [(there, RetryCreate("s"))]
    assert list(queues) == [here]
    queues.remove(here)
    assert queues.interest() == Interest()


IDS = st.sampled_from([f"s-{number}" for number in range(6)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(0, 5), st.lists(IDS, max_size=3), st.integers(0, 40)),
        st.tuples(st.just("see"), st.lists(IDS, max_size=3), st.lists(IDS, max_size=3)),
        st.tuples(st.just("leave"), st.integers(0, 20)),
        st.tuples(st.just("pass"), st.integers(0, 20)),
    ),
    max_size=60,
)


@given(STEPS)
def test_one_end_always_wakes_only_the_oldest_ready_waiter(steps: list[tuple[Any, ...]]) -> None:
    queue: CapacityQueue[Request] = CapacityQueue()
    waiting: list[Request] = []
    used: set[str] = set()
    now, woken_at = 0.0, -NEVER
    for step in steps:
        match step:
            case ("come", int(since), list(ids), int(pause)):
                waiting.append(Request(since, ids, ready_at=now + 5, pause=pause, due_at=now + pause))
                queue.add(waiting[-1])
            case ("see", list(opened), list(over)):
                queue.update(opened, over, now)
            case ("leave", int(which)) if waiting:
                queue.remove(waiting.pop(which % len(waiting)))
            case ("pass", int(seconds)):
                now += seconds
        due = queue.next_at() <= now
        turns = queue.turns(now)
        assert bool(turns) == due, "the poll sleeps until then"
        for request, session_id in turns:
            able = [other for other in waiting if session_id is None or other.ready_at <= now]
            assert request is min(able, key=lambda other: other.since), "ties: the order of arrival"
            assert request.ready_at <= now
            if session_id is None:
                assert now >= request.due_at
                assert now - woken_at >= SPACING
            else:
                assert session_id not in used
                used.add(session_id)
            waiting.remove(request)
        if turns:
            woken_at = now
        assert len(queue) == len(waiting)
        assert queue.turns(now) == []
