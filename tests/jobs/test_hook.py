"""The hook's methods for jobs."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import (
    IonQBudgetError,
    IonQInvalidIdError,
    IonQJobFailedError,
    IonQJobTimeoutError,
)
from airflow_provider_ionq.emulator import Emulator, Step
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.jobs.token import TOKEN_KEY, Token, task_identity
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests_mock import Mocker

pytestmark = pytest.mark.one_airflow

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
def _connection(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "ionq_emulator" not in request.fixturenames:
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


# A job in one call.


def test_job_is_run_in_one_call(ionq_emulator: Emulator) -> None:
    ionq_emulator.job_plan = [Step("completed", after_reads=3)]
    job = IonQHook().run_job("qpu.forte-1", circuit=BELL, max_cost_usd=100, poke_interval=0.05)
    assert job["status"] == "completed"
    assert [one["id"] for one in ionq_emulator.jobs()] == [job["id"]]


@pytest.mark.parametrize("kind", ["500", "dropped"])
def test_job_whose_answer_was_lost_is_found_and_run(ionq_emulator: Emulator, kind: str) -> None:
    if kind == "500":
        ionq_emulator.fail(500, route="POST /jobs", after_effect=True)
    else:
        ionq_emulator.disturb("drop_after_read", route="POST /jobs")
    job = IonQHook().run_job("simulator", circuit=BELL, poke_interval=0.05)
    assert [one["id"] for one in ionq_emulator.jobs()] == [job["id"]]


def test_two_calls_run_two_jobs(ionq_emulator: Emulator) -> None:
    ids = {IonQHook().run_job("simulator", circuit=BELL, poke_interval=0.05)["id"] for _ in range(2)}
    assert len(ids) == 2


def test_failure_of_a_job_is_raised(ionq_emulator: Emulator) -> None:
    ionq_emulator.fail_next_job("InvalidInput", "no")
    with pytest.raises(IonQJobFailedError, match="failed: InvalidInput: no"):
        IonQHook().run_job("simulator", circuit=BELL, poke_interval=0.05)


def test_job_over_budget_is_not_run(ionq_emulator: Emulator) -> None:
    with pytest.raises(IonQBudgetError, match="was not submitted"):
        IonQHook().run_job("qpu.forte-1", circuit=BELL, max_cost_usd=0.01)
    assert ionq_emulator.jobs() == []


def test_job_that_does_not_end_in_time_is_cancelled(ionq_emulator: Emulator) -> None:
    ionq_emulator.job_plan = []
    with pytest.raises(IonQJobTimeoutError, match=facts("not end | 0.3 s | cancelled")):
        IonQHook().run_job("simulator", circuit=BELL, poke_interval=0.05, timeout=0.3)
    assert ionq_emulator.jobs()[0]["status"] == "canceled"


def test_interrupted_call_cancels_its_job(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    ionq_emulator.job_plan = []
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.7)
    with pytest.raises(KeyboardInterrupt):
        IonQHook().run_job("simulator", circuit=BELL, poke_interval=30)
    assert ionq_emulator.jobs()[0]["status"] == "canceled"


def test_rehearsal_in_one_call(ionq_emulator: Emulator) -> None:
    job = IonQHook().run_job("qpu.forte-1", circuit=BELL, rehearse=True, max_cost_usd=0, poke_interval=0.05)
    assert (job["backend"], job.get("noise")) == ("simulator", {"model": "forte-1"})
