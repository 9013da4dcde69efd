from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.emulator import Step
from airflow_provider_ionq.emulator.session import Session
from airflow_provider_ionq.emulator.state import STATUSES, checked_plan, timestamp
from tests.support.facts import facts


def _session(*plan: Step, now: float = 0.0) -> Session:
    return Session({"id": "s"}, plan=plan, now=now, active_means="not_ended")


def _reads(session: Session, times: list[float]) -> list[str]:
    return [session.read(now)["status"] for now in times]


def test_two_reads_show_the_old_status_and_the_third_the_new_one() -> None:
    session = _session(Step("started", after_reads=2))
    assert _reads(session, [0, 0, 0]) == ["created", "created", "started"]


def test_reads_of_the_second_step_count_from_the_first() -> None:
    session = _session(Step("started", after_reads=2), Step("ended", after_reads=2))
    assert _reads(session, [0] * 5) == ["created", "created", "started", "started", "ended"]


def test_step_after_no_reads_happens_at_once() -> None:
    session = _session(Step("started", after_reads=0), now=7.0)
    assert session.fields["status"] == "started"
    assert session.fields["started_at"] == timestamp(7.0)


def test_step_after_seconds_happens_exactly_then() -> None:
    session = _session(Step("started", after_seconds=5), now=10)
    assert _reads(session, [14.999, 15.0]) == ["created", "started"]


def test_overdue_step_carries_the_time_at_which_it_was_due() -> None:
    session = _session(Step("started", after_seconds=5), Step("ended", after_seconds=3))
    session.advance(100)
    assert (session.fields["started_at"], session.fields["ended_at"]) == (timestamp(5), timestamp(8))


def test_step_after_no_reads_happens_when_the_step_before_it_was_due() -> None:
    session = _session(Step("started", after_seconds=5), Step("ended", after_reads=0))
    session.advance(100)
    assert (session.fields["started_at"], session.fields["ended_at"]) == (timestamp(5), timestamp(5))


def test_seconds_count_from_the_read_that_brought_the_step_before() -> None:
    session = _session(Step("started", after_reads=1), Step("ended", after_seconds=5))
    assert _reads(session, [20, 24.9, 25]) == ["created", "started", "ended"]
    assert session.fields["started_at"] == timestamp(20)


def test_start_by_hand_drops_the_planned_start_and_the_end_counts_from_it() -> None:
    session = _session(Step("started", after_seconds=50), Step("ended", after_seconds=5))
    session.start(10)
    assert _reads(session, [14, 15]) == ["started", "ended"]


def test_end_by_hand_ends_the_plan() -> None:
    session = _session(Step("started", after_seconds=5))
    session.end(1, "somebody")
    session.advance(100)
    assert session.fields["status"] == "ended"
    assert session.fields["ender_id"] == "somebody"
    assert "started_at" not in session.fields


def test_ended_session_does_not_start() -> None:
    session = _session()
    session.end(1, None)
    with pytest.raises(ValueError, match="'s' has ended"):
        session.start(2)


def test_second_end_changes_nothing() -> None:
    session = _session()
    session.end(1, "first")
    before = dict(session.fields)
    session.end(2, "second")
    assert session.fields == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"status": "created", "after_reads": 1}, "'started' | 'ended'"),
        ({"status": ["started"], "after_reads": 1}, "'started' | 'ended'"),
        ({"status": "started"}, "one of | after_reads | after_seconds"),
        ({"status": "started", "after_reads": 1, "after_seconds": 1}, "one of | after_reads | after_seconds"),
        ({"status": "started", "after_reads": -1}, "after_reads must"),
        ({"status": "started", "after_reads": True}, "after_reads must"),
        ({"status": "started", "after_reads": 1.5}, "after_reads must"),
        ({"status": "started", "after_seconds": -1}, "after_seconds must"),
        ({"status": "started", "after_seconds": float("nan")}, "after_seconds must"),
        ({"status": "started", "after_seconds": float("inf")}, "after_seconds must"),
        ({"status": "started", "after_seconds": 10**400}, "after_seconds must"),
        ({"status": "started", "after_seconds": "5"}, "after_seconds must"),
    ],
)
def test_impossible_step_is_rejected(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=facts(message)):
        Step(**arguments)


@pytest.mark.parametrize(
    "plan",
    [
        [Step("ended", after_reads=1), Step("started", after_reads=1)],
        [Step("started", after_reads=1), Step("started", after_reads=1)],
    ],
)
def test_plan_that_goes_back_is_rejected(plan: list[Step]) -> None:
    with pytest.raises(ValueError, match="start a session once"):
        checked_plan(plan)


def test_plan_of_something_else_than_steps_is_rejected() -> None:
    with pytest.raises(TypeError, match="Step objects"):
        checked_plan([{"status": "started"}])  # type: ignore[list-item]


def test_timestamp_has_the_form_of_the_api() -> None:
    assert timestamp(1748465225.44) == "2025-05-28T20:47:05.440Z"


_CONDITIONS = st.one_of(
    st.builds(lambda n: {"after_reads": n}, st.integers(0, 4)),
    st.builds(lambda s: {"after_seconds": s}, st.floats(0, 20)),
)


@given(st.lists(_CONDITIONS, max_size=2), st.lists(st.floats(0, 10), max_size=12))
def test_session_never_goes_back_and_its_times_are_in_order(
    conditions: list[dict[str, Any]], pauses: list[float]
) -> None:
    plan = [Step(status, **condition) for status, condition in zip(STATUSES[1:], conditions, strict=False)]
    session = _session(*plan)
    now = 0.0
    seen = []
    for pause in pauses:
        now += pause
        seen.append(STATUSES.index(session.read(now)["status"]))
    assert seen == sorted(seen)
    times = [session.fields[name] for name in ("started_at", "ended_at") if name in session.fields]
    assert times == sorted(times)
    assert all(timestamp(0) <= at <= timestamp(now) for at in times)
