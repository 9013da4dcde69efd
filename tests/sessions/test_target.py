"""The decision table of waiting."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.sessions.target import STATUSES, SessionTarget, decide
from airflow_provider_ionq.waiting.decision import Outcome
from tests.support.facts import facts

pytestmark = pytest.mark.one_airflow


def session(status: Any = "created", **fields: Any) -> dict[str, Any]:
    return {"id": "s-1", "status": status, "active": True, "started_at": None, "ended_at": None, **fields}


ENDED = "2026-01-01T10:00:00.000Z"


@pytest.mark.parametrize(
    ("answer", "status", "active", "outcome"),
    [
        (session("created"), "created", None, "met"),
        (session("created"), "started", None, "wait"),
        (session("created"), ("started", "ended"), None, "wait"),
        (session("started"), "started", None, "met"),
        (session("started"), "created", None, "impossible"),
        (session("started"), ("created", "ended"), None, "wait"),
        (session("ended"), "ended", None, "met"),
        (session("ended"), "started", None, "impossible"),
        (session("ended"), ("created", "started"), None, "impossible"),
        (session("ended"), ("started", "ended"), None, "met"),
        # ended_at decides, whatever the status says
        (session("started", ended_at=ENDED), "started", None, "impossible"),
        (session("started", ended_at=ENDED), "ended", None, "met"),
        (session("expired", ended_at=ENDED), "ended", None, "met"),
        # what nobody documents is waited on
        (session("paused"), "started", None, "wait"),
        (session("paused"), STATUSES, None, "wait"),
        (session(None), "started", None, "wait"),
        (session(["started"]), "started", None, "wait"),
        # the active flag
        (session(active=True), None, True, "met"),
        (session(active=False), None, True, "wait"),
        (session(active=True), None, False, "wait"),
        (session(active=None), None, True, "wait"),
        (session(active="true"), None, True, "wait"),
        (session(active=1), None, True, "wait"),
        (session("paused", active=True), None, True, "met"),
        (session("ended", active=False), None, False, "met"),
        (session("ended", active=False), None, True, "impossible"),
        (session("ended", active=None), None, False, "impossible"),
        (session("ended", active=0), None, False, "impossible"),
        # both must hold in the same answer
        (session("started", active=True), "started", True, "met"),
        (session("started", active=False), "started", True, "wait"),
        (session("created", active=True), "started", True, "wait"),
        (session("ended", active=True), "started", True, "impossible"),
        (session("ended", active=False), ("started", "ended"), True, "impossible"),
        (session("ended", active=False), "ended", False, "met"),
        # a flag that cannot be read does not hinder a status
        (session("started", active=None), "started", None, "met"),
    ],
)
def test_decision_agrees_with_the_decision_table(
    answer: dict[str, Any], status: Any, active: bool | None, outcome: str
) -> None:
    assert decide(answer, SessionTarget.of(status, active)).outcome is Outcome(outcome)


def test_missing_active_flag_is_waited_on_with_a_warning() -> None:
    answer = session()
    del answer["active"]
    decision = decide(answer, SessionTarget.of(None, True))
    assert decision.outcome is Outcome.WAIT
    assert "active flag None" in (decision.warning or "")


def test_unknown_status_is_named_in_the_warning() -> None:
    decision = decide(session("paused"), SessionTarget.of("started", None))
    assert "'paused'" in (decision.warning or "")


def test_an_ordinary_wait_warns_of_nothing() -> None:
    assert decide(session("created"), SessionTarget.of("started", True)).warning is None


def test_unreachable_names_session_status_end_and_target() -> None:
    reason = decide(session("ended", ended_at=ENDED), SessionTarget.of("started", None)).reason
    for part in ("s-1", "'ended'", ENDED, "status started", "without having been started"):
        assert part in reason


def test_unreachable_names_the_start_time_and_the_target_to_use() -> None:
    answer = session("ended", ended_at=ENDED, started_at="2026-01-01T09:00:00.000Z")
    reason = decide(answer, SessionTarget.of("started", None)).reason
    assert "started at 2026-01-01T09:00:00.000Z" in reason
    assert '("started", "ended")' in reason


@pytest.mark.parametrize(
    ("status", "active", "named"),
    [
        (None, None, "status or active"),
        ("running", None, "status | 'running' | created, started, ended"),
        (["started", "nope"], None, "status | 'nope' | created, started, ended"),
        ([], None, "status | empty"),
        ("", None, "status | '' | created, started, ended"),
        (3, None, "status | collection"),
        ([1], None, "status | 1 | created, started, ended"),
        ({"started": 1}, None, "status | collection"),
        (None, "yes", "active | True, False or None | yes"),
        ("started", 1, "active | True, False or None | 1"),
    ],
)
def test_bad_targets_are_rejected_by_name(status: Any, active: Any, named: str) -> None:
    with pytest.raises(ValueError, match=facts(named)):
        SessionTarget.of(status, active)


def test_target_reads_as_a_sentence() -> None:
    assert str(SessionTarget.of({"ended", "started"}, True)) == "status started or ended and active true"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)


@st.composite
def valid_targets(draw: st.DrawFn) -> SessionTarget:
    status = draw(st.none() | st.sets(st.sampled_from(STATUSES), min_size=1))
    active = draw(st.booleans() if status is None else st.none() | st.booleans())
    return SessionTarget.of(status, active)


@given(
    answer=st.fixed_dictionaries(
        {"id": st.text(), "status": st.sampled_from(STATUSES) | json_values},
        optional={"active": json_values, "ended_at": json_values, "started_at": json_values, "settings": json_values},
    ),
    target=valid_targets(),
)
def test_any_json_gets_a_decision_that_agrees_with_the_target(answer: dict[str, Any], target: SessionTarget) -> None:
    decision = decide(answer, target)
    if decision.outcome is Outcome.MET:
        effective = "ended" if answer.get("ended_at") is not None else answer["status"]
        assert target.statuses is None or effective in target.statuses
        assert target.active is None or answer.get("active") is target.active
    if decision.outcome is Outcome.IMPOSSIBLE:
        assert decision.reason


@given(target=valid_targets(), actives=st.lists(st.booleans(), min_size=3, max_size=3))
def test_unreachable_is_never_followed_by_reached_in_a_lawful_life(target: SessionTarget, actives: list[bool]) -> None:
    life = [session(status, active=active) for status, active in zip(STATUSES, actives, strict=True)]
    outcomes = [decide(answer, target).outcome for answer in life]
    if Outcome.IMPOSSIBLE in outcomes:
        assert Outcome.MET not in outcomes[outcomes.index(Outcome.IMPOSSIBLE) :]
    assert outcomes[-1] is not Outcome.WAIT, "an ended session leaves nothing to wait for"
