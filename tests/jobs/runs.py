"""A task instance that runs a job, over its tries, as Airflow runs it; in this process."""

from __future__ import annotations

import asyncio
import datetime
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DAG, AirflowFailException, TaskDeferred
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_ionq.jobs.token import Token
from airflow_provider_ionq.operators.job import IonQRunJobOperator
from tests.jobs.tasks import BELL
from tests.sessions.tasks import Store
from tests.support.tracebacks import assert_one_traceback
from tests.waiting.modes import first_event, trigger_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

MODES = ("worker", "triggerer")


@dataclass(frozen=True)
class Ending:
    """How a try ended: its state, the error and the result."""

    state: str
    error: BaseException | None
    value: Any

    @property
    def message(self) -> str:
        """The error's text."""
        return str(self.error)


class JobTask:
    """
    A task instance.

    :param emulator: the API.
    :param mode: where it waits.
    :param stored: whether Airflow has a task state store.
    :param arguments: of the operator.
    """

    def __init__(self, emulator: Emulator, mode: str = "worker", *, stored: bool = True, **arguments: Any) -> None:
        self.emulator = emulator
        self.arguments: dict[str, Any] = {
            "task_id": "run",
            "backend": "qpu.forte-1",
            "circuit": BELL,
            "poke_interval": 0.05,
            "timeout": 30,
            "retries": 3,
            "deferrable": mode == "triggerer",
            **arguments,
        }
        if {"circuits", "qasm"} & set(arguments):
            del self.arguments["circuit"]
        self.store = Store() if stored else None
        self.tries = 0
        self.max_tries = 3
        self.xcoms: dict[str, Any] = {}
        self.operator = self.new_operator()
        self.deferred: TaskDeferred | None = None

    def new_operator(self) -> IonQRunJobOperator:
        """Return the operator as a new process has it."""
        operator = IonQRunJobOperator(**self.arguments)
        operator.dag = DAG("d", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
        self.operator = operator
        return operator

    def clear(self) -> None:
        """Clear the task, as Airflow does."""
        self.max_tries = self.tries + 3

    @property
    def context(self) -> Any:
        """The context of the current try."""
        ti = SimpleNamespace(
            dag_id="d",
            run_id="r",
            task_id="run",
            map_index=-1,
            try_number=self.tries,
            max_tries=self.max_tries,
            xcom_push=self.xcoms.__setitem__,
            xcom_pull=lambda task_ids, key, map_indexes: self.xcoms.get(key),
        )
        context: dict[str, Any] = {"ti": ti}
        return context if self.store is None else context | {"task_state_store": self.store}

    def try_once(self) -> Ending:
        """Run a try to its end, in the triggerer too."""
        return self.finish(self.start())

    def start(self) -> Any:
        """Run a try in a new process until it ends or defers; return a function that runs the rest."""
        self.tries += 1
        self.xcoms.clear()  # as Airflow does when a try begins
        operator = self.new_operator()
        return lambda: operator.execute(self.context)

    def finish(self, step: Any) -> Ending:
        """Run the rest of a try."""
        try:
            while True:
                try:
                    return Ending("success", None, step())
                except TaskDeferred as deferred:
                    step = self._resume(deferred)
        except AirflowFailException as error:
            assert_one_traceback(error)
            return Ending("failed", error, None)
        except Exception as error:
            assert_one_traceback(error)
            return Ending("up_for_retry", error, None)

    def _resume(self, deferred: TaskDeferred) -> Any:
        """Run the trigger of a deferred try to its event; return what the worker then does in a new process."""
        trigger = trigger_of(*deferred.trigger.serialize())
        timeout = deferred.timeout or datetime.timedelta(0)
        if AIRFLOW_V_3_0_PLUS:
            vars(trigger)["timeout_after"] = datetime.datetime.now(datetime.UTC) + timeout
        try:
            event = asyncio.run(asyncio.wait_for(first_event(trigger), timeout.total_seconds()))
        except TimeoutError:
            said = "Trigger timeout" if AIRFLOW_V_3_0_PLUS else "Trigger/execution timeout"
            return lambda: self.new_operator().resume_execution("__fail__", {"error": said}, self.context)
        kwargs = {**json.loads(json.dumps(deferred.kwargs or {})), "event": json.loads(json.dumps(event.payload))}
        return lambda: self.new_operator().resume_execution(deferred.method_name, kwargs, self.context)

    def jobs(self) -> list[tuple[str, str]]:
        """Return number of the clear, number of the submission and status of the jobs with a token, in their order."""
        found = []
        for job in self.emulator.jobs():
            token = Token.of_job(job)
            if token is not None:
                found.append((f"{token.generation - 3}.{token.number or 'dry'}", job["status"]))
        return found

    def polled(self, times: int, *, job: int = 1) -> Callable[[], bool]:
        """
        Return a condition: from now on, a job is requested by its id so many times.

        :param job: which one of those that were submitted, from 1.
        """
        before = len(self.emulator.requests)

        def holds() -> bool:
            ids = [known["id"] for known in self.emulator.jobs()[job - 1 : job]]
            requests = [one for one in self.emulator.requests[before:] if one.job_id in ids and one.method == "GET"]
            return len(requests) >= times

        return holds

    def routes(self) -> list[str]:
        """Return the routes that were requested."""
        return [str(request.route) for request in self.emulator.requests]
