"""A session whose creation was not answered: it is named or adopted, and never created twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import (
    IonQServerError,
    IonQUnreachableError,
)
from tests.sessions.tasks import BACKEND, Store, Task, raises_session_lost
from tests.support.emulated import CREATE, LIST, connection_with, lose, on_record, open_sessions, requests
from tests.support.facts import facts

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow


@pytest.fixture
def impatient(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the connection give up after a second."""
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", connection_with(ionq_emulator, timeout_seconds=1))


LOST = ["dropped", "late", "cut", "500"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", LOST)
def test_request_with_a_lost_answer_is_never_repeated_and_the_error_names_the_session(
    ionq_emulator: Emulator, store: Store | None, how: str
) -> None:
    others = ionq_emulator.create_session(BACKEND, settings={"duration_limit_min": 60})["id"]
    lose(ionq_emulator, how)
    task = Task(store)
    with raises_session_lost() as lost:
        task.try_once()
    (made,) = [session_id for session_id in open_sessions(ionq_emulator) if session_id != others]
    assert made in str(lost.value)
    assert others not in str(lost.value)
    assert "60 minutes after its creation" in str(lost.value)
    assert "adopt_lost_session=True" in str(lost.value)
    assert requests(ionq_emulator).count(CREATE) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", LOST)
def test_lost_session_is_adopted_if_adopt_lost_session_is_set(
    ionq_emulator: Emulator, store: Store | None, how: str
) -> None:
    ionq_emulator.create_session(BACKEND, settings={"duration_limit_min": 60})
    before = set(open_sessions(ionq_emulator))
    lose(ionq_emulator, how)
    session = Task(store, adopt_lost_session=True).try_once()
    assert set(open_sessions(ionq_emulator)) == before | {session["id"]}
    assert session["id"] not in before


def test_lost_session_is_not_adopted_if_there_are_two_candidates(ionq_emulator: Emulator, store: Store | None) -> None:
    def meddle(request: Any) -> None:
        if request.route == CREATE:
            ionq_emulator.create_session(BACKEND, settings={"duration_limit_min": 60})

    on_record(ionq_emulator, meddle)
    ionq_emulator.disturb("drop_after_read", route=CREATE)
    with raises_session_lost() as lost:
        Task(store, adopt_lost_session=True).try_once()
    assert all(session_id in str(lost.value) for session_id in open_sessions(ionq_emulator))
    assert len(open_sessions(ionq_emulator)) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"backend": "qpu.forte-enterprise-1", "settings": {"duration_limit_min": 60}},
        {"settings": {"duration_limit_min": 61}},
        {"settings": {"duration_limit_min": 60, "job_count_limit": 3}},
        {"settings": {"duration_limit_min": 60, "cost_limit": {"unit": "usd", "value": 1}}},
        {},
    ],
)
def test_session_with_another_backend_or_limits_is_not_a_candidate(
    ionq_emulator: Emulator, other: dict[str, Any]
) -> None:
    ionq_emulator.fail(500, route=CREATE)
    on_record(ionq_emulator, lambda request: request.route == CREATE and ionq_emulator.create_session(**other))
    with pytest.raises(IonQServerError, match=facts("500 | may | processed")):
        Task(Store(), adopt_lost_session=True).try_once()


@pytest.mark.parametrize(
    "field", [{"project_id": "another"}, *({"created_at": f"{year}-01-01T00:00:00.000Z"} for year in (2020, 2099))]
)
def test_session_of_another_project_or_time_is_not_a_candidate(ionq_emulator: Emulator, field: dict[str, Any]) -> None:
    def meddle(request: Any) -> None:
        if request.route == CREATE:
            made = ionq_emulator.create_session(BACKEND, settings={"duration_limit_min": 60})
            ionq_emulator.update_session(made["id"], **field)

    ionq_emulator.fail(500, route=CREATE)
    on_record(ionq_emulator, meddle)
    with pytest.raises(IonQServerError):
        Task(Store(), adopt_lost_session=True).try_once()


def test_ended_session_is_not_a_candidate(ionq_emulator: Emulator) -> None:
    def meddle(request: Any) -> None:
        if request.route == CREATE:
            made = ionq_emulator.create_session(BACKEND, settings={"duration_limit_min": 60})
            ionq_emulator.end_session(made["id"])

    ionq_emulator.fail(500, route=CREATE)
    on_record(ionq_emulator, meddle)
    with pytest.raises(IonQServerError):
        Task(Store(), adopt_lost_session=True).try_once()


def test_lost_session_that_was_started_is_named_and_never_adopted(ionq_emulator: Emulator) -> None:
    def start(request: Any) -> None:
        if request.route == CREATE and len(ionq_emulator.sessions()) == 1:
            ionq_emulator.start_session(ionq_emulator.sessions()[0]["id"])

    on_record(ionq_emulator, start)
    ionq_emulator.disturb("drop_after_read", route=CREATE)
    task = Task(Store(), adopt_lost_session=True)
    with raises_session_lost() as lost:
        task.try_once()
    (lost_id,) = open_sessions(ionq_emulator)
    assert f"{lost_id}, created at" in str(lost.value)
    assert "now started" in str(lost.value)
    # A person was told, and clears the task: the session is somebody's who works in it.
    assert task.try_once()["id"] != lost_id
    assert lost_id in open_sessions(ionq_emulator)


def test_failed_request_without_effect_is_retried_by_airflow_and_creates_one_session(
    ionq_emulator: Emulator, store: Store | None
) -> None:
    ionq_emulator.fail(500, route=CREATE)
    task = Task(store)
    with pytest.raises(IonQServerError):
        task.try_once()
    session = task.try_once()
    assert open_sessions(ionq_emulator) == [session["id"]]
    assert requests(ionq_emulator).count(CREATE) == 2


@pytest.mark.usefixtures("impatient")
def test_lost_session_that_appears_late_in_the_list_is_found(ionq_emulator: Emulator) -> None:
    ionq_emulator.fail(504, route=CREATE)
    looks: list[str] = []

    def appear(request: Any) -> None:
        if request.route == LIST:
            looks.append(request.route)
            if len(looks) == 2:
                looks.append(ionq_emulator.create_session(BACKEND, settings={"duration_limit_min": 60})["id"])

    on_record(ionq_emulator, appear)
    with raises_session_lost() as lost:
        Task(Store()).try_once()
    assert looks[2] in str(lost.value)


def test_search_for_a_lost_session_survives_a_failing_list(ionq_emulator: Emulator) -> None:
    ionq_emulator.disturb("drop_after_read", route=CREATE)

    def fail_once(request: Any) -> None:
        if request.route == CREATE:
            ionq_emulator.fail(503, route=LIST)

    on_record(ionq_emulator, fail_once)
    with raises_session_lost():
        Task(Store()).try_once()


def test_host_that_disappears_after_the_list_is_left_to_a_retry(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", connection_with(ionq_emulator, max_retries=0))
    stop_after_list = ionq_emulator.record

    def recording(request: Any) -> None:
        stop_after_list(request)
        if request.route == LIST:
            threading.Timer(0.05, ionq_emulator.stop).start()

    monkeypatch.setattr(ionq_emulator, "record", recording)
    real = IonQClient.create_session

    def later(*args: Any, **kwargs: Any) -> Any:
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):
                thread.join()
        return real(*args, **kwargs)

    monkeypatch.setattr(IonQClient, "create_session", later)
    task = Task(Store())
    with pytest.raises(IonQUnreachableError):
        task.try_once()
    monkeypatch.undo()
    assert ionq_emulator.sessions() == []


def test_tls_connection_that_breaks_after_the_request_is_left_to_a_retry(
    ionq_emulator: Emulator, store: Store | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise IonQUnreachableError("POST: the TLS connection failed", may_have_applied=True)

    task = Task(store)
    with monkeypatch.context() as patch:
        patch.setattr(IonQClient, "create_session", broken)
        with pytest.raises(IonQUnreachableError):
            task.try_once()
    session = task.try_once()
    assert open_sessions(ionq_emulator) == [session["id"]]
