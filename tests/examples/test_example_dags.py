"""Every example DAG and every README snippet runs against the emulator."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.settings import ClientSettings
from airflow_provider_ionq.emulator import Step
from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from airflow_provider_ionq.hooks.ionq import IonQHook

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
    folder.mkdir(parents=True, exist_ok=True)
    for path in EXAMPLES:
        shutil.copy(path, folder)
    for name in ("use_a_session", "work_in_a_session"):
        (folder / f"{name}.py").write_text(readme_block(f'with DAG("{name}"'))


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
    dag = next(value.dag for value in vars(module).values() if hasattr(getattr(value, "dag", None), "tasks"))
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


def test_example_wait_for_session_works(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1", plan=[Step("started", after_reads=2)])
    assert run("example_ionq_wait_for_session", session_id=session["id"]) == {
        "run": "success",
        "wait_for_session": "success",
        "report": "success",
        "look_again": "success",
        "print_status": "success",
    }


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
def test_example_session_group_works(ionq_emulator: Emulator, fails: bool) -> None:
    if fails:
        ionq_emulator.fail(400, route="POST /jobs")
    states = run("example_ionq_session_group")
    (session,) = ionq_emulator.sessions()
    assert session["ended_at"] is not None
    assert session["settings"] == {"duration_limit_min": 60, "cost_limit": {"unit": "usd", "value": 500}}
    inside = ["failed", "upstream_failed", "upstream_failed"] if fails else ["success"] * 3
    assert states == {
        "run": "failed" if fails else "success",
        "bell.begin": "success",
        "bell.create_session": "success",
        "bell.end_session": "success",
        **dict(zip(("bell.submit", "bell.wait", "bell.report"), inside, strict=True)),
        "bell.work_done": "success",
    }
    assert len(ionq_emulator.jobs()) == (0 if fails else 1)


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


def test_first_dag_of_the_readme_works(ionq_emulator: Emulator) -> None:
    assert run("work_in_a_session") == {
        "run": "success",
        "bell.begin": "success",
        "bell.create_session": "success",
        "bell.work": "success",
        "bell.end_session": "success",
        "bell.work_done": "success",
    }
    (session,) = ionq_emulator.sessions()
    assert session["ended_at"] is not None


def test_second_dag_of_the_readme_works(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1", plan=[Step("started", after_reads=2)])
    ended = run("use_a_session", session_id=session["id"])
    assert ended == {"run": "success", "wait_for_session": "success", "work": "success"}


def test_test_of_the_readme_works(ionq_emulator: Emulator) -> None:
    names: dict[str, Any] = {}
    exec(readme_block("def test_"), names)
    names["test_my_hook_survives_a_bad_minute"](ionq_emulator)


def test_imports_of_the_readme_work() -> None:
    names: dict[str, Any] = {}
    exec(readme_block("    IonQListSessionsOperator,\n"), names)
    assert {name for name in names if name.lower().startswith("ionq")} == {
        "IonQHook",
        "IonQCreateSessionOperator",
        "IonQEndSessionOperator",
        "IonQGetSessionOperator",
        "IonQListSessionsOperator",
        "IonQSessionSensor",
        "ionq_session",
    }


def test_connections_of_the_readme_work(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.findall(r"^export AIRFLOW_CONN_IONQ_DEFAULT='(.*)'$", README.read_text(), re.M)
    assert len(lines) == 2
    read = []
    for line in lines:
        monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", line)
        read.append(IonQHook().get_settings())
    assert read[0] == read[1] == ClientSettings(api_key="YOUR-KEY")


def test_every_example_is_run_here() -> None:
    source = Path(__file__).read_text()
    assert [path.stem for path in EXAMPLES if f'run("{path.stem}"' not in source] == []
    for path in EXAMPLES:
        assert len(path.read_text().splitlines()) <= 60
