"""A task instance with a loop of jobs, over its tries, as Airflow runs it; in this process."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DAG, AirflowFailException, BaseOperator

from airflow_provider_ionq.jobs.token import Token, place_identity, task_identity
from airflow_provider_ionq.loops import IonQJobs, ionq_jobs
from tests.jobs.runs import Ending
from tests.sessions.tasks import Store
from tests.support.emulated import connection_with
from tests.support.tracebacks import assert_one_traceback

try:
    from airflow.sdk.execution_time.context import set_current_context
except ImportError:  # Airflow 2
    from airflow.models.taskinstance import set_current_context  # type: ignore[no-redef,attr-defined,unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

READ = "GET /jobs/{job_id}"
RETRIES = 3
MOST_RUNS = 100


def rotation(angle: float) -> list[dict[str, Any]]:
    """Return a circuit that differs for each angle."""
    return [{"gate": "ry", "target": 0, "rotation": angle}]


def without_retries(emulator: Emulator) -> str:
    """Return an Airflow connection to an emulator, by which a failed request is not repeated."""
    return connection_with(emulator, max_retries=0)


class Died(BaseException):
    """The process is killed: it does nothing any more, and handles nothing."""


class Process:
    """
    What a process does to the world: its requests, and what it tells Airflow.

    Each is an event. The process dies before or after one of them.
    """

    def __init__(self) -> None:
        self.start()

    def start(
        self, dies_at: int | None = None, *, after: bool = False, dies_when: Callable[[], bool] | None = None
    ) -> None:
        """Start the process of the next try."""
        self.events = 0
        self.is_dead = False
        self.dies_at, self.dies_after, self.dies_when = dies_at, after, dies_when

    def does(self, effect: Callable[[], Any]) -> Any:
        """Do something, or die."""
        self.events += 1
        is_last = self.events == self.dies_at
        if self.dies_when is not None and self.dies_when():
            self.is_dead = True
        if self.is_dead or (is_last and not self.dies_after):
            self.is_dead = True
            raise Died
        result = effect()
        if is_last:
            self.is_dead = True
            raise Died
        return result


PROCESS = Process()
"""The process of the test's task."""


class ProcessStore(Store):
    """The task state store, as a process sees it."""

    def __init__(self, task: LoopTask) -> None:
        super().__init__()
        self.task = task

    def get(self, key: str, default: Any = None) -> Any:
        return self.task.tells_airflow(lambda: super(ProcessStore, self).get(key, default))

    def set(self, key: str, value: Any) -> None:
        self.task.tells_airflow(lambda: super(ProcessStore, self).set(key, value))

    def delete(self, key: str) -> None:
        self.task.tells_airflow(lambda: super(ProcessStore, self).delete(key))


class _Loop(BaseOperator):
    """An operator that runs a function."""

    def __init__(self, *, body: Callable[[], Any], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.body = body
        self.on_kills = 0

    def execute(self, context: Any) -> Any:
        """Run the function."""
        return self.body()

    def on_kill(self) -> None:
        self.on_kills += 1


class LoopTask:
    """
    A task instance with a loop.

    :param emulator: the API.
    :param body: the function of the task, which gets the loop; None runs one job for each of `angles`.
    :param stored: whether Airflow has a task state store.
    :param arguments: of the loop.
    """

    def __init__(
        self,
        emulator: Emulator,
        body: Callable[[IonQJobs], Any] | None = None,
        *,
        stored: bool = True,
        **arguments: Any,
    ) -> None:
        self.emulator = emulator
        self.angles = [0.1, 0.2, 0.3]
        self.circuits = 1
        """Number of circuits of each job."""
        self.body = body or self._run_all
        self.arguments: dict[str, Any] = {"backend": "qpu.forte-1", "poke_interval": 0.01, "timeout": 30} | arguments
        self.process = PROCESS
        self.process.start()
        self.row: dict[str, Any] = {}
        """What another process wrote into the row of the task in the database of Airflow 2."""
        self.is_orphan = False
        """Whether the supervisor of its process is gone."""
        self.store = ProcessStore(self) if stored else None
        self.tries = 0
        self.max_tries = RETRIES
        self.xcoms: dict[str, Any] = {}
        self.operator = self._new_operator()

    def _run_all(self, jobs: IonQJobs) -> list[Any]:
        return [jobs.run(self.circuit(angle)) for angle in self.angles]

    def circuit(self, angle: float) -> Any:
        """Return what a run runs."""
        return rotation(angle) if self.circuits == 1 else [rotation(angle)] * self.circuits

    def _new_operator(self) -> _Loop:
        operator = _Loop(task_id="loop", body=self.block)
        operator.dag = DAG("d", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
        return operator

    def block(self) -> Any:
        """Run the function of the task."""
        with ionq_jobs(**self.arguments) as jobs:
            return self.body(jobs)

    def tells_airflow(self, what: Callable[[], Any]) -> Any:
        """Do something that the supervisor does for the process, which is an event."""
        if self.is_orphan:
            raise BrokenPipeError("Broken pipe")
        return self.process.does(what)

    def clear(self) -> None:
        """Clear the task, as Airflow does."""
        self.max_tries = self.tries + RETRIES

    @property
    def context(self) -> Any:
        """The context of the current try."""
        ti = SimpleNamespace(
            dag_id="d",
            run_id="r",
            task_id="loop",
            map_index=-1,
            try_number=self.tries,
            max_tries=self.max_tries,
            job_id=self.tries,
            task=self.operator,
            xcom_push=lambda key, value: self.tells_airflow(lambda: self.xcoms.__setitem__(key, value)),
        )
        own = {"state": "running", "try_number": self.tries, "job_id": self.tries}
        run = SimpleNamespace(get_task_instance=lambda task_id, map_index: SimpleNamespace(**(own | self.row)))
        context: dict[str, Any] = {"ti": ti, "task": self.operator, "dag_run": run}
        return context if self.store is None else context | {"task_state_store": self.store}

    def try_once(self, **death: Any) -> Ending:
        """
        Run a try to its end in a new process.

        :param death: when it dies; arguments of :meth:`Process.start`.
        """
        self.tries += 1
        self.xcoms.clear()  # as Airflow does when a try begins
        self.operator = self._new_operator()
        self.process.start(**death)
        context = self.context
        try:
            with set_current_context(context):
                return Ending("success", None, self.operator.execute(context))
        except Died as error:
            return Ending("died", error, None)
        except AirflowFailException as error:
            assert_one_traceback(error)
            return Ending("failed", error, None)
        except Exception as error:
            assert_one_traceback(error)
            return Ending("up_for_retry", error, None)

    def die_in_flight(self, runs: int) -> None:
        """Run a try in which so many runs are completed, and which dies while it waits for the job of the next."""

        def body(jobs: IonQJobs) -> None:
            for number, angle in enumerate(self.angles, 1):
                self.emulator.job_seconds = 0 if number <= runs else None
                jobs.run(self.circuit(angle))

        before, usual = len(self.jobs()), self.body
        self.body = body
        ending = self.try_once(dies_when=lambda: len(self.jobs()) == before + runs + 1 and self.routes()[-1] == READ)
        assert ending.state == "died", ending
        self.body, self.emulator.job_seconds = usual, 0

    def run_to_the_end(self, **first: Any) -> Ending:
        """Run tries until one does not die and is not retried."""
        ending = self.try_once(**first)
        while ending.state in ("died", "up_for_retry"):
            assert self.tries <= self.max_tries, ending
            ending = self.try_once()
        return ending

    def jobs(self) -> list[tuple[int, int, str]]:
        """Return number of the clear, run of the loop and status of the jobs, in the order of their submission."""
        task = task_identity("d", "r", "loop", -1)
        loop = self.arguments.get("name", 1)
        runs = {place_identity(task, loop, number): number for number in range(1, MOST_RUNS + 1)}
        found = []
        for job in self.emulator.jobs():
            token = Token.of_job(job)
            if token is not None and token.number is not None and job.get("parent_job_id") is None:
                found.append((token.generation - RETRIES, runs[token.identity], job["status"]))
        return found

    def routes(self) -> list[str]:
        """Return the routes that were requested."""
        return [str(request.route) for request in self.emulator.requests]
