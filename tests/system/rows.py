"""Rows of the leak table: each a run of a DAG with an IonQ API of its own, a story of what happens, and its end."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]
import pytest

from airflow_provider_ionq.emulator import Emulator
from tests.system import logs
from tests.system.stack import FINAL_RUN_STATES, SECONDS_BETWEEN_LOOKS, StackError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.stack import AirflowStack

BEGIN, CREATE, WORK = "bell.begin", "bell.create_session", "bell.work"
WORK_DONE, END = "bell.work_done", "bell.end_session"
POST, LIST, READ = "POST /sessions", "GET /sessions", "GET /sessions/{session_id}"
POST_END = "POST /sessions/{session_id}/end"
UNFINISHED = {None, "scheduled", "queued", "running", "restarting", "up_for_retry", "up_for_reschedule", "deferred"}
TIMEOUT_SECONDS = 2
ENDED_WITHIN_SECONDS = 900.0
HELD_SECONDS = 8.0
KILLED_SECONDS = 2.5
"""Airflow kills for good 5 s after it asked a task to end."""

Story = Iterator[Callable[[], bool]]


@dataclass
class Row:
    """
    One row.

    :param name: what happens.
    :param dag_id: the DAG.
    :param story: what happens when; yields what it waits for.
    :param run: how the run ends.
    :param created: sessions that are created in all.
    :param named: tasks that name in their logs the one session that stays open; none of them if none does.
    :param tries: last try of a task, by task, where it is not 1; 0 for any other.
    """

    name: str
    dag_id: str = "leak_succeeds"
    story: Callable[[Scene], Story] | None = None
    run: str = "success"
    created: int = 1
    named: tuple[str, ...] = ()
    tries: dict[str, int] = field(default_factory=dict)


class Scene:
    """
    A row that is being played.

    :param row: which.
    :param stack: the Airflow.
    :param folder: for its file.
    """

    def __init__(self, row: Row, stack: AirflowStack, folder: Path) -> None:
        self.row = row
        self.stack = stack
        self.emulator = Emulator(api_key=f"key-of-{row.name.replace(' ', '-')}")
        self.emulator.start()
        self.connection = f"leak_{row.name.replace(' ', '_').replace(',', '')}"
        self.hold = folder / self.connection
        self.hold.touch()
        self.run_id = ""
        self._tasks: dict[str, tuple[str | None, int, int | None]] = {}
        self._run_state: str | None = None
        self._waits_for: Callable[[], bool] = lambda: True
        self._story: Story | None = None
        self.over = False

    def begin(self) -> None:
        """Make the connection, and trigger the run."""
        self._story = self.row.story(self) if self.row.story else iter(())
        self.step()
        self.connect()
        conf = {"connection": self.connection, "hold": str(self.hold)}
        self.run_id = self.stack.trigger_dag(self.row.dag_id, conf)

    def step(self) -> None:
        """Go on with the story for as long as it need not wait."""
        while self._story is not None and self._waits_for():
            try:
                self._waits_for = next(self._story)
            except StopIteration:
                self._story = None

    def see(self, run_state: str | None, tasks: dict[str, tuple[str | None, int, int | None]]) -> None:
        """Take note of how the run stands, and go on."""
        self._run_state, self._tasks = run_state, tasks
        self.step()
        self.over = self._story is None and self.is_settled()

    def is_settled(self) -> bool:
        """Tell whether nothing more will happen in the run."""
        states = {state for state, _, _ in self._tasks.values()}
        return self._run_state in FINAL_RUN_STATES and bool(states) and not states & UNFINISHED

    def stop(self) -> None:
        """Let go of everything."""
        self.hold.unlink(missing_ok=True)
        self.emulator.stop()

    # What stories wait for.

    def task(self, task_id: str, state: str) -> Callable[[], bool]:
        """Wait for a task to have a state."""
        return lambda: self._tasks.get(task_id, (None, 0, None))[0] == state

    def instances(self, task_id: str, state: str, number: int) -> Callable[[], bool]:
        """Wait for so many mapped instances of a task to have a state."""

        def there_are() -> bool:
            query = "SELECT task_id FROM task_instance WHERE run_id = :run AND task_id = :task AND state = :state"
            return len(self.stack.query(query, run=self.run_id, task=task_id, state=state)) == number

        return there_are

    def asked(self, route: str) -> Callable[[], bool]:
        """Wait for a request."""
        return lambda: any(request.route == route for request in self.emulator.requests)

    def considered(self) -> Callable[[], bool]:
        """Wait for the scheduler to have come back to the run, and to have been through with it."""
        seen: set[Any] = set()

        def twice_more() -> bool:
            (run,) = self.stack.query(
                "SELECT last_scheduling_decision FROM dag_run WHERE run_id = :run", run=self.run_id
            )
            seen.add(run["last_scheduling_decision"])
            return len(seen) > 2

        return twice_more

    # What stories do.

    def connect(self) -> None:
        """Make the connection."""
        connection = json.loads(self.emulator.airflow_connection)
        extra = json.dumps({"timeout_seconds": TIMEOUT_SECONDS, "max_retries": 0} if "late" in self.row.name else {})
        self.stack.api.post("/connections", {"connection_id": self.connection, **connection, "extra": extra})

    def disconnect(self) -> None:
        """Take it away."""
        self.stack.api.delete(f"/connections/{self.connection}")

    def mark(self, task_id: str, state: str = "failed", *, map_index: int | None = None) -> None:
        """Mark a task, or a mapped instance of it, as a person does in the UI."""
        instance = task_id if map_index is None else f"{task_id}/{map_index}"
        self.stack.api.patch(
            f"/dags/{self.row.dag_id}/dagRuns/{self.run_id}/taskInstances/{instance}", {"new_state": state}
        )

    def mark_run(self, state: str = "failed") -> None:
        """Mark the run."""
        self.stack.api.patch(f"/dags/{self.row.dag_id}/dagRuns/{self.run_id}", {"state": state})

    def clear(self, task_id: str | None, *, only_failed: bool = False) -> None:
        """Clear a task, or the whole run, or what has failed of it, so that it runs again."""
        if task_id is None:
            body: dict[str, Any] = {"dry_run": False, "only_failed": only_failed}
            self.stack.api.post(f"/dags/{self.row.dag_id}/dagRuns/{self.run_id}/clear", body)
        else:
            body = {"dry_run": False, "dag_run_id": self.run_id, "task_ids": [task_id], "only_failed": only_failed}
            self.stack.api.post(f"/dags/{self.row.dag_id}/clearTaskInstances", body)
        self._run_state = None

    def kill(self, task_id: str, *, supervisor: bool = False) -> None:
        """Kill the process of a task without a warning, and the one that watches it if that is asked for."""
        pid = self._tasks[task_id][2]
        if pid is None:
            raise StackError(f"{task_id} has no process")
        parent = psutil.Process(pid).parent()
        if supervisor:
            parent.kill()
        os.kill(pid, signal.SIGKILL)

    def no_more_retries(self, task_id: str) -> None:
        """Let a task's next try be its last: for twenty of them, a minute apart, no test has the time."""
        self.stack.change(
            "UPDATE task_instance SET max_tries = try_number WHERE run_id = :run AND task_id = :task",
            run=self.run_id,
            task=task_id,
        )

    # How it ended.

    def open_sessions(self) -> list[str]:
        """Return the ids of the sessions that have not ended."""
        return [session["id"] for session in self.emulator.sessions() if session["ended_at"] is None]

    def tries(self) -> dict[str, int]:
        """Return the last try of each task that had more than one."""
        return {task_id: number for task_id, (_, number, _) in self._tasks.items() if number > 1}

    def evidence(self) -> str:
        """Return what may tell why it did not go as it should."""
        parts = [f"{self.row.name}: run {self._run_state}, tasks {self._tasks}"]
        parts += [f"{request.method} {request.path} {request.status}" for request in self.emulator.requests[-30:]]
        parts += [json.dumps(session) for session in self.emulator.sessions()]
        for task_id in self._tasks:
            parts.append(f"--- {task_id}\n{logs.readable(self.log(task_id))}")
        return "\n".join(parts)

    def log(self, task_id: str) -> str:
        """Return a task's log."""
        return self.stack.task_log(self.row.dag_id, self.run_id, task_id)

    def check(self) -> None:
        """Check that it ended as the row says."""
        left = self.open_sessions()
        assert self.over, f"did not end in time\n{self.evidence()}"
        assert len(self.emulator.sessions()) == self.row.created, self.evidence()
        assert len(left) == bool(self.row.named), self.evidence()
        for task_id in self.row.named:
            assert left[0] in self.log(task_id), self.evidence()
        assert self._run_state == self.row.run, self.evidence()
        tries = {
            task_id: number and self.row.tries.get(task_id, 1) and number for task_id, number in self.tries().items()
        }
        assert tries == self.row.tries, self.evidence()


@pytest.fixture(scope="module")
def scenes(
    request: pytest.FixtureRequest, stack: AirflowStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Scene]]:
    """Play all rows of a module's `ROWS` at once: their pauses are long, and their processes few."""
    folder = tmp_path_factory.mktemp("leaks")
    made = {row.name: Scene(row, stack, folder) for row in request.module.ROWS}
    try:
        play(stack, list(made.values()), ENDED_WITHIN_SECONDS)
        yield made
    finally:
        for scene in made.values():
            scene.stop()


def play(stack: AirflowStack, scenes: list[Scene], within_seconds: float) -> None:
    """
    Play rows at the same time, to their ends.

    :param within_seconds: when to give up.
    """
    for scene in scenes:
        scene.begin()
    deadline = time.monotonic() + within_seconds
    while not all(scene.over for scene in scenes) and time.monotonic() < deadline:
        runs = {row["run_id"]: row["state"] for row in stack.query("SELECT run_id, state FROM dag_run")}
        rows = stack.query(
            "SELECT run_id, task_id, state, try_number, pid FROM task_instance WHERE dag_id LIKE 'leak~_%' ESCAPE '~'"
        )
        for scene in scenes:
            mine: list[dict[str, Any]] = [row for row in rows if row["run_id"] == scene.run_id]
            tasks = {row["task_id"]: (row["state"], row["try_number"], row["pid"]) for row in mine}
            if not scene.over:
                scene.see(runs.get(scene.run_id), tasks)
        time.sleep(SECONDS_BETWEEN_LOOKS)
