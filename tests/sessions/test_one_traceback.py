"""The log of a failed task shows one traceback, not a second one with the same text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.operators.session import (
    IonQEndSessionOperator,
    IonQGetSessionOperator,
    IonQListSessionsOperator,
)
from airflow_provider_ionq.sensors.session import IonQSessionSensor
from airflow_provider_ionq.sessions import end as ending
from tests.support.tracebacks import assert_one_traceback

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

NO_ID = {"session_id": "{{ ti.xcom_pull('create') }}"}

MISTAKES: dict[str, tuple[type[Any], dict[str, Any], dict[str, Any]]] = {
    "read without an id": (IonQGetSessionOperator, NO_ID, {"session_id": None}),
    "end without an id": (IonQEndSessionOperator, NO_ID, {"session_id": None}),
    "wait without an id": (IonQSessionSensor, {**NO_ID, "status": "ended"}, {"session_id": None}),
    "unknown session": (IonQGetSessionOperator, {"session_id": "s-1"}, {}),
    "unconfirmed end": (IonQEndSessionOperator, {"session_id": "s-1"}, {}),
    "undefined connection": (IonQListSessionsOperator, {"ionq_conn_id": "nowhere"}, {}),
    "end with an undefined connection": (IonQEndSessionOperator, {"session_id": "s-1", "ionq_conn_id": "nowhere"}, {}),
    "invalid limit": (
        IonQCreateSessionOperator,
        {"backend": "qpu.forte-1", "job_count_limit": "{{ x }}"},
        {"job_count_limit": "many"},
    ),
    "invalid target": (IonQSessionSensor, {"session_id": "s-1", "status": "{{ x }}"}, {"status": "stopped"}),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_shown_with_one_traceback(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ending, "ATTEMPTS", 1)
    operator_class, arguments, rendered = MISTAKES[name]
    operator = operator_class(task_id="t", **arguments)
    for argument, value in rendered.items():
        setattr(operator, argument, value)
    context: Any = {"ti": SimpleNamespace(try_number=1, xcom_push=lambda *_: None)}
    with pytest.raises(Exception, match=r"\w") as error:
        operator.execute(context)
    assert_one_traceback(error.value)


def test_argument_that_is_refused_when_the_dag_is_parsed_is_shown_with_one_traceback() -> None:
    with pytest.raises(ValueError, match="Task 'create'") as error:
        IonQCreateSessionOperator(task_id="create", backend="qpu.forte-1", duration_limit_min=0)
    assert_one_traceback(error.value)
    assert not isinstance(error.value, IonQFailException)
