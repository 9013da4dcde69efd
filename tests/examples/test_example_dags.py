"""Every example DAG, run against the emulator."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ionq.emulator import Step
from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from tests.examples.dag_runs import EXAMPLES, run

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

__all__ = ["ionq_emulator"]


def test_example_wait_for_session_works(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1", plan=[Step("started", after_reads=2)])
    assert run("example_ionq_wait_for_session", session_id=session["id"]) == {
        "run": "success",
        "wait_for_session": "success",
        "report": "success",
        "look_again": "success",
        "print_status": "success",
    }


@pytest.mark.one_airflow
def test_example_fifty_waits_works(ionq_emulator: Emulator) -> None:
    for _ in range(50):
        session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
        ionq_emulator.end_session(session_id)
    assert run("example_ionq_fifty_waits") == {
        "run": "success",
        "newest_session_ids": "success",
        "wait": ["success"] * 50,
        "evaluate": "success",
    }


@pytest.mark.parametrize(
    ("step", "states"),
    [
        ("started", {"wait_for_session": "success", "in_session": "success", "on_simulator": "skipped"}),
        ("ended", {"wait_for_session": "skipped", "in_session": "skipped", "on_simulator": "success"}),
    ],
)
def test_example_optional_session_works(ionq_emulator: Emulator, step: str, states: dict[str, str]) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1", plan=[Step(step, after_reads=2)])
    ended = run("example_ionq_optional_session", session_id=session["id"])
    assert ended == {"run": "success", "choose": "success", **states}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("rehearse", [False, True])
def test_example_session_group_works(ionq_emulator: Emulator, fails: bool, rehearse: bool) -> None:
    if fails:
        ionq_emulator.fail_next_job("InvalidInput")
    states = run("example_ionq_session_group", rehearse=rehearse)
    # The order in which Airflow runs the instances of a mapped task differs from version to version.
    states["bell.run"] = sorted(states["bell.run"])
    sessions = ionq_emulator.sessions()
    if rehearse:
        assert sessions == []
    else:
        (session,) = sessions
        assert session["ended_at"] is not None
        assert session["settings"] == {"duration_limit_min": 60, "cost_limit": {"unit": "usd", "value": 500}}
    assert states == {
        "run": "failed" if fails else "success",
        "bell.begin": "success",
        "bell.create_session": "success",
        "bell.end_session": "success",
        "bell.run": sorted(["failed" if fails else "success", "success"]),
        "bell.report": "upstream_failed" if fails else "success",
        "bell.work_done": "success",
    }
    jobs = ionq_emulator.jobs()
    assert sorted(job["status"] for job in jobs) == sorted(["failed" if fails else "completed", "completed"])
    backend, session_id = ("simulator", None) if rehearse else ("qpu.forte-1", sessions[0]["id"])
    assert {(job["backend"], job["session_id"], job["shots"]) for job in jobs} == {
        (backend, session_id, shots) for shots in (100, 1000)
    }


@pytest.mark.parametrize("refused", [False, True])
def test_example_wait_for_capacity_works(ionq_emulator: Emulator, refused: bool) -> None:
    ionq_emulator.fail(409, route="POST /sessions", times=2)
    if refused:
        ionq_emulator.fail(401, route="POST /sessions")
    states = run("example_ionq_wait_for_capacity")
    assert [session["ended_at"] is None for session in ionq_emulator.sessions()] == ([] if refused else [False])
    after = "upstream_failed" if refused else "success"
    assert states == {
        "run": "failed" if refused else "success",
        "night.begin": "success",
        "night.create_session": "failed" if refused else "success",
        "night.campaign": after,
        "night.end_session": "skipped" if refused else "success",
        "night.work_done": after,
    }


def test_example_open_sessions_works(ionq_emulator: Emulator) -> None:
    sessions = [ionq_emulator.create_session()["id"] for _ in range(3)]
    ionq_emulator.end_session(sessions[0])
    assert run("example_ionq_open_sessions") == {"run": "success", "list_open": "success", "report": "success"}
    assert ionq_emulator.session(sessions[1])["ended_at"] is None


def test_example_crossed_registers_reads_each_bit_where_the_circuit_put_it(
    ionq_emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("qiskit_ionq")
    assert run("example_ionq_crossed_registers") == {"run": "success", "crossed": "success", "report": "success"}
    assert "all bits: {'0 10': 1000}, register low: {'10': 1000}" in capsys.readouterr().out
    assert [job["stats"]["qubits"] for job in ionq_emulator.jobs()] == [3]


def test_example_fifty_circuits_runs_one_job(
    ionq_emulator: Emulator, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert run("example_ionq_fifty_circuits") == {"run": "success", "scan": "success", "curve": "success"}
    types = Counter(job["type"] for job in ionq_emulator.jobs())
    assert types == {"ionq.multi-circuit.v1": 1, "ionq.circuit.v1": 50}
    # Where the task's log goes depends on the version of Airflow, and on what has run before.
    out = capsys.readouterr().out + caplog.text
    assert "share of ones: 50 values, first 0" in out
    assert "  and 34 more circuits" in out


@pytest.mark.parametrize("rehearse", [False, True])
def test_example_variational_loop_lowers_the_energy(
    ionq_emulator: Emulator, rehearse: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("qiskit_ionq")
    ionq_emulator.job_seconds = 0
    assert run("example_ionq_variational_loop", rehearse=rehearse) == {
        "run": "success",
        "ising.begin": "success",
        "ising.create_session": "success",
        "ising.end_session": "success",
        "ising.minimize": "success",
        "ising.work_done": "success",
    }
    jobs = [job for job in ionq_emulator.jobs() if job["type"] == "ionq.multi-circuit.v1"]
    backend, sessions = ("simulator", 0) if rehearse else ("qpu.forte-1", 1)
    assert [len(jobs), {job["backend"] for job in jobs}] == [30, {backend}]
    assert [session["ended_at"] is None for session in ionq_emulator.sessions()] == [False] * sessions
    ends = re.search(r"energy: 30 values, first (-[\d.]+), last (-[\d.]+)", capsys.readouterr().out)
    assert ends is not None
    # The ground state has the energy -4.76.
    assert float(ends[1]) > -2.5
    assert -4.8 < float(ends[2]) < -4.2


def test_every_example_is_run_here() -> None:
    source = Path(__file__).read_text()
    assert [path.stem for path in EXAMPLES if f'run("{path.stem}"' not in source] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_short_and_begins_with_its_story(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= (85 if path.stem == "example_ionq_variational_loop" else 60)
    for part in ("Situation: ", "You need: ", "You will see: "):
        assert f"\n\n{part}" in text
