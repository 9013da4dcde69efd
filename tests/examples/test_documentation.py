"""What README and docs show: every Python snippet is run, and what they quote exists."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import airflow_provider_ionq
from airflow_provider_ionq.__main__ import ionq_parser
from airflow_provider_ionq.api.settings import ClientSettings
from airflow_provider_ionq.emulator import Step
from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from airflow_provider_ionq.hooks.ionq import IonQHook
from tests.examples.dag_runs import dags_folder, run
from tests.support.pages import PAGES, ROOT, Snippet, snippets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.emulator import Emulator

__all__ = ["ionq_emulator"]

# The example DAGs show on every Airflow that such DAGs run.
pytestmark = pytest.mark.one_airflow

CONNECTION = re.compile(r"^export AIRFLOW_CONN_IONQ_DEFAULT='(.*)'$", re.M)

COMMAND = re.compile(r"^(?:airflow ionq|python -m airflow_provider_ionq) (.+)$", re.M)
COMMANDS = sorted({line for page in PAGES for line in COMMAND.findall(page.read_text())})


SNIPPETS = list(snippets())
DAGS = [snippet for snippet in SNIPPETS if snippet.is_dag]
TESTS = [snippet for snippet in SNIPPETS if "def test_" in snippet.code]
IMPORTS = [snippet for snippet in SNIPPETS if snippet not in DAGS + TESTS]


@pytest.mark.parametrize("snippet", DAGS, ids=str)
def test_every_dag_succeeds_and_leaves_no_session_of_its_own_open(snippet: Snippet, ionq_emulator: Emulator) -> None:
    awaited = ionq_emulator.create_session(backend="qpu.forte-1", plan=[Step("started", after_reads=2)])["id"]
    # A plain task polls its job at the interval of a device.
    ionq_emulator.job_seconds = 0.0
    conf = {"session_id": awaited, "job_id": ionq_emulator.submit_job(backend="simulator")["id"]}
    for library, package in (("qiskit", "qiskit_ionq"), ("cirq", "cirq_ionq")):
        if re.search(rf"\b(?:import|from) {library}\b", snippet.code):
            pytest.importorskip(package)
    path = dags_folder() / f"{snippet.page}_{snippet.line}.py"
    files = {path.name: snippet.code, **snippet.files}
    for name, text in files.items():
        (dags_folder() / name).write_text(text)
    try:
        states = run(path.stem, **{name: value for name, value in conf.items() if f"params.{name}" in snippet.code})
    finally:
        for name in files:
            (dags_folder() / name).unlink()
    assert set(states.values()) == {"success"}
    created = [session for session in ionq_emulator.sessions() if session["id"] != awaited]
    assert [session["ended_at"] is not None for session in created] == (
        [True] if "ionq_session(" in snippet.code else []
    )


@pytest.mark.parametrize("snippet", TESTS, ids=str)
def test_every_test_passes(snippet: Snippet, ionq_emulator: Emulator) -> None:
    names: dict[str, Any] = {}
    exec(snippet.code, names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test(ionq_emulator)


@pytest.mark.parametrize("snippet", IMPORTS, ids=str)
def test_every_import_works(snippet: Snippet) -> None:
    names: dict[str, Any] = {}
    exec(snippet.code, names)
    assert set(names) - {"__builtins__"}


@pytest.mark.parametrize("page", ["README", "sessions", "jobs", "results", "circuits", "loops", "waiting", "emulator"])
def test_pages_that_show_python_have_snippets_that_are_found(page: str) -> None:
    assert page in {snippet.page for snippet in SNIPPETS}


@pytest.mark.parametrize(
    ("page", "number"), [("README.md", 1), ("docs/connection.md", 2)], ids=["README", "connection"]
)
def test_every_connection_means_the_same(page: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = CONNECTION.findall((ROOT / page).read_text())
    assert len(lines) == number
    for line in lines:
        monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", line)
        assert IonQHook().get_settings() == ClientSettings(api_key="YOUR-KEY")


def test_the_readme_names_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    pages = {path.name for path in PAGES[1:]} - {"index.md"}
    assert pages == set(re.findall(r"`([\w-]+\.md)`", readme)) - {"CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one_of_the_command_line(line: str) -> None:
    assert ionq_parser().parse_args(shlex.split(line)).func


def test_pages_that_show_commands_have_commands_that_are_found() -> None:
    assert {tuple(line.split()[:2]) for line in COMMANDS} == {
        *(("sessions", command) for command in ("list", "show", "end")),
        *(("jobs", command) for command in ("list", "show", "cancel")),
    }


def test_messages_that_the_recovery_table_quotes_exist() -> None:
    quoted = re.findall(r"\*(?:\.\.\. )?([^*|]+?)(?: \.\.\.)?\*", (ROOT / "docs" / "recovery.md").read_text())
    assert len(quoted) == 13
    package = Path(airflow_provider_ionq.__file__).parent
    texts = [text for path in package.rglob("*.py") for text in message_texts(path)]
    assert [words for words in quoted if not any(words in text for text in texts)] == []


def message_texts(path: Path) -> Iterator[str]:
    """Yield the string literals of a module, those of an f-string joined."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_path_that_a_page_names_exists(path: Path) -> None:
    named = set(re.findall(r"`((?:tests|docs|example_dags)/[\w/.-]+)`", path.read_text()))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_module_that_the_architecture_page_names_exists() -> None:
    package = Path(airflow_provider_ionq.__file__).parent
    rooms = "|".join(path.parent.name for path in package.glob("*/__init__.py"))
    named = set(re.findall(rf"`((?:{rooms})/[\w*]+\.py)`", (ROOT / "docs" / "architecture.md").read_text()))
    assert len(named) > 20
    assert [name for name in sorted(named) if not list(package.glob(name))] == []
