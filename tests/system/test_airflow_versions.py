"""On every Airflow version: sessions end after their work, jobs are submitted once, and neither are left running."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ionq.emulator import Emulator
from tests.system import logs
from tests.system.airflow2 import Airflow2Stack
from tests.system.job_rows import RUN, SUBMIT, JobRow
from tests.system.job_stories import run_marked_failed
from tests.system.row_play import play
from tests.system.row_scene import Scene
from tests.system.stack import FINAL_RUN_STATES, AirflowStack
from tests.system.stories import killed_when_asked

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DAG_FILES = [HERE / "dags" / "outlasts.py", HERE / "dags" / "refused_once.py", HERE / "dags" / "run_job.py"]
CURRENT = "3.3"
VERSIONS = ("2.11", "3.0", "3.1", "3.2", CURRENT)
OUTLASTS, GROUPS = "outlasts", ("a_failure", "a_skip", "the_first_to_succeed")
REFUSED, CREATE, END = "refused_once", "bell.create_session", "bell.end_session"
OVER = ("success", "failed", "skipped", "upstream_failed")
WITHIN_SECONDS = 300.0
DECISIONS = 3
"""So many times the scheduler comes back to a run before it is sure that it starts nothing more."""
JOBS = [
    # Before Airflow 3.3 only a worker learns that its task was stopped.
    JobRow("run marked failed", "job_waits_on_worker", run_marked_failed("running"), run="failed", jobs=("canceled",)),
    # The last to begin: what it waits for must not pass while a command of Airflow 2 triggers another run.
    JobRow("worker killed before the answer", "job_defers", killed_when_asked(RUN, SUBMIT), tries={RUN: 2}),
]


def python_of(version: str) -> str:
    """Return the interpreter of an environment with that Airflow."""
    if version == CURRENT:
        return sys.executable
    python = ROOT / f".venv-{version}" / "bin" / "python"
    if not python.exists():
        raise FileNotFoundError(f"Airflow {version} is not installed: run `make .venv-{version}/.installed`")
    return str(python)


@dataclass
class Played:
    """
    What became of the runs on one version.

    :param meanwhile: states of the tasks when nothing was left to do in the run but the slow work.
    :param tasks: its task instances in the end.
    :param refused: state of the run that was refused a session at first, after its failed tasks were cleared.
    :param opened: how many sessions were opened for that run.
    :param create_log: the log of the task that was refused one.
    :param left: ids of the sessions that have not ended.
    :param jobs: by the name of a row, how it did not end as it should; empty text if it did.
    :param evidence: what may tell why.
    """

    meanwhile: dict[str, str | None]
    tasks: dict[str, dict[str, Any]]
    refused: str
    opened: int
    create_log: str
    left: list[str]
    jobs: dict[str, str]
    evidence: str


class Runs:
    """
    A run of each DAG.

    :param hold: the file for as long as which the slow work goes on.
    """

    def __init__(self, stack: AirflowStack, hold: Path) -> None:
        self.stack = stack
        self.hold = hold
        self.hold.touch()
        self.ids = {dag_id: stack.trigger_dag(dag_id, {"hold": str(hold)}) for dag_id in (OUTLASTS, REFUSED)}
        self.meanwhile: dict[str, str | None] = {}
        self._decisions: set[Any] = set()

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Return the task instances of the run that has slow work."""
        rows = self.stack.query("SELECT * FROM task_instance WHERE run_id = :run", run=self.ids[OUTLASTS])
        return {row["task_id"]: row for row in rows}

    def go_on(self) -> None:
        """Wait until both have ended, clear what has failed of the one that was refused, and wait again."""
        self.wait()
        self.stack.clear_failed(REFUSED, self.ids[REFUSED])
        self.wait()

    def wait(self) -> None:
        """Wait until both have ended; let the slow work end when nothing else is left to do."""
        self.stack.wait_until(self._are_over, WITHIN_SECONDS, "the ends of the runs", self.evidence)

    def _are_over(self) -> bool:
        if self.hold.exists():
            self._let_go_if_idle()
        return all(self.stack.run_state(*run) in FINAL_RUN_STATES for run in self.ids.items())

    def _let_go_if_idle(self) -> None:
        tasks = self.tasks()
        if all(
            tasks[f"{group}.slow"]["state"] == "running" and tasks[f"{group}.after"]["state"] in OVER
            for group in GROUPS
        ):
            decided = "SELECT last_scheduling_decision FROM dag_run WHERE run_id = :run"
            self._decisions |= {
                row["last_scheduling_decision"] for row in self.stack.query(decided, run=self.ids[OUTLASTS])
            }
        if len(self._decisions) > DECISIONS:
            self.meanwhile = {task_id: row["state"] for task_id, row in tasks.items()}
            self.hold.unlink()

    def evidence(self) -> str:
        """Return what may tell why they did not go as they should."""
        return "\n".join(logs.of_run(self.stack, *run) for run in self.ids.items())


@pytest.fixture(scope="module")
def played(version: str, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Run the DAGs and the jobs at the same time, in an Airflow of that version."""
    kind = Airflow2Stack if version.startswith("2.") else AirflowStack
    with Emulator() as emulator, Emulator() as refusing:
        refusing.fail(400, route="POST /sessions")
        environment = {
            "AIRFLOW_CONN_IONQ_DEFAULT": emulator.airflow_connection,
            "AIRFLOW_CONN_IONQ_REFUSING": refusing.airflow_connection,
        }
        parallelism = 2 * len(GROUPS) + len(JOBS)
        with kind(DAG_FILES, environment=environment, parallelism=parallelism, python=python_of(version)) as stack:
            runs = Runs(stack, tmp_path_factory.mktemp("outlasts") / "hold")
            refused = (REFUSED, runs.ids[REFUSED])
            with ThreadPoolExecutor(1) as thread:
                going_on = thread.submit(runs.go_on)
                jobs = outcomes(stack, tmp_path_factory.mktemp("jobs"))
                going_on.result()
            sessions = [*emulator.sessions(), *refusing.sessions()]
            return Played(
                meanwhile=runs.meanwhile,
                tasks=runs.tasks(),
                refused=stack.run_state(*refused),
                opened=len(refusing.sessions()),
                create_log=stack.task_log(*refused, CREATE),
                left=[session["id"] for session in sessions if session["ended_at"] is None],
                jobs=jobs,
                evidence=runs.evidence(),
            )


def outcomes(stack: AirflowStack, folder: Path) -> dict[str, str]:
    """Play the rows of jobs; return what is wrong with each of them."""
    scenes = [Scene(row, stack, folder) for row in JOBS]
    try:
        play(stack, scenes, WITHIN_SECONDS)
        return {scene.row.name: outcome(scene) for scene in scenes}
    finally:
        for scene in scenes:
            scene.stop()


def outcome(scene: Scene) -> str:
    # Checked while there are logs: the tests are run when the Airflow is gone.
    try:
        scene.check()
    except AssertionError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("version", VERSIONS, scope="module")
@pytest.mark.parametrize("group", GROUPS)
def test_session_ends_after_the_last_of_its_work(played: Played, group: str) -> None:
    slow, end = (played.tasks[f"{group}.{name}"] for name in ("slow", "end_session"))
    meanwhile = played.meanwhile[f"{group}.end_session"]
    assert meanwhile is None, f"the end was {meanwhile} while work went on\n{played.evidence}"
    assert end["start_date"] >= slow["end_date"], played.evidence
    assert slow["state"] == end["state"] == "success", played.evidence


@pytest.mark.parametrize("version", VERSIONS, scope="module")
def test_no_session_is_created_when_only_the_failed_tasks_are_cleared(played: Played) -> None:
    assert played.opened == 0, played.evidence
    assert played.refused == "failed", played.evidence
    assert f"at least {CREATE} and {END}" in played.create_log


@pytest.mark.parametrize("version", VERSIONS, scope="module")
def test_no_session_is_left_open(played: Played) -> None:
    assert played.left == [], played.evidence


@pytest.mark.parametrize("version", VERSIONS, scope="module")
@pytest.mark.parametrize("name", [row.name for row in JOBS])
def test_job_is_submitted_once_and_not_left_running(played: Played, version: str, name: str) -> None:
    if version == "3.0" and name.startswith("worker killed"):
        pytest.skip("Airflow 3.0 fails a task whose process was killed, without a retry")
    assert played.jobs[name] == ""
