"""
A resource whose items carry a mark of their request needs only a few lines to be created once.

A lost item is then found by its mark and adopted for certain, a dead one is replaced under the next number, and of two
live ones the first is kept.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_ionq.api.errors import IonQCreateStoppedError, IonQError, IonQNotReadableError, IonQTimeoutError
from airflow_provider_ionq.utils.task_memory import TaskMemory
from airflow_provider_ionq.waiting import create_once
from airflow_provider_ionq.waiting.create_once import CreateOnce
from airflow_provider_ionq.waiting.creation import Creation, Reuse, Wording
from tests.sessions.tasks import Store, Task
from tests.support.facts import facts

pytestmark = pytest.mark.one_airflow

LIVE, DEAD = "running", "failed"


class Runs(Creation[dict[str, Any], int]):
    """Runs in a service that is a list. The intent is the number of the run."""

    wording = Wording("run", "cancel", "cancelling", "cancelled")

    def __init__(self, service: list[dict[str, Any]]) -> None:
        self.service, self.number, self.lose, self.away = service, 0, False, False

    def describe(self, intent: int | None = None) -> str:
        return "the service"

    def next_intent(self) -> int:
        return self.number + 1

    def send(self, intent: int) -> dict[str, Any]:
        run = {"id": f"R{len(self.service)}", "status": LIVE, "number": intent}
        self.service.append(run)
        if self.lose:
            raise IonQTimeoutError("no response", may_have_applied=True)
        return run

    def read(self, item_id: str, intent: int | None = None) -> dict[str, Any]:
        if self.away:
            raise IonQError("the service is away")
        return next(run for run in self.service if run["id"] == item_id)

    def search(self, intent: int) -> list[dict[str, Any]]:
        return [run for run in self.service if run["number"] >= intent]

    def choose(self, found: list[dict[str, Any]], intent: int, lost: IonQError | None) -> dict[str, Any] | None:
        self.number = max([run["number"] for run in found], default=intent)
        live = [run for run in found if run["status"] == LIVE]
        for run in live[1:]:
            self.end(run["id"])
        return live[0] if live else None

    def judge(self, item: dict[str, Any], intent: int | None) -> tuple[Reuse, str]:
        self.number = item["number"]
        return (Reuse.CONTINUE, "") if item["status"] == LIVE else (Reuse.REPLACE, f"has {item['status']}")

    def end(self, item_id: str, intent: int | None = None) -> None:
        self.read(item_id)["status"] = "cancelled"

    def request_end(self, item_id: str, seconds: float) -> bool:
        self.end(item_id)
        return True


class Memory(TaskMemory):
    """Stores the number of the run."""

    def intent(self) -> int | None:
        stored = self.intent_json()
        return (1 if self.outcome_unknown else None) if stored is None else stored["number"]

    def store_intent(self, intent: int) -> None:
        self.store_intent_json({"number": intent})

    def publish_id(self, item_id: str) -> None:
        """Nobody else needs it."""


class Runner:
    """One task over its tries."""

    def __init__(self, *, stored: bool = True) -> None:
        self.service: list[dict[str, Any]] = []
        self.task = Task(Store() if stored else None)

    def creator(self) -> tuple[Runs, CreateOnce[dict[str, Any], int]]:
        """Return what the next try has."""
        self.task.tries += 1
        runs = Runs(self.service)
        memory = Memory(self.task.context, "a_run")
        return runs, CreateOnce(runs, memory, logging.getLogger(__name__), sleep=lambda _: None)

    def statuses(self) -> list[tuple[int, str]]:
        return [(run["number"], run["status"]) for run in self.service]


@pytest.fixture(params=[True, False], ids=["with a store", "without one"])
def runner(request: pytest.FixtureRequest) -> Runner:
    return Runner(stored=request.param)


def test_item_of_an_earlier_try_is_continued_with(runner: Runner) -> None:
    first = runner.creator()[1].create()
    assert runner.creator()[1].create() == first
    assert runner.statuses() == [(1, LIVE)]


def test_item_whose_response_was_lost_is_found_by_its_mark(runner: Runner) -> None:
    runs, creator = runner.creator()
    runs.lose = True
    assert creator.create() == runner.service[0]
    assert creator.item_id == "R0"
    assert runner.creator()[1].create() == runner.service[0]
    assert len(runner.service) == 1


def test_dead_item_is_replaced_under_the_next_number(runner: Runner) -> None:
    runner.creator()[1].create()
    runner.service[0]["status"] = DEAD
    runner.creator()[1].create()
    assert runner.statuses() == [(1, DEAD), (2, LIVE)]
    assert runner.creator()[1].create() == runner.service[1]


def test_first_of_two_live_items_is_kept_beside_a_dead_one() -> None:
    runner = Runner(stored=False)
    runner.service += [
        {"id": f"R{n}", "status": status, "number": n} for n, status in ((1, DEAD), (2, LIVE), (3, LIVE))
    ]
    runner.task.tries = 1
    assert runner.creator()[1].create() == runner.service[1]
    assert runner.statuses() == [(1, DEAD), (2, LIVE), (3, "cancelled")]


def test_item_that_cannot_be_read_is_named_and_nothing_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create_once, "SHOW_SECONDS", 0.0)
    runner = Runner()
    runner.creator()[1].create()
    runs, creator = runner.creator()
    runs.away = True
    with pytest.raises(IonQNotReadableError, match=facts("R0 | earlier try | service")) as error:
        creator.create()
    assert error.value.retryable
    assert len(runner.service) == 1


def test_stopped_task_cancels_what_it_created(runner: Runner) -> None:
    _, creator = runner.creator()
    creator.create()
    creator.stop()
    assert runner.statuses() == [(1, "cancelled")]
    with pytest.raises(IonQCreateStoppedError, match="requested to cancel run R0"):
        creator.create()
