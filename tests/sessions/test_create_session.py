"""The operator that creates a session: its requests, the recovery of lost sessions, and no duplicates."""

from __future__ import annotations

import json
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import (
    IonQCreateStoppedError,
    IonQError,
    IonQNotReadableError,
    IonQServerError,
    IonQTimeoutError,
    IonQUnreachableError,
)
from airflow_provider_ionq.exceptions import IonQCapacityTimeoutException, IonQFailException
from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.utils.session_memory import PROGRESS_KEY
from airflow_provider_ionq.waiting.create_once import CreateOnce
from tests.sessions.tasks import BACKEND, INTENT_KEY, SESSION_KEY, Store, Task, raises_session_lost

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

CREATE = "POST /sessions"
LIST = "GET /sessions"
READ = "GET /sessions/{session_id}"
END = "POST /sessions/{session_id}/end"


@pytest.fixture(params=["with a store", "without one"])
def store(request: pytest.FixtureRequest) -> Store | None:
    return Store() if request.param == "with a store" else None


def open_sessions(emulator: Emulator) -> list[str]:
    return [session["id"] for session in emulator.sessions() if session["ended_at"] is None]


def requests(emulator: Emulator) -> list[str]:
    return [str(request.route) for request in emulator.requests]


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


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, v in BAD_LIMITS if isinstance(v, (int, float, str))])
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


# A lost answer.


def lose(emulator: Emulator, how: str) -> None:
    if how == "dropped":
        emulator.disturb("drop_after_read", route=CREATE)
    elif how == "late":
        emulator.disturb("delay", delay_seconds=3.0, route=CREATE)
    elif how == "cut":
        emulator.disturb("cut_body", after_bytes=10, route=CREATE)
    else:
        emulator.fail(int(how), route=CREATE, after_effect=True)


@pytest.fixture
def impatient(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the connection give up after a second."""
    connection = json.loads(ionq_emulator.airflow_connection) | {"extra": {"timeout_seconds": 1}}
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", json.dumps(connection))


LOST = ["dropped", "late", "cut", "500", "502", "504", "520"]


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
    ionq_emulator: Emulator, store: Store | None, other: dict[str, Any]
) -> None:
    ionq_emulator.fail(500, route=CREATE)
    on_record(ionq_emulator, lambda request: request.route == CREATE and ionq_emulator.create_session(**other))
    with pytest.raises(IonQServerError, match="may still have processed it"):
        Task(store, adopt_lost_session=True).try_once()


@pytest.mark.parametrize(
    "field", [{"project_id": "another"}, *({"created_at": f"{year}-01-01T00:00:00.000Z"} for year in (2020, 2099))]
)
def test_session_of_another_project_or_time_is_not_a_candidate(
    ionq_emulator: Emulator, store: Store | None, field: dict[str, Any]
) -> None:
    def meddle(request: Any) -> None:
        if request.route == CREATE:
            made = ionq_emulator.create_session(BACKEND, settings={"duration_limit_min": 60})
            ionq_emulator.update_session(made["id"], **field)

    ionq_emulator.fail(500, route=CREATE)
    on_record(ionq_emulator, meddle)
    with pytest.raises(IonQServerError):
        Task(store, adopt_lost_session=True).try_once()


def test_ended_session_is_not_a_candidate(ionq_emulator: Emulator, store: Store | None) -> None:
    def meddle(request: Any) -> None:
        if request.route == CREATE:
            made = ionq_emulator.create_session(BACKEND, settings={"duration_limit_min": 60})
            ionq_emulator.end_session(made["id"])

    ionq_emulator.fail(500, route=CREATE)
    on_record(ionq_emulator, meddle)
    with pytest.raises(IonQServerError):
        Task(store, adopt_lost_session=True).try_once()


def test_lost_session_that_was_started_is_named_and_never_adopted(ionq_emulator: Emulator, store: Store | None) -> None:
    def start(request: Any) -> None:
        if request.route == CREATE and len(ionq_emulator.sessions()) == 1:
            ionq_emulator.start_session(ionq_emulator.sessions()[0]["id"])

    on_record(ionq_emulator, start)
    ionq_emulator.disturb("drop_after_read", route=CREATE)
    task = Task(store, adopt_lost_session=True)
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
def test_lost_session_that_appears_late_in_the_list_is_found(ionq_emulator: Emulator, store: Store | None) -> None:
    ionq_emulator.fail(504, route=CREATE)
    looks: list[str] = []

    def appear(request: Any) -> None:
        if request.route == LIST:
            looks.append(request.route)
            if len(looks) == 2:
                looks.append(ionq_emulator.create_session(BACKEND, settings={"duration_limit_min": 60})["id"])

    on_record(ionq_emulator, appear)
    with raises_session_lost() as lost:
        Task(store).try_once()
    assert looks[2] in str(lost.value)


def test_search_for_a_lost_session_survives_a_failing_list(ionq_emulator: Emulator, store: Store | None) -> None:
    ionq_emulator.disturb("drop_after_read", route=CREATE)

    def fail_once(request: Any) -> None:
        if request.route == CREATE:
            ionq_emulator.fail(503, route=LIST)

    on_record(ionq_emulator, fail_once)
    with raises_session_lost():
        Task(store).try_once()


# A worker that dies.


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


def test_try_that_dies_before_the_request_creates_no_session_and_the_next_try_creates_one(
    ionq_emulator: Emulator,
) -> None:
    task = Task(Store())
    crash(task, ionq_emulator, CREATE, after=False)
    session = task.try_once()
    assert open_sessions(ionq_emulator) == [session["id"]]


def test_session_of_a_try_that_dies_before_the_answer_is_named_by_the_next_try(
    ionq_emulator: Emulator, store: Store | None
) -> None:
    task = Task(store)
    crash(task, ionq_emulator, CREATE, after=True)
    (made,) = open_sessions(ionq_emulator)
    with raises_session_lost(match=made):
        task.try_once()
    assert requests(ionq_emulator).count(CREATE) == 1


def test_session_of_a_try_that_dies_before_the_answer_is_adopted_if_adopt_lost_session_is_set(
    ionq_emulator: Emulator, store: Store | None
) -> None:
    task = Task(store, adopt_lost_session=True)
    crash(task, ionq_emulator, CREATE, after=True)
    assert open_sessions(ionq_emulator) == [task.try_once()["id"]]
    assert requests(ionq_emulator).count(CREATE) == 1


def test_session_of_a_try_that_dies_after_the_answer_is_used_by_the_next_try(ionq_emulator: Emulator) -> None:
    task = Task(Store())
    crash(task, ionq_emulator, READ, after=False)
    (made,) = open_sessions(ionq_emulator)
    ionq_emulator.start_session(made)
    assert task.try_once() == ionq_emulator.session(made)
    assert requests(ionq_emulator).count(CREATE) == 1


def test_a_stored_session_that_has_ended_is_not_adopted(ionq_emulator: Emulator) -> None:
    task = Task(Store())
    first = task.try_once()["id"]
    ionq_emulator.end_session(first)
    second = task.try_once()["id"]
    assert open_sessions(ionq_emulator) == [second]
    assert task.store is not None
    assert task.store.get(SESSION_KEY) == second


@pytest.mark.parametrize("status", [401, 403, 404, 503])
def test_a_stored_session_that_cannot_be_read_is_named_and_left_to_a_retry(
    ionq_emulator: Emulator, status: int
) -> None:
    task = Task(Store())
    crash(task, ionq_emulator, READ, after=False)
    (made,) = open_sessions(ionq_emulator)
    ionq_emulator.fail(status, route=READ, seconds=60)
    with pytest.raises(IonQNotReadableError, match=f"{made}.* may cost money") as error:
        task.try_once()
    assert error.value.retryable
    ionq_emulator.clear_faults()
    assert task.try_once()["id"] == made
    assert open_sessions(ionq_emulator) == [made]


def test_the_intent_is_stored_before_the_request(ionq_emulator: Emulator) -> None:
    stored: list[Any] = []
    store = Store()

    def look(request: Any) -> None:
        if request.route == CREATE:
            stored.append(dict(store.values))

    on_record(ionq_emulator, look)
    others = ionq_emulator.create_session(BACKEND)["id"]
    ended = ionq_emulator.create_session(BACKEND)["id"]
    ionq_emulator.end_session(ended)
    ionq_emulator.create_session("simulator")
    Task(store).try_once()
    (values,) = stored
    assert set(values) == {INTENT_KEY}
    intent = json.loads(values[INTENT_KEY])
    assert intent["open_ids"] == [others]
    assert abs(intent["since"] - time.time()) < 60


# What the task that ends the session is told, should this one not live to return.


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


def test_no_session_is_requested_when_the_intent_cannot_be_stored(ionq_emulator: Emulator) -> None:
    class Broken(Store):
        def set(self, key: str, value: Any) -> None:
            raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        Task(Broken()).try_once()
    assert CREATE not in requests(ionq_emulator)


# Once it is open.


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


# Killed.


def kill_at(emulator: Emulator, task: Task, route: str) -> None:
    """Have SIGTERM arrive while a request of a route is being answered, as the task's runner takes it."""

    def kill(request: Any) -> None:
        if request.route == route:
            signal.raise_signal(signal.SIGTERM) if threading.current_thread() is threading.main_thread() else (
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            )

    on_record(emulator, kill)


@pytest.fixture
def runner_of() -> Any:
    """Handle SIGTERM as Airflow 3's task runner does."""
    before = signal.getsignal(signal.SIGTERM)
    yield lambda task: signal.signal(signal.SIGTERM, lambda *_: task.operator.on_kill())
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("route", [CREATE, READ])
def test_killed_task_ends_the_session_that_it_has_just_created(
    ionq_emulator: Emulator, store: Store | None, runner_of: Any, route: str
) -> None:
    task = Task(store)
    runner_of(task)
    kill_at(ionq_emulator, task, route)
    with pytest.raises(IonQCreateStoppedError, match="requested to end session"):
        task.try_once()
    assert len(ionq_emulator.sessions()) == 1
    assert open_sessions(ionq_emulator) == []


def test_a_task_that_is_killed_before_the_request_sends_none(
    ionq_emulator: Emulator, store: Store | None, runner_of: Any
) -> None:
    task = Task(store)
    runner_of(task)
    kill_at(ionq_emulator, task, LIST)
    with pytest.raises(IonQCreateStoppedError, match="no session was created"):
        task.try_once()
    assert ionq_emulator.sessions() == []


def test_a_killed_task_tries_to_end_its_session_more_than_once(ionq_emulator: Emulator, runner_of: Any) -> None:
    task = Task(None)
    runner_of(task)
    kill_at(ionq_emulator, task, READ)
    ionq_emulator.fail(503, route=END, times=2)
    with pytest.raises(IonQCreateStoppedError):
        task.try_once()
    assert open_sessions(ionq_emulator) == []


def test_session_is_ended_when_the_signal_handler_raises_as_in_airflow_2(
    ionq_emulator: Emulator, runner_of: Any
) -> None:
    class Terminated(BaseException):
        pass

    task = Task(None)

    def handle(*_: Any) -> None:
        task.operator.on_kill()
        raise Terminated

    runner_of(task)
    signal.signal(signal.SIGTERM, handle)
    kill_at(ionq_emulator, task, CREATE)
    with pytest.raises(Terminated):
        task.try_once()
    assert len(ionq_emulator.sessions()) == 1
    assert open_sessions(ionq_emulator) == []
    assert requests(ionq_emulator).count(END) == 1


def test_task_at_its_execution_timeout_ends_the_session_that_it_has_just_created(ionq_emulator: Emulator) -> None:
    class TimedOut(BaseException):
        pass

    def out_of_time(*_: Any) -> None:
        raise TimedOut

    def alarm(request: Any) -> None:
        if request.route == CREATE:
            signal.setitimer(signal.ITIMER_REAL, 0.1)

    before = signal.signal(signal.SIGALRM, out_of_time)
    ionq_emulator.disturb("delay", route=CREATE, delay_seconds=0.5)
    on_record(ionq_emulator, alarm)
    try:
        with pytest.raises(TimedOut):
            Task(Store()).try_once()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(ionq_emulator.sessions()) == 1
    assert open_sessions(ionq_emulator) == []


def test_host_that_disappears_after_the_list_is_left_to_a_retry(
    ionq_emulator: Emulator, store: Store | None, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    task = Task(store)
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


def test_finished_task_ends_no_session_when_it_is_killed(ionq_emulator: Emulator) -> None:
    task = Task(None)
    session = task.try_once()
    task.operator.on_kill()
    assert open_sessions(ionq_emulator) == [session["id"]]


# No capacity.


@pytest.mark.parametrize("status", [409, 429])
def test_task_without_capacity_defers_and_requests_again_when_there_may_be_some(
    ionq_emulator: Emulator, store: Store | None, status: int
) -> None:
    others = ionq_emulator.create_session(BACKEND)["id"]
    ionq_emulator.fail(status, route=CREATE, times=2)
    task = Task(store, timeout=100, poke_interval=7)
    with pytest.raises(TaskDeferred) as deferred:
        task.try_once()
    path, arguments = deferred.value.trigger.serialize()
    assert path == "airflow_provider_ionq.triggers.capacity.IonQCapacityTrigger"
    since = arguments.pop("since")
    assert abs(since - time.time()) < 30
    assert 90 < arguments.pop("remaining") <= 100
    assert arguments == {
        "backend": BACKEND,
        "ionq_conn_id": "ionq_default",
        "open_session_ids": [others],
        "poke_interval": 7.0,
        "pause": 7.0,
    }
    assert deferred.value.timeout is not None
    assert 90 < deferred.value.timeout.total_seconds() <= 100

    event = {"backend": BACKEND, "session_id": others, "remaining": 50.0}
    with pytest.raises(TaskDeferred) as again:
        task.resume(deferred.value, event)
    _, arguments = again.value.trigger.serialize()
    assert (arguments["since"], arguments["pause"]) == (since, 14.0)
    assert again.value.timeout is not None
    assert 40 < again.value.timeout.total_seconds() <= 50

    session = task.resume(again.value, event)
    assert open_sessions(ionq_emulator) == [others, session["id"]]
    assert requests(ionq_emulator).count(CREATE) == 3


def test_pause_between_requests_grows_to_five_minutes_and_honours_retry_after(ionq_emulator: Emulator) -> None:
    task = Task(None, poke_interval=60)
    ionq_emulator.fail(429, route=CREATE, times=4)
    ionq_emulator.fail(429, route=CREATE, retry_after=290)
    ionq_emulator.fail(429, route=CREATE, retry_after=86400)
    assert [pause_of(task) for _ in range(6)] == [60, 60, 60, 60, 290, 300]
    ionq_emulator.fail(409, route=CREATE, times=6)
    with pytest.raises(TaskDeferred) as first:
        task.try_once()
    deferred, pauses = first.value, []
    for _ in range(5):
        with pytest.raises(TaskDeferred) as again:
            task.resume(deferred, {"backend": BACKEND, "session_id": None, "remaining": None})
        deferred = again.value
        pauses.append(deferred.trigger.serialize()[1]["pause"])
    assert pauses == [120, 240, 300, 300, 300]


def pause_of(task: Task) -> float:
    with pytest.raises(TaskDeferred) as deferred:
        task.try_once()
    return float(deferred.value.trigger.serialize()[1]["pause"])


@pytest.mark.parametrize("event", [None, {}, {"backend": "another"}, [], "ours"])
def test_an_event_of_another_trigger_is_rejected(ionq_emulator: Emulator, event: Any) -> None:
    task = Task(None)
    ionq_emulator.fail(409, route=CREATE)
    with pytest.raises(TaskDeferred) as deferred:
        task.try_once()
    with pytest.raises(ValueError, match="unexpected event|waits for backend"):
        task.resume(deferred.value, event)
    assert ionq_emulator.sessions() == []


def test_task_requests_a_session_once_more_after_the_timeout(ionq_emulator: Emulator, store: Store | None) -> None:
    task = Task(store, timeout=50)
    ionq_emulator.fail(409, route=CREATE, times=2)
    with pytest.raises(TaskDeferred):
        task.try_once()
    with pytest.raises(IonQCapacityTimeoutException, match="no capacity for a session on qpu.forte-1 .* within 50 s"):
        task.time_out()
    assert ionq_emulator.sessions() == []
    assert task.time_out()["backend"] == BACKEND


def test_task_waits_for_capacity_on_the_worker_if_not_deferrable(ionq_emulator: Emulator) -> None:
    ionq_emulator.fail(409, route=CREATE, times=2)
    session = Task(None, deferrable=False, poke_interval=0.1).try_once()
    assert open_sessions(ionq_emulator) == [session["id"]]
    ionq_emulator.fail(409, route=CREATE, seconds=60)
    with pytest.raises(IonQCapacityTimeoutException):
        Task(None, deferrable=False, poke_interval=0.1, timeout=0.5).try_once()


def test_crash_of_a_resumed_task_leads_to_no_second_session(ionq_emulator: Emulator) -> None:
    task = Task(Store())
    ionq_emulator.fail(409, route=CREATE)
    with pytest.raises(TaskDeferred):
        task.try_once()
    crash(task, ionq_emulator, READ, after=False)
    assert [task.try_once()["id"]] == open_sessions(ionq_emulator)


def test_transient_errors_are_left_to_airflows_retries(ionq_emulator: Emulator) -> None:
    ionq_emulator.stop()
    with pytest.raises(IonQFailException):
        Task(None).try_once()
    ionq_emulator.start()
    ionq_emulator.disturb("drop_before_read", times=9)
    with pytest.raises(IonQError) as error:
        Task(None).try_once()
    assert error.value.retryable
    assert not isinstance(error.value, IonQTimeoutError)


def on_record(emulator: Emulator, action: Callable[[Any], object]) -> None:
    """Do something when a request has had its effect, before it is answered."""
    record = emulator.record

    def recording(request: Any) -> None:
        record(request)
        action(request)

    emulator.record = recording  # type: ignore[method-assign]
