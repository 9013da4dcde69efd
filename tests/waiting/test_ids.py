"""Every argument that takes a session id also takes the session's JSON, in every form that a DAG can pass."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ionq.api.errors import IonQInvalidIdError
from airflow_provider_ionq.api.ids import id_of
from airflow_provider_ionq.emulator import Emulator, Step
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.session import IonQEndSessionOperator, IonQGetSessionOperator
from airflow_provider_ionq.sensors.session import IonQSessionSensor
from airflow_provider_ionq.triggers.session import IonQSessionTrigger
from tests.support.facts import facts
from tests.waiting.modes import MODES, STARTS_IN_TRIGGERER, first_event, run_sensor
from tests.waiting.test_poller import run

if TYPE_CHECKING:
    from collections.abc import Callable

FORMS: dict[str, Callable[[Any], Any]] = {
    "id": lambda session: session["id"],
    "JSON of create.output": lambda session: session,
    "object with an id only": lambda session: {"id": session["id"]},
    "text that a template renders": repr,
    "JSON text": json.dumps,
    "indented JSON text": lambda session: f"\n{json.dumps(session, indent=2)}\n",
}
UNUSABLE: dict[str, Any] = {
    "no id": {"status": "created", "backend": "qpu.forte-1", "settings": {"job_count_limit": "a" * 500}},
    "an id that is null": {"id": None},
    "an id that is a number": {"id": 7},
    "an empty id": {"id": ""},
    "an id that climbs": {"id": ".."},
    "an empty object": {},
    "text of an object without an id": "{'status': 'created'}",
    "JSON text of an object without an id": '{"status": "created"}',
    "a list of sessions": [{"id": "s-1"}],
    "text of a list": "[{'id': 's-1'}]",
    "null": None,
    "a text None": "None",
    "a number": 7,
}
CONTEXT: Any = {"ti": MagicMock()}


def in_use(operator: type[Any], session_id: Any, **arguments: Any) -> Any:
    return operator(task_id="task", session_id=session_id, **arguments).execute(CONTEXT)


TAKERS: dict[str, Callable[[Any], Any]] = {
    "IonQGetSessionOperator": lambda value: in_use(IonQGetSessionOperator, value),
    "IonQEndSessionOperator": lambda value: in_use(IonQEndSessionOperator, value, cancel_jobs=True),
    "IonQSessionSensor": lambda value: in_use(IonQSessionSensor, value, status=["created", "started", "ended"]),
    "IonQHook.get_session": lambda value: IonQHook().get_session(value),
    "IonQHook.end_session": lambda value: IonQHook().end_session(value, cancel_jobs=True),
    "IonQHook.list_session_jobs": lambda value: IonQHook().list_session_jobs(value),
}


@pytest.mark.one_airflow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("taker", TAKERS)
def test_every_form_of_an_id_reaches_the_session(ionq_emulator: Emulator, taker: str, form: str) -> None:
    session = ionq_emulator.create_session("qpu.forte-1")
    TAKERS[taker](FORMS[form](session))
    assert {request.session_id for request in ionq_emulator.requests} == {session["id"]}


@pytest.mark.parametrize("form", ["id", "JSON of create.output", "text that a template renders"])
@pytest.mark.parametrize("mode", MODES)
def test_a_wait_takes_every_form_of_an_id_in_every_mode(ionq_emulator: Emulator, mode: str, form: str) -> None:
    session = ionq_emulator.create_session("qpu.forte-1", plan=[Step("started", after_reads=2)])
    ending = run_sensor(mode, session_id=FORMS[form](session), status="started")
    assert (ending.state, ending.value) == ("success", ionq_emulator.session(session["id"])), ending.message


@pytest.mark.one_airflow
@pytest.mark.parametrize("what", UNUSABLE)
@pytest.mark.parametrize("taker", [name for name in TAKERS if not name.startswith("IonQHook")])
def test_a_value_without_an_id_is_rejected_before_any_request(ionq_emulator: Emulator, taker: str, what: str) -> None:
    value = UNUSABLE[what]
    with pytest.raises(IonQFailException, match=facts("session_id | id of an IonQ session")) as refused:
        TAKERS[taker](value)
    text = str(refused.value)
    if isinstance(value, dict) or str(value).startswith("{"):
        assert isinstance(value, dict) and value.get("id") in ("", "..") or 'create.output["id"]' in text
    elif "list" in what:
        assert ".expand(session_id=...)" in text
    assert len(text) < 700, "the whole object is not quoted"
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("value", [{"status": "created"}, [], 7, None])
def test_the_hook_refuses_a_value_without_an_id(ionq_emulator: Emulator, value: Any) -> None:
    for method in (IonQHook().get_session, IonQHook().end_session, IonQHook().list_session_jobs):
        with pytest.raises(IonQInvalidIdError):
            method(value)
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("what", UNUSABLE)
def test_an_end_without_an_id_says_that_a_session_may_be_open(ionq_emulator: Emulator, what: str) -> None:
    with pytest.raises(IonQFailException) as refused:
        in_use(IonQEndSessionOperator, UNUSABLE[what])
    assert re.search(facts("No session was ended | open | cost money"), str(refused.value))
    assert "python -m airflow_provider_ionq sessions end SESSION-ID --conn-id ionq_default" in str(refused.value)
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("operator", [IonQGetSessionOperator, IonQEndSessionOperator, IonQSessionSensor])
@pytest.mark.parametrize("form", FORMS)
def test_a_rendered_field_is_the_id(operator: type[Any], form: str) -> None:
    arguments = {"status": "started"} if operator is IonQSessionSensor else {}
    task = operator(task_id="task", session_id="{{ given }}", **arguments)
    assert task.session_id == "{{ given }}"
    given = FORMS[form]({"id": "s-1", "status": "created", "started_at": None, "active": False})
    task.render_template_fields({"given": given})
    assert task.session_id == "s-1"


def test_an_object_with_a_template_for_an_id_is_the_template() -> None:
    task = IonQGetSessionOperator(task_id="get", session_id={"id": "{{ params.session_id }}"})
    assert task.session_id == "{{ params.session_id }}"


@pytest.mark.parametrize("form", FORMS)
def test_an_event_of_the_trigger_names_the_id(ionq_emulator: Emulator, form: str) -> None:
    session = ionq_emulator.create_session("qpu.forte-1")
    ionq_emulator.start_session(session["id"])
    trigger = IonQSessionTrigger(FORMS[form](session), "ionq_default", "started", None, 0.05, timeout=60.0)
    assert run(first_event(trigger)).payload["session_id"] == session["id"]


@pytest.mark.skipif(not STARTS_IN_TRIGGERER, reason="Airflow starts tasks in the triggerer from 3.3 on")
def test_an_object_of_another_task_begins_on_a_worker() -> None:
    with DAG("d", schedule=None):
        given: Any = IonQGetSessionOperator(task_id="get", session_id="s-1").output
        waiting = IonQSessionSensor(task_id="wait", session_id=given, status="started", start_from_trigger=True)
    assert waiting.start_from_trigger is False
    fixed = IonQSessionSensor(task_id="f", session_id={"id": "s-1"}, status="started", start_from_trigger=True)
    assert fixed.start_from_trigger is True
    assert fixed.start_trigger_args is not None
    assert (fixed.start_trigger_args.trigger_kwargs or {})["session_id"] == "s-1"


@pytest.mark.parametrize(
    "value", ["{{ params.x }}", "{% if a %}b{% endif %}", "{ { s-1", "{", "{'a", '{"id": "s-1"', "{'id'}", "s-1", "", 7]
)
def test_value_that_is_no_session_is_left_unchanged(value: Any) -> None:
    assert id_of(value) == value
