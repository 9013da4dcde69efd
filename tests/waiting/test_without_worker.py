"""The start and end of a wait in the triggerer: the conditions, and the behaviour."""

from __future__ import annotations

import datetime
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, Asset
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.operators.session import IonQGetSessionOperator
from airflow_provider_ionq.sensors.session import IonQSessionSensor
from airflow_provider_ionq.triggers.session import IonQSessionTrigger
from airflow_provider_ionq.utils.start_from_trigger import start_from_trigger_blocker
from tests.support.facts import facts, stating
from tests.waiting.modes import STARTS_IN_TRIGGERER, first_event, trigger_of
from tests.waiting.test_poller import create, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

CONTEXT: Any = {"ti": object()}

on_3_3 = pytest.mark.skipif(not STARTS_IN_TRIGGERER, reason="Airflow starts tasks in the triggerer from 3.3 on")


def sensor(**arguments: Any) -> IonQSessionSensor:
    return IonQSessionSensor(
        **{"task_id": "wait", "session_id": "s-1", "status": "started", "start_from_trigger": True, **arguments}
    )


def dag(**arguments: Any) -> Any:
    return DAG("d", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), **arguments)


@on_3_3
@pytest.mark.parametrize(
    "session_id",
    [
        "s-1",
        "{{ dag_run.conf['session_id'] }}",
        "{{ dag_run.conf.get('a') or params.session_id }}",
        "{% if params.x %}{{ ds }}{% else %}{{ ts }}{% endif %}-{{ run_id }}-{{ logical_date.year }}",
        "{% set name = params.x %}{{ name | lower }}",
        "{# nothing #}s-1",
        "{ { s-1",
    ],
)
def test_sensor_that_the_triggerer_can_render_starts_there(session_id: str) -> None:
    made = sensor(session_id=session_id)
    assert made.start_from_trigger is True
    assert made.deferrable is True


@on_3_3
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{{ ti.xcom_pull('t') }}", "ti"),
        ("{{ task_instance.xcom_pull('t') }}", "task_instance"),
        ("{{ var.value.session_id }}", "var"),
        ("{{ conn.ionq_default.login }}", "conn"),
        ("{{ macros.json.loads(params.x) }}", "macros"),
        ("{{ params.x }}{{ data_interval_end }}", "data_interval_end"),
        ("{{ ds | ds_nodash_of_ours }}", "worker | render"),
        ("{{ params.x", "worker | render"),
        ("{% include 'other.txt' %}", "another"),
        (None, "another task | string"),
        (7, "another task | string"),
        (lambda context, jinja_env: "s-1", "another task | string"),
    ],
)
@pytest.mark.parametrize("field", ["session_id", "ionq_conn_id"])
def test_sensor_that_the_triggerer_may_not_render_starts_on_a_worker_and_says_why(
    field: str, value: object, reason: str
) -> None:
    made = sensor(**{field: value})
    assert made.start_from_trigger is False
    assert made.start_trigger_args is None
    why = start_from_trigger_blocker({field: value}, None)
    assert why is not None
    assert re.search(facts(f"{field} | {reason}"), why)


@on_3_3
def test_an_id_from_another_task_begins_on_a_worker() -> None:
    with dag():
        get = IonQGetSessionOperator(task_id="get", session_id="s-1")
        session_id = get.output["id"]  # type: ignore[index]
        assert sensor(session_id=session_id).start_from_trigger is False


@on_3_3
@pytest.mark.parametrize(
    "arguments",
    [
        {"user_defined_macros": {"params": {}}},
        {"user_defined_filters": {"lower": str.upper}},
        {"render_template_as_native_obj": True},
    ],
)
def test_sensor_of_a_dag_with_its_own_template_settings_begins_on_a_worker(arguments: dict[str, Any]) -> None:
    with dag(**arguments):
        assert sensor(session_id="{{ params.x }}").start_from_trigger is False
        assert sensor(task_id="plain").start_from_trigger is True


@on_3_3
def test_an_execution_timeout_begins_on_a_worker() -> None:
    assert sensor(execution_timeout=datetime.timedelta(hours=1)).start_from_trigger is False


@pytest.mark.skipif(STARTS_IN_TRIGGERER, reason="Airflow 3.3 starts it in the triggerer")
def test_older_airflow_begins_on_a_worker() -> None:
    made = sensor()
    assert made.start_from_trigger is False
    assert re.search(facts("Airflow | 3.3"), start_from_trigger_blocker({"session_id": "s-1"}, None) or "")


def test_the_class_does_not_start_from_the_trigger() -> None:
    """A mapped task takes what the class says, and would run with another's arguments."""
    sensor()
    assert IonQSessionSensor.start_from_trigger is False
    assert IonQSessionSensor.start_trigger_args is None


@on_3_3
def test_the_trigger_is_given_all_it_needs() -> None:
    made = sensor(
        session_id="{{ params.x }}", active=True, poke_interval=7, timeout=90, end_from_trigger=True, do_xcom_push=False
    )
    start = made.start_trigger_args
    assert start is not None
    assert start.timeout == datetime.timedelta(seconds=90)
    assert start.next_method == "execute_complete"
    trigger = trigger_of(start.trigger_cls, start.trigger_kwargs)
    assert trigger.serialize()[1] == {
        "session_id": "{{ params.x }}",
        "ionq_conn_id": "ionq_default",
        "status": ["started"],
        "active": True,
        "poke_interval": 7,
        "end_from_trigger": True,
        "push_xcom": False,
        "timeout": 90,
        "remaining": None,
    }


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"deferrable": False}, "start_from_trigger | deferrable=False"),
        ({"deferrable": False, "end_from_trigger": True}, "start_from_trigger and end_from_trigger | deferrable=False"),
        ({"exponential_backoff": True}, "exponential_backoff"),
        ({"silent_fail": True}, "silent_fail"),
        ({"end_from_trigger": True, "outlets": [Asset("a")]}, "outlets"),
        ({"end_from_trigger": True, "multiple_outputs": True}, "multiple_outputs"),
    ],
)
def test_contradicting_arguments_are_rejected_when_the_dag_is_parsed(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=facts(named)):
        sensor(**arguments)


def test_end_from_trigger_alone_makes_the_sensor_deferrable() -> None:
    made = sensor(start_from_trigger=False, end_from_trigger=True)
    assert (made.deferrable, made.start_from_trigger) == (True, False)


def test_sensor_that_begins_on_a_worker_despite_start_from_trigger_logs_the_reason(
    ionq_emulator: Emulator, task_log: Callable[[], list[str]]
) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.start_session(session_id)
    made = sensor(session_id=session_id)
    made.execute(CONTEXT)
    assert stating(task_log(), "start_from_trigger=True | worker | Airflow")


def event_of(trigger: IonQSessionTrigger, *, seconds_left: float | None = None) -> TriggerEvent:
    """Run a trigger as a triggerer does that times it out so many seconds from now."""
    if seconds_left is not None:
        left = datetime.timedelta(seconds=seconds_left)
        vars(trigger)["timeout_after"] = datetime.datetime.now(datetime.UTC) + left
    event: TriggerEvent = run(first_event(trigger))
    return event


def test_the_trigger_ends_a_success(ionq_emulator: Emulator, task_log: Callable[[], list[str]]) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.start_session(session_id)
    event = event_of(IonQSessionTrigger(session_id, "ionq_default", "started", None, 0.05, end_from_trigger=True))
    assert isinstance(event, TaskSuccessEvent)
    if AIRFLOW_V_3_0_PLUS:
        assert event.xcoms is None
        assert any("without an XCom" in line for line in task_log())
    else:
        assert event.xcoms == {"return_value": ionq_emulator.session(session_id)}


def test_the_trigger_pushes_nothing_where_nothing_is_to_be_pushed(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.start_session(session_id)
    event = event_of(
        IonQSessionTrigger(session_id, "ionq_default", "started", None, 0.05, end_from_trigger=True, push_xcom=False)
    )
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms is None


@pytest.mark.parametrize("mistake", ["ended", "deleted"])
def test_the_trigger_ends_nothing_but_a_success(ionq_emulator: Emulator, mistake: str) -> None:
    (session_id,) = create(ionq_emulator, 1)
    if mistake == "ended":
        ionq_emulator.end_session(session_id)
    else:
        ionq_emulator.delete_session(session_id)
    trigger = IonQSessionTrigger(session_id, "ionq_default", "started", None, 0.05, end_from_trigger=True, timeout=60.0)
    event = event_of(trigger, seconds_left=60)
    assert not isinstance(event, TaskSuccessEvent)
    assert event.payload["first_look"] is (mistake == "deleted")
    assert 0 < event.payload["remaining"] < 60


@pytest.mark.parametrize("session_id", ["", " ", "None", "..", None, 7])
def test_an_id_that_rendered_to_nothing_is_handed_to_a_worker_without_a_request(
    ionq_emulator: Emulator, session_id: Any
) -> None:
    trigger = IonQSessionTrigger(session_id, "ionq_default", "started", None, 0.05, timeout=60.0)
    event = event_of(trigger, seconds_left=60)
    assert event.payload["session"] is None
    assert event.payload["first_look"] is True
    assert ionq_emulator.requests == []


@pytest.mark.usefixtures("reread_at_once")
def test_after_a_restart_of_the_triggerer_a_refusal_is_no_first_poll(ionq_emulator: Emulator) -> None:
    (session_id,) = create(ionq_emulator, 1)
    ionq_emulator.delete_session(session_id)
    trigger = IonQSessionTrigger(session_id, "ionq_default", "started", None, 0.05, timeout=3600.0)
    event = event_of(trigger, seconds_left=1800)
    assert event.payload["first_look"] is False
    assert len(ionq_emulator.requests) == 2


def test_permanent_error_at_the_first_poll_fails_the_task(ionq_emulator: Emulator) -> None:
    ionq_emulator.stop()
    event = {"session_id": "s-1", "session": None, "first_look": True, "remaining": 60.0}
    with pytest.raises(IonQFailException, match="refused the connection"):
        sensor().execute_complete(CONTEXT, event)


def test_poll_in_mid_wait_tolerates_an_unreachable_host(ionq_emulator: Emulator) -> None:
    from airflow.providers.common.compat.sdk import TaskDeferred

    ionq_emulator.stop()
    event = {"session_id": "s-1", "session": None, "first_look": False, "remaining": 60.0}
    with pytest.raises(TaskDeferred) as deferred:
        sensor().execute_complete(CONTEXT, event)
    assert deferred.value.timeout == datetime.timedelta(seconds=60)
    arguments = deferred.value.trigger.serialize()[1]
    assert arguments["timeout"] is None
    json.dumps(arguments)
