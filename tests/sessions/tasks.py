"""A task instance as the operators see it, in this process."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import IonQSessionLostError
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.waiting.create_once import CreateOnce
from tests.support.emulated import CREATE, READ
from tests.support.tracebacks import assert_one_traceback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.providers.common.compat.sdk import TaskDeferred

    from airflow_provider_ionq.emulator import Emulator

BACKEND = "qpu.forte-1"

SESSION_KEY = "ionq_session_id"
INTENT_KEY = "ionq_session_intent"
"""Keys in the task state store. They outlive an upgrade, so they do not change."""


@contextmanager
def raises_session_lost(match: str | None = None) -> Iterator[pytest.ExceptionInfo[IonQFailException]]:
    """Expect the error that names the candidates for a lost session."""
    with pytest.raises(IonQFailException, match=match) as error:
        yield error
    assert isinstance(error.value.reason, IonQSessionLostError)
    assert all(session_id in str(error.value) for session_id in error.value.reason.session_ids)


class Store:
    """Airflow's task state store: JSON values by key, of one task instance."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any) -> None:
        assert value is not None
        self.values[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


class Task:
    """
    A task that opens a session, over its tries.

    :param store: the task state store; None for an Airflow that has none.
    :param arguments: of the operator.
    """

    def __init__(self, store: Store | None, **arguments: Any) -> None:
        self.arguments = {"task_id": "create", "backend": BACKEND, "duration_limit_min": 60, **arguments}
        self.store = store
        self.tries = 0
        self.xcoms: dict[str, Any] = {}
        self.began = datetime.now(UTC)
        self.operator = self.make()

    def make(self) -> IonQCreateSessionOperator:
        """Return the operator as a new process has it."""
        return IonQCreateSessionOperator(**self.arguments)

    @property
    def context(self) -> Any:
        """The context of the try at hand."""
        context: dict[str, Any] = {
            "ti": SimpleNamespace(try_number=self.tries, xcom_push=self.xcoms.__setitem__),
            "dag_run": SimpleNamespace(start_date=self.began),
        }
        if self.store is not None:
            context["task_state_store"] = self.store
        return context

    def try_once(self) -> Any:
        """Run a try in a new process, to its end or to its deferral, which is raised."""
        self.tries += 1
        self.xcoms.clear()  # as Airflow does when a try begins
        self.operator = self.make()
        return self._run(self.operator.execute, self.context)

    def resume(self, deferred: TaskDeferred, event: dict[str, Any]) -> Any:
        """Go on with a deferred try in a new process."""
        self.operator = self.make()
        kwargs = {**json.loads(json.dumps(deferred.kwargs or {})), "event": event}
        return self._run(self.operator.resume_execution, deferred.method_name, kwargs, self.context)

    def time_out(self) -> Any:
        """Go on with a deferred try after the trigger's time-out."""
        self.operator = self.make()
        return self._run(self.operator.resume_execution, "__fail__", {"error": "Trigger timeout"}, self.context)

    def _run(self, step: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return step(*arguments)
        except Exception as error:
            assert_one_traceback(error)
            raise


def crash(task: Task, emulator: Emulator, route: str, *, after: bool) -> None:
    """Run a try whose process dies when a request of a route is sent, or when it was answered."""

    class Killed(BaseException):
        pass

    def dying(name: str) -> Callable[..., Any]:
        real = getattr(IonQClient, name)

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not after:
                raise Killed
            real(self, *args, **kwargs)
            raise Killed

        return call

    name = {CREATE: "create_session", READ: "get_session"}[route]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IonQClient, name, dying(name))
        # It has no time for that either.
        patch.setattr(CreateOnce, "stop", lambda _: None)
        with pytest.raises(Killed):
            task.try_once()
