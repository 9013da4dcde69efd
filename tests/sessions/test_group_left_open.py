"""The report of an open session when Airflow fails its end task without running it."""

from __future__ import annotations

import re
import shlex
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ionq.__main__ import ionq_parser
from airflow_provider_ionq.api.errors import IonQNotEndedError
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.task_groups.left_open import report_session_left_open
from airflow_provider_ionq.utils.session_memory import PROGRESS_KEY
from tests.support.facts import stating

SESSION = {
    "id": "the-id",
    "backend": "qpu.forte-1",
    "status": "created",
    "created_at": "2026-01-01T12:00:00Z",
    "settings": {"duration_limit_min": 60},
}
TASK = SimpleNamespace(create_id="bell.create_session", ionq_conn_id="mine")


def context(xcoms: dict[str, Any], *, map_index: int = -1, exception: Any = "queued too long") -> Any:
    def pull(*, task_ids: str, key: str, map_indexes: int) -> Any:
        assert (task_ids, map_indexes) == (TASK.create_id, map_index)
        if isinstance(xcoms, Exception):
            raise xcoms
        return xcoms.get(key)

    ti = SimpleNamespace(task_id="bell.end_session", run_id="run", dag_id="dag", map_index=map_index, xcom_pull=pull)
    return {"ti": ti, "task": TASK, "exception": exception}


@pytest.mark.parametrize(
    ("xcoms", "says"),
    [
        ({"return_value": SESSION}, "the-id | qpu.forte-1"),
        ({"return_value": SESSION}, "the-id | 60 minutes"),
        ({PROGRESS_KEY: {"session_id": "the-id"}}, "the-id | bell.create_session"),
        ({}, "bell.create_session | may have created"),
        ({"return_value": ["no session"]}, "bell.create_session | may have created"),
        (RuntimeError("no XComs here"), "bell.create_session | may have created"),
    ],
)
def test_report_of_an_open_session_names_its_limits_and_the_task_to_clear(xcoms: Any, says: str, caplog: Any) -> None:
    report_session_left_open(context(xcoms))
    assert stating(caplog.messages, f"{says} | clear | bell.end_session | 'run' | 'dag'")


@pytest.mark.parametrize(
    ("xcoms", "session_id"),
    [
        ({"return_value": SESSION}, "the-id"),
        ({"return_value": {**SESSION, "id": "an 'odd' id"}}, "an 'odd' id"),
        ({PROGRESS_KEY: {"session_id": "the-id"}}, "the-id"),
        ({}, "SESSION-ID"),
        ({"return_value": ["no session"]}, "SESSION-ID"),
    ],
)
def test_report_of_an_open_session_has_the_command_that_ends_it(xcoms: Any, session_id: str, caplog: Any) -> None:
    report_session_left_open(context(xcoms))
    (command,) = re.findall("python -m airflow_provider_ionq (.*)", caplog.messages[0])
    arguments = ionq_parser().parse_args(shlex.split(command))
    assert (arguments.session_ids, arguments.conn_id) == ([session_id], "mine")


def test_report_of_an_open_session_names_the_map_index(caplog: Any) -> None:
    report_session_left_open(context({"return_value": SESSION}, map_index=3))
    assert stating(caplog.messages, "map index 3")


@pytest.mark.parametrize("exception", [IonQFailException("x"), IonQNotEndedError("x")])
def test_report_of_an_open_session_does_not_repeat_the_error_of_the_task(exception: Exception, caplog: Any) -> None:
    report_session_left_open(context({"return_value": SESSION}, exception=exception))
    assert caplog.text == ""


@pytest.mark.parametrize(
    "broken", [{}, {"ti": None, "task": None}, context({"return_value": {"id": "x", "settings": 7}})]
)
def test_report_of_an_open_session_never_raises(broken: Any) -> None:
    report_session_left_open(broken)
