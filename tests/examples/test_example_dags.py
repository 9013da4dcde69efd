"""Every example DAG, run from its file against the emulator."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Step
from airflow_provider_ionq.emulator.fixtures import ionq_emulator

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

__all__ = ["ionq_emulator"]

EXAMPLES = sorted((Path(__file__).parents[2] / "example_dags").glob("*.py"))


@pytest.fixture(scope="session", autouse=True)
def _database() -> None:
    from airflow.utils.db import initdb

    initdb()


def load(name: str) -> Any:
    (path,) = [path for path in EXAMPLES if path.stem == name]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dag = module.wait.dag
    for task in dag.tasks:
        if hasattr(task, "partial_kwargs"):
            task.partial_kwargs.update({"poke_interval": 0.1} if "poke_interval" in task.partial_kwargs else {})
        elif hasattr(task, "poke_interval"):
            task.poke_interval = 0.1
    return dag


def run(name: str, **conf: Any) -> dict[str, Any]:
    """Run an example to its end; return the states of its tasks, and of a mapped one the set of them."""
    dag_run = load(name).test(run_conf=conf)
    states: dict[str, Any] = {}
    for task_instance in dag_run.get_task_instances():
        state = str(getattr(task_instance.state, "value", task_instance.state))
        if task_instance.map_index >= 0:
            states.setdefault(task_instance.task_id, []).append(state)
        else:
            states[task_instance.task_id] = state
    return {"run": str(getattr(dag_run.state, "value", dag_run.state)), **states}


def test_wait_for_session(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1", plan=[Step("started", after_reads=2)])
    assert run("example_ionq_wait_for_session", session_id=session["id"]) == {
        "run": "success",
        "wait_for_session": "success",
        "report": "success",
        "look_again": "success",
        "print_status": "success",
    }


def test_fifty_waits(ionq_emulator: Emulator) -> None:
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
def test_optional_session(ionq_emulator: Emulator, step: str, states: dict[str, str]) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1", plan=[Step(step, after_reads=2)])
    ended = run("example_ionq_optional_session", session_id=session["id"])
    assert ended == {"run": "success", "choose": "success", **states}


def test_every_example_is_run_here() -> None:
    tested = {"example_ionq_wait_for_session", "example_ionq_fifty_waits", "example_ionq_optional_session"}
    assert {path.stem for path in EXAMPLES} == tested
    for path in EXAMPLES:
        assert len(path.read_text().splitlines()) <= 60
