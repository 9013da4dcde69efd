"""A try to create a session whose process dies: the next try finds the session, or creates it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_ionq.api.errors import (
    IonQNotReadableError,
)
from tests.sessions.tasks import BACKEND, INTENT_KEY, SESSION_KEY, Store, Task, crash, raises_session_lost
from tests.support.emulated import CREATE, READ, on_record, open_sessions, requests

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow


def test_try_that_dies_before_the_request_creates_no_session_and_the_next_try_creates_one(
    ionq_emulator: Emulator,
) -> None:
    task = Task(Store())
    crash(task, ionq_emulator, CREATE, after=False)
    session = task.try_once()
    assert open_sessions(ionq_emulator) == [session["id"]]


def test_session_of_a_try_that_dies_before_the_answer_is_named_by_the_next_try(
    ionq_emulator: Emulator, store: Store | None
) -> None:
    task = Task(store)
    crash(task, ionq_emulator, CREATE, after=True)
    (made,) = open_sessions(ionq_emulator)
    with raises_session_lost(match=made):
        task.try_once()
    assert requests(ionq_emulator).count(CREATE) == 1


def test_session_of_a_try_that_dies_before_the_answer_is_adopted_if_adopt_lost_session_is_set(
    ionq_emulator: Emulator, store: Store | None
) -> None:
    task = Task(store, adopt_lost_session=True)
    crash(task, ionq_emulator, CREATE, after=True)
    assert open_sessions(ionq_emulator) == [task.try_once()["id"]]
    assert requests(ionq_emulator).count(CREATE) == 1


def test_session_of_a_try_that_dies_after_the_answer_is_used_by_the_next_try(ionq_emulator: Emulator) -> None:
    task = Task(Store())
    crash(task, ionq_emulator, READ, after=False)
    (made,) = open_sessions(ionq_emulator)
    ionq_emulator.start_session(made)
    assert task.try_once() == ionq_emulator.session(made)
    assert requests(ionq_emulator).count(CREATE) == 1


def test_a_stored_session_that_has_ended_is_not_adopted(ionq_emulator: Emulator) -> None:
    task = Task(Store())
    first = task.try_once()["id"]
    ionq_emulator.end_session(first)
    second = task.try_once()["id"]
    assert open_sessions(ionq_emulator) == [second]
    assert task.store is not None
    assert task.store.get(SESSION_KEY) == second


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_stored_session_that_cannot_be_read_is_named_and_left_to_a_retry(
    ionq_emulator: Emulator, status: int
) -> None:
    task = Task(Store())
    crash(task, ionq_emulator, READ, after=False)
    (made,) = open_sessions(ionq_emulator)
    ionq_emulator.fail(status, route=READ, seconds=60)
    with pytest.raises(IonQNotReadableError, match=f"{made}.* may cost money") as error:
        task.try_once()
    assert error.value.retryable
    ionq_emulator.clear_faults()
    assert task.try_once()["id"] == made
    assert open_sessions(ionq_emulator) == [made]


def test_the_intent_is_stored_before_the_request(ionq_emulator: Emulator) -> None:
    stored: list[Any] = []
    store = Store()

    def look(request: Any) -> None:
        if request.route == CREATE:
            stored.append(dict(store.values))

    on_record(ionq_emulator, look)
    others = ionq_emulator.create_session(BACKEND)["id"]
    ended = ionq_emulator.create_session(BACKEND)["id"]
    ionq_emulator.end_session(ended)
    ionq_emulator.create_session("simulator")
    Task(store).try_once()
    (values,) = stored
    assert set(values) == {INTENT_KEY}
    intent = json.loads(values[INTENT_KEY])
    assert intent["open_ids"] == [others]
    assert abs(intent["since"] - time.time()) < 60


def test_no_session_is_requested_when_the_intent_cannot_be_stored(ionq_emulator: Emulator) -> None:
    class Broken(Store):
        def set(self, key: str, value: Any) -> None:
            raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        Task(Broken()).try_once()
    assert CREATE not in requests(ionq_emulator)


def test_crash_of_a_resumed_task_leads_to_no_second_session(ionq_emulator: Emulator) -> None:
    task = Task(Store())
    ionq_emulator.fail(409, route=CREATE)
    with pytest.raises(TaskDeferred):
        task.try_once()
    crash(task, ionq_emulator, READ, after=False)
    assert [task.try_once()["id"]] == open_sessions(ionq_emulator)
