"""A task that runs again with the id of an ended session names the task to clear."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest

from airflow_provider_ionq.exceptions import IonQImpossibleStateException
from airflow_provider_ionq.operators.session import IonQEndSessionOperator, IonQGetSessionOperator
from airflow_provider_ionq.sensors.session import IonQSessionSensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

WORDS = "clear existing tasks"


def context(try_number: int) -> Any:
    return {"ti": SimpleNamespace(try_number=try_number, xcom_push=MagicMock())}


@pytest.fixture
def ended(ionq_emulator: Emulator) -> dict[str, Any]:
    session = ionq_emulator.create_session("qpu.forte-1")
    ionq_emulator.start_session(session["id"])
    return dict(ionq_emulator.end_session(session["id"]))


def sensor(session: dict[str, Any], **arguments: Any) -> IonQSessionSensor:
    return IonQSessionSensor(**{"task_id": "wait", "session_id": session["id"], "status": "started", **arguments})


def deferrable(task: IonQSessionSensor, session: dict[str, Any], try_number: int) -> None:
    task.execute_complete(context(try_number), {"session_id": session["id"], "session": session})


def timed_out(task: IonQSessionSensor, session: dict[str, Any], try_number: int) -> None:
    task.resume_execution("__fail__", {"error": "Trigger timeout"}, context(try_number))


def looking(task: IonQSessionSensor, session: dict[str, Any], try_number: int) -> None:
    task.execute(context(try_number))


@pytest.mark.parametrize("target", [{"status": "started"}, {"status": "created"}, {"status": None, "active": True}])
@pytest.mark.parametrize("way", [looking, deferrable, timed_out])
def test_sensor_that_runs_again_with_an_ended_session_names_the_task_to_clear(
    ended: dict[str, Any], way: Any, target: dict[str, Any]
) -> None:
    with pytest.raises(IonQImpossibleStateException, match=WORDS):
        way(sensor(ended, **target), ended, 2)


def test_sensor_names_the_task_to_clear_at_its_first_poll_in_its_first_try(ended: dict[str, Any]) -> None:
    """A task that was skipped in the run, and is cleared alone, has its first try then."""
    with pytest.raises(IonQImpossibleStateException, match=WORDS):
        looking(sensor(ended), ended, 1)


def test_session_that_ends_during_the_wait_is_not_blamed_on_an_earlier_run(ended: dict[str, Any]) -> None:
    with pytest.raises(IonQImpossibleStateException) as failed:
        deferrable(sensor(ended), ended, 1)
    assert WORDS not in str(failed.value)


@pytest.mark.parametrize(
    ("target", "says"), [(["started", "ended"], True), (["created", "started", "ended"], True), ("ended", False)]
)
def test_a_sensor_that_succeeds_warns_if_it_did_not_wait_for_the_end(
    ended: dict[str, Any], task_log: Callable[[], list[str]], target: Any, says: bool
) -> None:
    assert sensor(ended, status=target).execute(context(2)) == ended
    assert (WORDS in "\n".join(task_log())) is says


@pytest.mark.parametrize(("try_number", "says"), [(1, False), (2, True)])
def test_read_that_runs_again_with_an_ended_session_warns(
    ended: dict[str, Any], task_log: Callable[[], list[str]], try_number: int, says: bool
) -> None:
    operator = IonQGetSessionOperator(task_id="get", session_id=ended["id"])
    assert operator.execute(context(try_number)) == ended
    assert (WORDS in "\n".join(task_log())) is says


def test_end_that_runs_again_logs_no_warning(ended: dict[str, Any], task_log: Callable[[], list[str]]) -> None:
    IonQEndSessionOperator(task_id="end", session_id=ended["id"]).execute(context(2))
    assert WORDS not in "\n".join(task_log())
