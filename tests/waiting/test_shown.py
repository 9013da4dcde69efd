"""The parts of a task that Airflow shows: rendered fields, map labels, links, and the task's name in errors."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, TaskGroup

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.get_provider_info import get_provider_info
from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.operators.session import (
    IonQEndSessionOperator,
    IonQGetSessionOperator,
    IonQListSessionsOperator,
)
from airflow_provider_ionq.sensors.session import IonQSessionSensor
from airflow_provider_ionq.task_groups.end import EndSessionOfGroup
from tests.waiting.modes import MODES, STARTS_IN_TRIGGERER, run_sensor

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

ON_ONE_SESSION = [IonQGetSessionOperator, IonQEndSessionOperator, IonQSessionSensor]
DEFAULT_LABEL = "{{ task.session_id | string | truncate(64) }}"


def sensor(**arguments: Any) -> IonQSessionSensor:
    return IonQSessionSensor(**{"task_id": "wait", "session_id": "s-1", "status": "started", **arguments})


def dag(**arguments: Any) -> Any:
    return DAG("d", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), **arguments)


# What is awaited.


def test_the_awaited_status_is_a_rendered_field() -> None:
    assert {"status", "active"} <= set(IonQSessionSensor.template_fields)
    waiting = sensor(status=("started", "ended"), active=True)
    waiting.render_template_fields({})
    assert (list(waiting.status or ()), waiting.active) == (["started", "ended"], True)


@pytest.mark.parametrize("others", [{"ended", "started"}, frozenset({"ended", "started"}), {"ended", "{{ x }}"}])
def test_a_set_of_statuses_is_shown_in_the_same_order_in_every_process(others: Any) -> None:
    assert sensor(status=others).status == sorted(others)


@pytest.mark.parametrize(
    ("arguments", "params"),
    [
        ({"status": "{{ params.status }}"}, {"status": "started"}),
        ({"status": ["{{ params.status }}", "ended"]}, {"status": "started"}),
        ({"status": None, "active": "{{ params.active }}"}, {"active": True}),
        ({"status": "started", "active": "{{ params.active }}"}, {"active": "true"}),
        ({"status": "started", "active": "{{ params.active }}"}, {"active": None}),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_a_templated_target_is_awaited_as_it_rendered(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, mode: str, arguments: dict[str, Any], params: Any
) -> None:
    session = ionq_emulator.create_session("qpu.forte-1")
    ionq_emulator.start_session(session["id"])
    rendered: Any = IonQSessionSensor.execute

    def execute(self: IonQSessionSensor, context: Any) -> Any:
        self.render_template_fields({"params": params})  # as Airflow does before
        return rendered(self, context)

    monkeypatch.setattr(IonQSessionSensor, "execute", execute)
    assert run_sensor(mode, session_id=session["id"], **arguments).state == "success"


@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize(
    ("arguments", "named"), [({"status": "{{ x }}"}, "'running' is unknown"), ({"active": "{{ x }}"}, "active must be")]
)
def test_target_that_renders_to_an_invalid_status_fails_without_retries(
    arguments: dict[str, Any], named: str, soft_fail: bool
) -> None:
    from airflow.providers.common.compat.sdk import AirflowSkipException

    waiting = sensor(soft_fail=soft_fail, **arguments)
    context: Any = {"ti": object(), "x": "running"}
    waiting.render_template_fields(context)
    with pytest.raises(AirflowSkipException if soft_fail else IonQFailException) as failed:
        waiting.execute(context)
    assert named in f"{failed.value} {failed.value.__cause__}"


@pytest.mark.skipif(not STARTS_IN_TRIGGERER, reason="Airflow starts tasks in the triggerer from 3.3 on")
@pytest.mark.parametrize("arguments", [{"status": "{{ params.x }}"}, {"active": "{{ params.x }}"}])
def test_a_templated_target_begins_on_a_worker(arguments: dict[str, Any]) -> None:
    assert sensor(start_from_trigger=True, **arguments).start_from_trigger is False


# Labels of mapped tasks.


@pytest.mark.parametrize("operator", ON_ONE_SESSION)
@pytest.mark.parametrize(
    ("given", "default_args", "label"),
    [
        ({}, {}, DEFAULT_LABEL),
        ({"map_index_template": "{{ task.task_id }}"}, {}, "{{ task.task_id }}"),
        ({"map_index_template": None}, {}, None),
        ({}, {"map_index_template": "{{ ds }}"}, "{{ ds }}"),
    ],
)
def test_mapped_task_is_labelled_with_the_session_id_unless_it_has_a_map_index_template(
    operator: type[Any], given: dict[str, Any], default_args: dict[str, Any], label: str | None
) -> None:
    arguments = {"status": "started"} if operator is IonQSessionSensor else {}
    with dag(default_args=default_args):
        mapped = operator.partial(task_id="mapped", **arguments, **given).expand(session_id=["s-1", "s-2"])
        single = operator(task_id="single", session_id="s-1", **arguments, **given)
    assert (mapped.map_index_template, single.map_index_template) == (label, label)


@pytest.mark.parametrize(
    ("session_id", "label"), [("s-1", "s-1"), ({"id": "s-1"}, "s-1"), (None, "None"), ([{"x": "y" * 999}], None)]
)
def test_a_label_fits_the_column_of_airflows_database(session_id: Any, label: str | None) -> None:
    with dag() as made:
        task = IonQGetSessionOperator(task_id="get", session_id=session_id)
    rendered = made.get_template_env().from_string(DEFAULT_LABEL).render({"task": task})
    assert len(rendered) <= 64
    assert label in (None, rendered)


# Links.


@pytest.mark.parametrize(
    "operator", [*ON_ONE_SESSION, IonQListSessionsOperator, IonQCreateSessionOperator, EndSessionOfGroup]
)
def test_every_task_links_to_the_console(operator: type[Any]) -> None:
    (link,) = operator.operator_extra_links
    assert link.get_link(operator, ti_key=None) == "https://cloud.ionq.com"
    assert link.name == "IonQ Quantum Cloud Console"
    path = f"{type(link).__module__}.{type(link).__name__}"
    assert path in get_provider_info()["extra-links"], "Airflow 2 shows a registered link only"


# Refusals name the task.


@pytest.mark.parametrize(
    "make",
    [
        lambda task_id: sensor(task_id=task_id, status="running"),
        lambda task_id: sensor(task_id=task_id, status=None),
        lambda task_id: sensor(task_id=task_id, active=7),
        lambda task_id: sensor(task_id=task_id, poke_interval=0),
        lambda task_id: sensor(task_id=task_id, poke_interval="60"),
        lambda task_id: sensor(task_id=task_id, mode="defer"),
        lambda task_id: sensor(task_id=task_id, soft_fail=True, never_fail=True),
        lambda task_id: sensor(task_id=task_id, deferrable=True, silent_fail=True),
        lambda task_id: sensor(task_id=task_id, deferrable=False, start_from_trigger=True),
        lambda task_id: sensor(task_id=task_id, end_from_trigger=True, multiple_outputs=True),
        lambda task_id: IonQEndSessionOperator(task_id=task_id, session_id=""),
        lambda task_id: IonQListSessionsOperator(task_id=task_id, status="open"),
        lambda task_id: IonQListSessionsOperator(task_id=task_id, active="yes"),  # type: ignore[arg-type]
    ],
)
def test_a_refusal_when_the_dag_is_parsed_names_the_task(make: Any) -> None:
    with dag(), TaskGroup("night"), pytest.raises((ValueError, AirflowException), match=r"^Task 'night\.of_mine': "):
        make("of_mine")
