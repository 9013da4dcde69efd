"""The operator that reads a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock, call

import pytest

from airflow_provider_ionq.api.errors import IonQServerError
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.operators.session import IonQGetSessionOperator
from airflow_provider_ionq.utils import tasks

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator


def get(session_id: Any, **arguments: Any) -> Any:
    context: Any = {"ti": MagicMock()}
    return IonQGetSessionOperator(task_id="get", session_id=session_id, **arguments).execute(context)


def test_read_returns_the_whole_json_as_served(ionq_emulator: Emulator) -> None:
    session_id = ionq_emulator.create_session(backend="qpu.forte-1", settings={"job_count_limit": 3})["id"]
    ionq_emulator.update_session(session_id, novelty={"deep": [1, None]}, status="paused")
    served = ionq_emulator.session(session_id)
    assert served["novelty"] == {"deep": [1, None]}
    assert get(session_id) == served


@pytest.mark.parametrize("session_id", ["a/b", "a b", "100%", "%2e%2e", "ü-ß", "a?b#c", "../whoami"])
def test_any_id_reaches_its_own_session(ionq_emulator: Emulator, session_id: str) -> None:
    ionq_emulator.create_session(backend="qpu.forte-1", session_id=session_id)
    assert get(session_id)["id"] == session_id
    assert [request.route for request in ionq_emulator.requests] == ["GET /sessions/{session_id}"]


@pytest.mark.parametrize("session_id", [None, "", " ", ".", "..", "None", 7, ["s"]])
def test_invalid_id_is_rejected_before_any_request(ionq_emulator: Emulator, session_id: Any) -> None:
    with pytest.raises(IonQFailException, match="session_id"):
        get(session_id)
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_fails_without_retries_and_names_the_connection(ionq_emulator: Emulator, status: int) -> None:
    ionq_emulator.fail(status)
    with pytest.raises(IonQFailException, match=rf"{status}.*'ionq_default'"):
        get("s-1")
    assert len(ionq_emulator.requests) == (2 if status == 404 else 1), "a 404 may be the address's: /whoami tells"


def test_an_outage_that_outlasts_the_clients_retries_may_be_retried_by_airflow(ionq_emulator: Emulator) -> None:
    ionq_emulator.fail(503, times=4, retry_after=0)
    with pytest.raises(IonQServerError):
        get("s-1")
    assert len(ionq_emulator.requests) == 4


def test_fields_other_than_null_are_pushed_where_null_cannot_be_pushed(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "NULL_CANNOT_BE_PUSHED", True)
    session_id = ionq_emulator.create_session(backend="qpu.forte-1")["id"]
    task_instance = MagicMock()
    operator = IonQGetSessionOperator(task_id="get", session_id=session_id)
    context: Any = {"ti": task_instance}
    session = operator.execute(context)
    assert session["ended_at"] is None
    pushed = {name: value for name, value in session.items() if value is not None}
    assert task_instance.xcom_push.mock_calls == [call(name, value) for name, value in pushed.items()]
    assert operator.multiple_outputs is False, "else Airflow pushes them all again"


def test_id_and_connection_are_templated() -> None:
    assert set(IonQGetSessionOperator.template_fields) == {"session_id", "ionq_conn_id"}
