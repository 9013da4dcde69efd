"""One row of a table while it is played: what its story waits for and does, and how its run ended."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]

from airflow_provider_ionq.emulator import Emulator
from tests.system import logs
from tests.system.stack import FINAL_RUN_STATES, StackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.rows import Story, TableRow
    from tests.system.stack import AirflowStack

UNFINISHED = {None, "scheduled", "queued", "running", "restarting", "up_for_retry", "up_for_reschedule", "deferred"}
TIMEOUT_SECONDS = 2


class Scene:
    """
    A row that is being played.

    :param row: which.
    :param stack: the Airflow.
    :param folder: for its file.
    """

    def __init__(self, row: TableRow, stack: AirflowStack, folder: Path) -> None:
        self.row = row
        self.stack = stack
        self.emulator = Emulator(api_key=f"key-of-{row.name.replace(' ', '-')}")
        self.emulator.start()
        self.connection = f"{row.dag_id}_{row.name.replace(' ', '_').replace(',', '')}"
        self.hold = folder / self.connection
        self.hold.touch()
        self.conf = {"connection": self.connection, "hold": str(self.hold), "backend": "qpu.forte-1"}
        self.run_id = ""
        self.run_state: str | None = None
        self._tasks: dict[str, tuple[str | None, int, int | None]] = {}
        self._waits_for: Callable[[], bool] = lambda: True
        self._story: Story | None = None
        self.over = False

    def begin(self) -> None:
        """Make the connection, and trigger the run."""
        self._story = self.row.story(self) if self.row.story else iter(())
        self.step()
        self.connect()
        self.run_id = self.stack.trigger_dag(self.row.dag_id, self.conf)

    def step(self) -> None:
        """Go on with the story for as long as it need not wait."""
        while self._story is not None and self._waits_for():
            try:
                self._waits_for = next(self._story)
            except StopIteration:
                self._story = None

    def see(self, run_state: str | None, tasks: dict[str, tuple[str | None, int, int | None]]) -> None:
        """Take note of how the run stands, and go on."""
        self.run_state, self._tasks = run_state, tasks
        self.step()
        self.over = self._story is None and self.is_settled()

    def is_settled(self) -> bool:
        """Tell whether nothing more will happen in the run."""
        states = {state for state, _, _ in self._tasks.values()}
        return self.run_state in FINAL_RUN_STATES and bool(states) and not states & UNFINISHED

    def stop(self) -> None:
        """Let go of everything."""
        self.hold.unlink(missing_ok=True)
        self.emulator.stop()

    # What stories wait for.

    def task(self, task_id: str, state: str) -> Callable[[], bool]:
        """Wait for a task to have a state."""
        return lambda: self._tasks.get(task_id, (None, 0, None))[0] == state

    def asked(self, route: str) -> Callable[[], bool]:
        """Wait for a request."""
        return lambda: self._count(route) > 0

    def asked_again(self, route: str, times: int = 1) -> Callable[[], bool]:
        """Wait for so many requests from now on."""
        enough = self._count(route) + times
        return lambda: self._count(route) >= enough

    def _count(self, route: str) -> int:
        return sum(request.route == route for request in self.emulator.requests)

    def tried(self, task_id: str, number: int) -> Callable[[], bool]:
        """Wait for a try to run."""
        return lambda: self._tasks.get(task_id, (None, 0, None))[:2] == ("running", number)

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
        self.stack.connect(self.connection, {**connection, "extra": extra})

    def disconnect(self) -> None:
        """Take it away."""
        self.stack.api.delete(f"/connections/{self.connection}")

    def mark(self, task_id: str, state: str = "failed", map_index: int | None = None) -> None:
        """Mark a task, or one instance of a mapped one, as a person does in the UI."""
        task = f"/dags/{self.row.dag_id}/dagRuns/{self.run_id}/taskInstances/{task_id}"
        self.stack.api.patch(task if map_index is None else f"{task}/{map_index}", {"new_state": state})

    def mark_run(self, state: str = "failed") -> None:
        """Mark the run."""
        self.stack.mark_run(self.row.dag_id, self.run_id, state)

    def clear(self, task_id: str | None, **options: Any) -> None:
        """
        Clear a task, or the whole run, so that it runs again.

        :param options: fields of the request; by default not only what failed is cleared.
        """
        body = {"dry_run": False, "only_failed": False, **options}
        if task_id is None:
            self.stack.api.post(f"/dags/{self.row.dag_id}/dagRuns/{self.run_id}/clear", body)
        else:
            body |= {"dag_run_id": self.run_id, "task_ids": [task_id]}
            self.stack.api.post(f"/dags/{self.row.dag_id}/clearTaskInstances", body)
        self.run_state = None

    def change_conf(self, **conf: Any) -> None:
        """Change the run's conf, as a DAG file that is edited changes what a task is given."""
        self.conf |= conf
        self.stack.change(
            "UPDATE dag_run SET conf = :conf WHERE run_id = :run", run=self.run_id, conf=json.dumps(self.conf)
        )

    def process(self, task_id: str) -> psutil.Process:
        """Return the process of a task that works."""
        pid = self._tasks[task_id][2]
        if pid is None:
            raise StackError(f"{task_id} has no process")
        return psutil.Process(pid)

    def kill(
        self,
        task_id: str,
        *,
        task: bool = True,
        supervisor: bool = False,
        task_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        """
        Kill processes of a task without a warning.

        :param task: kill the one that works.
        :param supervisor: kill the one that watches it.
        :param task_signal: what the one that works gets.
        """
        process = self.process(task_id)
        if supervisor:
            process.parent().kill()
        if task:
            process.send_signal(task_signal)

    def retry_at_once(self, task_id: str) -> None:
        """Let the pause before a task's next try be over: Airflow counts it from the end of the last try."""
        self.stack.change(
            "UPDATE task_instance SET end_date = end_date - interval '1 hour' WHERE run_id = :run AND task_id = :task",
            run=self.run_id,
            task=task_id,
        )

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

    def jobs(self) -> list[dict[str, Any]]:
        """Return the jobs that were submitted, without dry runs and without the parts of other jobs."""
        return [job for job in self.emulator.jobs() if not job["dry_run"] and job.get("parent_job_id") is None]

    def tries(self) -> dict[str, int]:
        """Return the last try of each task that had more than one, or of which an instance had."""
        numbers = sorted((number, name.partition("[")[0]) for name, (_, number, _) in self._tasks.items())
        return {task_id: number for number, task_id in numbers if number > 1}

    def evidence(self) -> str:
        """Return what may tell why it did not go as it should."""
        parts = [f"{self.row.name}: run {self.run_state}, tasks {self._tasks}"]
        parts += [f"{request.method} {request.path} {request.status}" for request in self.emulator.requests[-30:]]
        parts += [json.dumps(item) for item in (*self.emulator.sessions(), *self.emulator.jobs())]
        for task_id in self._tasks:
            parts.append(f"--- {task_id}\n{logs.readable(self._log_of(task_id))}")
        return "\n".join(parts)

    def log(self, task_id: str) -> str:
        """Return a task's log, or those of all its instances."""
        return "\n".join(self._log_of(name) for name in self._tasks if task_id in (name, name.partition("[")[0]))

    def _log_of(self, instance: str) -> str:
        task_id, _, map_index = instance.rstrip("]").partition("[")
        return self.stack.task_log(self.row.dag_id, self.run_id, task_id, int(map_index or -1))

    def check(self) -> None:
        """Check that it ended as the row says."""
        self.row.check(self)
