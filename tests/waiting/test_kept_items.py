"""The items that a poll keeps: only those that may have a notification for a waiter."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.settings import ClientSettings
from airflow_provider_ionq.jobs.resource import JOBS
from airflow_provider_ionq.jobs.target import JobTarget
from airflow_provider_ionq.sessions.resource import SESSIONS
from airflow_provider_ionq.sessions.target import SessionTarget
from airflow_provider_ionq.waiting.fetcher import Fetcher
from airflow_provider_ionq.waiting.observer import Interest
from airflow_provider_ionq.waiting.waiter import ItemWaiter, Waiter, decision_events, has_events

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator
    from airflow_provider_ionq.waiting.resource import Resource
    from airflow_provider_ionq.waiting.target import Target

pytestmark = pytest.mark.one_airflow

TARGETS = [
    SessionTarget.of("started", None),
    SessionTarget.of(("created", "ended"), None),
    SessionTarget.of(None, True),
    JobTarget.of("completed"),
    JobTarget.of("started"),
]
ITEMS: list[dict[str, Any]] = [
    {"id": "s", "status": "created", "active": False},
    {"id": "s", "status": "created", "active": "yes"},
    {"id": "s", "status": "started", "active": True},
    {"id": "s", "status": "ended", "active": False},
    {"id": "s", "status": "ready", "predicted_wait_time_ms": 1000},
    {"id": "s", "status": "ready", "predicted_wait_time_ms": 60_000},
    {"id": "s", "status": "ready"},
    {"id": "s", "status": "completed"},
    {"id": "s", "status": "paused"},
    {"id": "s"},
]


def state(waiter: Waiter[Any]) -> dict[str, Any]:
    slots = itertools.chain.from_iterable(getattr(cls, "__slots__", ()) for cls in type(waiter).__mro__)
    return {name: getattr(waiter, name) for name in slots}


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("needs_first_poll", [True, False])
def test_wait_goes_the_same_way_when_items_without_a_notification_are_not_kept(
    target: Target[Any], needs_first_poll: bool
) -> None:
    for first, second, third in itertools.product(ITEMS, repeat=3):
        keeping = ItemWaiter("s", target, 5.0, needs_first_poll=needs_first_poll)
        other = copy.copy(keeping)
        for item in (first, second, third):
            expected = [notification for _, notification in decision_events(keeping, item)]
            kept = item if has_events(other, item) else None
            assert [notification for _, notification in decision_events(other, kept)] == expected
            assert state(other) == state(keeping)


def test_most_items_of_a_wait_are_not_kept() -> None:
    waiter = ItemWaiter("s", SessionTarget.of("started", None), 5.0)
    assert not has_events(waiter, {"id": "s", "status": "created"})
    assert has_events(waiter, {"id": "s", "status": "started"})


@pytest.mark.parametrize("resource", [SESSIONS, JOBS], ids=["sessions", "jobs"])
@pytest.mark.parametrize("count", [2, 40], ids=["read one by one", "read with lists"])
def test_item_that_is_not_kept_counts_as_read(ionq_emulator: Emulator, resource: Resource[Any], count: int) -> None:
    create = ionq_emulator.create_session if resource is SESSIONS else ionq_emulator.submit_job
    ids = [create()["id"] for _ in range(count)]
    settings = ClientSettings(api_key=ionq_emulator.api_key, base_url=ionq_emulator.url)
    fetcher = Fetcher(resource, settings, lambda: True)
    try:
        snapshot = fetcher.fetch(ids, 0, Interest(ids=ids[:1]), lambda item_id, _: item_id == ids[1])
    finally:
        fetcher.close()
    assert snapshot.items.keys() == set(ids)
    assert {item_id for item_id, item in snapshot.items.items() if item is not None} == set(ids[:2])
    assert (snapshot.errors, snapshot.failure) == ({}, None)
