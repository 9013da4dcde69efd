"""Whose turn it is when there is capacity again: one slot, one waiter, the oldest, once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.sessions import capacity_queue as capacity
from airflow_provider_ionq.sessions.capacity_queue import CapacityQueue, CapacityQueues

SPACING = capacity.TIMER_SPACING_SECONDS
NEVER = math.inf


@dataclass(eq=False)
class Claim:
    """A waiter that is ready at once and whose pause does not pass, if nothing else is said."""

    since: float
    open_ids: list[str] = field(default_factory=list)
    ready_at: float = 0.0
    pause: float = NEVER
    due_at: float = NEVER
    backend: str = "qpu.forte-1"


def queue_of(*claims: Claim) -> CapacityQueue[Claim]:
    queue: CapacityQueue[Claim] = CapacityQueue()
    for claim in claims:
        queue.add(claim)
    return queue


def test_a_session_that_ends_wakes_one_waiter_the_oldest() -> None:
    young, old, middle = Claim(3, ["s"]), Claim(1, ["s"]), Claim(2, ["s"])
    queue = queue_of(young, old, middle)
    assert queue.turns(10) == []
    queue.note([], ["s"], 10)
    assert queue.turns(10) == [(old, "s")]
    assert queue.turns(10_000) == []


def test_among_equally_old_ones_the_first_to_come_is_served() -> None:
    first, second = Claim(1, ["s", "t"]), Claim(1)
    queue = queue_of(first, second)
    queue.note([], ["s"], 10)
    assert queue.turns(10) == [(first, "s")]


def test_two_sessions_that_end_wake_the_two_oldest() -> None:
    claims = [Claim(number, ["s", "t"]) for number in range(5)]
    queue = queue_of(*claims)
    queue.note([], ["t", "s"], 10)
    assert [claim for claim, _ in queue.turns(10)] == claims[:2]


def test_a_session_seen_open_by_a_look_counts_like_one_that_was_named() -> None:
    claim = Claim(1)
    queue = queue_of(claim)
    queue.note(["s"], [], 10)
    assert list(queue.open_ids) == ["s"]
    queue.note([], ["s"], 11)
    assert queue.turns(11) == [(claim, "s")]


def test_the_end_of_a_session_that_was_never_known_to_be_open_says_nothing() -> None:
    queue = queue_of(Claim(1))
    queue.note([], ["s"], 10)
    assert queue.turns(10) == []


def test_an_end_is_credited_once_whoever_names_the_session_later_and_however_it_flickers() -> None:
    first, second = Claim(1, ["s"]), Claim(2, ["s"])
    queue = queue_of(first, second)
    queue.note([], ["s"], 10)
    assert queue.turns(10) == [(first, "s")]
    queue.add(Claim(0, ["s"]))
    queue.note(["s"], [], 11)
    queue.note([], ["s"], 12)
    assert queue.turns(12) == []
    assert list(queue.open_ids) == []


def test_an_end_stays_credited_when_the_last_waiter_has_left() -> None:
    queue = queue_of(Claim(1, ["s", "t"]))
    queue.note([], ["s"], 10)
    assert len(queue.turns(10)) == 1
    assert list(queue.open_ids) == [], "nobody asks for the other any more"
    queue.add(Claim(2, ["s"]))
    queue.note([], ["s", "t"], 11)
    assert queue.turns(11) == []


def test_credited_ends_are_forgotten_at_last() -> None:
    queue = queue_of(Claim(1, ["s"]), Claim(2))
    queue.note([], ["s"], 10)
    assert len(queue.turns(10)) == 1
    late = 10 + capacity.CREDITED_KEPT_SECONDS
    queue.note([], [], late)
    queue.add(Claim(3, ["s"]))
    assert list(queue.open_ids) == ["s"]
    ids = [f"s-{number}" for number in range(capacity.CREDITED_KEPT + 5)]
    queue.note(ids, [], late)
    queue.note([], ids, late)
    queue.note(ids, [], late)
    assert list(queue.open_ids) == ["s", *ids[:5]]


def test_a_slot_that_finds_nobody_ready_goes_to_the_oldest_when_the_first_is_ready() -> None:
    old, young = Claim(1, ["s"], ready_at=15), Claim(2, ready_at=15)
    queue = queue_of(young, old)
    queue.note([], ["s"], 10)
    assert queue.turns(10) == []
    assert queue.next_at() == 15
    assert queue.turns(14.9) == []
    assert queue.turns(15) == [(old, "s")]
    assert queue.next_at() == NEVER


def test_a_slot_does_not_wait_for_the_oldest_while_another_is_ready() -> None:
    settling, ready = Claim(1, ["s"], ready_at=15), Claim(2)
    queue = queue_of(settling, ready)
    queue.note([], ["s"], 10)
    assert queue.turns(10) == [(ready, "s")]


def test_slots_beyond_those_who_wait_are_not_kept_for_who_asks_later() -> None:
    queue = queue_of(Claim(1, ["s", "t", "u"]), Claim(2, ready_at=15))
    queue.note([], ["s", "t", "u"], 10)
    assert len(queue.turns(10)) == 1
    queue.add(Claim(3, ready_at=12))
    assert len(queue.turns(20)) == 1


def test_a_slot_that_the_last_waiter_left_behind_is_not_kept_either() -> None:
    settling = Claim(1, ["s"], ready_at=15)
    queue = queue_of(settling)
    queue.note([], ["s"], 10)
    assert queue.turns(10) == []
    queue.remove(settling)
    queue.add(Claim(2))
    assert queue.turns(20) == []


def test_without_an_end_only_the_oldest_is_woken_and_the_next_after_its_own_pause() -> None:
    old, young = Claim(1, pause=60, due_at=60), Claim(2, pause=20, due_at=20)
    queue = queue_of(young, old)
    assert queue.turns(59) == [], "the younger one's pause is over, but it is not its turn"
    assert queue.next_at() == 60
    assert queue.turns(60) == [(old, None)]
    assert queue.next_at() == 80
    assert queue.turns(79) == []
    assert queue.turns(80) == [(young, None)]


def test_no_two_are_woken_by_their_pauses_within_a_while() -> None:
    queue = queue_of(*(Claim(number, pause=1, due_at=1) for number in range(3)))
    woken = [second for second in range(100) if queue.turns(second)]
    assert woken == [1, 1 + SPACING, 1 + 2 * SPACING]


def test_one_that_comes_back_alone_is_held_back_too() -> None:
    queue = queue_of(Claim(1, pause=1, due_at=1))
    assert len(queue.turns(1)) == 1
    queue.add(Claim(1, pause=1, due_at=4))
    assert queue.turns(1 + SPACING - 0.1) == []
    assert len(queue.turns(1 + SPACING)) == 1


def test_who_is_woken_by_an_end_takes_the_turn_of_the_pause_too() -> None:
    old, young = Claim(1, ["s"], pause=60, due_at=60), Claim(2, pause=60, due_at=60)
    queue = queue_of(old, young)
    queue.note([], ["s"], 100)
    assert queue.turns(100) == [(old, "s")], "one end, one launch"
    assert queue.next_at() == 160


def test_a_pause_that_is_over_before_the_waiter_is_ready_waits_for_it() -> None:
    claim = Claim(1, ready_at=5, pause=1, due_at=1)
    assert queue_of(claim).next_at() == 5


def test_who_has_left_is_not_woken() -> None:
    gone, next_one = Claim(1, ["s"], pause=1, due_at=1), Claim(2, pause=60, due_at=60)
    queue = queue_of(gone, next_one)
    queue.remove(gone)
    assert queue.next_at() == 60
    queue.note([], ["s"], 10)
    assert queue.turns(10) == [(next_one, "s")], "what it named is remembered for the others"


def test_only_who_comes_as_the_oldest_hurries_the_poll() -> None:
    queue: CapacityQueue[Claim] = CapacityQueue()
    assert [queue.add(Claim(since)) for since in (5, 6, 5, 4)] == [True, False, False, True]


def test_a_session_of_another_backend_wakes_nobody() -> None:
    queues: CapacityQueues[Claim] = CapacityQueues()
    here, there = Claim(1, backend="here"), Claim(1, backend="there")
    assert [queues.add(here), queues.add(there)] == [True, True]
    queues.note({"s": "there", "t": "elsewhere"}, [], 10)
    watch = queues.watch()
    assert (watch.backends, watch.open_ids, watch.waiters) == (("here", "there"), ("s",), 2)
    queues.note({}, ["s", "t"], 11)
    assert queues.turns(11) == [(there, "s")]
    assert queues.watch().backends == ("here",)
    assert list(queues) == [here]


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
def test_whatever_happens_one_end_wakes_one_waiter_the_oldest_that_is_ready(steps: list[tuple[Any, ...]]) -> None:
    queue: CapacityQueue[Claim] = CapacityQueue()
    waiting: list[Claim] = []
    used: set[str] = set()
    now, woken_at = 0.0, -NEVER
    for step in steps:
        match step:
            case ("come", int(since), list(ids), int(pause)):
                waiting.append(Claim(since, ids, ready_at=now + 5, pause=pause, due_at=now + pause))
                queue.add(waiting[-1])
            case ("see", list(opened), list(over)):
                queue.note(opened, over, now)
            case ("leave", int(which)) if waiting:
                queue.remove(waiting.pop(which % len(waiting)))
            case ("pass", int(seconds)):
                now += seconds
        due = queue.next_at() <= now
        turns = queue.turns(now)
        assert bool(turns) == due, "the poll sleeps until then"
        for claim, session_id in turns:
            able = [other for other in waiting if session_id is None or other.ready_at <= now]
            assert claim is min(able, key=lambda other: other.since), "ties: the order of arrival"
            assert claim.ready_at <= now
            if session_id is None:
                assert now >= claim.due_at
                assert now - woken_at >= SPACING
            else:
                assert session_id not in used
                used.add(session_id)
            waiting.remove(claim)
        if turns:
            woken_at = now
        assert len(queue) == len(waiting)
        assert queue.turns(now) == []
