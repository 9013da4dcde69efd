"""Requests to the API for five thousand awaited sessions in Airflow's own `TriggerRunner`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.contestants import OURS, connections
from benchmarks.fake import FakeApi, session_id, session_json
from benchmarks.jobs import fired_once_each, requests_per_interval
from tests.scale.cases import MANY, MANY_JOBS, PATIENCE_SECONDS

if TYPE_CHECKING:
    from concurrent.futures import Future

    from benchmarks.waiting import Waited

pytestmark = pytest.mark.scale


@pytest.fixture
def waited(running: dict[str, Future[Any]]) -> Waited:
    seen: Waited = running["many"].result(PATIENCE_SECONDS)
    return seen


def test_one_request_an_interval_answers_five_thousand_triggers(waited: Waited) -> None:
    assert waited.counts.requests == MANY.intervals


def test_the_wait_opens_at_most_two_connections(waited: Waited) -> None:
    assert waited.connections_ever <= 2


def test_every_trigger_fires_exactly_once_with_its_own_session(waited: Waited) -> None:
    assert len(waited.session_of_trigger) == MANY.waiting
    numbers = {session_id(number): number for number in range(MANY.waiting)}
    assert sorted((trigger, seen["session_id"]) for trigger, seen in waited.events) == sorted(
        waited.session_of_trigger.items()
    )
    assert all(seen["session"] == session_json(numbers[seen["session_id"]], started=True) for _, seen in waited.events)


def test_one_request_an_interval_answers_25_waiting_jobs(running: dict[str, Future[Any]]) -> None:
    seen: Waited = running["jobs"].result(PATIENCE_SECONDS)
    assert seen.counts.requests == MANY_JOBS.intervals * requests_per_interval(MANY_JOBS.waiting)
    assert seen.connections_ever <= 4


def test_the_trigger_of_every_job_fires_exactly_once(running: dict[str, Future[Any]]) -> None:
    assert fired_once_each(running["jobs"].result(PATIENCE_SECONDS))


def test_importing_operators_and_sensors_loads_no_http_library() -> None:
    from benchmarks.imports import import_in_fresh_interpreter

    assert import_in_fresh_interpreter(OURS).http_libraries == []


def test_the_hook_keeps_its_connection_from_call_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_ionq.hooks.ionq import IonQHook

    with FakeApi(1) as fake:
        for name, value in connections(fake.port).items():
            monkeypatch.setenv(name, value)
        hook = IonQHook("ionq_default")
        for _ in range(50):
            hook.get_session(session_id(0))
        assert (fake.counts().requests, fake.counts().connections) == (50, 1)
