"""Waits that begin or end in the triggerer: the number of started workers, and the usual outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.facts import stating
from tests.system import logs

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator
    from tests.system.stack import AirflowStack, TaskInstance

SUCCEEDING = "without_worker"
FAILING = "failing_without_worker"
WORKER_STARTED = "::group::Pre Execute"
WORKERS = {"deferrable": 2, "start": 1, "params": 1, "end": 1, "start_and_end": 0}
ON_A_WORKER_BECAUSE = {
    "macro": "session_id | macros",
    "limited": "execution_timeout",
    "from_task": "session_id | another task",
    "mapped": "unmapped tasks",
}
WITHOUT_XCOM = {"end", "start_and_end", "mapped"}
FAILURES = {
    "unknown": ("failed", "404"),
    "unknown_soft": ("skipped", "404"),
    "refused": ("failed", "401"),
    "no_connection": ("failed", "ionq_is_not_there"),
    "never": ("failed", "status started | 12 s | 'created'"),
    "never_soft": ("skipped", "started"),
    "ended": ("failed", "ended without having been started"),
    "nothing": ("failed", "session_id | 'None'"),
}


@dataclass
class Ended:
    """What the runs left behind."""

    runs: dict[str, str]
    tasks: dict[str, TaskInstance]
    served: dict[str, Any]


@pytest.fixture(scope="module")
def ended(stack: AirflowStack, _emulator: Emulator) -> Ended:
    """Run both DAGs; the awaited session starts once every sensor of the first waits in the triggerer."""
    session_id, created_id, ended_id = (str(_emulator.create_session()["id"]) for _ in range(3))
    _emulator.end_session(ended_id)
    failing_conf = {"session_id": session_id, "created_id": created_id, "ended_id": ended_id, "nothing": None}
    runs = {
        SUCCEEDING: stack.trigger_dag(SUCCEEDING, {"session_id": session_id}),
        FAILING: stack.trigger_dag(FAILING, {**failing_conf, "unknown_id": "of-nobody"}),
    }
    sensors = len(WORKERS) + len(ON_A_WORKER_BECAUSE)

    def all_wait() -> bool:
        states = [item.state for item in stack.task_instances(SUCCEEDING, runs[SUCCEEDING])]
        return states.count("deferred") == sensors

    stack.wait_until(all_wait, 120, "every sensor to wait", lambda: logs.of_run(stack, SUCCEEDING, runs[SUCCEEDING]))
    _emulator.start_session(session_id)
    for dag_id, run_id in runs.items():
        stack.wait_for_run(dag_id, run_id, 120)
    tasks = {item.task_id: item for dag_id, run_id in runs.items() for item in stack.task_instances(dag_id, run_id)}
    return Ended(runs, tasks, _emulator.session(session_id))


def log_of(stack: AirflowStack, ended: Ended, task_id: str) -> str:
    dag_id = FAILING if task_id in FAILURES else SUCCEEDING
    return stack.task_log(dag_id, ended.runs[dag_id], task_id, ended.tasks[task_id].map_index)


@pytest.mark.parametrize("task_id", [*WORKERS, *ON_A_WORKER_BECAUSE])
def test_sensor_succeeds_in_its_first_try(stack: AirflowStack, ended: Ended, task_id: str) -> None:
    task = ended.tasks[task_id]
    assert (task.state, task.try_number) == ("success", 1), log_of(stack, ended, task_id)


@pytest.mark.parametrize("task_id", WORKERS)
def test_number_of_started_workers_is_as_expected(stack: AirflowStack, ended: Ended, task_id: str) -> None:
    assert log_of(stack, ended, task_id).count(WORKER_STARTED) == WORKERS[task_id]


@pytest.mark.parametrize("task_id", ON_A_WORKER_BECAUSE)
def test_log_says_why_a_worker_was_started(stack: AirflowStack, ended: Ended, task_id: str) -> None:
    log = log_of(stack, ended, task_id)
    assert len(stating(log.splitlines(), f"begins on a worker | {ON_A_WORKER_BECAUSE[task_id]}")) == 1
    assert log.count("begins on a worker") == 1


@pytest.mark.parametrize("task_id", [*WORKERS, *ON_A_WORKER_BECAUSE])
def test_session_is_pushed_unless_the_triggerer_ended_the_task(stack: AirflowStack, ended: Ended, task_id: str) -> None:
    rows = stack.query(
        "SELECT value FROM xcom WHERE dag_id = :dag AND run_id = :run AND task_id = :task AND key = 'return_value'",
        dag=SUCCEEDING,
        run=ended.runs[SUCCEEDING],
        task=task_id,
    )
    assert rows == ([] if task_id in WITHOUT_XCOM else [{"value": ended.served}])
    assert ("ends the task without an XCom" in log_of(stack, ended, task_id)) is (task_id in WITHOUT_XCOM)


@pytest.mark.parametrize("task_id", FAILURES)
def test_wait_without_success_ends_on_a_worker_without_a_retry(stack: AirflowStack, ended: Ended, task_id: str) -> None:
    state, says = FAILURES[task_id]
    task, log = ended.tasks[task_id], log_of(stack, ended, task_id)
    assert (task.state, task.try_number) == (state, 1), log
    assert stating(log.splitlines(), says), log
    assert log.count(WORKER_STARTED) == 1
