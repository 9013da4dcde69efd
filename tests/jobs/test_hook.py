"""The hook's methods for jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import IonQInvalidIdError
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.jobs.request import TOKEN_KEY
from airflow_provider_ionq.jobs.token import Token, task_identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests_mock import Mocker

URL = "https://api.ionq.co/v0.4"
TOKEN = str(Token(task_identity("d", "r", "t", -1), 0, 1, "f" * 32))
JOB: dict[str, Any] = {"id": "j-1", "status": "completed", "session_id": None, "metadata": {"a": "b", TOKEN_KEY: TOKEN}}
BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "target": 1, "control": 0}]
USAGE = {"start_date": "2026-10-01", "end_date": "2026-11-01", "group_by": "job", "modality": "daily"}

CALLS: dict[str, tuple[str, str, Callable[[IonQHook, Any], Any]]] = {
    "get_job": ("GET", "/jobs/j-1", lambda hook, given: hook.get_job(given)),
    "cancel_job": ("GET", "/jobs/j-1", lambda hook, given: hook.cancel_job(given)),
    "delete_job": ("DELETE", "/jobs/j-1", lambda hook, given: hook.delete_job(given)),
    "get_job_cost": ("GET", "/jobs/j-1/cost", lambda hook, given: hook.get_job_cost(given)),
    "clone_job": ("POST", "/jobs/j-1/clone", lambda hook, given: hook.clone_job(given, metadata={})),
}


@pytest.fixture(autouse=True)
def _connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", json.dumps({"conn_type": "ionq", "password": "key"}))


@pytest.mark.parametrize("form", ["id", "object", "text"])
@pytest.mark.parametrize("name", CALLS)
def test_method_takes_an_id_or_the_json_of_a_job(requests_mock: Mocker, name: str, form: str) -> None:
    method, path, call = CALLS[name]
    answer = {"dry_run": False} if path.endswith("cost") else JOB
    requests_mock.register_uri(method, URL + path, json=answer)
    given = {"id": "j-1", "object": JOB, "text": repr(JOB)}[form]
    assert call(IonQHook(), given) == answer
    assert [sent.method for sent in requests_mock.request_history] == [method]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("given", [{"status": "ready"}, None, "", ".."])
def test_method_refuses_a_value_without_an_id(requests_mock: Mocker, name: str, given: Any) -> None:
    with pytest.raises(IonQInvalidIdError):
        CALLS[name][2](IonQHook(), given)
    assert not requests_mock.called


def test_job_is_validated_and_sent_once_without_a_token(requests_mock: Mocker) -> None:
    requests_mock.post(f"{URL}/jobs", json={"id": "j-1", "status": "submitted", "session_id": None}, status_code=201)
    with pytest.raises(ValueError, match="does not exist"):
        IonQHook().create_job("simulator", circuit=[{"gate": "cx", "target": 0}])
    assert not requests_mock.called
    assert IonQHook().create_job("simulator", circuit=BELL, shots=7, metadata={"a": "b"})["id"] == "j-1"
    assert requests_mock.request_history[0].json() == {
        "type": "ionq.circuit.v1",
        "backend": "simulator",
        "input": {"gateset": "qis", "qubits": 2, "circuit": BELL},
        "shots": 7,
        "metadata": {"a": "b"},
    }


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({}, {"metadata": {"a": "b"}}),
        ({"shots": 5, "dry_run": False}, {"shots": 5, "dry_run": False, "metadata": {"a": "b"}}),
        ({"metadata": {"c": "d"}}, {"metadata": {"c": "d"}}),
    ],
)
def test_clone_is_not_taken_for_a_job_of_the_task_that_submitted_the_original(
    requests_mock: Mocker, changes: dict[str, Any], sent: dict[str, Any]
) -> None:
    requests_mock.get(f"{URL}/jobs/j-1", json=JOB)
    requests_mock.post(f"{URL}/jobs/j-1/clone", json={"id": "j-2", "status": "submitted"}, status_code=201)
    assert IonQHook().clone_job("j-1", **changes)["id"] == "j-2"
    assert requests_mock.request_history[-1].json() == sent


def test_filters_reach_the_api(requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/jobs", json={"jobs": [JOB], "next": None})
    assert IonQHook().list_jobs(status="completed", ids=["j-1"]) == [JOB]
    assert requests_mock.request_history[-1].query == "status=completed&ids=j-1"


def test_estimate_and_usage_reach_the_api(requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/jobs/estimate", json={"estimated_total_cost": 2.5})
    requests_mock.get(f"{URL}/organizations/o-1/usage", json={"job_count": 3})
    estimate = IonQHook().estimate_job("qpu.forte-1", qubits=2, shots=100, gates_1q=1, gates_2q=1)
    assert estimate == {"estimated_total_cost": 2.5}
    assert IonQHook().get_usage("o-1", **USAGE) == {"job_count": 3}
