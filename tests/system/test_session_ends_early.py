"""The session ends while its start is awaited."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.facts import stating
from tests.system import logs

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator
    from tests.system.stack import AirflowStack, TaskInstance

DAG_ID = "ends_early"
MODES = ("poke", "reschedule", "deferrable")
TASK_IDS = [f"{mode}_{kind}" for mode in MODES for kind in ("fails", "skips")]
INTERVAL_SECONDS = 3.0
SCHEDULING_SECONDS = 10.0
"""What Airflow may take to start a rescheduled task again."""


@dataclass
class Ended:
    """What a run left behind."""

    run_id: str
    session_ids: dict[str, str]
    ended_at: float
    tasks: dict[str, TaskInstance]
    looks_after_end: dict[str, list[float]]


@pytest.fixture(scope="module")
def ended(stack: AirflowStack, _emulator: Emulator) -> Ended:
    """Run the DAG, end each session once its sensor waits."""
    session_ids = {task_id: str(_emulator.create_session()["id"]) for task_id in TASK_IDS}
    run_id = stack.trigger_dag(DAG_ID, session_ids)
    waiting = {"running", "up_for_reschedule", "deferred"}

    def all_wait() -> bool:
        looks = Counter(request.session_id for request in _emulator.requests)
        states = {item.task_id: item.state for item in stack.task_instances(DAG_ID, run_id)}
        # A deferred task is looked at by the worker, and then by the triggerer.
        looked = all(looks[session_ids[task]] >= 1 + (state == "deferred") for task, state in states.items())
        return looked and states.keys() == session_ids.keys() and set(states.values()) <= waiting

    stack.wait_until(all_wait, 90, "every sensor to wait", lambda: logs.of_run(stack, DAG_ID, run_id))
    ended_at = time.time()
    for session_id in session_ids.values():
        _emulator.end_session(session_id)
    all_ended_at = time.time()
    stack.wait_for_run(DAG_ID, run_id, 90)
    looks = {
        task_id: [
            request.at for request in _emulator.requests if request.session_id == id_ and request.at > all_ended_at
        ]
        for task_id, id_ in session_ids.items()
    }
    tasks = {item.task_id: item for item in stack.task_instances(DAG_ID, run_id)}
    return Ended(run_id, session_ids, ended_at, tasks, looks)


@pytest.mark.parametrize("mode", MODES)
def test_sensor_fails_when_session_ends_before_it_starts(ended: Ended, mode: str) -> None:
    assert ended.tasks[f"{mode}_fails"].state == "failed"


@pytest.mark.parametrize("mode", MODES)
def test_sensor_with_soft_fail_is_skipped_when_session_ends_before_it_starts(ended: Ended, mode: str) -> None:
    assert ended.tasks[f"{mode}_skips"].state == "skipped"


@pytest.mark.parametrize("task_id", TASK_IDS)
def test_session_that_ends_early_uses_no_retry(stack: AirflowStack, ended: Ended, task_id: str) -> None:
    rows = stack.query(
        "SELECT try_number, max_tries FROM task_instance WHERE dag_id = :dag AND run_id = :run AND task_id = :task",
        dag=DAG_ID,
        run=ended.run_id,
        task=task_id,
    )
    assert rows == [{"try_number": 1, "max_tries": 3}], stack.task_log(DAG_ID, ended.run_id, task_id)


@pytest.mark.parametrize("task_id", TASK_IDS)
def test_first_poll_after_the_end_is_the_last_poll_and_comes_within_an_interval(ended: Ended, task_id: str) -> None:
    looks = ended.looks_after_end[task_id]
    assert len(looks) == 1
    assert looks[0] - ended.ended_at < INTERVAL_SECONDS + SCHEDULING_SECONDS


@pytest.mark.parametrize("task_id", TASK_IDS)
def test_task_log_names_the_reason_of_an_early_end(stack: AirflowStack, ended: Ended, task_id: str) -> None:
    log = stack.task_log(DAG_ID, ended.run_id, task_id)
    assert stating(log.splitlines(), f"{ended.session_ids[task_id]} | never | status started | status 'ended'"), log
