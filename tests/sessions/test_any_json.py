"""Descriptions of a session never raise and always contain its id, whatever JSON IonQ sends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.operators.session import IonQEndSessionOperator
from airflow_provider_ionq.sessions.intent import Intent
from airflow_provider_ionq.sessions.recover import adoptable, describe_candidates, describe_lost, difference
from airflow_provider_ionq.sessions.request import SessionRequest, created_epoch, describe_limits
from airflow_provider_ionq.sessions.target import SessionTarget, decide, is_ended, never_started_hint
from tests.sessions.tasks import BACKEND, Store, Task
from tests.support.facts import facts

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow

SESSION_ID = "11111111-2222-3333-4444-555555555555"
REQUEST = SessionRequest.of(BACKEND, duration_limit_min=60, cost_limit_usd=5.0)

odd_numbers = st.sampled_from(
    [-(2**31), 2**31, 10**400, -(10**400), 1e308, float("nan"), float("inf"), -0.0, True, False]
)
odd_texts = st.sampled_from(
    [
        "",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+02:00",
        "\ud800",
        "%s %d {0}",
        "x" * 5000,
    ]
)
scalars = st.none() | odd_numbers | st.integers() | st.floats() | odd_texts | st.text(max_size=10)
any_json = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
limits = st.fixed_dictionaries(
    {},
    optional={
        "duration_limit_min": any_json,
        "job_count_limit": any_json,
        "cost_limit": any_json | st.fixed_dictionaries({}, optional={"value": any_json, "unit": any_json}),
    },
)
NAMES = ("active", "created_at", "started_at", "ended_at", "project_id", "creator_id", "ender_id", "backend")
sessions = st.fixed_dictionaries(
    {"id": st.just(SESSION_ID), "status": any_json},
    optional={"settings": any_json | limits, **dict.fromkeys(NAMES, any_json)},
)


@settings(max_examples=400)
@given(sessions)
def test_no_description_raises_or_loses_the_id(session: Any) -> None:
    assert describe_limits(session)
    created_epoch(session)
    is_ended(session)
    REQUEST.is_answered_by(session)
    adoptable([session])
    assert SESSION_ID in describe_candidates([session])
    assert SESSION_ID in describe_lost("qpu", [session], None)
    difference(session, None, REQUEST, "ionq_default")
    Intent(request=REQUEST, open_ids=(), since=0.0, until=1e12).may_be(session, "a project")
    for target in (
        SessionTarget.of("started", None),
        SessionTarget.of(None, True),
        SessionTarget.of(("created", "ended"), False),
    ):
        decision = decide(session, target)
        text = decision.reason + (decision.warning or "")
        assert not text or SESSION_ID in text
        never_started_hint(session, target)


@pytest.mark.parametrize("value", [[], {}, None, "a text", 7, True])
def test_settings_that_are_no_object_are_no_limits(value: Any) -> None:
    assert re.search(facts("no known limit"), describe_limits({"settings": value}))


def test_value_nested_too_deeply_to_be_shown_is_named_by_its_type() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert json_text(deep).startswith("<list that cannot be shown")
    assert len(json_text("x" * 5000)) < 300


@pytest.mark.parametrize(
    ("created_at", "told"),
    [
        ("2026-01-01T22:00:00Z", "(at 2026-01-01 23:00:00 UTC)"),
        ("2026-01-01T22:00:00.123+02:00", "(at 2026-01-01 21:00:00 UTC)"),
        ("2026-01-01T22:00:00-05:30", "(at 2026-01-02 04:30:00 UTC)"),
        ("2026-01-01T22:00:00", "(at 2026-01-01 23:00:00, time zone unknown)"),
    ],
)
def test_time_at_which_a_session_closes_is_given_in_utc(created_at: str, told: str) -> None:
    assert told in describe_limits({"created_at": created_at, "settings": {"duration_limit_min": 60}})


@pytest.mark.parametrize("created_at", [None, "soon", 7, "0001-01-01T00:00:00+14:00", "2026-01-01T22:00:00"])
def test_invalid_time_is_no_creation_time(created_at: Any) -> None:
    session: Any = {"created_at": created_at}
    assert created_epoch(session) is None


def test_a_limit_that_is_true_is_not_a_limit_of_one() -> None:
    session: Any = {"backend": BACKEND, "settings": {"duration_limit_min": True}}
    assert not SessionRequest.of(BACKEND, duration_limit_min=1).is_answered_by(session)


@pytest.mark.parametrize("minutes", [-(2**31), 10**400, "soon", [], {"a": 1}, 1.5])
def test_a_session_with_unusual_limits_is_created_and_ended_like_any_other(
    ionq_emulator: Emulator, minutes: Any
) -> None:
    task = Task(Store())
    opened = task.try_once()["id"]
    ionq_emulator.update_session(opened, settings={"duration_limit_min": minutes, "cost_limit": [minutes]})
    assert task.try_once()["id"] == opened
    context: Any = {"ti": None}
    end = IonQEndSessionOperator(task_id="end", session_id=opened, multiple_outputs=False)
    assert end.execute(context)["id"] == opened
