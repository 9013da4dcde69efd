"""A loop of jobs is resumed by the next try of its task, and no job is paid twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.jobs import session_budget
from tests.loops.runs import LoopTask

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

POST, LIST = "POST /jobs", "GET /jobs"


pytestmark = pytest.mark.one_airflow


@pytest.fixture(params=[True, False], ids=["with a store", "without one"])
def stored(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def completed(*runs: int) -> list[tuple[int, int, str]]:
    """Return the completed jobs of runs, none of them after a clear."""
    return [(0, run, "completed") for run in runs]


def delete_jobs(emulator: Emulator) -> None:
    for job in emulator.jobs():
        if job.get("parent_job_id") is None:
            emulator.delete_job(job["id"])


def test_loop_submits_a_job_for_each_run_and_returns_results(ionq_emulator: Emulator, stored: bool) -> None:
    ionq_emulator.job_seconds = 0
    task = LoopTask(ionq_emulator, stored=stored)
    ending = task.try_once()
    assert ending.state == "success", ending.error
    assert task.jobs() == completed(1, 2, 3)
    assert [result["job_id"] for result in ending.value] == [job["id"] for job in ionq_emulator.jobs()]
    assert [set(result["probabilities"]) for result in ending.value] == [{"0", "1"}] * 3


PRICE_USD = 12.42
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "with a budget": {"max_cost_usd": 3 * PRICE_USD + 0.01},
    "with a session": {"session_max_cost_usd": 3 * PRICE_USD + 0.01},
    "with dry runs": {"max_cost_usd": 3 * PRICE_USD + 0.01, "cost_check": "dry_run"},
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_run_is_paid_twice_wherever_the_process_dies(
    ionq_emulator: Emulator, stored: bool, kind: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_budget, "SETTLE_SECONDS", 0.0)
    ionq_emulator.job_seconds = 0

    def new_task() -> LoopTask:
        delete_jobs(ionq_emulator)
        arguments = dict(KINDS[kind])
        if "session_max_cost_usd" in arguments:
            arguments["session_id"] = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
        return LoopTask(ionq_emulator, stored=stored, **arguments)

    task = new_task()
    undisturbed = task.try_once()
    assert undisturbed.state == "success", undisturbed
    expected = [result["probabilities"] for result in undisturbed.value]
    for event in range(1, task.process.events + 1):
        task = new_task()
        ending = task.run_to_the_end(dies_at=event, after=after)
        assert ending.state == "success", (event, ending.error)
        assert task.tries == 2
        assert task.jobs() == completed(1, 2, 3), event
        assert [result["probabilities"] for result in ending.value] == expected


@pytest.mark.parametrize("circuits", [1, 2])
def test_no_run_is_paid_twice_wherever_the_process_that_resumes_dies(
    ionq_emulator: Emulator, stored: bool, circuits: int
) -> None:
    events = 1
    while True:
        delete_jobs(ionq_emulator)
        task = LoopTask(ionq_emulator, stored=stored)
        task.circuits = circuits
        task.die_in_flight(1)
        (in_flight,) = [job["id"] for job in ionq_emulator.jobs() if job["status"] == "submitted"][:1]
        ionq_emulator.complete_job(in_flight)
        died = task.try_once(dies_at=events)
        if died.state == "success":
            break
        assert task.run_to_the_end().state == "success"
        assert task.jobs() == completed(1, 2, 3), events
        events += 1
    assert events > 10
