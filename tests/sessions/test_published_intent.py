"""What the task that creates a session publishes for the task that ends it, in case it does not return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.utils.session_memory import PROGRESS_KEY
from tests.sessions.tasks import BACKEND, SESSION_KEY, Store, Task, crash
from tests.support.emulated import CREATE, LIST, READ, on_record, open_sessions

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator


def test_intent_is_published_before_the_request_and_the_session_id_after_it(
    ionq_emulator: Emulator, store: Store | None
) -> None:
    told: dict[str, Any] = {}
    task = Task(store)
    on_record(ionq_emulator, lambda request: told.update({request.route: task.xcoms.get(PROGRESS_KEY)}))
    session = task.try_once()
    assert told[LIST] == {}
    assert told[CREATE]["intent"]["request"]["backend"] == BACKEND
    assert told[READ] == {"session_id": session["id"], "connection": "ionq_default"}


def test_published_intent_is_cleared_when_the_request_is_rejected(ionq_emulator: Emulator, store: Store | None) -> None:
    task = Task(store)
    ionq_emulator.fail(400, route=CREATE)
    with pytest.raises(IonQFailException):
        task.try_once()
    assert task.xcoms[PROGRESS_KEY] == {}


@pytest.mark.parametrize("route", [CREATE, READ])
def test_next_try_republishes_the_intent_or_id_before_anything_else(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    task = Task(Store())
    crash(task, ionq_emulator, route, after=route == CREATE)
    told = task.xcoms[PROGRESS_KEY]
    assert set(told) == ({"intent"} if route == CREATE else {"session_id", "connection"})
    monkeypatch.delenv("AIRFLOW_CONN_IONQ_DEFAULT")
    with pytest.raises(IonQFailException, match="ionq_default"):
        task.try_once()
    assert task.xcoms[PROGRESS_KEY] == told


def test_next_try_without_a_store_publishes_nothing_instead_of_an_empty_value(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(None)
    crash(task, ionq_emulator, READ, after=False)
    monkeypatch.delenv("AIRFLOW_CONN_IONQ_DEFAULT")
    with pytest.raises(IonQFailException, match="ionq_default"):
        task.try_once()
    assert PROGRESS_KEY not in task.xcoms


def test_session_id_is_published_although_the_store_cannot_be_written(ionq_emulator: Emulator) -> None:
    class Full(Store):
        def set(self, key: str, value: Any) -> None:
            if key == SESSION_KEY:
                raise OSError("no more")
            super().set(key, value)

    task = Task(Full())
    session = task.try_once()
    assert open_sessions(ionq_emulator) == [session["id"]]
    assert task.xcoms[PROGRESS_KEY]["session_id"] == session["id"]
