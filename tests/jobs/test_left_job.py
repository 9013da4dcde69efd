"""A try that ends before it has come to the job of an earlier try does not leave that job running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferred,
)

from airflow_provider_ionq.jobs import cancel, search
from airflow_provider_ionq.waiting import stop
from tests.decorators.test_job import FunctionTask
from tests.jobs.tasks import BELL
from tests.waiting.conftest import task_log

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

__all__ = ["task_log"]

POST, LIST, CANCEL = "POST /jobs", "GET /jobs", "PUT /jobs/{job_id}/status/cancel"


def raises(error: BaseException) -> Callable[[FunctionTask], Any]:
    def ends(task: FunctionTask) -> Any:
        raise error

    return ends


def killed(task: FunctionTask) -> Any:
    task.operator.on_kill()
    return BELL


FOR_GOOD: dict[str, Callable[[FunctionTask], Any]] = {
    "it fails": raises(AirflowFailException("no")),
    "it is skipped": raises(AirflowSkipException("no")),
    "its process is told to exit": raises(SystemExit(1)),
    "its function returns nothing": lambda task: None,
    "its job is invalid": lambda task: [{"gate": "u3", "target": 0}],
    "it is killed": killed,
}
"""How a try ends that no other follows."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "FIND_SECONDS", 0.0)
    monkeypatch.setattr(cancel, "PAUSES", ())
    monkeypatch.setattr(stop, "KILLED_WITHIN_SECONDS", 0.6)


@pytest.fixture(params=[True, False], ids=["with a store", "without one"])
def task(request: pytest.FixtureRequest, ionq_emulator: Emulator) -> FunctionTask:
    """Return a task whose first try has submitted a job that does not end, and has died."""
    task = FunctionTask(ionq_emulator, "triggerer", lambda: BELL, stored=request.param)
    dies_after_its_request(task)
    return task


def dies_after_its_request(task: FunctionTask) -> None:
    task.emulator.job_plan = []
    with pytest.raises(TaskDeferred):
        task.start()()
    assert task.jobs() == [("0.1", "submitted")]


def end_try(task: FunctionTask, ends: Callable[[FunctionTask], Any]) -> BaseException:
    """Run a try to its end, and return its error."""
    task.function = lambda: ends(task)
    try:
        error = task.finish(task.start()).error
    except BaseException as left:
        return left
    assert error is not None
    return error


@pytest.mark.parametrize("cleared", [False, True])
@pytest.mark.parametrize("case", FOR_GOOD)
def test_job_of_an_earlier_try_is_cancelled_if_no_other_try_follows(
    task: FunctionTask, case: str, cleared: bool, task_log: Callable[[], list[str]]
) -> None:
    if cleared:
        task.clear()
    end_try(task, FOR_GOOD[case])
    job_id = task.emulator.jobs()[0]["id"]
    if task.store is None and case == "it is killed":
        # There is no time to search for it.
        assert task.jobs() == [("0.1", "submitted")]
        assert "may have submitted" in "\n".join(task_log())
    else:
        assert task.jobs() == [("0.1", "canceled")]
        assert job_id in "\n".join(task_log())
    assert task.routes().count(POST) == 1


def test_job_of_an_earlier_try_is_cancelled_if_the_last_try_fails(task: FunctionTask) -> None:
    error = ZeroDivisionError("division by zero")
    while task.tries < task.max_tries:
        assert end_try(task, raises(error)) is error
        assert task.jobs() == [("0.1", "submitted")], "the next try could have continued with it"
    assert end_try(task, raises(error)) is error
    assert task.jobs() == [("0.1", "canceled")]


@pytest.mark.parametrize("case", FOR_GOOD)
def test_job_whose_answer_was_lost_is_searched_for(ionq_emulator: Emulator, case: str) -> None:
    task = FunctionTask(ionq_emulator, "triggerer", lambda: BELL)
    ionq_emulator.job_plan = []
    ionq_emulator.fail(500, route=POST, after_effect=True)
    ionq_emulator.fail(503, route=LIST, times=9, retry_after=0)
    assert task.try_once().state == "up_for_retry"
    ionq_emulator.clear_faults()
    end_try(task, FOR_GOOD[case])
    assert task.jobs() == [("0.1", "submitted" if case == "it is killed" else "canceled")]


@pytest.mark.parametrize("case", ["it fails", "it is killed"])
def test_job_that_outlives_its_task_is_named(
    ionq_emulator: Emulator, case: str, task_log: Callable[[], list[str]]
) -> None:
    task = FunctionTask(ionq_emulator, "triggerer", lambda: BELL, cancel_on_kill=False)
    dies_after_its_request(task)
    end_try(task, FOR_GOOD[case])
    assert task.jobs() == [("0.1", "submitted")]
    log = "\n".join(task_log())
    for fact in (ionq_emulator.jobs()[0]["id"], "without cancelling", "cancel_on_kill"):
        assert fact in log
    assert "equested" not in log


@pytest.mark.parametrize("cancel_on_kill", [True, False])
@pytest.mark.parametrize("cancel_on_timeout", [True, False])
def test_execution_timeout_in_the_function_decides_about_the_job_of_an_earlier_try(
    ionq_emulator: Emulator, cancel_on_timeout: bool, cancel_on_kill: bool
) -> None:
    options = {"cancel_on_timeout": cancel_on_timeout, "cancel_on_kill": cancel_on_kill}
    task = FunctionTask(ionq_emulator, "triggerer", lambda: BELL, **options)
    dies_after_its_request(task)
    end_try(task, raises(AirflowTaskTimeout("execution_timeout")))
    task.operator.on_kill()  # as Airflow does
    assert task.jobs() == [("0.1", "canceled" if cancel_on_timeout else "submitted")]


@pytest.mark.parametrize("fault", ["no connection", "refused"])
@pytest.mark.parametrize("case", ["it fails", "it is killed"])
def test_job_that_cannot_be_cancelled_is_named(
    task: FunctionTask, case: str, fault: str, monkeypatch: pytest.MonkeyPatch, task_log: Callable[[], list[str]]
) -> None:
    if fault == "no connection":
        monkeypatch.delenv("AIRFLOW_CONN_IONQ_DEFAULT")
    else:
        for route in (CANCEL, LIST):
            task.emulator.fail(403, route=route, times=20)
    error = end_try(task, FOR_GOOD[case])
    assert isinstance(error, AirflowFailException) or "killed" in str(error)
    log = "\n".join(task_log())
    assert "cost money" in log
    assert task.store is None or task.emulator.jobs()[0]["id"] in log


def test_job_that_has_ended_is_left_alone(task: FunctionTask) -> None:
    task.emulator.complete_job(task.emulator.jobs()[0]["id"])
    end_try(task, FOR_GOOD["it fails"])
    assert task.jobs() == [("0.1", "completed")]
    assert CANCEL not in task.routes()


@pytest.mark.parametrize("case", FOR_GOOD)
def test_first_try_asks_for_nothing(ionq_emulator: Emulator, case: str) -> None:
    task = FunctionTask(ionq_emulator, "triggerer", lambda: BELL)
    end_try(task, FOR_GOOD[case])
    assert task.routes() == []
