"""The operator that runs a job: the same outcome on a worker and in the triggerer."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout, TaskDeferred

from airflow_provider_ionq.api.errors import (
    IonQBudgetError,
    IonQChangedInputError,
    IonQCreateStoppedError,
    IonQJobFailedError,
    IonQJobTimeoutError,
)
from airflow_provider_ionq.emulator import Emulator, Step
from airflow_provider_ionq.emulator.prices import Price
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.jobs.failure import RETRYABLE_CODES
from airflow_provider_ionq.operators.job import IonQRunJobOperator
from airflow_provider_ionq.operators.job_task import JOB_ID_KEY
from airflow_provider_ionq.utils.links import IonQJobLink
from tests.jobs.runs import MODES, Ending, JobTask
from tests.jobs.tasks import BELL, FLIP
from tests.jobs.test_summary import CODES
from tests.support.airflows import rows
from tests.support.facts import facts
from tests.support.stories import played
from tests.waiting.modes import trigger_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.stories import Story

pytestmark = pytest.mark.parametrize("mode", MODES)

QASM = "OPENQASM 3.0;\nqubit q;\n"
POST, CANCEL = "POST /jobs", "PUT /jobs/{job_id}/status/cancel"


def reason(ending: Ending, error_class: type[Any]) -> Any:
    """Return the error that a try without a retry describes."""
    assert ending.state == "failed", ending
    assert isinstance(ending.error, IonQFailException)
    assert isinstance(ending.error.reason, error_class)
    return ending.error.reason


def test_job_is_submitted_waited_for_and_returned(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = [Step("started", after_reads=2), Step("completed", after_reads=2)]
    task = JobTask(ionq_emulator, mode, name="Bell", shots=200, metadata={"a": "b"})
    ending = task.try_once()
    assert ending.state == "success", ending
    (job,) = ionq_emulator.jobs()
    summary = ending.value.pop("summary")
    assert {key: value for key, value in ending.value.items() if key != "child_job_ids"} == job
    assert summary["cost"] > 0
    assert summary["cost_unit"] == "usd"
    assert task.routes().count(POST) == 1
    assert task.xcoms[JOB_ID_KEY] == job["id"]
    assert task.xcoms[IonQJobLink.XCOM_KEY] == "https://cloud.ionq.com/jobs"
    assert ionq_emulator.job_body(job["id"])["shots"] == 200


def test_link_is_that_of_the_connection(ionq_emulator: Emulator, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = json.loads(ionq_emulator.airflow_connection)
    connection["extra"] = {"console_job_url": "https://console.example/{job_id}?x={job_id}"}
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", json.dumps(connection))
    task = JobTask(ionq_emulator, mode)
    assert task.try_once().state == "success"
    job_id = task.xcoms[JOB_ID_KEY]
    assert task.xcoms[IonQJobLink.XCOM_KEY] == f"https://console.example/{job_id}?x={job_id}"


# One code that Airflow retries, and one that it does not.
@pytest.mark.parametrize("code", rows(CODES, ("SystemCancel", "TooManyShots")))
def test_failed_job_fails_the_task_with_its_code(ionq_emulator: Emulator, mode: str, code: str) -> None:
    task = JobTask(ionq_emulator, mode)
    if code == "SomethingNew":
        ionq_emulator.job_plan = []

        def story() -> Story:
            yield task.polled(2)
            failure = {"status": "failed", "failure": {"code": code, "message": "why"}}
            ionq_emulator.update_job(ionq_emulator.jobs()[0]["id"], **failure)

        with played(story()):
            ending = task.try_once()
    else:
        ionq_emulator.fail_next_job(code, "why")
        ending = task.try_once()
    (job,) = ionq_emulator.jobs()
    for fact in (job["id"], "failed", code, "why"):
        assert fact in ending.message
    if code in RETRYABLE_CODES:
        assert ending.state == "up_for_retry"
        assert isinstance(ending.error, IonQJobFailedError)
    else:
        assert reason(ending, IonQJobFailedError).code == code


def test_job_that_somebody_cancels_fails_the_task_without_a_retry(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = [Step("canceled", after_reads=3)]
    ending = JobTask(ionq_emulator, mode).try_once()
    assert "has the status canceled" in ending.message
    assert reason(ending, IonQJobFailedError).code is None


def test_unknown_status_is_waited_out(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, mode)

    def story() -> Story:
        yield task.polled(2)
        ionq_emulator.update_job(ionq_emulator.jobs()[0]["id"], status="paused")
        yield task.polled(2)
        ionq_emulator.update_job(ionq_emulator.jobs()[0]["id"], status="completed")

    with played(story()):
        ending = task.try_once()
    assert ending.state == "success"


def test_change_of_the_predicted_wait_is_logged_once(
    ionq_emulator: Emulator, mode: str, task_log: Callable[[], list[str]]
) -> None:
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, mode)

    def story() -> Story:
        yield task.polled(2)
        for milliseconds in (7_000_000, 6_900_000, 100_000):
            ionq_emulator.update_job(ionq_emulator.jobs()[0]["id"], predicted_wait_time_ms=milliseconds)
            yield task.polled(2)
        ionq_emulator.complete_job(ionq_emulator.jobs()[0]["id"])

    with played(story()):
        assert task.try_once().state == "success"
    said = re.findall(r"predicted wait .*?(less than [0-9]+ \w+)", "\n".join(task_log()))
    assert list(dict.fromkeys(said))[-2:] == ["less than 2 h", "less than 5 min"]
    assert len(set(said)) <= 3


def test_retry_after_a_failure_of_the_service_submits_the_next_number(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.fail_next_job("SystemCancel", "later")
    task = JobTask(ionq_emulator, mode)
    assert task.try_once().state == "up_for_retry"
    assert task.try_once().state == "success"
    assert task.jobs() == [("0.1", "failed"), ("0.2", "completed")]


@pytest.mark.parametrize("stored", [True, False])
def test_retry_continues_with_the_job_of_a_crashed_try(ionq_emulator: Emulator, mode: str, stored: bool) -> None:
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, mode, stored=stored)
    step = task.start()
    try:
        # The process dies right after the submission.
        task.operator.creator(task.context).create()
    finally:
        del step
    ionq_emulator.complete_job(ionq_emulator.jobs()[0]["id"])
    ending = task.try_once()
    assert ending.state == "success"
    assert task.jobs() == [("0.1", "completed")]


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("argument", [{"retries": 1}, {"retries": 9}, {"timeout": 60}, {"name": "renamed"}])
def test_retry_continues_with_its_job_when_the_dag_file_was_edited(
    ionq_emulator: Emulator, mode: str, argument: dict[str, Any], stored: bool
) -> None:
    task = JobTask(ionq_emulator, mode, stored=stored)
    first = task.try_once().value
    task.arguments |= argument
    assert task.try_once().value["id"] == first["id"]
    assert task.jobs() == [("0.1", "completed")]


def test_cleared_task_submits_a_new_job(ionq_emulator: Emulator, mode: str) -> None:
    task = JobTask(ionq_emulator, mode)
    first = task.try_once().value
    task.clear()
    second = task.try_once().value
    assert first["id"] != second["id"]
    assert task.jobs() == [("0.1", "completed"), ("1.1", "completed")]


def test_cleared_task_reads_its_finished_job_again_if_it_says_so(ionq_emulator: Emulator, mode: str) -> None:
    task = JobTask(ionq_emulator, mode, reuse_on_clear=True)
    first = task.try_once().value
    task.clear()
    assert task.try_once().value["id"] == first["id"]
    assert task.jobs() == [("0.1", "completed")]


@pytest.mark.parametrize("on_changed_input", ["fail", "resubmit"])
def test_changed_input_on_a_retry(ionq_emulator: Emulator, mode: str, on_changed_input: str) -> None:
    task = JobTask(ionq_emulator, mode, on_changed_input=on_changed_input)
    first = task.try_once().value
    task.arguments["circuit"] = FLIP
    ending = task.try_once()
    if on_changed_input == "fail":
        assert reason(ending, IonQChangedInputError).job_id == first["id"]
        assert first["id"] in ending.message
        assert "Airflow connection" not in ending.message
        assert task.jobs() == [("0.1", "completed")]
    else:
        assert ending.state == "success"
        assert task.jobs() == [("0.1", "completed"), ("0.2", "completed")]


# Time-outs.


@pytest.mark.parametrize("cancel", [True, False])
def test_job_that_does_not_end_in_time_fails_the_task(ionq_emulator: Emulator, mode: str, cancel: bool) -> None:
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, mode, timeout=0.5, cancel_on_timeout=cancel)
    ending = task.try_once()
    reason(ending, IonQJobTimeoutError)
    (job,) = ionq_emulator.jobs()
    said = f"{job['id']} | not end | 0.5 s" + (" | cancelled" if cancel else " | not cancelled")
    assert re.search(facts(said), ending.message)
    assert job["status"] == ("canceled" if cancel else "submitted")


def test_job_that_completes_just_in_time_is_a_success(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = [Step("completed", after_seconds=0.45)]
    ending = JobTask(ionq_emulator, mode, timeout=0.5, poke_interval=10).try_once()
    assert ending.state == "success"
    assert ionq_emulator.jobs()[0]["status"] == "completed"


def test_cancellation_after_a_time_out_that_fails_says_so(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = []
    ionq_emulator.fail(403, route=CANCEL, times=9)
    ending = JobTask(ionq_emulator, mode, timeout=0.5).try_once()
    reason(ending, IonQJobTimeoutError)
    assert re.search(facts(f"{ionq_emulator.jobs()[0]['id']} | cost money"), ending.message)


# What ends before a submission.


PRICES: dict[str, tuple[dict[str, Any], Any, bool]] = {
    "within the budget": ({"max_cost_usd": 10}, Price(job_cost_minimum=10.0), True),
    "over the budget": ({"max_cost_usd": "9.99"}, Price(job_cost_minimum=10.0), False),
    "a dry run within the budget": ({"max_cost_usd": 10, "cost_check": "dry_run"}, Price(job_cost_minimum=10.0), True),
    "a dry run over the budget": ({"max_cost_usd": 9, "cost_check": "dry_run"}, Price(job_cost_minimum=10.0), False),
    "a program within the budget": ({"max_cost_usd": 10, "qasm": QASM}, Price(job_cost_minimum=10.0), True),
    "a program over the budget": ({"max_cost_usd": 9, "qasm": QASM}, Price(job_cost_minimum=10.0), False),
    "no price": ({"max_cost_usd": 1000}, None, False),
    "no price on the simulator": ({"max_cost_usd": 0, "backend": "simulator"}, None, True),
    "another unit": ({"max_cost_usd": 1000}, Price(job_cost_minimum=10.0, unit="credit"), False),
    "several circuits over the budget": (
        {"max_cost_usd": 15, "circuits": [BELL, FLIP]},
        Price(job_cost_minimum=10.0),
        False,
    ),
}


@pytest.mark.parametrize("name", rows(PRICES, ("within the budget", "over the budget")))
def test_job_is_submitted_only_within_its_budget(ionq_emulator: Emulator, mode: str, name: str) -> None:
    arguments, price, allowed = PRICES[name]
    ionq_emulator.prices = None if price is None else {"qpu.forte-1": price}
    task = JobTask(ionq_emulator, mode, **arguments)
    ending = task.try_once()
    jobs = [number for number, _ in task.jobs() if not number.endswith("dry")]
    if allowed:
        assert ending.state == "success", ending
        assert jobs == ["0.1"]
    else:
        reason(ending, IonQBudgetError)
        assert jobs == []
        assert "Airflow connection" not in ending.message


@pytest.mark.parametrize("stored", [True, False])
def test_paid_jobs_of_earlier_tries_count(ionq_emulator: Emulator, mode: str, stored: bool) -> None:
    ionq_emulator.prices = {"qpu.forte-1": Price(job_cost_minimum=10.0)}
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, mode, stored=stored, max_cost_usd=25)

    def story(job: int) -> Story:
        yield task.polled(2, job=job)
        ionq_emulator.fail_job(ionq_emulator.jobs()[job - 1]["id"], code="InternalError", cost_usd=10.0)

    for job in (1, 2):
        with played(story(job)):
            assert task.try_once().state == "up_for_retry"
    ending = task.try_once()
    reason(ending, IonQBudgetError)
    assert re.search(facts("earlier jobs | 20.00"), ending.message)
    assert task.jobs() == [("0.1", "failed"), ("0.2", "failed")]


def test_unreachable_estimate_submits_nothing_and_is_retried(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.fail(503, route="GET /jobs/estimate", times=9, retry_after=0)
    task = JobTask(ionq_emulator, mode, max_cost_usd=1000)
    assert task.try_once().state == "up_for_retry"
    assert task.jobs() == []


def test_session_that_has_ended_gets_no_job(ionq_emulator: Emulator, mode: str) -> None:
    session_id = ionq_emulator.create_session("qpu.forte-1")["id"]
    ionq_emulator.end_session(session_id)
    ending = JobTask(ionq_emulator, mode, session_id=session_id).try_once()
    assert ending.state == "failed"
    assert f"Session {session_id} has ended" in ending.message
    assert ionq_emulator.jobs() == []


def test_job_of_a_session_starts_it(ionq_emulator: Emulator, mode: str) -> None:
    session = ionq_emulator.create_session("qpu.forte-1")
    ending = JobTask(ionq_emulator, mode, session_id=session).try_once()
    assert ending.value["session_id"] == session["id"]


def test_rehearsal_runs_on_the_simulator(ionq_emulator: Emulator, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    session = ionq_emulator.create_session("qpu.forte-1")
    task = JobTask(ionq_emulator, mode, session_id=session, rehearse=True, max_cost_usd=0)
    ending = task.try_once()
    assert (ending.value["backend"], ending.value["session_id"]) == ("simulator", None)
    assert ending.value["noise"] == {"model": "forte-1"}
    assert ionq_emulator.session(session["id"])["status"] == "created"
    assert "GET /jobs/estimate" not in task.routes()


def test_dry_run_is_a_job_that_costs_nothing(ionq_emulator: Emulator, mode: str) -> None:
    task = JobTask(ionq_emulator, mode, dry_run=True)
    ending = task.try_once()
    assert ending.value["dry_run"] is True
    assert task.jobs() == [("0.1", "completed")]


def test_job_is_returned_without_a_wait(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, mode, wait_for_completion=False)
    ending = task.try_once()
    assert ending.value["status"] == "submitted"
    task.operator.on_kill()
    assert task.jobs() == [("0.1", "submitted")]


# Kills.


def interrupted(task: JobTask, interrupt: Callable[[], object]) -> Ending:
    """Run a try, and call a function in the middle of its wait on a worker, as the handler of a signal does."""

    def story() -> Story:
        yield task.polled(2)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, lambda *_: interrupt())
    try:
        with played(story()):
            return task.try_once()
    finally:
        signal.signal(signal.SIGALRM, before)


def kill_in_triggerer(task: JobTask) -> None:
    """Kill a try that is deferred, as Airflow 3.3 does."""
    with pytest.raises(TaskDeferred) as deferred:
        task.start()()
    trigger: Any = trigger_of(*deferred.value.trigger.serialize())
    asyncio.run(trigger.on_kill())


@pytest.mark.parametrize("cancel", [True, False])
def test_killed_task_cancels_its_job_and_is_no_success(
    ionq_emulator: Emulator, mode: str, cancel: bool, task_log: Callable[[], list[str]]
) -> None:
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, mode, cancel_on_kill=cancel)
    if mode == "triggerer":
        kill_in_triggerer(task)
    else:
        seen = []

        def kill() -> None:
            task.operator.on_kill()
            # Airflow kills the process soon after.
            seen.append(task.jobs())

        ending = interrupted(task, kill)
        assert seen == [[("0.1", "canceled" if cancel else "submitted")]]
        assert ending.state == "up_for_retry"
        assert isinstance(ending.error, IonQCreateStoppedError)
    assert task.jobs() == [("0.1", "canceled" if cancel else "submitted")]
    assert ("equested" in "\n".join(task_log())) is cancel


@pytest.mark.parametrize("last", [False, True], ids=["another try follows", "last try"])
def test_job_of_a_failed_try_is_cancelled_only_if_no_try_follows(
    ionq_emulator: Emulator, mode: str, last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode == "triggerer":
        pytest.skip("no process of the task waits")
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, mode)
    task.tries = task.max_tries if last else 0
    step = task.start()

    def supervisor_is_gone(seconds: float) -> None:
        raise BrokenPipeError("Broken pipe")

    monkeypatch.setattr(task.operator, "_sleep", supervisor_is_gone)
    assert isinstance(task.finish(step).error, BrokenPipeError)
    assert task.jobs() == [("0.1", "canceled" if last else "submitted")]
    if not last:
        ionq_emulator.complete_job(ionq_emulator.jobs()[0]["id"])
        assert task.try_once().state == "success"
        assert task.jobs() == [("0.1", "completed")]


def test_killed_task_is_no_success_even_if_its_job_completes(ionq_emulator: Emulator, mode: str) -> None:
    if mode == "triggerer":
        pytest.skip("no process of the task runs")
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, mode)

    def complete_and_kill() -> None:
        ionq_emulator.complete_job(ionq_emulator.jobs()[0]["id"])
        task.operator.on_kill()

    ending = interrupted(task, complete_and_kill)
    assert isinstance(ending.error, IonQCreateStoppedError)
    assert task.jobs() == [("0.1", "completed")]
    assert task.try_once().state == "success"
    assert task.jobs() == [("0.1", "completed")]


@pytest.mark.parametrize("cancel_on_kill", [True, False])
@pytest.mark.parametrize("cancel", [True, False])
@pytest.mark.parametrize("retried", [True, False])
def test_execution_timeout_cancels_the_job(
    ionq_emulator: Emulator, mode: str, cancel: bool, cancel_on_kill: bool, retried: bool
) -> None:
    if mode == "triggerer":
        pytest.skip("Airflow 3 does not apply it to the deferred time")
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, mode, cancel_on_timeout=cancel, cancel_on_kill=cancel_on_kill)

    def time_out() -> None:
        raise AirflowTaskTimeout("execution_timeout")

    if retried:
        task.arguments["deferrable"] = True
        with pytest.raises(TaskDeferred):
            task.start()()
        task.arguments["deferrable"] = False
    with pytest.raises(AirflowTaskTimeout):
        interrupted(task, time_out)
    task.operator.on_kill()  # as Airflow does
    assert task.jobs() == [("0.1", "canceled" if cancel else "submitted")]


# Events.


def test_event_of_another_job_is_refused(ionq_emulator: Emulator, mode: str) -> None:
    task = JobTask(ionq_emulator, mode)
    task.tries = 1
    for event in (
        None,
        {},
        {"job_id": "j-2", "job": None},
        {"job_id": "j-1"},
        {"job_id": "j-1", "job": {"id": "j-2", "status": "completed"}},
        {"session_id": "j-1", "session": None},
    ):
        with pytest.raises(ValueError, match="The task"):
            task.new_operator().execute_complete(task.context, event, job_id="j-1")
    assert task.routes() == []


@pytest.mark.parametrize("cancel", [True, False])
def test_job_is_cancelled_when_its_deferred_task_has_become_invalid(
    ionq_emulator: Emulator, mode: str, cancel: bool
) -> None:
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, "triggerer", cancel_on_kill=cancel)
    with pytest.raises(TaskDeferred):
        task.start()()
    (job,) = ionq_emulator.jobs()
    task.new_operator()
    task.operator.shots = 0
    event = {"job_id": job["id"], "job": None, "first_look": False, "remaining": None}
    with pytest.raises(IonQFailException, match="shots"):
        task.operator.execute_complete(task.context, event, job_id=job["id"])
    assert task.jobs() == [("0.1", "canceled" if cancel else "submitted")]


def test_job_that_cannot_be_cancelled_without_its_connection_is_named(
    ionq_emulator: Emulator, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, "triggerer")
    with pytest.raises(TaskDeferred):
        task.start()()
    (job,) = ionq_emulator.jobs()
    monkeypatch.delenv("AIRFLOW_CONN_IONQ_DEFAULT")
    event = {"job_id": job["id"], "job": None, "first_look": False, "remaining": None}
    with pytest.raises(IonQFailException, match=facts(f"{job['id']} | not cancelled | cost money")):
        task.new_operator().execute_complete(task.context, event, job_id=job["id"])


def test_deferred_task_knows_its_job_where_airflow_drops_the_arguments(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = []
    task = JobTask(ionq_emulator, "triggerer")
    with pytest.raises(TaskDeferred):
        task.start()()
    job_id = ionq_emulator.jobs()[0]["id"]
    ionq_emulator.complete_job(job_id)
    event = {"job_id": job_id, "job": None, "first_look": False, "remaining": None}
    for other in ({**event, "job_id": "j-2"}, event | {"job_id": None}):
        with pytest.raises(ValueError, match="The task"):
            task.new_operator().resume_execution("execute_complete", {"event": other}, task.context)
    result = task.new_operator().resume_execution("execute_complete", {"event": event}, task.context)
    assert result["id"] == job_id


def test_task_defers_only_if_it_is_deferrable(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = [Step("completed", after_reads=5)]
    task = JobTask(ionq_emulator, mode)
    step = task.start()
    if mode == "triggerer":
        with pytest.raises(TaskDeferred):
            step()
    else:
        assert step()["status"] == "completed"


# Arguments.


def test_template_files_are_read(ionq_emulator: Emulator, mode: str, tmp_path: Path) -> None:
    (tmp_path / "bell.json").write_text(json.dumps({"circuit": BELL}))
    (tmp_path / "flip.qasm").write_text(QASM)
    sources: dict[str, Any] = {"circuit": "bell.json", "circuits": ["bell.json", "bell.json"], "qasm": "flip.qasm"}
    for name, source in sources.items():
        task = JobTask(ionq_emulator, mode, **{name: source}, task_id=f"run_{name}")
        operator = task.operator
        operator.get_dag().template_searchpath = [str(tmp_path)]  # type: ignore[union-attr]
        operator.resolve_template_files()
        operator.render_template_fields({})
        task.tries = 1
        operator.deferrable = False
        assert operator.execute(task.context)["status"] == "completed"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"circuit": None}, "one of circuit, circuits and qasm | none"),
        ({"circuits": [BELL]}, "one of circuit, circuits and qasm | circuit and circuits"),
        ({"circuits": "{{ x }}"}, "one of circuit, circuits and qasm | circuit and circuits"),
        ({"circuit": [{"gate": "cx"}]}, "circuit[0] | gate cx | not exist"),
        ({"circuit": "{{ x }}", "shots": 0}, "shots | 0"),
        ({"circuit": "bell.json", "metadata": {"a": 1}}, "metadata | text to text"),
        ({"backend": ""}, "backend | name of a device"),
        ({"noise": "forte-1"}, "noise | simulator"),
        ({"max_cost_usd": -1}, "max_cost_usd | US dollars | 0 | -1"),
        ({"session_max_cost_usd": "many"}, "session_max_cost_usd | US dollars | many"),
        ({"cost_check": "guess"}, "cost_check | estimate, dry_run | guess"),
        ({"on_changed_input": "ignore"}, "on_changed_input | fail, resubmit | ignore"),
        ({"poke_interval": 0}, "poke_interval | seconds | 0"),
        ({"timeout": -1}, "timeout | seconds | -1"),
    ],
)
def test_invalid_argument_is_refused_when_the_dag_is_parsed(mode: str, arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=facts(f"Task 'run' | {problem}")):
        IonQRunJobOperator(**{"task_id": "run", "backend": "qpu.forte-1", "circuit": BELL, **arguments})


@pytest.mark.parametrize(
    "arguments",
    [
        {"backend": "{{ params.backend }}", "noise": "forte-1"},
        {"circuit": "{{ params.circuit }}", "qubits": 1, "gateset": "native"},
        {"circuit": "bell.json"},
        {"circuit": [{"gate": "rx", "target": 0, "rotation": "{{ params.theta }}"}]},
        {"circuit": "{{ a }}", "qasm": "{{ b }}"},
        {"circuit": None, "circuits": ["bell.json", BELL]},
        {"circuit": None, "qasm": "bell.qasm"},
        {"metadata": {"run": "{{ run_id }}"}, "shots": "{{ params.shots }}", "max_cost_usd": "{{ params.usd }}"},
        {"rehearse": True, "noise": "aria-1"},
    ],
)
def test_template_is_not_checked_when_the_dag_is_parsed(mode: str, arguments: dict[str, Any]) -> None:
    IonQRunJobOperator(**{"task_id": "run", "backend": "qpu.forte-1", "circuit": BELL, **arguments})


def test_rendered_argument_that_is_invalid_fails_without_a_retry(ionq_emulator: Emulator, mode: str) -> None:
    task = JobTask(ionq_emulator, mode, shots="{{ params.shots }}")
    step = task.start()
    task.operator.shots = "many"
    ending = task.finish(step)
    assert ending.state == "failed"
    assert re.search(facts("Invalid job | shots | many"), ending.message)
    assert ionq_emulator.requests == []
