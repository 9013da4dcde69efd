"""Every example DAG, and what the README shows, run against the emulator."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Step
from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.settings import ClientSettings

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

__all__ = ["ionq_emulator"]

README = Path(__file__).parents[2] / "README.md"
EXAMPLES = sorted((Path(__file__).parents[2] / "example_dags").glob("*.py"))


@pytest.fixture(scope="session", autouse=True)
def _airflow_with_the_examples() -> None:
    """Make a database, and a DAG folder with the examples and the README's DAG: `dag.test` looks them up there."""
    from airflow.configuration import conf
    from airflow.utils.db import initdb

    initdb()
    folder = Path(conf.get_mandatory_value("core", "dags_folder"))
    folder.mkdir(parents=True)
    for path in EXAMPLES:
        shutil.copy(path, folder)
    (folder / "use_a_session.py").write_text(readme_block("with DAG("))


def readme_block(part: str) -> str:
    """Return the README's Python block with this in it."""
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.S) if part in block]
    return str(block)


def load(name: str) -> Any:
    from airflow.configuration import conf

    path = Path(conf.get_mandatory_value("core", "dags_folder")) / f"{name}.py"
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


def test_the_readmes_dag(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1", plan=[Step("started", after_reads=2)])
    ended = run("use_a_session", session_id=session["id"])
    assert ended == {"run": "success", "wait_for_session": "success", "work": "success"}


def test_the_readmes_test(ionq_emulator: Emulator) -> None:
    names: dict[str, Any] = {}
    exec(readme_block("def test_"), names)
    names["test_my_hook_survives_a_bad_minute"](ionq_emulator)


def test_the_readmes_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.findall(r"^export AIRFLOW_CONN_IONQ_DEFAULT='(.*)'$", README.read_text(), re.M)
    assert len(lines) == 2
    read = []
    for line in lines:
        monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", line)
        read.append(IonQHook().get_settings())
    assert read[0] == read[1] == ClientSettings(api_key="YOUR-KEY")


def test_every_example_is_run_here() -> None:
    tested = {"example_ionq_wait_for_session", "example_ionq_fifty_waits", "example_ionq_optional_session"}
    assert {path.stem for path in EXAMPLES} == tested
    for path in EXAMPLES:
        assert len(path.read_text().splitlines()) <= 60
