"""A real Airflow in a temporary folder: scheduler, triggerer, DAG processor and API server as separate processes."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import create_engine, text

from tests.system import database, logs
from tests.system.configuration import airflow_environment
from tests.system.guard import guarded
from tests.system.processes import LOOPBACK, Component, free_port, kill_all, processes_of
from tests.system.rest import AirflowApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

READY_WITHIN_SECONDS = 180.0
STOP_WITHIN_SECONDS = 20.0
PARSED_WITHIN_SECONDS = 60.0
SECONDS_BETWEEN_LOOKS = 0.3
FINAL_RUN_STATES = ("success", "failed")
REPORTING = ("scheduler", "triggerer", "dag_processor")
# Task logs are read from the folder: two servers for them would listen on every interface.
COMMANDS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}


class StackError(RuntimeError):
    """The stack did not come up, or something did not happen in time; carries the end of the logs concerned."""


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """
    One task instance as the REST API shows it.

    :param map_index: -1 for a task that is not mapped.
    :param start_date: when its last try began, in Airflow's notation; None when none has.
    """

    task_id: str
    map_index: int
    state: str | None
    try_number: int
    start_date: str | None
    end_date: str | None


class AirflowStack:
    """
    Run Airflow with a LocalExecutor for as long as the context is open.

    Nothing of it outlives the context: every process is stopped, the temporary folder removed. Of the caller's
    environment no variable that begins with AIRFLOW reaches it.

    :param dags: the DAG files, copied into the stack's folder.
    :param environment: variables on top of the caller's, such as connections.
    :param metadata: sqlite or postgresql.
    :param parallelism: worker slots of the executor.
    :param python: the interpreter of an environment with Airflow 3 and this provider.
    :param say: takes a line at each step of the start; None means silence.
    """

    commands: Mapping[str, tuple[str, ...]] = COMMANDS
    """What is started: arguments of `airflow`, by component."""

    def __init__(
        self,
        dags: Iterable[Path],
        *,
        environment: Mapping[str, str],
        metadata: database.Database = "postgresql",
        parallelism: int = 4,
        python: str | Path = sys.executable,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.dags = list(dags)
        self.extra_environment = dict(environment)
        self.metadata = metadata
        self.parallelism = parallelism
        self.python = str(python)
        self.components: dict[str, Component] = {}
        self._say = say or (lambda line: None)
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            self._start(undo)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._undo.close()

    def _start(self, undo: contextlib.ExitStack) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="airflow-ionq-")).resolve()
        undo.callback(shutil.rmtree, self.home)
        undo.enter_context(guarded(self.home))
        self.log_folder = self.home / "logs"
        self.log_folder.mkdir()
        dags = self.home / "dags"
        dags.mkdir()
        for dag in self.dags:
            shutil.copy(dag, dags)
        url, self.database = undo.enter_context(database.running(self.metadata, self.home))
        self.api = AirflowApi(f"http://{LOOPBACK}:{free_port()}")
        undo.callback(self.api.close)
        self.environment = airflow_environment(
            self.home,
            api_url=self.api.url,
            database_url=url,
            dags=dags,
            task_logs=self.log_folder / "tasks",
            parallelism=self.parallelism,
        )
        self.environment |= self.extra_environment
        self.engine = create_engine(url, pool_pre_ping=True, pool_size=20)
        undo.callback(self.engine.dispose)
        undo.callback(self._kill_strays)
        self._make_tables()
        undo.callback(self._stop_components)
        self._start_components()
        self._wait_until_ready()

    def _make_tables(self) -> None:
        self._say("making the metadata database")
        self.run_command("db", "migrate")

    def run_command(self, *arguments: str) -> None:
        """
        Run a command of `airflow` to its end.

        :param arguments: those of the command.
        :raises StackError: when it fails; with what it printed.
        """
        self.run_python("-m", "airflow", *arguments)

    def run_python(self, *arguments: str) -> None:
        """
        Run the Python of the stack to its end.

        :param arguments: those of the interpreter.
        :raises StackError: when it fails; with what it printed.
        """
        done = subprocess.run(
            [self.python, *arguments],
            env=self.environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"python {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")

    def _start_components(self) -> None:
        self._say("starting scheduler, triggerer, dag-processor and API server")
        for name in self.commands:
            self.start_component(name)

    def start_component(
        self, name: str, command: str | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        """
        Start a component, also one that has ended.

        :param name: what to call it.
        :param command: a key of `commands`; None means the name.
        :param environment: variables on top of the stack's.
        """
        self.components[name] = Component(
            name,
            [self.python, "-m", "airflow", *self.commands[command or name]],
            environment={**self.environment, **(environment or {})},
            log_folder=self.log_folder,
        )
        self.components[name].start()

    def revive(self) -> list[str]:
        """Start those components again that have ended, as a service manager would; return their names."""
        ended = [name for name in self.commands if self.components[name].exit_code() is not None]
        for name in ended:
            self.start_component(name)
        return ended

    def _wait_until_ready(self) -> None:
        def ready() -> bool:
            for component in self.components.values():
                if component.exit_code() is not None:
                    raise StackError(f"{component.name} ended while starting:\n{component.log_tail()}")
            return self.is_healthy()

        self.wait_until(ready, READY_WITHIN_SECONDS, "every component to be healthy", lambda: logs.of_components(self))
        self._log_in()
        self._say("Airflow is ready")

    def _log_in(self) -> None:
        self.api.log_in()

    def is_healthy(self) -> bool:
        """Tell whether every component reports itself healthy."""
        health = self.api.health()
        return bool(health) and all(health[name]["status"] == "healthy" for name in REPORTING)

    def _stop_components(self) -> None:
        for component in self.components.values():
            component.ask_to_stop()
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        for component in self.components.values():
            component.stop(max(deadline - time.monotonic(), 0.1))

    def _kill_strays(self) -> None:
        # Again until there are none: one that is being killed may have started another meanwhile.
        while strays := processes_of(self.home):
            if alive := kill_all(strays, STOP_WITHIN_SECONDS):
                raise StackError(f"these processes cannot be stopped: {alive}")

    def wait_until(
        self, condition: Callable[[], bool], deadline_s: float, what: str, evidence: Callable[[], str] | None = None
    ) -> None:
        """
        Look again and again until something holds.

        :param condition: what has to hold.
        :param deadline_s: how long to look, in seconds.
        :param what: what is waited for, in the message of the error.
        :param evidence: gives more for that message, such as logs; None means nothing.
        :raises StackError: when it does not hold in time.
        """
        deadline = time.monotonic() + deadline_s
        while not condition():
            if time.monotonic() > deadline:
                raise StackError(f"waited {deadline_s:.0f} s for {what}\n{evidence() if evidence else ''}")
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def trigger_dag(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """
        Start a run and return its id.

        :param dag_id: the DAG; waited for until the dag-processor has parsed it.
        :param conf: the run's configuration; None means empty.
        """
        self.wait_until(
            lambda: any(dag["dag_id"] == dag_id for dag in self.api.get("/dags", limit=100)["dags"]),
            PARSED_WITHIN_SECONDS,
            f"DAG {dag_id} to be parsed",
            lambda: f"{self.api.get('/importErrors')}\n{logs.of_components(self)}",
        )
        run = self.api.post(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf or {}})
        return str(run["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return a run's state."""
        return str(self.api.get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def wait_for_run(self, dag_id: str, run_id: str, deadline_s: float) -> str:
        """
        Wait for the end of a run and return its state.

        :param deadline_s: how long to wait, in seconds.
        :raises StackError: when it does not end in time.
        """
        self.wait_until(
            lambda: self.run_state(dag_id, run_id) in FINAL_RUN_STATES,
            deadline_s,
            f"the end of {dag_id} {run_id}",
            lambda: logs.of_run(self, dag_id, run_id),
        )
        return self.run_state(dag_id, run_id)

    def succeed(self, dag_id: str, run_id: str, deadline_s: float) -> None:
        """
        Wait for a run to succeed.

        :param deadline_s: how long to wait, in seconds.
        :raises StackError: when it does not, with the logs that may say why.
        """
        state = self.wait_for_run(dag_id, run_id, deadline_s)
        if state != "success":
            raise StackError(f"{dag_id} {run_id} ended as {state}\n{logs.of_run(self, dag_id, run_id)}")

    def connect(self, connection_id: str, connection: dict[str, Any]) -> None:
        """
        Add an Airflow connection.

        :param connection: its other fields; `extra` as JSON text.
        """
        self.api.post("/connections", {"connection_id": connection_id, **connection})

    def mark_run(self, dag_id: str, run_id: str, state: str = "failed") -> None:
        """Mark a run, as a person does in the UI."""
        self.api.patch(f"/dags/{dag_id}/dagRuns/{run_id}", {"state": state})

    def clear_failed(self, dag_id: str, run_id: str) -> None:
        """Have the failed tasks of a run, and those that could not run because of them, run again."""
        self.api.post(f"/dags/{dag_id}/dagRuns/{run_id}/clear", {"dry_run": False, "only_failed": True})

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Return a run's task instances."""
        found = self.api.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=100)["task_instances"]
        names = TaskInstance.__slots__
        return [TaskInstance(**{name: item[name] for name in names}) for item in found]

    def task_instance(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> TaskInstance:
        """
        Return one of a run's task instances.

        :param map_index: -1 for a task that is not mapped.
        """
        for item in self.task_instances(dag_id, run_id):
            if (item.task_id, item.map_index) == (task_id, map_index):
                return item
        raise LookupError(f"{dag_id} {run_id} has no task instance {task_id} {map_index}")

    def xcom(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Any:
        """
        Return what a task pushed, as a task that pulls it gets it.

        :param map_index: -1 for a task that is not mapped.
        """
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.api.get(path, map_index=map_index, deserialize=True, stringify=False)["value"]

    def task_log(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> str:
        """
        Return the text of a task's log files, triggerer's part included.

        :param map_index: -1 for a task that is not mapped.
        """
        folder = self.log_folder / "tasks" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        if map_index >= 0:
            folder /= f"map_index={map_index}"
        return "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("attempt=*")))

    def query(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """
        Run a query on the metadata database.

        :param sql: the query, with `:name` for each value.
        """
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(sql), values).mappings()]

    def change(self, sql: str, **values: Any) -> None:
        """
        Change the metadata database, where no API does.

        :param sql: the statement, with `:name` for each value.
        """
        with self.engine.begin() as connection:
            connection.execute(text(sql), values)
