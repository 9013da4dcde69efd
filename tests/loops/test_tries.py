"""What a try of a task does with the jobs that earlier tries of its loop submitted."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import IonQJobFailedError, IonQNotReadableError
from airflow_provider_ionq.exceptions import IonQFailException
from tests.loops.runs import READ, LoopTask, rotation, without_retries
from tests.support.emulated import on_record
from tests.support.facts import facts, stating

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

POST, LIST, COST = "POST /jobs", "GET /jobs", "GET /jobs/{job_id}/cost"
ARTIFACT = "GET /jobs/{job_id}/artifacts/{artifact_id}"
CANCEL = "PUT /jobs/{job_id}/status/cancel"

pytestmark = pytest.mark.one_airflow


@pytest.fixture(params=[True, False], ids=["with a store", "without one"])
def stored(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def task(ionq_emulator: Emulator, stored: bool) -> LoopTask:
    ionq_emulator.job_seconds = 0
    return LoopTask(ionq_emulator, stored=stored)


def succeeds(task: LoopTask) -> list[Any]:
    """Run a try that succeeds; return the results."""
    ending = task.try_once()
    assert ending.state == "success", ending
    results: list[Any] = ending.value
    return results


def completed(*runs: int, clear: int = 0) -> list[tuple[int, int, str]]:
    """Return the completed jobs of runs."""
    return [(clear, run, "completed") for run in runs]


def fail_permanently(task: LoopTask, runs: int) -> None:
    """Run a try in which so many runs are completed, and which ends with an error of the user's own code."""

    def body(jobs: Any) -> None:
        for angle in task.angles[:runs]:
            jobs.run(rotation(angle))
        raise ConnectionError("the optimiser fails")

    usual, task.body = task.body, body
    assert task.try_once().state == "up_for_retry"
    task.body = usual


# A retry.


def test_completed_jobs_are_read_and_the_rest_is_submitted(task: LoopTask) -> None:
    fail_permanently(task, 2)
    before = [job["id"] for job in task.emulator.jobs()]
    results = succeeds(task)
    assert task.jobs() == completed(1, 2, 3)
    assert [result["job_id"] for result in results][:2] == before


def test_equal_circuits_at_different_places_are_different_jobs(task: LoopTask) -> None:
    task.angles = [0.4, 0.4, 0.4]
    first = succeeds(task)
    assert len({result["job_id"] for result in first}) == 3
    assert task.jobs() == completed(1, 2, 3)
    assert succeeds(task) == first
    assert task.jobs() == completed(1, 2, 3)


def test_job_in_flight_is_waited_for(task: LoopTask, task_log: Callable[[], list[str]]) -> None:
    task.die_in_flight(1)
    in_flight = task.emulator.jobs()[1]
    assert in_flight["status"] != "completed"
    task.emulator.complete_job(in_flight["id"])
    results = succeeds(task)
    assert results[1]["job_id"] == in_flight["id"]
    assert task.jobs() == completed(1, 2, 3)


def test_open_job_is_continued_with(task: LoopTask, task_log: Callable[[], list[str]]) -> None:
    task.die_in_flight(1)
    in_flight = task.emulator.jobs()[1]["id"]
    reads = task.routes().count(READ)

    def complete(request: Any) -> None:
        if request.job_id == in_flight and task.routes().count(READ) == reads + 2:
            task.emulator.complete_job(in_flight)

    on_record(task.emulator, complete)
    succeeds(task)
    assert task.jobs() == completed(1, 2, 3)
    assert stating(task_log(), f"{in_flight} | earlier try | continuing")


@pytest.mark.parametrize("code", ["InternalError", "SystemCancel"])
def test_job_that_failed_is_submitted_again(task: LoopTask, code: str) -> None:
    fail_permanently(task, 1)
    task.emulator.fail_next_job(code, "why")
    ending = task.try_once()
    assert ending.state == "up_for_retry"
    assert isinstance(ending.error, IonQJobFailedError)
    succeeds(task)
    assert task.jobs() == [(0, 1, "completed"), (0, 2, "failed"), (0, 2, "completed"), (0, 3, "completed")]


def test_job_that_can_never_complete_fails_the_task_without_a_retry(task: LoopTask) -> None:
    task.emulator.fail_next_job("InvalidInput", "why")
    ending = task.try_once()
    assert isinstance(ending.error, IonQFailException)
    assert isinstance(ending.error.reason, IonQJobFailedError)


@pytest.mark.parametrize("kind", ["500", "unreadable", "dropped"])
@pytest.mark.parametrize("place", [1, 2, 3])
def test_job_whose_answer_was_lost_is_found_by_its_token(task: LoopTask, kind: str, place: int) -> None:
    def body(jobs: Any) -> None:
        for number, angle in enumerate(task.angles, 1):
            if number == place:
                lose_answer(task.emulator, kind)
            jobs.run(rotation(angle))

    task.body = body
    assert task.try_once().state == "success"
    assert task.jobs() == completed(1, 2, 3)


@pytest.mark.parametrize("kind", ["500", "unreadable", "dropped"])
def test_job_whose_answer_was_lost_is_found_by_the_next_try(task: LoopTask, kind: str) -> None:
    def body(jobs: Any) -> None:
        jobs.run(rotation(task.angles[0]))
        lose_answer(task.emulator, kind)
        task.emulator.fail(503, route=LIST, times=1)
        jobs.run(rotation(task.angles[1]))

    usual, task.body = task.body, body
    ending = task.try_once()
    assert ending.state == "up_for_retry"
    assert isinstance(ending.error, IonQNotReadableError)
    task.body = usual
    succeeds(task)
    assert task.jobs() == completed(1, 2, 3)


def lose_answer(emulator: Emulator, kind: str) -> None:
    if kind == "500":
        emulator.fail(500, route=POST, after_effect=True)
    elif kind == "unreadable":
        emulator.fail(200, route=POST, after_effect=True, body="<html>")
    else:
        emulator.disturb("drop_after_read", route=POST)


def test_nothing_is_submitted_if_the_jobs_of_earlier_tries_cannot_be_listed(task: LoopTask) -> None:
    fail_permanently(task, 2)
    task.emulator.fail(503, route=LIST, times=9)
    ending = task.try_once()
    assert ending.state == "up_for_retry"
    assert re.search(facts("cannot be listed | no other"), ending.message)
    assert task.jobs() == completed(1, 2)


# Another way.


def test_loop_that_takes_another_way_is_told_once_and_goes_on_with_new_jobs(
    task: LoopTask, task_log: Callable[[], list[str]]
) -> None:
    task.angles = [0.1, 0.2, 0.3, 0.4]
    task.die_in_flight(3)
    second, in_flight = task.emulator.jobs()[1]["id"], task.emulator.jobs()[3]["id"]
    task.angles = [0.1, 0.9, 0.8, 0.7]
    results = succeeds(task)
    assert task.jobs() == [*completed(1, 2, 3), (0, 4, "canceled"), *completed(2, 3, 4)]
    assert results[0]["job_id"] == task.emulator.jobs()[0]["id"]
    log = task_log()
    assert len(stating(log, "another circuit")) == 1, "the warning, and the reason of the cancellation"
    assert stating(log, f"run 2 | {second} | another input")
    assert stating(log, f"Cancelling | {in_flight} | run 4 | earlier try")


def test_third_try_resumes_the_way_of_the_second(task: LoopTask, task_log: Callable[[], list[str]]) -> None:
    fail_permanently(task, 3)
    task.angles = [0.1, 0.9, 0.8]
    fail_permanently(task, 2)
    task_log()
    succeeds(task)
    assert task.jobs() == [*completed(1, 2, 3), *completed(2, 3)]
    assert "differs from an earlier try" in "\n".join(task_log())  # the third run is of the first way
    succeeds(task)
    assert len(task.jobs()) == 5
    assert "differs from an earlier try" not in "\n".join(task_log())


def test_run_that_did_not_change_is_read_although_an_earlier_one_did(task: LoopTask) -> None:
    first = succeeds(task)
    task.angles = [0.1, 0.9, 0.3]
    second = succeeds(task)
    assert [one["job_id"] for one in second][::2] == [one["job_id"] for one in first][::2]
    assert task.jobs() == completed(1, 2, 3, 2)


def test_open_job_of_a_run_to_which_the_loop_does_not_come_is_cancelled(task: LoopTask) -> None:
    task.die_in_flight(2)
    task.angles = task.angles[:1]
    succeeds(task)
    assert task.jobs() == [*completed(1, 2), (0, 3, "canceled")]


@pytest.mark.parametrize("argument", [{"shots": 200}, {"name": "renamed"}, {"backend": "simulator"}])
def test_jobs_with_other_arguments_are_new(task: LoopTask, argument: dict[str, Any]) -> None:
    succeeds(task)
    task.arguments |= argument
    succeeds(task)
    assert len(task.emulator.jobs()) == 6


# A clear.


def test_cleared_task_submits_all_jobs_anew_and_cancels_the_open_one_at_once(task: LoopTask) -> None:
    task.die_in_flight(2)
    task.clear()
    succeeds(task)
    assert task.jobs() == [*completed(1, 2), (0, 3, "canceled"), *completed(1, 2, 3, clear=task.tries - 1)]
    cancelled = task.routes().index(CANCEL)
    assert cancelled < [at for at, route in enumerate(task.routes()) if route == POST][3]


def test_cleared_task_reads_its_completed_jobs_again_if_it_says_so(task: LoopTask) -> None:
    task.arguments["reuse_on_clear"] = True
    first = succeeds(task)
    task.clear()
    assert succeeds(task) == first
    assert task.jobs() == completed(1, 2, 3)


def test_cleared_task_goes_on_with_its_open_job_if_it_says_so(task: LoopTask) -> None:
    task.arguments["reuse_on_clear"] = True
    task.die_in_flight(1)
    task.clear()
    task.emulator.complete_job(task.emulator.jobs()[1]["id"])
    succeeds(task)
    assert task.jobs() == [*completed(1, 2), (1, 3, "completed")]


def test_cleared_task_whose_request_has_an_unknown_outcome_cancels_its_job(task: LoopTask) -> None:
    task.emulator.job_seconds = None
    ending = task.try_once(dies_when=lambda: POST in task.routes())
    assert ending.state == "died"
    task.clear()
    task.emulator.job_seconds = 0
    succeeds(task)
    assert task.jobs() == [(0, 1, "canceled"), *completed(1, 2, 3, clear=1)]


def test_loop_resumes_after_a_clear_and_a_retry(task: LoopTask) -> None:
    succeeds(task)
    task.clear()
    fail_permanently(task, 2)
    succeeds(task)
    assert task.jobs() == [*completed(1, 2, 3), *completed(1, 2, 3, clear=1)]


# Results that cannot be read.


def test_completed_job_that_was_deleted_is_not_paid_again(task: LoopTask) -> None:
    if task.store is None:
        pytest.skip("nothing tells that there was a job")
    fail_permanently(task, 2)
    first = task.emulator.jobs()[0]["id"]
    task.emulator.delete_job(first)
    ending = task.try_once()
    assert ending.state == "failed"
    assert re.search(facts(f"{first} | earlier try | run 1 | not exist"), ending.message)
    assert task.jobs() == completed(2)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("status", [410, 404, 503])
def test_results_that_cannot_be_read_are_not_paid_again(task: LoopTask, status: int, again: bool) -> None:
    if again:
        fail_permanently(task, 2)
    task.emulator.fail(status, route=ARTIFACT, times=9)
    ending = task.try_once()
    (first, *_), paid = task.emulator.jobs(), task.jobs()
    assert re.search(facts(f"Run 1 | completed | {first['id']} | cannot be read"), ending.message)
    assert paid == completed(*range(1, 3 if again else 2))
    # Only what is gone stays so.
    assert ending.state == ("failed" if status == 410 else "up_for_retry")
    assert bool(re.search(facts("clear the task | without reuse_on_clear"), ending.message)) is (status == 410)
    task.emulator.clear_faults()
    succeeds(task)
    assert task.jobs() == completed(1, 2, 3)


# Requests.


@pytest.mark.parametrize("circuits", [1, 2])
def test_resume_lists_the_jobs_once_and_reads_the_results_of_each(task: LoopTask, circuits: int) -> None:
    number = 30

    def body(jobs: Any) -> list[Any]:
        each = [rotation(step / 10) for step in range(number)]
        return [jobs.run(one if circuits == 1 else [one] * circuits) for one in each]

    task.body = body
    first = succeeds(task)
    task.emulator.clear_requests()
    assert succeeds(task) == first
    counts = Counter(task.routes())
    lists = -(-number // 25) if task.store is not None else -(-number * (1 if circuits == 1 else 3) // 25)
    if circuits == 1:
        assert counts == {LIST: lists, ARTIFACT: number}
    else:
        # A list has no ids of the circuits: the job is read, and the jobs of its circuits are listed.
        assert counts == {LIST: lists + number, READ: number, ARTIFACT: counts[ARTIFACT]}
        assert counts[ARTIFACT] <= (1 + circuits) * number


def test_cost_of_each_job_is_read_once_a_try(task: LoopTask) -> None:
    task.arguments["max_cost_usd"] = 1000
    task.angles = [step / 10 for step in range(12)]
    fail_permanently(task, 10)
    assert Counter(task.routes())[COST] == 10
    task.emulator.clear_requests()
    succeeds(task)
    assert Counter(task.routes())[COST] == 12


def test_budget_holds_over_all_jobs_and_tries(task: LoopTask) -> None:
    price = 12.42
    task.arguments["max_cost_usd"] = 3 * price + 0.01
    task.angles = [0.1, 0.2, 0.3, 0.4]
    fail_permanently(task, 2)
    ending = task.try_once()
    assert ending.state == "failed"
    assert re.search(facts("earlier jobs | 37.26 | max_cost_usd | 37.27"), ending.message)
    assert task.jobs() == completed(1, 2, 3)
    task.clear()
    assert task.try_once().state == "failed"
    assert task.jobs() == [*completed(1, 2, 3), *completed(1, 2, 3, clear=2)]


def test_jobs_of_another_connection_are_another_way(
    task: LoopTask, monkeypatch: pytest.MonkeyPatch, task_log: Callable[[], list[str]]
) -> None:
    if task.store is None:
        pytest.skip("nothing tells with which connection the jobs were submitted")
    task.die_in_flight(1)
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", without_retries(task.emulator))
    task.arguments["ionq_conn_id"] = "other"
    succeeds(task)
    assert task.jobs() == [(0, 1, "completed"), (0, 2, "canceled"), *completed(1, 2, 3)]
    assert "with another Airflow connection" in "\n".join(task_log())


def test_rotated_key_is_used_from_the_next_run_on(task: LoopTask, monkeypatch: pytest.MonkeyPatch) -> None:
    def body(jobs: Any) -> None:
        jobs.run(rotation(0.1))
        task.emulator.api_key = "rotated"
        monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", without_retries(task.emulator))
        jobs.run(rotation(0.2))

    task.body = body
    assert task.try_once().state == "success"


CAUGHT: dict[str, Callable[[Emulator], None]] = {
    "a refused request": lambda emulator: emulator.fail(400, route=POST),
    "too many requests": lambda emulator: emulator.fail(429, route=POST, retry_after="0"),
    "an outage": lambda emulator: emulator.fail(503, route=POST, retry_after="0"),
    "a lost answer, and no list": lambda emulator: (
        emulator.disturb("drop_after_read", route=POST),
        emulator.fail(500, route=LIST, retry_after="0"),
    )[0],
    "a job that failed": lambda emulator: emulator.fail_next_job("InternalError"),
    "results that are not there yet": lambda emulator: emulator.fail(404, route=ARTIFACT),
    "results that cannot be read": lambda emulator: emulator.fail(503, route=ARTIFACT, retry_after="0"),
}


@pytest.mark.parametrize("case", CAUGHT)
def test_run_that_failed_has_the_same_place_when_it_is_repeated(
    task: LoopTask, ionq_emulator: Emulator, case: str
) -> None:
    errors: list[Exception] = []

    def body(jobs: Any) -> list[Any]:
        results: list[Any] = []
        for number, angle in enumerate(task.angles):
            if number == 1 and task.tries == 1:
                CAUGHT[case](ionq_emulator)
            while len(results) == number:
                try:
                    results.append(jobs.run(rotation(angle)))
                except Exception as error:  # noqa: PERF203
                    errors.append(error)
                    assert len(errors) < 10
        if task.tries == 1:
            raise ConnectionError("the optimiser fails")
        return results

    task.body = body
    assert task.try_once().state == "up_for_retry"
    assert errors
    paid = [job["id"] for job in ionq_emulator.jobs() if job["status"] == "completed"]
    assert len(paid) == 3
    assert [result["job_id"] for result in succeeds(task)] == paid


def test_other_circuit_after_a_failed_run_has_the_next_place(task: LoopTask, ionq_emulator: Emulator) -> None:
    def body(jobs: Any) -> list[Any]:
        ionq_emulator.fail_next_job("InvalidInput")
        with pytest.raises(IonQFailException):
            jobs.run(rotation(0.1))
        return [jobs.run(rotation(0.2)), jobs.run(rotation(0.2))]

    task.body = body
    assert len({result["job_id"] for result in succeeds(task)}) == 2
