"""The example DAGs behave in a real Airflow as their docstrings say."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests.support.facts import stating
from tests.system import logs
from tests.system.conftest import EXAMPLES

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator
    from tests.system.stack import AirflowStack

RUN_WITHIN_SECONDS = 120
FIFTY = 50
FIFTY_WITHIN_SECONDS = 300
WAIT = "example_ionq_wait_for_session"
OPTIONAL = "example_ionq_optional_session"
MANY = "example_ionq_fifty_waits"
GROUP = "example_ionq_session_group"
CAPACITY = "example_ionq_wait_for_capacity"
OPEN = "example_ionq_open_sessions"
REGISTERS = "example_ionq_crossed_registers"
CIRCUITS = "example_ionq_fifty_circuits"
LOOP = "example_ionq_variational_loop"
STEPS = 30


def wait_until_deferred(stack: AirflowStack, dag_id: str, run_id: str, task_id: str, count: int = 1) -> None:
    """Wait until so many instances of a task are deferred at the same time."""

    def all_deferred() -> bool:
        states = [item.state for item in stack.task_instances(dag_id, run_id) if item.task_id == task_id]
        return states == ["deferred"] * count

    stack.wait_until(all_deferred, RUN_WITHIN_SECONDS, f"{task_id} to wait", lambda: logs.of_run(stack, dag_id, run_id))


def wait_until_asked_by_triggerer(emulator: Emulator, stack: AirflowStack, session_id: str) -> None:
    """Wait until the session was looked at by the worker and then by the triggerer."""
    stack.wait_until(
        lambda: sum(request.session_id == session_id for request in emulator.requests) >= 2,
        RUN_WITHIN_SECONDS,
        "the triggerer to ask",
    )


def test_every_example_is_run_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {
        WAIT,
        OPTIONAL,
        MANY,
        GROUP,
        CAPACITY,
        OPEN,
        REGISTERS,
        CIRCUITS,
        LOOP,
    }


def test_waiting_for_a_session_and_using_its_json(stack: AirflowStack, emulator: Emulator) -> None:
    session_id = str(emulator.create_session()["id"])
    run_id = stack.trigger_dag(WAIT, {"session_id": session_id})
    wait_until_deferred(stack, WAIT, run_id, "wait_for_session")
    wait_until_asked_by_triggerer(emulator, stack, session_id)
    emulator.start_session(session_id)
    stack.succeed(WAIT, run_id, RUN_WITHIN_SECONDS)
    session = emulator.session(session_id)
    told = f"Session {session_id} runs on {session['backend']} since {session['started_at']}."
    assert stack.xcom(WAIT, run_id, "report") == told
    assert stack.xcom(WAIT, run_id, "look_again") == session
    assert "Now it is started." in stack.task_log(WAIT, run_id, "print_status")


@pytest.mark.parametrize(
    ("becomes", "wait", "runs", "skipped"),
    [("started", "success", "in_session", "on_simulator"), ("ended", "skipped", "on_simulator", "in_session")],
)
def test_optional_session_decides_the_branch(
    stack: AirflowStack, emulator: Emulator, becomes: str, wait: str, runs: str, skipped: str
) -> None:
    session_id = str(emulator.create_session()["id"])
    run_id = stack.trigger_dag(OPTIONAL, {"session_id": session_id})
    wait_until_deferred(stack, OPTIONAL, run_id, "wait_for_session")
    wait_until_asked_by_triggerer(emulator, stack, session_id)
    {"started": emulator.start_session, "ended": emulator.end_session}[becomes](session_id)
    stack.succeed(OPTIONAL, run_id, RUN_WITHIN_SECONDS)
    states = {item.task_id: item.state for item in stack.task_instances(OPTIONAL, run_id)}
    assert states == {"wait_for_session": wait, "choose": "success", runs: "success", skipped: "skipped"}


def test_fifty_waits_end_with_their_sessions(stack: AirflowStack, emulator: Emulator) -> None:
    created = [str(emulator.create_session()["id"]) for _ in range(FIFTY)]
    for session_id in created[: FIFTY // 2]:
        emulator.start_session(session_id)
    run_id = stack.trigger_dag(MANY)
    wait_until_deferred(stack, MANY, run_id, "wait", FIFTY)
    for session_id in created:
        emulator.end_session(session_id)
    stack.succeed(MANY, run_id, FIFTY_WITHIN_SECONDS)
    waited_for = stack.xcom(MANY, run_id, "newest_session_ids")
    assert sorted(waited_for) == sorted(created)
    assert stack.xcom(MANY, run_id, "evaluate") == FIFTY // 2


def newest_session(emulator: Emulator) -> dict[str, Any]:
    """Return the session that was created last."""
    return emulator.sessions()[-1]


def check_bell_pairs(counts: list[dict[str, int]]) -> None:
    """Check the counts of 100 and of 1,000 shots: mostly equal bits."""
    assert [sum(one.values()) for one in counts] == [100, 1000]
    for one in counts:
        assert one["00"] + one["11"] > 0.9 * sum(one.values())


def test_a_session_is_created_started_by_a_job_and_ended(stack: AirflowStack, emulator: Emulator) -> None:
    run_id = stack.trigger_dag(GROUP)
    stack.succeed(GROUP, run_id, RUN_WITHIN_SECONDS)
    session = newest_session(emulator)
    assert sorted(job["shots"] for job in emulator.jobs(session["id"])) == [100, 1000]
    check_bell_pairs(stack.xcom(GROUP, run_id, "bell.report"))
    assert "1,000 shots, measured counts, bit 0 rightmost" in stack.task_log(GROUP, run_id, "bell.run", 1)
    assert stack.xcom(GROUP, run_id, "bell.end_session") == session
    assert session["ended_at"] is not None


def test_a_rehearsal_runs_on_the_simulator_and_creates_no_session(stack: AirflowStack, emulator: Emulator) -> None:
    sessions = len(emulator.sessions())
    run_id = stack.trigger_dag(GROUP, {"rehearse": True})
    stack.succeed(GROUP, run_id, RUN_WITHIN_SECONDS)
    assert len(emulator.sessions()) == sessions
    check_bell_pairs(stack.xcom(GROUP, run_id, "bell.report"))
    assert stack.xcom(GROUP, run_id, "bell.end_session")["id"] == "rehearsal:qpu.forte-1"
    assert stating(stack.task_log(GROUP, run_id, "bell.create_session").splitlines(), "Rehearsal | no session")


def test_a_session_is_waited_for_without_a_worker_until_there_is_capacity(
    stack: AirflowStack, emulator: Emulator
) -> None:
    others = str(emulator.create_session("qpu.forte-1")["id"])
    # Other tests leave sessions open.
    taken = [session for session in emulator.sessions() if session["backend"] == "qpu.forte-1"]
    emulator.capacity = {"qpu.forte-1": sum(session["ended_at"] is None for session in taken)}
    try:
        run_id = stack.trigger_dag(CAPACITY)
        wait_until_deferred(stack, CAPACITY, run_id, "night.create_session")
        emulator.end_session(others)
        stack.succeed(CAPACITY, run_id, RUN_WITHIN_SECONDS)
    finally:
        emulator.capacity = None
    session = newest_session(emulator)
    assert stack.xcom(CAPACITY, run_id, "night.campaign") == f"ran in {session['id']}"
    assert session["ended_at"] is not None


def test_open_sessions_are_reported_and_stay_open(stack: AirflowStack, emulator: Emulator) -> None:
    session_id = str(emulator.create_session("simulator")["id"])
    run_id = stack.trigger_dag(OPEN)
    stack.succeed(OPEN, run_id, RUN_WITHIN_SECONDS)
    assert any(line.startswith(f"{session_id} on simulator since") for line in stack.xcom(OPEN, run_id, "report"))
    assert emulator.session(session_id)["ended_at"] is None
    emulator.end_session(session_id)


def test_a_circuit_of_qiskit_is_read_in_its_own_registers(stack: AirflowStack, emulator: Emulator) -> None:
    run_id = stack.trigger_dag(REGISTERS)
    stack.succeed(REGISTERS, run_id, RUN_WITHIN_SECONDS)
    told = "all bits: {'0 10': 1000}, register low: {'10': 1000}"
    assert stack.xcom(REGISTERS, run_id, "report") == told


def test_fifty_circuits_run_in_one_job(stack: AirflowStack, emulator: Emulator) -> None:
    run_id = stack.trigger_dag(CIRCUITS)
    stack.succeed(CIRCUITS, run_id, RUN_WITHIN_SECONDS)
    ones = stack.xcom(CIRCUITS, run_id, "curve")
    assert [len(ones), ones[0] < 0.2, ones[24] > 0.8, ones[-1] < 0.2] == [50, True, True, True]
    sent = [request.route for request in emulator.requests if request.method == "POST"]
    assert sent == ["POST /jobs"]


def test_a_loop_whose_worker_is_killed_goes_on_with_the_next_step(stack: AirflowStack, emulator: Emulator) -> None:
    def paid() -> int:
        return sum(job["type"] == "ionq.multi-circuit.v1" for job in emulator.jobs())

    before, seconds = paid(), emulator.job_seconds
    emulator.job_seconds = 0
    try:
        run_id = stack.trigger_dag(LOOP)
        of_run = functools.partial(logs.of_run, stack, LOOP, run_id)
        stack.wait_until(lambda: paid() - before >= STEPS // 3, RUN_WITHIN_SECONDS, "a third of the loop", of_run)
        query = "SELECT pid FROM task_instance WHERE run_id = :run AND task_id = 'ising.minimize'"
        (row,) = stack.query(query, run=run_id)
        psutil.Process(row["pid"]).kill()
        stack.succeed(LOOP, run_id, RUN_WITHIN_SECONDS)
    finally:
        emulator.job_seconds = seconds
    assert paid() - before == STEPS
    log = stack.task_log(LOOP, run_id, "ising.minimize")
    assert "jobs submitted and" in log
    assert f"energy: {STEPS} values" in log
    assert -4.8 < stack.xcom(LOOP, run_id, "ising.minimize") < -4.2
    assert newest_session(emulator)["ended_at"] is not None
