"""Every caller of the API refuses an id that no Airflow connection can have, names the argument, and sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import IonQConfigurationError, IonQNotEndedError
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.results import IonQGetResultsOperator
from airflow_provider_ionq.operators.session import (
    IonQEndSessionOperator,
    IonQGetSessionOperator,
    IonQListSessionsOperator,
)
from airflow_provider_ionq.sensors.job import IonQJobSensor
from tests.decorators.test_job import FunctionTask
from tests.jobs.runs import JobTask
from tests.jobs.tasks import FLIP
from tests.loops.runs import LoopTask
from tests.sessions.tasks import Task
from tests.waiting.modes import MODES, run_sensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

IDS: dict[str, Any] = {"None": None, "empty": "", "blank": " ", "a number": 5}


def ending_of(task: Any) -> Any:
    """Return the error of a try as Airflow sees it."""
    error = task.try_once().error
    if error is not None:
        raise error


CALLS: dict[str, Callable[[Emulator, Any], Any]] = {
    "hook": lambda _, given: IonQHook(given).whoami(),
    "hook, run_job": lambda _, given: IonQHook(given).run_job("simulator", circuit=FLIP),
    "run job on a worker": lambda emulator, given: ending_of(JobTask(emulator, "worker", ionq_conn_id=given)),
    "run job": lambda emulator, given: ending_of(JobTask(emulator, "triggerer", ionq_conn_id=given)),
    "task.ionq_job": lambda emulator, given: ending_of(
        FunctionTask(emulator, "worker", lambda: FLIP, ionq_conn_id=given)
    ),
    "ionq_jobs": lambda emulator, given: ending_of(LoopTask(emulator, ionq_conn_id=given)),
    "get results": lambda _, given: IonQGetResultsOperator(task_id="t", job_id="j", ionq_conn_id=given).execute({}),
    "create session": lambda _, given: Task(None, ionq_conn_id=given).try_once(),
    "get session": lambda _, given: IonQGetSessionOperator(task_id="t", session_id="s", ionq_conn_id=given).execute({}),
    "list sessions": lambda _, given: IonQListSessionsOperator(task_id="t", ionq_conn_id=given).execute({}),
    "end session": lambda _, given: IonQEndSessionOperator(task_id="t", session_id="s", ionq_conn_id=given).execute({}),
}
RETRIED = {"end session": (IonQConfigurationError, IonQNotEndedError)}
"""An end is tried again whatever is wrong: the session costs money."""


def is_clear(text: str, given: Any) -> bool:
    return "ionq_conn_id" in text and "ionq_default" in text and text.count(f"Airflow connection {given!r}") == 1


@pytest.mark.parametrize("given", IDS)
@pytest.mark.parametrize("call", CALLS)
def test_task_refuses_an_invalid_id_without_a_retry(ionq_emulator: Emulator, call: str, given: str) -> None:
    expected = IonQConfigurationError if call.startswith("hook") else RETRIED.get(call, IonQFailException)
    with pytest.raises(expected) as error:
        CALLS[call](ionq_emulator, IDS[given])
    assert is_clear(str(error.value), IDS[given])
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("given", IDS)
@pytest.mark.parametrize("mode", MODES)
def test_sensor_refuses_an_invalid_id_in_every_mode(ionq_emulator: Emulator, mode: str, given: str) -> None:
    for ending in (
        run_sensor(mode, session_id="s-1", status="started", ionq_conn_id=IDS[given]),
        run_sensor(mode, IonQJobSensor, job_id="j-1", ionq_conn_id=IDS[given]),
    ):
        assert (ending.state, ending.error) == ("failed", IonQFailException)
        assert is_clear(ending.message, IDS[given])
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("given", IDS)
def test_test_connection_tells_of_an_invalid_id(given: str) -> None:
    works, message = IonQHook(IDS[given]).test_connection()
    assert (works, is_clear(message, IDS[given])) == (False, True)
