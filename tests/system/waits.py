"""A task in a real Airflow that waits for a session of an emulator, for tests."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.system import logs
from tests.system.modes import MODES, PACES

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator
    from tests.system.stack import AirflowStack

TASK_ID = "wait"
LIST = "GET /sessions"
WITHIN_SECONDS = 240.0
FINAL_STATES = ("success", "failed", "skipped", "upstream_failed", "removed")
OUTAGE = "cannot be reached"


@dataclass
class Wait:
    """
    One run of a DAG whose only task waits for a session.

    :param stack: where it runs.
    :param emulator: where its session is.
    :param mode: how it waits.
    :param pace: how often it looks and for how long.
    :param ionq_conn_id: id of its Airflow connection.
    """

    stack: AirflowStack
    emulator: Emulator
    mode: str
    pace: str = "quick"
    ionq_conn_id: str = "ionq_default"
    session_id: str = field(init=False)
    run_id: str = field(init=False)
    created_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.session_id = str(self.emulator.create_session()["id"])
        self.created_at = time.time()
        conf = {"session_id": self.session_id, "ionq_conn_id": self.ionq_conn_id}
        self.run_id = self.stack.trigger_dag(self.dag_id, conf)

    @property
    def dag_id(self) -> str:
        """The DAG's id."""
        return f"wait_{self.mode}_{self.pace}"

    @property
    def looks(self) -> int:
        """How many requests for the session, or for the list that has it, have reached the emulator."""
        return sum(
            request.session_id == self.session_id or (request.route == LIST and request.at > self.created_at)
            for request in self.emulator.requests
        )

    def task(self) -> dict[str, object]:
        """Return state and try number of the task; both None before there is one."""
        rows = self.stack.query(
            "SELECT state, try_number FROM task_instance WHERE dag_id = :dag AND run_id = :run AND task_id = :task",
            dag=self.dag_id,
            run=self.run_id,
            task=TASK_ID,
        )
        return rows[0] if rows else {"state": None, "try_number": None}

    def log(self) -> str:
        """Return the task's log."""
        return self.stack.task_log(self.dag_id, self.run_id, TASK_ID)

    def evidence(self) -> str:
        """Return what may tell why it did not do what it should."""
        components = logs.of_components(self.stack)
        return f"{self.dag_id} {self.run_id} {self.task()}\n{logs.readable(self.log())}\n{components}"

    def waits(self) -> bool:
        """Tell whether the task has looked often enough to be where it waits."""
        mode = MODES[self.mode]
        return self.looks >= mode.looks and self.task()["state"] in mode.waiting

    def ended(self) -> bool:
        """Tell whether the task has come to its end."""
        return self.task()["state"] in FINAL_STATES

    def until_it_waits(self) -> None:
        """Wait until the task waits."""
        self.stack.wait_until(self.waits, WITHIN_SECONDS, f"{self.dag_id} to wait", self.evidence)

    def until_it_notices(self) -> None:
        """Wait until the task's log says that the API cannot be asked."""
        self.stack.wait_until(
            lambda: OUTAGE in self.log(), WITHIN_SECONDS, f"{self.dag_id} to notice the outage", self.evidence
        )

    def until_more_looks(self, count: int = 1) -> None:
        """
        Wait for looks from now on.

        :param count: how many.
        """
        enough = self.looks + count
        self.stack.wait_until(
            lambda: self.looks >= enough, WITHIN_SECONDS, f"{self.dag_id} to look {count} times", self.evidence
        )

    def until_it_ends(self) -> None:
        """Wait until the task has come to its end."""
        self.stack.wait_until(self.ended, WITHIN_SECONDS, f"the end of {self.dag_id}", self.evidence)

    def most_looks(self) -> float:
        """Return how many looks the task may have made in the time since it began, if it was alone."""
        return (time.time() - self.created_at) / PACES[self.pace].poke_interval + 3

    def fails_at_once(self, message: str) -> None:
        """
        Check that the task fails, without a retry.

        :param message: what its log must say.
        """
        self.until_it_ends()
        assert self.task() == {"state": "failed", "try_number": 1}, self.evidence()
        assert message in self.log(), self.evidence()

    def ends_as_if_nothing_had_happened(self) -> None:
        """Check that the task succeeds in its first try and hands on the session as the API has it."""
        self.until_it_ends()
        assert self.task() == {"state": "success", "try_number": 1}, self.evidence()
        if MODES[self.mode].ends_on_worker:
            assert self.stack.xcom(self.dag_id, self.run_id, TASK_ID) == self.emulator.session(self.session_id)
