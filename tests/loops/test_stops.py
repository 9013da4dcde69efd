"""A loop whose task is stopped submits no further job, and leaves none running that nobody waits for."""

from __future__ import annotations

import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException, AirflowTaskTimeout
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_ionq.api.errors import IonQBudgetError, IonQCreateStoppedError, IonQError, IonQJobTimeoutError
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.loops import ionq_jobs
from tests.loops.runs import READ, LoopTask, rotation
from tests.support.facts import facts
from tests.support.stories import played

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from airflow_provider_ionq.emulator import Emulator
    from tests.jobs.runs import Ending
    from tests.support.stories import Story

POST, CANCEL = "POST /jobs", "PUT /jobs/{job_id}/status/cancel"


@pytest.fixture
def task(ionq_emulator: Emulator) -> LoopTask:
    """A task of which the job of the second run stays open."""
    ionq_emulator.job_seconds = 0
    task = LoopTask(ionq_emulator)

    def body(jobs: Any) -> Any:
        for number, angle in enumerate(task.angles, 1):
            task.emulator.job_seconds = None if number == 2 else 0
            jobs.run(rotation(angle))

    task.body = body
    return task


def interrupted(task: LoopTask, interrupt: Callable[[], object]) -> Ending:
    """Run a try, and call a function in the pause between two polls of an open job, as the handler of a signal does."""

    def waits() -> bool:
        jobs = task.emulator.jobs()
        reads = [one for one in task.emulator.requests if jobs and one.job_id == jobs[-1]["id"] and one.route == READ]
        return bool(jobs) and jobs[-1]["status"] == "submitted" and len(reads) > 2

    def story() -> Story:
        yield waits
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    def handle(_: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code.co_name == "_sleep":
            interrupt()
        else:
            signal.setitimer(signal.ITIMER_REAL, 0.001)

    before = signal.signal(signal.SIGALRM, handle)
    try:
        with played(story()):
            return task.try_once()
    finally:
        signal.signal(signal.SIGALRM, before)


def raise_(error: BaseException) -> Any:
    raise error


def test_killed_task_cancels_the_job_in_flight_and_is_no_success(task: LoopTask) -> None:
    seen = []

    def kill() -> None:
        task.operator.on_kill()
        # Airflow kills the process soon after.
        seen.append(task.jobs())

    ending = interrupted(task, kill)
    assert seen == [[(0, 1, "completed"), (0, 2, "canceled")]]
    assert ending.state == "up_for_retry"
    assert isinstance(ending.error, IonQCreateStoppedError)
    assert task.routes().count(POST) == 2
    assert task.operator.on_kills == 1


def test_killed_task_leaves_its_job_if_it_says_so(task: LoopTask, task_log: Callable[[], list[str]]) -> None:
    task.arguments["cancel_on_kill"] = False
    interrupted(task, lambda: task.operator.on_kill())
    assert task.jobs() == [(0, 1, "completed"), (0, 2, "submitted")]
    log = "\n".join(task_log())
    assert f"{task.emulator.jobs()[1]['id']} goes on" in log
    assert "equested" not in log


def test_task_that_goes_on_after_its_kill_submits_nothing_and_is_no_success(task: LoopTask) -> None:
    def body(jobs: Any) -> str:
        jobs.run(rotation(0.1))
        task.operator.on_kill()
        with pytest.raises(IonQError, match="being killed"):
            jobs.run(rotation(0.2))
        return "done"

    task.body = body
    ending = task.try_once()
    assert isinstance(ending.error, IonQCreateStoppedError)
    assert task.routes().count(POST) == 1


def test_kill_while_earlier_runs_are_read_again_cancels_the_open_job_of_a_later_one(task: LoopTask) -> None:
    task.angles = [0.1, 0.2, 0.3]
    task.die_in_flight(2)
    third = task.emulator.jobs()[2]["id"]

    def body(jobs: Any) -> None:
        jobs.run(rotation(0.1))
        task.operator.on_kill()

    task.body = body
    ending = task.try_once()
    assert isinstance(ending.error, IonQCreateStoppedError)
    assert {job["id"]: job["status"] for job in task.emulator.jobs()}[third] == "canceled"


def test_on_kill_is_the_operators_own_after_the_block(task: LoopTask) -> None:
    task.body = lambda jobs: jobs.run(rotation(0.1))
    task.try_once()
    requests = len(task.emulator.requests)
    task.operator.on_kill()
    assert task.operator.on_kills == 1
    assert len(task.emulator.requests) == requests
    assert "on_kill" not in vars(task.operator)


# Errors in the middle of a wait.


@pytest.mark.parametrize("last", [False, True], ids=["another try follows", "last try"])
@pytest.mark.parametrize(
    ("error", "is_retried"),
    [
        (ConnectionError("Airflow is away"), True),
        (IonQFailException("for good"), False),
        (AirflowSkipException("not today"), False),
        (AirflowTaskTimeout("execution_timeout"), False),
        (KeyboardInterrupt(), False),
        (SystemExit(1), False),
    ],
    ids=lambda one: None if isinstance(one, bool) else type(one).__name__,
)
def test_open_job_is_left_only_to_another_try(
    task: LoopTask, error: BaseException, is_retried: bool, last: bool
) -> None:
    if last:
        task.tries = task.max_tries
    try:
        interrupted(task, lambda: raise_(error))
    except BaseException as raised:
        assert raised is error  # noqa: PT017
    left = is_retried and not last
    assert task.jobs() == [(0, 1, "completed"), (0, 2, "submitted" if left else "canceled")]


def test_job_of_a_run_whose_failure_was_ignored_is_cancelled(task: LoopTask) -> None:
    def body(jobs: Any) -> None:
        task.emulator.job_seconds = None
        with pytest.raises(ConnectionError):
            jobs.run(rotation(0.1))
        task.emulator.job_seconds = 0
        jobs.run(rotation(0.2))

    task.body = body
    ending = interrupted(task, lambda: raise_(ConnectionError("Airflow is away")))
    assert ending.state == "success", ending
    assert task.jobs() == [(0, 1, "canceled"), (0, 2, "completed")]


def test_job_of_the_last_run_whose_failure_was_ignored_is_cancelled(task: LoopTask) -> None:
    def body(jobs: Any) -> None:
        task.emulator.job_seconds = None
        with pytest.raises(ConnectionError):
            jobs.run(rotation(0.1))

    task.body = body
    ending = interrupted(task, lambda: raise_(ConnectionError("Airflow is away")))
    assert ending.state == "success", ending
    assert task.jobs() == [(0, 1, "canceled")]


def test_job_that_does_not_end_in_time_is_cancelled(task: LoopTask) -> None:
    task.arguments["timeout"] = 0.2
    ending = task.try_once()
    assert ending.state == "failed"
    assert isinstance(ending.error, IonQFailException)
    assert isinstance(ending.error.reason, IonQJobTimeoutError)
    assert task.jobs() == [(0, 1, "completed"), (0, 2, "canceled")]


def test_permanent_error_cancels_the_open_job_of_a_later_run(task: LoopTask) -> None:
    usual = task.body
    task.angles = [0.1, 0.2, 0.3]
    task.die_in_flight(2)
    task.body = lambda jobs: jobs.run([])
    ending = task.try_once()
    assert ending.state == "failed"
    assert "Invalid job, run 1 of the loop" in ending.message
    assert task.jobs()[2] == (0, 3, "canceled")
    task.body = usual


# A process that no longer runs the task.


@pytest.mark.parametrize("stored", [True, False])
def test_process_without_a_supervisor_submits_no_further_job(ionq_emulator: Emulator, stored: bool) -> None:
    ionq_emulator.job_seconds = 0
    task = LoopTask(ionq_emulator, stored=stored)

    def body(jobs: Any) -> None:
        jobs.run(rotation(0.1))
        task.is_orphan = True
        jobs.run(rotation(0.2))

    task.body = body
    ending = task.try_once()
    assert isinstance(ending.error, BrokenPipeError)
    assert task.jobs() == [(0, 1, "completed")]
    task.is_orphan, task.body = False, lambda jobs: [jobs.run(rotation(angle)) for angle in (0.1, 0.2)]
    assert task.try_once().state == "success"
    assert task.jobs() == [(0, 1, "completed"), (0, 2, "completed")]


@pytest.mark.skipif(AIRFLOW_V_3_0_PLUS, reason="the supervisor tells")
@pytest.mark.parametrize("row", [{"state": "up_for_retry"}, {"state": "failed"}, {"try_number": 2}, {"job_id": 99}])
def test_process_of_airflow_2_that_no_longer_runs_the_task_submits_no_further_job(
    ionq_emulator: Emulator, row: dict[str, Any]
) -> None:
    ionq_emulator.job_seconds = 0
    task = LoopTask(ionq_emulator, stored=False)

    def body(jobs: Any) -> None:
        jobs.run(rotation(0.1))
        task.row = row
        jobs.run(rotation(0.2))

    task.body = body
    ending = task.try_once()
    assert isinstance(ending.error, IonQCreateStoppedError), ending
    assert task.jobs() == [(0, 1, "completed")]


def test_two_processes_of_a_task_pay_each_run_once(ionq_emulator: Emulator) -> None:
    """The supervisor of the first try dies while its process waits; the next try begins; then the job completes."""
    ionq_emulator.job_seconds = 0
    first, second = LoopTask(ionq_emulator), LoopTask(ionq_emulator)
    second.store, second.tries = first.store, 1

    def body(jobs: Any) -> None:
        jobs.run(rotation(0.1))
        ionq_emulator.job_seconds = None
        jobs.run(rotation(0.2))
        jobs.run(rotation(0.3))

    def next_try() -> None:
        # In the middle of the first one's wait.
        ionq_emulator.complete_job(ionq_emulator.jobs()[1]["id"])
        ionq_emulator.job_seconds = 0
        assert second.try_once().state == "success"
        first.is_orphan = True

    first.body = body
    ending = interrupted(first, next_try)
    assert isinstance(ending.error, BrokenPipeError)
    assert second.jobs() == [(0, 1, "completed"), (0, 2, "completed"), (0, 3, "completed")]


# Misuse.


def test_loop_outside_of_a_task_is_refused(ionq_emulator: Emulator) -> None:
    with pytest.raises(RuntimeError, match=facts("inside | running task")), ionq_jobs("simulator"):
        pass
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("names", [(None, None), ("a", "b"), ("1", None)])
def test_two_loops_of_a_task_have_jobs_of_their_own(
    ionq_emulator: Emulator, stored: bool, names: tuple[str | None, str | None]
) -> None:
    ionq_emulator.job_seconds = 0
    task = LoopTask(ionq_emulator, stored=stored)

    def loop(name: str | None) -> Any:
        with ionq_jobs(**task.arguments, name=name) as jobs:
            return jobs.run(rotation(0.1))["job_id"]

    task.body = lambda _: [*map(loop, names)]
    first = task.try_once().value
    assert len(set(first)) == 2
    assert task.try_once().value == first
    assert len(task.emulator.jobs()) == 2


def test_two_loops_of_a_task_with_the_same_name_are_refused(task: LoopTask) -> None:
    task.arguments["name"] = "energy"

    def loop(_: Any) -> None:
        with ionq_jobs(**task.arguments):
            pass

    task.body = loop
    ending = task.try_once()
    assert isinstance(ending.error, ValueError)
    assert re.search(facts("already | name | 'energy'"), ending.message)


def test_loop_can_be_entered_once(task: LoopTask) -> None:
    def body(jobs: Any) -> None:
        with jobs:
            pass

    task.body = body
    assert "has been run" in task.try_once().message


def test_job_outside_of_the_block_is_refused(task: LoopTask) -> None:
    ended: list[Any] = []
    task.body = ended.append
    task.try_once()
    for jobs in (ionq_jobs("simulator"), *ended):
        with pytest.raises(RuntimeError, match="only inside its block"):
            jobs.run(rotation(0.1))
        with pytest.raises(RuntimeError, match="only inside its block"):
            jobs.track("energy", 1.0)
    assert POST not in task.routes()


def test_run_in_another_thread_meanwhile_is_refused_before_its_job(task: LoopTask) -> None:
    loops: list[Any] = []
    usual = task.body

    def body(jobs: Any) -> None:
        loops.append(jobs)
        usual(jobs)

    task.body = body

    def run_too() -> None:
        with ThreadPoolExecutor(1) as pool:
            raise pool.submit(loops[0].run, rotation(0.9)).exception() or AssertionError

    ending = interrupted(task, run_too)
    assert isinstance(ending.error, RuntimeError)
    assert "one after the other" in ending.message
    assert task.routes().count(POST) == 2


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"cost_check": "guess"}, "cost_check | estimate, dry_run | guess"),
        ({"name": " "}, "name | text"),
        ({"curve_path": "curve.gif"}, "curve_path | .png | .svg | curve.gif"),
        ({"poke_interval": 0}, "poke_interval | seconds | 0"),
        ({"timeout": -1}, "timeout | seconds | -1"),
        ({"max_cost_usd": -1}, "max_cost_usd | US dollars | -1"),
    ],
)
def test_invalid_argument_is_refused(argument: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=facts(message)):
        ionq_jobs("simulator", **argument)


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        ([], "run 1 | list of circuits | empty"),
        ([{"gate": "sing", "target": 0}], "run 1 | sing"),
        (object(), "run 1 | circuit | Qiskit | object"),
        ("OPENQASM 2.0;", "run 1 | OpenQASM 2"),
    ],
)
def test_invalid_circuit_fails_the_task_without_a_retry(task: LoopTask, circuit: Any, message: str) -> None:
    task.body = lambda jobs: jobs.run(circuit)
    ending = task.try_once()
    assert ending.state == "failed"
    with pytest.raises(IonQFailException, match=facts(message)):
        raise ending.error or AssertionError
    assert POST not in task.routes()


def test_budget_error_fails_the_task_without_a_retry(task: LoopTask) -> None:
    task.arguments["max_cost_usd"] = 1
    ending = task.try_once()
    assert isinstance(ending.error, IonQFailException)
    assert isinstance(ending.error.reason, IonQBudgetError)
    assert POST not in task.routes()
