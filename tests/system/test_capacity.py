"""Fifty tasks in a real Airflow wait for one slot on a device: one request per interval, the oldest first."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.system import logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.emulator import Emulator
    from tests.system.stack import AirflowStack

DAG_ID = "queue_for_capacity"
BACKEND = "qpu.forte-enterprise-1"
TASKS = 50
FREED = 5
INTERVAL_SECONDS = 10.0
QUIET_SECONDS = 40.0
CREATE = "POST /sessions"
LIST = "GET /sessions"


@pytest.fixture
def others(emulator: Emulator) -> Iterator[str]:
    """Take the device's only place; free it, and all that came after, in the end."""
    emulator.capacity = {BACKEND: 1}
    yield str(emulator.create_session(BACKEND)["id"])
    emulator.capacity = None
    for session in emulator.sessions():
        if session["backend"] == BACKEND:
            emulator.end_session(session["id"])


def waiting(stack: AirflowStack) -> dict[str, float]:
    """Return the runs whose task is deferred, and since when each has waited."""
    rows = stack.query(
        "SELECT run_id, next_kwargs FROM task_instance WHERE dag_id = :dag AND state = 'deferred'", dag=DAG_ID
    )
    return {row["run_id"]: float(plain(row["next_kwargs"])["since"]) for row in rows}


def plain(value: Any) -> Any:
    """Take Airflow's serialization off a dictionary."""
    value = json.loads(value) if isinstance(value, str) else value
    return value.get("__var", value)


def asked(emulator: Emulator) -> int:
    """Return how many workers have asked for a session."""
    return sum(request.route == CREATE for request in emulator.requests)


def open_sessions(emulator: Emulator) -> list[str]:
    """Return the ids of the backend's sessions that have not ended."""
    return [s["id"] for s in emulator.sessions() if s["backend"] == BACKEND and s["ended_at"] is None]


def test_each_free_slot_serves_the_oldest_waiter(stack: AirflowStack, emulator: Emulator, others: str) -> None:
    def evidence() -> str:
        return f"waiting: {len(waiting(stack))}\n{logs.of_components(stack)}"

    for _ in range(TASKS):
        stack.trigger_dag(DAG_ID)
    stack.wait_until(lambda: len(waiting(stack)) == TASKS, 300, "all tasks to be deferred", evidence)
    since = waiting(stack)

    before, began = len(emulator.requests), time.monotonic()
    stack.wait_until(lambda: time.monotonic() - began > QUIET_SECONDS, 2 * QUIET_SECONDS, "some intervals to pass")
    elapsed = time.monotonic() - began
    quiet = emulator.requests[before:]
    # The triggerer polls over one connection, while each worker has its own.
    (_, polls), *workers = Counter(request.peer for request in quiet).most_common()
    assert {request.route for request in quiet} <= {LIST, CREATE}
    assert polls <= elapsed / INTERVAL_SECONDS + 1
    assert len(workers) <= 2 * 2, "only the oldest asks again, after a pause that doubles: two connections each time"

    order = sorted(since, key=since.__getitem__)
    held = others
    for run_id in order[:FREED]:
        launches = asked(emulator)
        emulator.end_session(held)
        stack.wait_until(lambda: len(open_sessions(emulator)) == 1, 120, "somebody to be served", evidence)
        (held,) = open_sessions(emulator)
        stack.succeed(DAG_ID, run_id, 60)
        assert stack.xcom(DAG_ID, run_id, "create")["id"] == held
        assert 1 <= asked(emulator) - launches <= 2
    assert len(waiting(stack)) >= TASKS - FREED - 1

    for run_id in order[FREED:]:
        stack.api.patch(f"/dags/{DAG_ID}/dagRuns/{run_id}", {"state": "failed"})
