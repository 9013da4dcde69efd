"""A session is requested again once there may be capacity: deferred, on the worker, and until the timeout."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_ionq.exceptions import IonQCapacityTimeoutException
from tests.sessions.tasks import BACKEND, Store, Task
from tests.support.emulated import CREATE, open_sessions, requests
from tests.support.facts import facts

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator


@pytest.mark.parametrize("status", [409, 429])
def test_task_without_capacity_defers_and_requests_again_when_there_may_be_some(
    ionq_emulator: Emulator, store: Store | None, status: int
) -> None:
    others = ionq_emulator.create_session(BACKEND)["id"]
    ionq_emulator.fail(status, route=CREATE, times=2)
    task = Task(store, timeout=100, poke_interval=7)
    with pytest.raises(TaskDeferred) as deferred:
        task.try_once()
    path, arguments = deferred.value.trigger.serialize()
    assert path == "airflow_provider_ionq.triggers.capacity.IonQCapacityTrigger"
    since = arguments.pop("since")
    assert abs(since - time.time()) < 30
    assert 90 < arguments.pop("remaining") <= 100
    assert arguments == {
        "backend": BACKEND,
        "ionq_conn_id": "ionq_default",
        "open_session_ids": [others],
        "poke_interval": 7.0,
        "pause": 7.0,
    }
    assert deferred.value.timeout is not None
    assert 90 < deferred.value.timeout.total_seconds() <= 100

    event = {"backend": BACKEND, "session_id": others, "remaining": 50.0}
    with pytest.raises(TaskDeferred) as again:
        task.resume(deferred.value, event)
    _, arguments = again.value.trigger.serialize()
    assert (arguments["since"], arguments["pause"]) == (since, 14.0)
    assert again.value.timeout is not None
    assert 40 < again.value.timeout.total_seconds() <= 50

    session = task.resume(again.value, event)
    assert open_sessions(ionq_emulator) == [others, session["id"]]
    assert requests(ionq_emulator).count(CREATE) == 3


def test_pause_between_requests_grows_to_five_minutes_and_honours_retry_after(ionq_emulator: Emulator) -> None:
    task = Task(None, poke_interval=60)
    ionq_emulator.fail(429, route=CREATE, times=4)
    ionq_emulator.fail(429, route=CREATE, retry_after=290)
    ionq_emulator.fail(429, route=CREATE, retry_after=86400)
    assert [pause_of(task) for _ in range(6)] == [60, 60, 60, 60, 290, 300]
    ionq_emulator.fail(409, route=CREATE, times=6)
    with pytest.raises(TaskDeferred) as first:
        task.try_once()
    deferred, pauses = first.value, []
    for _ in range(5):
        with pytest.raises(TaskDeferred) as again:
            task.resume(deferred, {"backend": BACKEND, "session_id": None, "remaining": None})
        deferred = again.value
        pauses.append(deferred.trigger.serialize()[1]["pause"])
    assert pauses == [120, 240, 300, 300, 300]


def pause_of(task: Task) -> float:
    with pytest.raises(TaskDeferred) as deferred:
        task.try_once()
    return float(deferred.value.trigger.serialize()[1]["pause"])


@pytest.mark.parametrize("event", [None, {}, {"backend": "another"}, [], "ours"])
def test_an_event_of_another_trigger_is_rejected(ionq_emulator: Emulator, event: Any) -> None:
    task = Task(None)
    ionq_emulator.fail(409, route=CREATE)
    with pytest.raises(TaskDeferred) as deferred:
        task.try_once()
    with pytest.raises(ValueError, match="unexpected event|waits for backend"):
        task.resume(deferred.value, event)
    assert ionq_emulator.sessions() == []


def test_task_requests_a_session_once_more_after_the_timeout(ionq_emulator: Emulator, store: Store | None) -> None:
    task = Task(store, timeout=50)
    ionq_emulator.fail(409, route=CREATE, times=2)
    with pytest.raises(TaskDeferred):
        task.try_once()
    with pytest.raises(IonQCapacityTimeoutException, match=facts("no capacity | qpu.forte-1 | 50 s")):
        task.time_out()
    assert ionq_emulator.sessions() == []
    assert task.time_out()["backend"] == BACKEND


def test_task_waits_for_capacity_on_the_worker_if_not_deferrable(ionq_emulator: Emulator) -> None:
    ionq_emulator.fail(409, route=CREATE, times=2)
    session = Task(None, deferrable=False, poke_interval=0.1).try_once()
    assert open_sessions(ionq_emulator) == [session["id"]]
    ionq_emulator.fail(409, route=CREATE, seconds=60)
    with pytest.raises(IonQCapacityTimeoutException):
        Task(None, deferrable=False, poke_interval=0.1, timeout=0.5).try_once()
