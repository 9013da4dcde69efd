"""The rules of the sensor that the parity table does not cover."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowSensorTimeout,
    AirflowTaskTimeout,
    TaskDeferred,
)

from airflow_provider_ionq.exceptions import IonQFailException, IonQImpossibleStateException
from airflow_provider_ionq.sensors.session import IonQSessionSensor
from tests.support.facts import facts
from tests.waiting.modes import run_sensor

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

CONTEXT: Any = {"ti": object()}


def sensor(**arguments: Any) -> IonQSessionSensor:
    return IonQSessionSensor(**{"task_id": "wait", "session_id": "s-1", "status": "started", **arguments})


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"status": "running"}, "status | 'running' | created, started, ended"),
        ({"status": []}, "status | empty"),
        ({"status": None}, "status or active"),
        ({"active": "true"}, "active | True, False or None | true"),
        ({"poke_interval": -1}, "poke_interval"),
        ({"poke_interval": 0}, "poke_interval | above 0"),
        ({"poke_interval": "60"}, "poke_interval"),
        ({"timeout": -1}, "timeout"),
        ({"mode": "defer"}, "mode"),
        ({"deferrable": True, "silent_fail": True}, "silent_fail | deferrable=True"),
        ({"deferrable": True, "exponential_backoff": True}, "exponential_backoff | deferrable=True"),
        ({"deferrable": True, "max_wait": 10}, "max_wait | deferrable=True"),
        ({"soft_fail": True, "never_fail": True}, "never_fail"),
    ],
)
def test_bad_arguments_are_rejected_when_the_dag_is_parsed(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises((ValueError, AirflowException)) as refused:
        sensor(**arguments)
    assert re.search(facts(named), str(refused.value))


def test_deferrable_defaults_to_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sensor().deferrable is False
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert sensor().deferrable is True
    assert sensor(deferrable=False).deferrable is False
    assert sensor(exponential_backoff=True).deferrable is False, "an option that was asked for wins over a default"


def test_poke_interval_is_a_minute_by_default() -> None:
    assert sensor().poke_interval == 60
    assert sensor(poke_interval=timedelta(minutes=5)).poke_interval == 300


def test_deferral_carries_names_only_and_the_remaining_time(ionq_emulator: Emulator) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    with pytest.raises(TaskDeferred) as deferred:
        sensor(session_id=session_id, deferrable=True, timeout=100, poke_interval=7, active=True).execute(CONTEXT)
    class_path, arguments = deferred.value.trigger.serialize()
    assert class_path == "airflow_provider_ionq.triggers.session.IonQSessionTrigger"
    assert arguments == {
        "session_id": session_id,
        "ionq_conn_id": "ionq_default",
        "status": ["started"],
        "active": True,
        "poke_interval": 7,
        "end_from_trigger": False,
        "push_xcom": True,
        "timeout": None,
        "remaining": pytest.approx(deferred.value.timeout.total_seconds(), abs=1e-5),
    }
    assert deferred.value.timeout is not None
    assert 95 < deferred.value.timeout.total_seconds() <= 100


def test_deferring_again_keeps_the_deadline(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1")
    event = {"session_id": session["id"], "session": None}
    with pytest.raises(TaskDeferred) as deferred:
        sensor(session_id=session["id"], timeout=100).execute_complete(CONTEXT, event, deadline=time.time() + 40)
    assert deferred.value.timeout is not None
    assert 35 < deferred.value.timeout.total_seconds() <= 40


def test_a_deadline_that_has_passed_is_a_timeout_after_one_more_poll(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1")
    waiting = sensor(session_id=session["id"])
    event = {"session_id": session["id"], "session": None}
    with pytest.raises(AirflowSensorTimeout, match=session["id"]):
        waiting.execute_complete(CONTEXT, event, deadline=time.time() - 1)
    ionq_emulator.start_session(session["id"])
    assert waiting.execute_complete(CONTEXT, event, deadline=time.time() - 1) == ionq_emulator.session(session["id"])


@pytest.mark.parametrize("said", ["Trigger timeout", "Trigger/execution timeout"])
def test_a_trigger_timeout_gets_a_last_poll(ionq_emulator: Emulator, said: str) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    waiting = sensor(session_id=session_id)
    with pytest.raises(AirflowSensorTimeout, match="at the last poll its status is 'created'"):
        waiting.resume_execution("__fail__", {"error": said}, CONTEXT)
    ionq_emulator.start_session(session_id)
    assert waiting.resume_execution("__fail__", {"error": said}, CONTEXT)["status"] == "started"
    ionq_emulator.end_session(session_id)
    with pytest.raises(IonQImpossibleStateException):
        waiting.resume_execution("__fail__", {"error": said}, CONTEXT)


@pytest.mark.parametrize(
    ("said", "execution_timeout", "error"),
    [
        ("Trigger/execution timeout", timedelta(seconds=5), AirflowTaskTimeout),
        ("Trigger/execution timeout", timedelta(days=99), AirflowSensorTimeout),
        ("Trigger timeout", timedelta(seconds=5), AirflowSensorTimeout),
    ],
)
def test_timeout_of_airflow_2_is_identified_by_the_limit_that_was_reached(
    ionq_emulator: Emulator, said: str, execution_timeout: timedelta, error: type[BaseException]
) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    waiting = sensor(session_id=session_id, execution_timeout=execution_timeout)
    with pytest.raises(error, match=session_id):
        waiting.resume_execution("__fail__", {"error": said}, CONTEXT)


def test_a_trigger_that_crashed_fails_the_task_for_a_retry(ionq_emulator: Emulator) -> None:
    with pytest.raises(AirflowException) as failed:
        sensor().resume_execution("__fail__", {"error": "boom", "traceback": ["line"]}, CONTEXT)
    assert not isinstance(failed.value, IonQFailException)
    assert ionq_emulator.requests == []


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        "started",
        {"session_id": "s-1"},
        {"session_id": "s-1", "session": None, "more": 1},
        {"session_id": "s-2", "session": None},
        {"session_id": "s-1", "session": {"id": "s-2", "status": "started"}},
    ],
)
def test_events_of_another_trigger_fail_the_task(event: Any) -> None:
    with pytest.raises(ValueError, match="event"):
        sensor(soft_fail=True).resume_execution("execute_complete", {"event": event}, CONTEXT)


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_retry_after_is_honoured_and_ends_at_the_deadline(ionq_emulator: Emulator, mode: str) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    ionq_emulator.fail(429, seconds=60, retry_after=40)
    began = time.monotonic()
    ending = run_sensor(mode, session_id=session_id, status="started", timeout=1)
    assert ending.error is AirflowSensorTimeout
    assert 1 <= time.monotonic() - began < 10
    assert len(ionq_emulator.requests) == 2, "the first look, and one at the deadline"


def test_pauses_grow_in_an_outage(ionq_emulator: Emulator) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    ionq_emulator.fail(503, times=4)
    ionq_emulator.start_session(session_id)
    assert run_sensor("poke", session_id=session_id, status="started", poke_interval=0.1).state == "success"
    times = [request.at for request in ionq_emulator.requests]
    gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
    for gap, least in zip(gaps, [0.1, 0.2, 0.4, 0.8], strict=True):
        assert gap >= least * 0.95


def test_a_rotated_key_is_picked_up(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, reread_at_once: None
) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    waiting = sensor(session_id=session_id)
    assert not waiting.poke(CONTEXT)
    ionq_emulator.api_key = "rotated"
    assert not waiting.poke(CONTEXT)
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", ionq_emulator.airflow_connection)
    ionq_emulator.start_session(session_id)
    assert waiting.poke(CONTEXT)


def test_poke_mode_opens_one_connection(ionq_emulator: Emulator) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    waiting = sensor(session_id=session_id)
    for _ in range(5):
        waiting.poke(CONTEXT)
    assert len(ionq_emulator.requests) == 5
    assert len({request.peer for request in ionq_emulator.requests}) == 1


TaskLog = Callable[[], list[str]]


def test_log_says_that_nothing_may_ever_start_the_session(ionq_emulator: Emulator, task_log: TaskLog) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    sensor(session_id=session_id).poke(CONTEXT)
    assert "first job is submitted" in "\n".join(task_log())


def test_log_names_the_awaited_status_and_has_no_line_per_poll(ionq_emulator: Emulator, task_log: TaskLog) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    waiting = sensor(session_id=session_id, status=["ended"], timeout=99)
    waiting.poke(CONTEXT)
    first = "\n".join(task_log())
    for part in (session_id, "status ended", "every 1 min", "at most 99 s"):
        assert part in first
    for _ in range(5):
        waiting.poke(CONTEXT)
    assert task_log() == []


def test_log_says_when_an_outage_begins_and_ends(ionq_emulator: Emulator, task_log: TaskLog) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    waiting = sensor(session_id=session_id)
    waiting.poke(CONTEXT)
    ionq_emulator.fail(503, times=3)
    task_log()
    for _ in range(5):
        waiting.poke(CONTEXT)
    began, over = task_log()
    assert "503" in began
    assert "again" in over


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_log_says_why_a_task_is_skipped(ionq_emulator: Emulator, task_log: TaskLog, mode: str) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    ionq_emulator.end_session(session_id)
    run_sensor(mode, session_id=session_id, status="started", soft_fail=True)
    assert "can never have status started" in "\n".join(task_log())


def test_first_deferral_says_that_a_triggerer_is_needed(ionq_emulator: Emulator, task_log: TaskLog) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    with pytest.raises(TaskDeferred):
        sensor(session_id=session_id, deferrable=True).execute(CONTEXT)
    assert "triggerer" in "\n".join(task_log())


def test_a_sensor_can_be_copied_after_it_has_polled(ionq_emulator: Emulator) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    waiting = sensor(session_id=session_id)
    waiting.poke(CONTEXT)
    assert not copy.deepcopy(waiting).poke(CONTEXT)


def test_id_and_connection_are_templated() -> None:
    assert set(IonQSessionSensor.template_fields) >= {"session_id", "ionq_conn_id"}
