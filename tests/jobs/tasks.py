"""Submissions of one task instance over its tries, in this process."""

from __future__ import annotations

import logging
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.jobs.budget import Budget
from airflow_provider_ionq.jobs.request import JobRequest
from airflow_provider_ionq.jobs.submit import JobCreation
from airflow_provider_ionq.jobs.submit_options import SubmitOptions
from airflow_provider_ionq.jobs.token import Token
from airflow_provider_ionq.utils.job_memory import JobMemory, generation_of, identity_of
from airflow_provider_ionq.waiting.create_once import CreateOnce
from tests.sessions.tasks import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.emulator import Emulator
    from airflow_provider_ionq.jobs.intent import JobIntent

BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "target": 1, "control": 0}]
FLIP = [{"gate": "x", "target": 0}]
LOG = logging.getLogger("tests.jobs")


class NoAirflow:
    """A task of which nothing is shown."""

    def __init__(self, connection: str = "ionq_default") -> None:
        self.connection = connection
        self.shown: list[Any] = []

    def settings_of(self, connection: str) -> Any:
        return IonQHook(connection).get_settings()

    def hand_on(self, job: Any) -> None:
        self.shown.append(job["id"])


class AirflowAway(NoAirflow):
    """A task whose supervisor or API server does not answer."""

    def hand_on(self, job: Any) -> None:
        raise BrokenPipeError("Broken pipe")


class Memory(JobMemory):
    """
    The memory of a task, and something that happens between its checks and its request.

    :param context: the task's context.
    :param before_request: what happens.
    """

    def __init__(self, context: Any, before_request: Callable[[], object]) -> None:
        super().__init__(context)
        self._before_request = before_request

    def store_intent(self, intent: JobIntent) -> None:
        super().store_intent(intent)
        self._before_request()


class Submitter:
    """
    A task instance that submits a job.

    :param emulator: the API.
    :param stored: whether Airflow has a task state store.
    :param task_id: id of the task.
    :param arguments: of the job.
    """

    def __init__(self, emulator: Emulator, *, stored: bool = True, task_id: str = "t", **arguments: Any) -> None:
        self.emulator = emulator
        self.task_id = task_id
        self.before_request: Callable[[], object] = lambda: None
        self.task: type[NoAirflow] = NoAirflow
        self.sleep: Callable[[float], object] | None = None
        self.store = Store() if stored else None
        self.arguments = {"backend": "qpu.forte-1", "circuit": BELL, **arguments}
        self.options: dict[str, Any] = {}
        self.connection = "ionq_default"
        self.tries = 0
        self.max_tries = 3
        self.retries = 3
        self.slept: list[float] = []

    @property
    def context(self) -> Any:
        ti = SimpleNamespace(
            dag_id="d", run_id="r", task_id=self.task_id, map_index=-1, try_number=self.tries, max_tries=self.max_tries
        )
        context: dict[str, Any] = {"ti": ti}
        return context if self.store is None else context | {"task_state_store": self.store}

    def clear(self) -> None:
        """Clear the task, as Airflow does."""
        self.max_tries = self.tries + self.retries

    def creator(self) -> CreateOnce[Job, JobIntent]:
        """Return what the next try has."""
        self.tries += 1
        sleep: Any = self.sleep or self.slept.append
        creation = JobCreation(
            IonQHook(self.connection, max_retries=0).get_settings(),
            JobRequest.of(**self.arguments),
            identity_of(self.context),
            generation_of(self.context),
            SubmitOptions(**{"budget": Budget(), **self.options}),
            memory := Memory(self.context, lambda: self.before_request()),
            self.task(self.connection),
            LOG,
            sleep=sleep,
        )
        return CreateOnce(creation, memory, LOG, sleep=sleep)

    def submit(self) -> str:
        """Run the submission of the next try; return the id of the job."""
        job = self.creator().create()
        assert job is not None
        return str(job["id"])

    def jobs(self) -> list[tuple[str, str]]:
        """Return number of the clear, number of the submission and status of the jobs with a token, in their order."""
        found = []
        for job in self.emulator.jobs():
            token = Token.of_job(job)
            if token is not None:
                found.append((f"{token.generation - self.retries}.{token.number or 'dry'}", job["status"]))
        return found

    def routes(self) -> Counter[str | None]:
        """Return how often each route was requested."""
        return Counter(request.route for request in self.emulator.requests)
