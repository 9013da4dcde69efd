"""The operator that creates a session: its arguments, its requests, and what it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import (
    IonQError,
    IonQServerError,
    IonQTimeoutError,
)
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from tests.sessions.tasks import BACKEND, Store, Task
from tests.support.emulated import CREATE, LIST, READ, connection_with, open_sessions, requests

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator


def test_session_is_created_with_its_limits_and_returned_as_read(ionq_emulator: Emulator, store: Store | None) -> None:
    session = Task(store, job_count_limit=10, cost_limit_usd=99.5).try_once()
    assert session == ionq_emulator.session(session["id"])
    assert session["backend"] == BACKEND
    assert session["settings"] == {
        "duration_limit_min": 60,
        "job_count_limit": 10,
        "cost_limit": {"unit": "usd", "value": 99.5},
    }
    assert requests(ionq_emulator) == [LIST, CREATE, READ]


def test_limits_may_be_rendered_text(ionq_emulator: Emulator) -> None:
    task = Task(None, duration_limit_min="{{ params.minutes }}", cost_limit_usd="{{ params.cost }}")
    task.operator.duration_limit_min, task.operator.cost_limit_usd = "30", "1.5"
    session = task.operator.execute(task.context)
    assert session["settings"] == {"duration_limit_min": 30, "cost_limit": {"unit": "usd", "value": 1.5}}


BAD_NUMBERS: list[Any] = [0, -1, True, False, "many", float("nan"), float("inf"), [], 10**400]
BAD_LIMITS: list[tuple[str, Any]] = [
    (name, value) for name in ("duration_limit_min", "job_count_limit", "cost_limit_usd") for value in BAD_NUMBERS
] + [("duration_limit_min", 1.5), ("job_count_limit", 2**31), ("backend", ""), ("backend", None), ("backend", 7)]


@pytest.mark.parametrize(("name", "value"), BAD_LIMITS)
def test_invalid_argument_is_rejected_when_the_dag_is_parsed(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"task_id": "create", "backend": BACKEND, "duration_limit_min": 60, name: value}
    with pytest.raises(ValueError, match=name):
        IonQCreateSessionOperator(**arguments)


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, v in BAD_LIMITS if v in (0, "many", "")])
def test_template_that_renders_to_an_invalid_value_fails_before_any_request(
    ionq_emulator: Emulator, name: str, value: Any
) -> None:
    task = Task(None, **{name: "{{ params.value }}"})
    setattr(task.operator, name, value)
    with pytest.raises(IonQFailException, match=name):
        task.operator.execute(task.context)
    assert requests(ionq_emulator) == []


def test_a_session_without_any_limit_needs_allow_unlimited(ionq_emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="allow_unlimited=True"):
        Task(None, duration_limit_min=None)
    session = Task(None, duration_limit_min=None, allow_unlimited=True).try_once()
    assert session.get("settings") is None


@pytest.mark.parametrize("name", ["timeout", "poke_interval"])
@pytest.mark.parametrize("value", [0, -1, True, "soon"])
def test_invalid_timeout_or_poke_interval_is_rejected(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Task(None, **{name: value})


def test_unknown_backend_fails_with_the_list_of_known_backends(ionq_emulator: Emulator) -> None:
    with pytest.raises(IonQFailException, match=r"answered 400: .*there is no backend 'qpu.none-1'.*forte-1"):
        Task(None, backend="qpu.none-1").try_once()
    assert ionq_emulator.sessions() == []


@pytest.mark.parametrize(("status", "words"), [(401, "password"), (403, "403"), (404, "not enabled")])
def test_rejected_request_fails_without_retries_and_clears_the_store(
    ionq_emulator: Emulator, store: Store | None, status: int, words: str
) -> None:
    ionq_emulator.fail(status, route=CREATE)
    task = Task(store)
    with pytest.raises(IonQFailException, match=words):
        task.try_once()
    assert ionq_emulator.sessions() == []
    if store is not None:
        assert store.values == {}


def test_no_session_is_requested_when_the_open_sessions_cannot_be_listed(
    ionq_emulator: Emulator, store: Store | None
) -> None:
    ionq_emulator.fail(503, route=LIST, times=10, retry_after=0)
    with pytest.raises(IonQServerError):
        Task(store).try_once()
    assert CREATE not in requests(ionq_emulator)


def test_transient_errors_are_left_to_airflows_retries(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", connection_with(ionq_emulator, max_retries=0))
    ionq_emulator.stop()
    with pytest.raises(IonQFailException):
        Task(None).try_once()
    ionq_emulator.start()
    ionq_emulator.disturb("drop_before_read")
    with pytest.raises(IonQError) as error:
        Task(None).try_once()
    assert error.value.retryable
    assert not isinstance(error.value, IonQTimeoutError)


def test_finished_task_ends_no_session_when_it_is_killed(ionq_emulator: Emulator) -> None:
    task = Task(None)
    session = task.try_once()
    task.operator.on_kill()
    assert open_sessions(ionq_emulator) == [session["id"]]


def test_new_session_that_the_api_does_not_show_is_returned_anyway(
    ionq_emulator: Emulator, store: Store | None
) -> None:
    ionq_emulator.fail(404, route=READ, seconds=30)
    session = Task(store).try_once()
    assert open_sessions(ionq_emulator) == [session["id"]]
    assert requests(ionq_emulator).count(READ) >= 2


@pytest.mark.parametrize("status", [404, 500, 503, 429])
def test_new_session_that_the_api_shows_late_is_read_again(ionq_emulator: Emulator, status: int) -> None:
    ionq_emulator.fail(status, route=READ)
    session = Task(None).try_once()
    assert session == ionq_emulator.session(session["id"])
    assert requests(ionq_emulator) == [LIST, CREATE, READ, READ]
