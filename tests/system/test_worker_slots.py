"""Deferred sensors hold no worker, and share one poll."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system import logs
from tests.system.conftest import PARALLELISM

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator
    from tests.system.stack import AirflowStack

pytestmark = pytest.mark.core

SENSORS = 20
INTERVAL_SECONDS = 3.0
POLLS = 5


def test_twenty_deferred_sensors_hold_no_worker_and_cost_one_request_per_interval(
    stack: AirflowStack, emulator: Emulator
) -> None:
    assert SENSORS > PARALLELISM
    session_ids = [str(emulator.create_session()["id"]) for _ in range(SENSORS)]
    run_id = stack.trigger_dag("many", {"session_ids": session_ids})

    def deferred() -> int:
        items = stack.task_instances("many", run_id)
        return sum(item.task_id == "wait" and item.state == "deferred" for item in items)

    stack.wait_until(
        lambda: deferred() == SENSORS, 180, "all sensors to be deferred", lambda: logs.of_run(stack, "many", run_id)
    )
    rows = stack.query("SELECT count(*) AS busy FROM task_instance WHERE state IN ('queued', 'running')")
    assert rows == [{"busy": 0}]

    emulator.clear_requests()
    stack.wait_until(lambda: len(emulator.requests) >= POLLS, POLLS * INTERVAL_SECONDS + 30, f"{POLLS} polls")
    polls = list(emulator.requests)
    assert {poll.route for poll in polls} == {"GET /sessions"}
    assert {poll.status for poll in polls} == {200}
    assert len({poll.peer for poll in polls}) == 1
    assert len(polls) <= (polls[-1].at - polls[0].at) / INTERVAL_SECONDS + 2

    ordinary = stack.trigger_dag("ordinary")
    stack.succeed("ordinary", ordinary, 60)
    assert deferred() == SENSORS

    for session_id in session_ids:
        emulator.start_session(session_id)
    stack.succeed("many", run_id, 180)
    for map_index, session_id in enumerate(session_ids):
        assert stack.xcom("many", run_id, "wait", map_index) == emulator.session(session_id)
