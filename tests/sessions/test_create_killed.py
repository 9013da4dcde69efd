"""A task that is killed, or that reaches its execution timeout, while it creates a session."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import (
    IonQCreateStoppedError,
)
from tests.sessions.tasks import Store, Task
from tests.support.emulated import CREATE, END, LIST, READ, on_record, open_sessions, requests

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator


def kill_at(emulator: Emulator, task: Task, route: str) -> None:
    """Have SIGTERM arrive while a request of a route is being answered, as the task's runner takes it."""

    def kill(request: Any) -> None:
        if request.route == route:
            signal.raise_signal(signal.SIGTERM) if threading.current_thread() is threading.main_thread() else (
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            )

    on_record(emulator, kill)


@pytest.fixture
def runner_of() -> Any:
    """Handle SIGTERM as Airflow 3's task runner does."""
    before = signal.getsignal(signal.SIGTERM)
    yield lambda task: signal.signal(signal.SIGTERM, lambda *_: task.operator.on_kill())
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("route", [CREATE, READ])
def test_killed_task_ends_the_session_that_it_has_just_created(
    ionq_emulator: Emulator, store: Store | None, runner_of: Any, route: str
) -> None:
    task = Task(store)
    runner_of(task)
    kill_at(ionq_emulator, task, route)
    with pytest.raises(IonQCreateStoppedError, match="requested to end session"):
        task.try_once()
    assert len(ionq_emulator.sessions()) == 1
    assert open_sessions(ionq_emulator) == []


def test_a_task_that_is_killed_before_the_request_sends_none(
    ionq_emulator: Emulator, store: Store | None, runner_of: Any
) -> None:
    task = Task(store)
    runner_of(task)
    kill_at(ionq_emulator, task, LIST)
    with pytest.raises(IonQCreateStoppedError, match="no session was created"):
        task.try_once()
    assert ionq_emulator.sessions() == []


def test_a_killed_task_tries_to_end_its_session_more_than_once(ionq_emulator: Emulator, runner_of: Any) -> None:
    task = Task(None)
    runner_of(task)
    kill_at(ionq_emulator, task, READ)
    ionq_emulator.fail(503, route=END, times=2)
    with pytest.raises(IonQCreateStoppedError):
        task.try_once()
    assert open_sessions(ionq_emulator) == []


def test_session_is_ended_when_the_signal_handler_raises_as_in_airflow_2(
    ionq_emulator: Emulator, runner_of: Any
) -> None:
    class Terminated(BaseException):
        pass

    task = Task(None)

    def handle(*_: Any) -> None:
        task.operator.on_kill()
        raise Terminated

    runner_of(task)
    signal.signal(signal.SIGTERM, handle)
    kill_at(ionq_emulator, task, CREATE)
    with pytest.raises(Terminated):
        task.try_once()
    assert len(ionq_emulator.sessions()) == 1
    assert open_sessions(ionq_emulator) == []
    assert requests(ionq_emulator).count(END) == 1


def test_task_at_its_execution_timeout_ends_the_session_that_it_has_just_created(ionq_emulator: Emulator) -> None:
    class TimedOut(BaseException):
        pass

    def out_of_time(*_: Any) -> None:
        raise TimedOut

    def alarm(request: Any) -> None:
        if request.route == CREATE:
            signal.setitimer(signal.ITIMER_REAL, 0.1)

    before = signal.signal(signal.SIGALRM, out_of_time)
    ionq_emulator.disturb("delay", route=CREATE, delay_seconds=0.5)
    on_record(ionq_emulator, alarm)
    try:
        with pytest.raises(TimedOut):
            Task(Store()).try_once()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(ionq_emulator.sessions()) == 1
    assert open_sessions(ionq_emulator) == []
