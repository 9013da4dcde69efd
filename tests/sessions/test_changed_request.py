"""A stored session is not used when the DAG, the conf of the run or a mapping has changed since its request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import IonQNotEndedError, IonQNotReadableError
from airflow_provider_ionq.emulator import Emulator
from airflow_provider_ionq.sessions import end as closing
from tests.sessions.tasks import BACKEND, INTENT_KEY, SESSION_KEY, Store, Task, crash, raises_session_lost
from tests.support.emulated import CREATE, END, open_sessions, requests
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.one_airflow

CHANGES: list[dict[str, Any]] = [
    {"backend": "qpu.aria-1"},
    {"duration_limit_min": 5},
    {"duration_limit_min": None, "job_count_limit": 3},
    {"cost_limit_usd": 7},
    {"backend": "qpu.aria-1", "duration_limit_min": 5},
    {"duration_limit_min": None, "allow_unlimited": True},
]


def test_stored_session_that_matches_the_request_is_used(ionq_emulator: Emulator) -> None:
    store = Store()
    first = Task(store, cost_limit_usd=9.5).try_once()["id"]
    # A service may add limits of its own.
    ionq_emulator.update_session(first, settings={"duration_limit_min": 60, "job_count_limit": 99})
    assert Task(store, cost_limit_usd="9.5").try_once()["id"] == first
    assert open_sessions(ionq_emulator) == [first]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("remembered", [True, False], ids=["with its request", "id only"])
def test_stored_session_of_another_request_is_ended_and_replaced(
    ionq_emulator: Emulator, change: dict[str, Any], remembered: bool
) -> None:
    store = Store()
    first = Task(store).try_once()["id"]
    if not remembered:
        store.delete(INTENT_KEY)
    second = Task(store, **change).try_once()
    assert second["backend"] == change.get("backend", BACKEND)
    assert open_sessions(ionq_emulator) == [second["id"]]
    assert store.get(SESSION_KEY) == second["id"] != first


def test_stored_session_on_another_backend_is_ended(ionq_emulator: Emulator) -> None:
    store = Store()
    first = Task(store).try_once()["id"]
    ionq_emulator.update_session(first, backend="simulator")
    second = Task(store).try_once()["id"]
    assert open_sessions(ionq_emulator) == [second]


def test_stored_session_that_cannot_be_ended_is_named_and_not_replaced(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "ATTEMPTS", 1)
    store = Store()
    first = Task(store).try_once()["id"]
    ionq_emulator.fail(503, route=END)
    changed = Task(store, duration_limit_min=5)
    with pytest.raises(IonQNotEndedError, match=first) as error:
        changed.try_once()
    assert error.value.retryable
    assert open_sessions(ionq_emulator) == [first]
    assert [changed.try_once()["id"]] == open_sessions(ionq_emulator)


@pytest.mark.parametrize("adopt", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_lost_session_of_another_request_is_named_and_never_adopted(
    ionq_emulator: Emulator, change: dict[str, Any], adopt: bool
) -> None:
    store = Store()
    crash(Task(store), ionq_emulator, CREATE, after=True)
    (lost,) = open_sessions(ionq_emulator)
    changed = Task(store, adopt_lost_session=adopt, **change)
    with raises_session_lost(match=f"on {BACKEND} with duration_limit_min=60 .*{lost}"):
        changed.try_once()
    assert requests(ionq_emulator).count(CREATE) == 1
    ionq_emulator.end_session(lost)
    assert [changed.try_once()["id"]] == open_sessions(ionq_emulator)


# Another connection.


@pytest.fixture
def elsewhere(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Another account, with a connection of its own."""
    with Emulator(api_key="another") as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", json.dumps(json.loads(emulator.airflow_connection)))
        yield emulator


def test_stored_session_of_another_account_is_ended_there_and_replaced(
    ionq_emulator: Emulator, elsewhere: Emulator
) -> None:
    store = Store()
    Task(store, ionq_conn_id="elsewhere").try_once()
    second = Task(store).try_once()["id"]
    assert open_sessions(elsewhere) == []
    assert open_sessions(ionq_emulator) == [second]


def test_stored_session_whose_connection_was_deleted_is_named(
    ionq_emulator: Emulator, elsewhere: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()
    first = Task(store, ionq_conn_id="elsewhere").try_once()["id"]
    monkeypatch.delenv("AIRFLOW_CONN_ELSEWHERE")
    with pytest.raises(IonQNotReadableError, match=f"{first}.* with Airflow connection 'elsewhere'.*cannot be read"):
        Task(store).try_once()
    assert ionq_emulator.sessions() == []


def test_lost_session_is_searched_in_the_account_of_its_request(ionq_emulator: Emulator, elsewhere: Emulator) -> None:
    store = Store()
    crash(Task(store, ionq_conn_id="elsewhere"), elsewhere, CREATE, after=True)
    (lost,) = open_sessions(elsewhere)
    with raises_session_lost(match=f"with Airflow connection 'elsewhere' .*{lost}"):
        Task(store, adopt_lost_session=True).try_once()
    assert ionq_emulator.sessions() == []


def test_account_that_cannot_be_searched_for_a_lost_session_is_left_to_a_retry(
    ionq_emulator: Emulator, elsewhere: Emulator
) -> None:
    store = Store()
    crash(Task(store, ionq_conn_id="elsewhere"), elsewhere, CREATE, after=True)
    elsewhere.api_key = "rotated"
    with pytest.raises(IonQNotReadableError, match=facts("'elsewhere' | unknown | open")):
        Task(store).try_once()
    assert ionq_emulator.sessions() == []
