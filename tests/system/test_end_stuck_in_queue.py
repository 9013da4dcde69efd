"""No worker takes the end task of a session: Airflow fails the task, and the open session is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.system import logs
from tests.system.row_play import play
from tests.system.row_scene import Scene
from tests.system.rows import END, Row, Story
from tests.system.stack import AirflowStack

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
WITHIN_SECONDS = 300.0


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file for as long as which the workers are busy."""
    file = tmp_path_factory.mktemp("busy") / "busy"
    file.touch()
    return file


@pytest.fixture(scope="module")
def busy_stack(busy: Path) -> Iterator[AirflowStack]:
    """Return an Airflow that gives the end of a session to no worker, and fails it once it was queued for too long."""
    variables = {
        "AIRFLOW__CORE__EXECUTOR": "tests.system.busy_executor.BusyExecutor",
        "AIRFLOW__SCHEDULER__NUM_STUCK_IN_QUEUED_RETRIES": "0",
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "1",
        "IONQ_TEST_BUSY": str(busy),
        "PYTHONPATH": str(HERE.parent.parent),
    }
    with AirflowStack([HERE / "dags" / "leak.py"], environment=variables) as stack:
        yield stack


def queued_for_an_hour(scene: Scene) -> Story:
    """Make the end look as if it had been queued for an hour: with a shorter time-out slow workers would fail too."""
    yield scene.task(END, "queued")
    scene.stack.change(
        "UPDATE task_instance SET queued_dttm = queued_dttm - interval '1 hour'"
        " WHERE run_id = :run AND task_id = :task",
        run=scene.run_id,
        task=END,
    )


@pytest.fixture(scope="module")
def failed(busy_stack: AirflowStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Play a run whose end is failed without having run."""
    scene = Scene(Row("end without a worker", story=queued_for_an_hour), busy_stack, tmp_path_factory.mktemp("leak"))
    play(busy_stack, [scene], WITHIN_SECONDS)
    assert scene.task(END, "failed")(), scene.evidence()
    yield scene
    scene.stop()


def test_callback_names_the_open_session_and_the_task_to_clear(busy_stack: AirflowStack, failed: Scene) -> None:
    (left,) = failed.open_sessions()
    assert failed.log(END) == "", "no worker has it, so the task's own log is empty"

    def said() -> str:
        files = [path for path in busy_stack.log_folder.rglob("*.log") if "tasks" not in path.parts]
        lines = [line for path in files for line in path.read_text(errors="replace").splitlines()]
        return "\n".join(line for line in lines if left in line)

    busy_stack.wait_until(lambda: END in said(), 60, "the callback", lambda: logs.of_components(busy_stack))
    for words in ("qpu.forte-1", "60 minutes after its creation", f"clear task {END}", failed.run_id):
        assert words in said()


def test_clearing_what_the_callback_names_ends_the_session(busy: Path, busy_stack: AirflowStack, failed: Scene) -> None:
    busy.unlink(missing_ok=True)
    failed.clear(END)
    busy_stack.succeed(failed.row.dag_id, failed.run_id, WITHIN_SECONDS)
    assert failed.open_sessions() == []
