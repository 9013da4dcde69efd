"""A session whose id is known is published or ended, whatever fails in Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import IonQError, IonQNotEndedError, IonQNotPublishedError
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.utils.session_memory import PROGRESS_KEY
from airflow_provider_ionq.waiting import stop
from tests.sessions.tasks import BACKEND, SESSION_KEY, Store, Task
from tests.support.emulated import CREATE, END, READ, on_record, open_sessions, requests
from tests.support.facts import facts

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator


class AirflowIsAwayError(Exception):
    """What Airflow raises while its API server is away."""


class CutOff(Task):
    """
    A task whose Airflow goes away when its session was opened.

    :param emulator: where the session is opened.
    :param keys: XComs that cannot be pushed.
    :param times: how often each fails.
    """

    def __init__(self, emulator: Emulator, keys: set[str], times: int, store: Store | None = None) -> None:
        super().__init__(store)
        self.failures = dict.fromkeys(keys, 0)
        self.times = times
        self.away = False
        on_record(emulator, lambda request: setattr(self, "away", self.away or request.route == CREATE))

    @property
    def context(self) -> Any:
        context = super().context
        push = context["ti"].xcom_push

        def xcom_push(key: str, value: Any) -> None:
            if self.away and key in self.failures and self.failures[key] < self.times:
                self.failures[key] += 1
                raise AirflowIsAwayError(key)
            push(key, value)

        context["ti"].xcom_push = xcom_push
        return context


KEYS = [PROGRESS_KEY, "return_value", "id"]


@pytest.mark.parametrize("key", KEYS)
def test_session_id_is_published_again_after_a_short_outage_of_airflow(ionq_emulator: Emulator, key: str) -> None:
    task = CutOff(ionq_emulator, {key}, times=1)
    session = task.try_once()
    assert task.failures[key] == 1
    assert open_sessions(ionq_emulator) == [session["id"]]
    assert task.xcoms[PROGRESS_KEY]["session_id"] == session["id"] == task.xcoms["id"]
    assert task.xcoms["return_value"] == session


@pytest.mark.parametrize("store", [None, Store()])
@pytest.mark.parametrize("key", KEYS)
def test_session_that_cannot_be_published_is_ended_and_the_next_try_creates_another(
    ionq_emulator: Emulator, key: str, store: Store | None
) -> None:
    task = CutOff(ionq_emulator, {key}, times=1000, store=store and Store())
    with pytest.raises(IonQNotPublishedError, match="has been ended, and a retry") as error:
        task.try_once()
    assert error.value.retryable
    (made,) = ionq_emulator.sessions()
    assert made["id"] in str(error.value)
    assert open_sessions(ionq_emulator) == []
    task.times = 0
    session = task.try_once()
    assert open_sessions(ionq_emulator) == [session["id"]]


def test_session_that_can_be_neither_published_nor_ended_is_named_by_a_retryable_error(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ionq.sessions.end.ATTEMPTS", 1)
    monkeypatch.setattr(stop, "KILLED_WITHIN_SECONDS", 0.5)
    task = CutOff(ionq_emulator, {PROGRESS_KEY}, times=1000)
    ionq_emulator.fail(503, route=END, seconds=60)
    with pytest.raises(IonQNotEndedError, match=facts("not be reported | Airflow | cost money")) as error:
        task.try_once()
    assert error.value.retryable
    assert open_sessions(ionq_emulator)[0] in str(error.value)


def test_stopped_task_that_cannot_end_its_session_publishes_its_id(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop, "KILLED_WITHIN_SECONDS", 0.5)
    task = Task(Store())
    ionq_emulator.fail(503, route=END, seconds=60)

    def kill(request: Any) -> None:
        if request.route == CREATE:
            task.operator.on_kill()

    on_record(ionq_emulator, kill)
    with pytest.raises(IonQError, match="being killed"):
        task.try_once()
    assert [task.xcoms[PROGRESS_KEY]["session_id"]] == open_sessions(ionq_emulator)


def test_a_store_that_cannot_be_written_for_a_moment_is_written_later(ionq_emulator: Emulator) -> None:
    class Flaky(Store):
        failures = 0

        def set(self, key: str, value: Any) -> None:
            if key == SESSION_KEY and not self.failures:
                self.failures += 1
                raise AirflowIsAwayError
            super().set(key, value)

    store = Flaky()
    session = Task(store).try_once()
    assert store.get(SESSION_KEY) == session["id"]


def test_airflow_has_nothing_more_to_push_when_the_task_has_returned(ionq_emulator: Emulator) -> None:
    task = Task(None)
    session = task.try_once()
    assert not task.operator.do_xcom_push
    assert task.xcoms["return_value"] == session
    assert {name for name, value in session.items() if value is not None} <= set(task.xcoms)


def test_task_with_do_xcom_push_off_pushes_no_result(ionq_emulator: Emulator) -> None:
    task = Task(None, do_xcom_push=False)
    task.try_once()
    assert set(task.xcoms) == {PROGRESS_KEY}


# A log that cannot be written.


class BrokenLog:
    """
    The logger of a task whose supervisor is gone: once a session was asked for, each call raises.

    :param error: what it raises.
    :param emulator: where the session is asked for.
    """

    def __init__(self, error: Exception, emulator: Emulator) -> None:
        self._error = error
        self._emulator = emulator

    def _write(self, *_: Any) -> None:
        if any(request.method == "POST" for request in self._emulator.requests):
            raise self._error

    debug = info = warning = error = exception = _write


ERRORS = [
    BrokenPipeError(32, "Broken pipe"),
    ValueError("I/O operation on closed file"),
    OSError(5, "I/O"),
    RuntimeError(),
]


@pytest.fixture
def broken_log(request: pytest.FixtureRequest, ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner in (IonQCreateSessionOperator, IonQHook):
        monkeypatch.setattr(owner, "log", BrokenLog(getattr(request, "param", ERRORS[0]), ionq_emulator))


@pytest.mark.parametrize("broken_log", ERRORS, ids=lambda error: type(error).__name__, indirect=True)
@pytest.mark.usefixtures("broken_log")
def test_task_that_cannot_write_its_log_creates_its_session_anyway(ionq_emulator: Emulator) -> None:
    session = Task(None).try_once()
    assert open_sessions(ionq_emulator) == [session["id"]]


@pytest.mark.usefixtures("broken_log")
@pytest.mark.parametrize("failures", [0, 2])
def test_a_task_that_is_stopped_and_cannot_write_its_log_ends_its_session(
    ionq_emulator: Emulator, failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop, "KILLED_WITHIN_SECONDS", 1.0)
    task = Task(None)
    for _ in range(failures):
        ionq_emulator.fail(503, route=END)

    def kill(request: Any) -> None:
        if request.route == READ:
            task.operator.on_kill()

    on_record(ionq_emulator, kill)
    # The emulator cannot answer while `kill` runs in it, so the end is requested after this error.
    with pytest.raises(IonQError, match="being killed: session .* may still cost money"):
        task.try_once()
    assert open_sessions(ionq_emulator) == []


@pytest.mark.usefixtures("broken_log")
@pytest.mark.parametrize("store", [None, Store()])
def test_task_that_can_publish_nothing_ends_its_session(ionq_emulator: Emulator, store: Store | None) -> None:
    task = CutOff(ionq_emulator, set(KEYS), times=1000, store=store and Store())
    with pytest.raises(IonQNotPublishedError):
        task.try_once()
    assert open_sessions(ionq_emulator) == []
    assert requests(ionq_emulator).count(CREATE) == 1


@pytest.mark.usefixtures("broken_log")
def test_failed_end_is_repeated_even_if_it_cannot_be_logged(ionq_emulator: Emulator) -> None:
    session_id = ionq_emulator.create_session(BACKEND)["id"]
    ionq_emulator.fail(503, route=END)
    assert IonQHook().end_session(session_id, cancel_jobs=True)["ended_at"] is not None
