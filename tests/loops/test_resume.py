"""A loop of jobs is resumed by the next try of its task, and no job is paid twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.loops.runs import LoopTask

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

POST, LIST = "POST /jobs", "GET /jobs"


@pytest.fixture(params=[True, False], ids=["with a store", "without one"])
def stored(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def completed(*runs: int) -> list[tuple[int, int, str]]:
    """Return the completed jobs of runs, none of them after a clear."""
    return [(0, run, "completed") for run in runs]


def test_loop_submits_a_job_for_each_run_and_returns_results(ionq_emulator: Emulator, stored: bool) -> None:
    ionq_emulator.job_seconds = 0
    task = LoopTask(ionq_emulator, stored=stored)
    ending = task.try_once()
    assert ending.state == "success", ending.error
    assert task.jobs() == completed(1, 2, 3)
    assert [result["job_id"] for result in ending.value] == [job["id"] for job in ionq_emulator.jobs()]
    assert [set(result["probabilities"]) for result in ending.value] == [{"0", "1"}] * 3


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_no_run_is_paid_twice_wherever_the_process_dies(ionq_emulator: Emulator, stored: bool, after: bool) -> None:
    ionq_emulator.job_seconds = 0
    task = LoopTask(ionq_emulator, stored=stored)
    undisturbed = task.try_once()
    events, expected = task.process.events, [result["probabilities"] for result in undisturbed.value]
    assert events > 20
    for event in range(1, events + 1):
        for job in ionq_emulator.jobs():
            ionq_emulator.delete_job(job["id"])
        task = LoopTask(ionq_emulator, stored=stored)
        ending = task.run_to_the_end(dies_at=event, after=after)
        assert ending.state == "success", (event, ending.error)
        assert task.tries == 2
        assert task.jobs() == completed(1, 2, 3), event
        assert [result["probabilities"] for result in ending.value] == expected
