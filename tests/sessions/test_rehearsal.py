"""A rehearsal: the tasks of a session run, no session is created, and nothing is paid."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.arguments import flag_of
from airflow_provider_ionq.api.models import Session
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.session import IonQEndSessionOperator, IonQGetSessionOperator
from airflow_provider_ionq.sensors.session import IonQSessionSensor
from airflow_provider_ionq.sessions.rehearsal import backend_of_rehearsal, rehearsal_id, rehearsed_session
from airflow_provider_ionq.task_groups.left_open import report_session_left_open
from tests.sessions.tasks import BACKEND, SESSION_KEY, Store, Task
from tests.support.emulated import CREATE, END, open_sessions, requests
from tests.support.facts import facts, stating

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

REHEARSAL = "rehearsal:qpu.forte-1"
YES = [True, "True", "true", " TRUE "]
NO = [False, "False", "false"]
NEITHER: list[Any] = [None, "", "None", "yes", "1", 1, 0, "{{ params.rehearse }}", []]


@pytest.mark.parametrize("value", [*YES, *NO])
def test_flag_may_be_text(value: Any) -> None:
    assert flag_of("rehearse", value) is (value in YES)


@pytest.mark.parametrize("value", NEITHER)
def test_anything_else_is_no_flag(value: Any) -> None:
    with pytest.raises(ValueError, match=facts("rehearse | True or False")):
        flag_of("rehearse", value)


@pytest.mark.parametrize("value", ["s-1", "rehearsal:", "", None, {"id": REHEARSAL}, 7, "the rehearsal:x"])
def test_any_other_id_is_no_rehearsal(value: Any) -> None:
    assert backend_of_rehearsal(value) is None
    assert backend_of_rehearsal(rehearsal_id(BACKEND)) == BACKEND


@pytest.mark.parametrize("status", ["created", "started", "ended"])
def test_json_of_a_rehearsal_has_every_field_of_a_session(status: str) -> None:
    session = rehearsed_session(BACKEND, status=status)
    assert set(session) == set(Session.__annotations__)
    assert (session["started_at"] is None, session["ended_at"] is None) == (status == "created", status != "ended")


# The task that creates a session.


@pytest.mark.parametrize("rehearse", YES)
def test_nothing_is_created_and_the_log_says_so(
    ionq_emulator: Emulator, store: Store | None, rehearse: Any, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    task = Task(store, rehearse="{{ params.rehearse }}")
    task.operator.rehearse = rehearse
    task.make = lambda operator=task.operator: operator  # type: ignore[method-assign,misc]
    session = task.try_once()
    assert (session["id"], session["backend"], session["status"]) == (REHEARSAL, BACKEND, "created")
    assert session["settings"] == {"duration_limit_min": 60}
    assert task.xcoms["id"] == REHEARSAL
    assert task.xcoms["return_value"] == session
    assert requests(ionq_emulator) == []
    printed = capsys.readouterr()
    told = caplog.text + printed.out + printed.err
    assert stating(told.splitlines(), "Rehearsal | no session | qpu.forte-1 | nothing costs")


@pytest.mark.parametrize("rehearse", ["", "None", "maybe"])
def test_template_that_renders_to_neither_creates_nothing(
    ionq_emulator: Emulator, store: Store | None, rehearse: str
) -> None:
    task = Task(store, rehearse="{{ params.rehearse }}")
    task.operator.rehearse = rehearse
    task.make = lambda operator=task.operator: operator  # type: ignore[method-assign,misc]
    with pytest.raises(IonQFailException, match=facts("rehearse | True or False")):
        task.try_once()
    assert requests(ionq_emulator) == []


def test_rehearsal_is_continued_by_a_retry(ionq_emulator: Emulator, store: Store | None) -> None:
    task = Task(store, rehearse=True)
    assert task.try_once()["id"] == task.try_once()["id"] == REHEARSAL
    assert CREATE not in requests(ionq_emulator)


def test_session_of_an_earlier_try_is_ended_before_a_rehearsal(ionq_emulator: Emulator) -> None:
    task = Task(Store())
    real = task.try_once()["id"]
    task.arguments["rehearse"] = True
    assert task.try_once()["id"] == REHEARSAL
    assert ionq_emulator.session(real)["ended_at"] is not None
    assert open_sessions(ionq_emulator) == []


@pytest.mark.parametrize("adopt", [True, False])
@pytest.mark.parametrize("stored", [True, False])
def test_session_that_an_earlier_try_may_have_created_is_named(
    ionq_emulator: Emulator, adopt: bool, stored: bool
) -> None:
    task = Task(Store() if stored else None, adopt_lost_session=adopt)
    ionq_emulator.fail(500, route=CREATE, after_effect=True)
    if not adopt:
        with pytest.raises(IonQFailException):
            task.try_once()
    else:
        task.tries = 1
        task.try_once() if stored else ionq_emulator.create_session(BACKEND, settings={"duration_limit_min": 60})
    task.arguments["rehearse"] = True
    (lost,) = open_sessions(ionq_emulator)
    if adopt and stored:
        assert task.try_once()["id"] == REHEARSAL
        assert open_sessions(ionq_emulator) == []
        return
    with pytest.raises(IonQFailException, match=lost):
        task.try_once()


@pytest.mark.parametrize("backend", [BACKEND, "qpu.forte-enterprise-1"])
def test_rehearsal_of_an_earlier_try_is_no_session(ionq_emulator: Emulator, backend: str) -> None:
    task = Task(Store(), rehearse=True)
    task.try_once()
    task.arguments |= {"rehearse": False, "backend": backend}
    session_id = task.try_once()["id"]
    assert open_sessions(ionq_emulator) == [session_id]
    assert END not in requests(ionq_emulator)
    assert task.store is not None
    assert task.store.get(SESSION_KEY) == session_id


def test_rehearsal_for_another_device_begins_anew(ionq_emulator: Emulator) -> None:
    task = Task(Store(), rehearse=True)
    task.try_once()
    task.arguments["backend"] = "qpu.forte-enterprise-1"
    assert task.try_once()["id"] == "rehearsal:qpu.forte-enterprise-1"
    assert requests(ionq_emulator) == []


def test_killed_rehearsal_ends_nothing(ionq_emulator: Emulator) -> None:
    task = Task(Store(), rehearse=True)
    task.xcoms = Dying()
    with pytest.raises(Killed):
        task.try_once()
    assert requests(ionq_emulator) == []
    task.xcoms = {}
    assert task.try_once()["id"] == REHEARSAL


class Killed(BaseException):
    """The process is killed."""


class Dying(dict[str, Any]):
    """XComs of a task that is killed when it hands the session on."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "return_value":
            raise Killed
        super().__setitem__(key, value)


# The tasks that are given the id.

CONTEXT: Any = {"ti": SimpleNamespace(try_number=1, map_index=-1, xcom_push=lambda *_, **__: None)}
FORMS = [REHEARSAL, rehearsed_session(BACKEND), str(rehearsed_session(BACKEND))]


@pytest.mark.parametrize("session_id", FORMS, ids=["id", "JSON", "text"])
def test_session_is_read_and_ended_without_a_request(ionq_emulator: Emulator, session_id: Any) -> None:
    read: Any = IonQGetSessionOperator(task_id="read", session_id=session_id).execute(CONTEXT)
    assert (read["id"], read["status"], read["backend"]) == (REHEARSAL, "started", BACKEND)
    ended: Any = IonQEndSessionOperator(task_id="end", session_id=session_id, cancel_jobs=True).execute(CONTEXT)
    assert (ended["id"], ended["status"]) == (REHEARSAL, "ended")
    hook = IonQHook()
    assert hook.get_session(session_id)["id"] == hook.end_session(session_id)["id"] == REHEARSAL
    assert hook.list_session_jobs(session_id) == []
    assert requests(ionq_emulator) == []


@pytest.mark.parametrize("soft_fail", [True, False])
def test_sensor_does_not_skip(ionq_emulator: Emulator, soft_fail: bool) -> None:
    sensor = IonQSessionSensor(task_id="wait", session_id=REHEARSAL, status="started", soft_fail=soft_fail)
    assert sensor.execute(CONTEXT)["status"] == "started"
    assert requests(ionq_emulator) == []


@pytest.mark.parametrize("session_id", FORMS, ids=["id", "JSON", "text"])
@pytest.mark.parametrize("method", ["create_job", "run_job"])
def test_hook_submits_a_job_of_a_rehearsal_to_the_simulator(
    ionq_emulator: Emulator, session_id: Any, method: str
) -> None:
    ionq_emulator.job_seconds = 0.0
    more: dict[str, Any] = {"max_cost_usd": 0.01, "poke_interval": 0.05} if method == "run_job" else {}
    circuit = [{"gate": "h", "target": 0}]
    getattr(IonQHook(), method)(BACKEND, circuit=circuit, session_id=session_id, **more)
    (job,) = ionq_emulator.jobs()
    assert (job["backend"], job["noise"], job["session_id"]) == ("simulator", {"model": "forte-1"}, None)
    with pytest.raises(ValueError, match=r"the session is on qpu.forte-1, so a job for qpu.aria-1 cannot"):
        getattr(IonQHook(), method)("qpu.aria-1", circuit=circuit, session_id=session_id, **more)
    assert len(ionq_emulator.jobs()) == 1


@pytest.mark.parametrize("created", [rehearsed_session(BACKEND), None])
def test_failed_end_of_a_rehearsal_reports_no_open_session(created: Any, caplog: pytest.LogCaptureFixture) -> None:
    pulled = {"return_value": created, "ionq_session_opening": {"session_id": REHEARSAL}}
    ti = SimpleNamespace(task_id="end", dag_id="d", run_id="r", map_index=-1, xcom_pull=lambda *, key, **_: pulled[key])
    context: Any = {"ti": ti, "task": SimpleNamespace(create_id="create", ionq_conn_id="ionq_default")}
    with caplog.at_level(logging.INFO):
        report_session_left_open(context)
    assert caplog.text == ""
