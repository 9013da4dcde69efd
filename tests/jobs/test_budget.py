"""Budgets: a job is submitted only if its price and what earlier jobs cost are known and within the limit."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import (
    IonQBudgetError,
    IonQError,
    IonQJobFailedError,
    IonQResponseError,
    IonQServerError,
)
from airflow_provider_ionq.api.settings import ClientSettings
from airflow_provider_ionq.jobs.budget import Budget
from airflow_provider_ionq.jobs.price import MOST_ESTIMATES, cost_check_of, dry_run_price, estimated_price
from airflow_provider_ionq.jobs.request import JobRequest
from airflow_provider_ionq.jobs.session_budget import SessionSpending
from airflow_provider_ionq.jobs.spent import JobCosts
from airflow_provider_ionq.jobs.token import TOKEN_KEY, Token, task_identity
from tests.support.facts import facts, stating

if TYPE_CHECKING:
    from requests_mock import Mocker

pytestmark = pytest.mark.one_airflow

URL = "https://api.ionq.co/v0.4"
TOKEN = Token(task_identity("d", "r", "t", -1), 0, 1, "f" * 32)
LOG = logging.getLogger("tests.budget")
QPU = "qpu.forte-1"
H, CNOT = {"gate": "h", "target": 0}, {"gate": "cnot", "target": 1, "control": 0}
BELL = [H, CNOT]
QASM = "OPENQASM 3; qubit q;"


@pytest.fixture
def client() -> IonQClient:
    return IonQClient(ClientSettings(api_key="key", max_retries=0))


def request(backend: str = QPU, **arguments: Any) -> JobRequest:
    return JobRequest.of(backend, **({} if {"circuits", "qasm"} & set(arguments) else {"circuit": BELL}) | arguments)


def priced(requests_mock: Mocker, value: Any, unit: Any = "usd") -> None:
    requests_mock.get(f"{URL}/jobs/estimate", json={"estimated_total_cost": value, "estimated_unit": unit})


def costs(requests_mock: Mocker, job_id: str, **amounts: Any) -> None:
    amounts = {name: {"value": one, "unit": "usd"} if isinstance(one, float) else one for name, one in amounts.items()}
    requests_mock.get(f"{URL}/jobs/{job_id}/cost", json={"dry_run": False, **amounts})


def dry_runs(requests_mock: Mocker, cost: dict[str, Any], *statuses: str, **fields: Any) -> None:
    requests_mock.post(f"{URL}/jobs", json={"id": "dry", "status": "submitted", "session_id": None}, status_code=201)
    states = [{"json": {"id": "dry", "status": status, **fields}} for status in statuses or ("completed",)]
    requests_mock.get(f"{URL}/jobs/dry", states)
    requests_mock.get(f"{URL}/jobs/dry/cost", json={"dry_run": True, **cost})


# How the price is learned.


@pytest.mark.parametrize(
    ("arguments", "cost_check", "how"),
    [
        ({}, None, "estimate"),
        ({}, "estimate", "estimate"),
        ({}, "dry_run", "dry_run"),
        ({"circuits": [BELL, BELL]}, None, "estimate"),
        ({"qasm": QASM}, None, "dry_run"),
        ({"circuit": [{"gate": "x", "target": 0, "controls": [1, 2]}]}, None, "dry_run"),
        ({"circuits": [BELL, [{"gate": "pauliexp", "targets": [0]}]]}, None, "dry_run"),
        ({"circuits": [[H] * (length + 1) for length in range(MOST_ESTIMATES)]}, None, "estimate"),
        ({"circuits": [[H] * (length + 1) for length in range(MOST_ESTIMATES + 1)]}, None, "dry_run"),
        ({"circuits": [[H] * (length + 1) for length in range(MOST_ESTIMATES + 1)]}, "estimate", "estimate"),
    ],
)
def test_price_is_estimated_where_gates_can_be_counted(
    arguments: dict[str, Any], cost_check: str | None, how: str
) -> None:
    assert cost_check_of(request(**arguments), cost_check) == how


@pytest.mark.parametrize(
    ("arguments", "cost_check", "problem"),
    [
        ({"qasm": QASM}, "estimate", "gates | counted"),
        ({}, "guess", "cost_check | estimate, dry_run | None | 'guess'"),
    ],
)
def test_way_to_a_price_that_does_not_exist_is_refused(
    arguments: dict[str, Any], cost_check: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=facts(problem)):
        cost_check_of(request(**arguments), cost_check)


def test_estimate_is_requested_once_for_each_size_and_summed(client: IonQClient, requests_mock: Mocker) -> None:
    mitigated: dict[str, Any] = {"shots": 700, "error_mitigation": {"debiasing": True}}
    requests_mock.get(
        f"{URL}/jobs/estimate",
        [{"json": {"estimated_total_cost": cost, "estimated_unit": "usd"}} for cost in (10.0, 0.5)],
    )
    price = estimated_price(client, request(circuits=[BELL, [H], BELL, BELL], **mitigated))
    assert price == {"value": 30.5, "unit": "usd"}
    common = {
        "backend": [QPU],
        "type": ["ionq.circuit.v1"],
        "shots": ["700"],
        "error_mitigation": ["true"],
    }
    assert [parse_qs(sent.query) for sent in requests_mock.request_history] == [
        common | {"qubits": ["2"], "1q_gates": ["1"], "2q_gates": ["1"]},
        common | {"qubits": ["1"], "1q_gates": ["1"], "2q_gates": ["0"]},
    ]


@pytest.mark.parametrize(
    ("answer", "price"),
    [
        ({"estimated_total_cost": 1.5, "estimated_unit": "usd"}, {"value": 1.5, "unit": "usd"}),
        ({"estimated_cost": 2, "cost_unit": "usd"}, {"value": 2.0, "unit": "usd"}),
        ({"estimated_total_cost": 3, "cost_unit": "credit"}, {"value": 3.0, "unit": "credit"}),
        ({"estimated_total_cost": 3}, {"value": 3.0, "unit": "None"}),
        ({"estimated_total_cost": None, "estimated_unit": "usd"}, None),
        ({}, None),
    ],
)
def test_estimate_is_read_in_every_form(
    client: IonQClient, requests_mock: Mocker, answer: dict[str, Any], price: Any
) -> None:
    requests_mock.get(f"{URL}/jobs/estimate", json=answer)
    assert estimated_price(client, request()) == price


@pytest.mark.parametrize("value", ["1.5", True, -1, [], {}, 10**400])
def test_amount_that_is_no_amount_is_an_error(client: IonQClient, requests_mock: Mocker, value: Any) -> None:
    priced(requests_mock, value)
    with pytest.raises(IonQResponseError, match=facts("estimate | no job was submitted")):
        estimated_price(client, request())
    costs(requests_mock, "j", cost={"value": value, "unit": "usd"})
    with pytest.raises(IonQResponseError, match=facts("cost | job j")):
        JobCosts().of(client, {"id": "j", "status": "completed"})


def test_dry_run_is_waited_for_and_carries_a_token_that_is_never_adopted(
    client: IonQClient, requests_mock: Mocker
) -> None:
    dry_runs(requests_mock, {"estimated_cost": {"value": 9.5, "unit": "usd"}}, *["submitted"] * 2, "ready", "completed")
    slept: list[float] = []
    price = dry_run_price(client, request(session_id="s-1"), TOKEN, LOG, sleep=slept.append)
    assert price == {"value": 9.5, "unit": "usd"}
    assert slept == [1.0, 2.0, 4.0]
    body = requests_mock.request_history[0].json()
    assert body["dry_run"] is True
    assert "session_id" not in body, "a job starts a session"
    assert Token.of_text(body["metadata"][TOKEN_KEY]) == TOKEN.numbered(None)


def test_dry_run_that_does_not_end_is_an_error_that_a_retry_may_help(client: IonQClient, requests_mock: Mocker) -> None:
    dry_runs(requests_mock, {}, "ready")
    slept: list[float] = []
    with pytest.raises(IonQBudgetError, match=facts("dry | ready | 10 min | not submitted")) as error:
        dry_run_price(client, request(), TOKEN, LOG, sleep=slept.append)
    assert error.value.retryable
    assert 600 <= sum(slept) < 620


@pytest.mark.parametrize(
    ("status", "failure", "retryable", "text"),
    [
        ("failed", {"code": "InvalidInput", "message": "no"}, False, "dry | failed | InvalidInput: no"),
        ("failed", {"code": "SystemCancel", "message": "later"}, True, "dry | failed | SystemCancel: later"),
        ("failed", None, False, "dry | failed | no reason"),
        ("canceled", None, False, "dry | canceled"),
    ],
)
def test_dry_run_that_fails_tells_why_the_job_would(
    client: IonQClient, requests_mock: Mocker, status: str, failure: Any, retryable: bool, text: str
) -> None:
    dry_runs(requests_mock, {}, status, failure=failure)
    with pytest.raises(IonQJobFailedError, match=facts(text)) as error:
        dry_run_price(client, request(), TOKEN, LOG)
    assert error.value.retryable is retryable


# What earlier jobs cost.

USD_7, USD_3 = {"value": 7.0, "unit": "usd"}, {"value": 3.0, "unit": "usd"}
SPENT: dict[str, tuple[dict[str, Any], dict[str, Any], float]] = {
    "completed and charged": ({"status": "completed"}, {"cost": USD_7, "estimated_cost": USD_3}, 7.0),
    "completed and not charged yet": ({"status": "completed"}, {"estimated_cost": USD_3}, 3.0),
    "running": ({"status": "started", "started_at": "2026-01-01T00:00:00Z"}, {"estimated_cost": USD_3}, 3.0),
    "queued": ({"status": "ready"}, {"estimated_cost": USD_3}, 3.0),
    "an unknown status": ({"status": "paused"}, {"estimated_cost": USD_3}, 3.0),
    "failed before it ran": ({"status": "failed"}, {"estimated_cost": USD_3}, 0.0),
    "failed after it ran": ({"status": "failed", "started_at": "2026-01-01T00:00:00Z"}, {"estimated_cost": USD_3}, 3.0),
    "failed and charged": ({"status": "failed"}, {"cost": USD_7}, 7.0),
    "canceled before it ran": ({"status": "canceled", "started_at": None}, {"estimated_cost": USD_3}, 0.0),
    "canceled after it ran": ({"status": "canceled", "execution_duration_ms": 5}, {"estimated_cost": USD_3}, 3.0),
    "canceled and free": ({"status": "canceled"}, {"cost": {"value": 0, "unit": "usd"}}, 0.0),
    "a dry run": ({"status": "completed", "dry_run": True}, {"estimated_cost": USD_3}, 0.0),
    "on the simulator": ({"status": "completed", "backend": "simulator"}, {}, 0.0),
}


@pytest.mark.parametrize("name", SPENT)
def test_cost_of_an_earlier_job_is_its_charge_or_else_its_estimate(
    client: IonQClient, requests_mock: Mocker, name: str
) -> None:
    job, cost, spent = SPENT[name]
    costs(requests_mock, "j", **cost)
    one: Any = {"id": "j", "backend": QPU, **job}
    assert JobCosts().of(client, one) == spent


@pytest.mark.parametrize("status", ["completed", "started", "ready"])
def test_unknown_cost_of_an_earlier_job_is_an_error_that_a_retry_may_help(
    client: IonQClient, requests_mock: Mocker, status: str
) -> None:
    costs(requests_mock, "j")
    job: Any = {"id": "j", "status": status, "backend": QPU}
    with pytest.raises(IonQBudgetError, match=facts("cost | job j | not known")) as error:
        JobCosts().of(client, job)
    assert error.value.retryable


def test_cost_of_an_ended_job_is_read_again_until_it_is_charged(client: IonQClient, requests_mock: Mocker) -> None:
    known = JobCosts()
    job: Any = {"id": "j", "status": "completed", "backend": QPU}
    costs(requests_mock, "j", estimated_cost=USD_3)
    assert known.of(client, job) == 3.0
    costs(requests_mock, "j", estimated_cost=USD_3, cost={"value": 4, "unit": "usd"})
    assert [known.of(client, job) for _ in range(3)] == [4.0] * 3
    assert requests_mock.call_count == 2


def test_cost_of_a_session_is_that_of_its_jobs_without_their_parts(client: IonQClient, requests_mock: Mocker) -> None:
    jobs = [
        {"id": "a", "status": "completed", "parent_job_id": None},
        {"id": "b", "status": "completed", "parent_job_id": "a"},
        {"id": "c", "status": "ready"},
    ]
    requests_mock.get(f"{URL}/sessions/s-1/jobs", json={"jobs": jobs, "next": None})
    costs(requests_mock, "a", cost=7.0)
    costs(requests_mock, "c", estimated_cost=3.0)
    assert SessionSpending("s-1").total(client) == 10.0


# The budget.

EARLIER: Any = [{"id": "a", "status": "completed"}, {"id": "b", "status": "canceled"}, {"id": "c", "status": "ready"}]


@pytest.mark.parametrize(("limit", "allowed"), [(20.3, True), (20.29, False), (100.0, True), (5.0, False)])
def test_price_and_cost_of_all_earlier_jobs_must_be_within_the_limit(
    client: IonQClient, requests_mock: Mocker, limit: float, allowed: bool
) -> None:
    priced(requests_mock, 10.1)
    costs(requests_mock, "a", cost=7.1)
    costs(requests_mock, "b", estimated_cost=50.0)
    costs(requests_mock, "c", estimated_cost=3.1)
    budget = Budget(max_cost_usd=limit)
    if allowed:
        budget.check(client, request(), TOKEN, EARLIER, LOG)
    else:
        with pytest.raises(IonQBudgetError, match=facts(f"10.10 | 10.20 | max_cost_usd | {limit:.2f}")) as error:
            budget.check(client, request(), TOKEN, EARLIER, LOG)
        assert not error.value.retryable
    assert not [sent for sent in requests_mock.request_history if sent.method == "POST"]


@pytest.mark.parametrize(("limit", "allowed"), [(15.0, True), (14.0, False)])
def test_price_and_cost_of_the_session_must_be_within_its_limit(
    client: IonQClient, requests_mock: Mocker, limit: float, allowed: bool
) -> None:
    priced(requests_mock, 5.0)
    requests_mock.get(f"{URL}/sessions/s-1/jobs", json={"jobs": [{"id": "a", "status": "completed"}], "next": None})
    costs(requests_mock, "a", cost=10.0)
    budget = Budget(max_cost_usd=100.0, session_max_cost_usd=limit)
    if allowed:
        budget.check(client, request(session_id="s-1"), TOKEN, [], LOG, session=SessionSpending("s-1"))
    else:
        with pytest.raises(IonQBudgetError, match=facts("10.00 | budget of the session | 14.00")):
            budget.check(client, request(session_id="s-1"), TOKEN, [], LOG, session=SessionSpending("s-1"))


UNKNOWN: dict[str, tuple[dict[str, Any], Any, str]] = {
    "no price": ({}, {}, "estimate | no price | qpu.forte-1"),
    "another unit": ({}, {"estimated_total_cost": 1, "estimated_unit": "credit"}, "unit | credit"),
    "no unit": ({}, {"estimated_total_cost": 1}, "unit | None"),
    "another unit on the simulator": (
        {"backend": "simulator"},
        {"estimated_total_cost": 1, "estimated_unit": "credit"},
        "unit | credit",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_price_that_cannot_be_compared_is_refused(client: IonQClient, requests_mock: Mocker, name: str) -> None:
    arguments, answer, problem = UNKNOWN[name]
    requests_mock.get(f"{URL}/jobs/estimate", json=answer)
    with pytest.raises(IonQBudgetError, match=facts(problem)) as error:
        Budget(max_cost_usd=100.0).check(client, request(**arguments), TOKEN, [], LOG)
    assert not error.value.retryable


@pytest.mark.parametrize("unit", ["usd", "USD"])
def test_unit_of_a_price_may_be_in_capitals(client: IonQClient, requests_mock: Mocker, unit: str) -> None:
    priced(requests_mock, 1.0, unit)
    Budget(max_cost_usd=1.0).check(client, request(), TOKEN, [], LOG)


def test_absent_price_passes_on_the_simulator(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/jobs/estimate", json={})
    Budget(max_cost_usd=0.01).check(client, request("simulator"), TOKEN, [], LOG)
    assert requests_mock.called


def test_program_for_the_simulator_is_not_priced_by_a_dry_run(client: IonQClient, requests_mock: Mocker) -> None:
    Budget(max_cost_usd=0.01).check(client, request("simulator", qasm=QASM), TOKEN, [], LOG)
    assert not requests_mock.called


def test_absent_price_of_a_dry_run_is_refused_on_a_device(client: IonQClient, requests_mock: Mocker) -> None:
    dry_runs(requests_mock, {})
    with pytest.raises(IonQBudgetError, match=facts("dry run | no price | qpu.forte-1")):
        Budget(max_cost_usd=1.0).check(client, request(qasm=QASM), TOKEN, [], LOG)


def test_price_of_a_dry_run_counts(client: IonQClient, requests_mock: Mocker) -> None:
    dry_runs(requests_mock, {"estimated_cost": {"value": 9.5, "unit": "usd"}})
    Budget(max_cost_usd=9.5, cost_check="dry_run").check(client, request(), TOKEN, [], LOG)
    with pytest.raises(IonQBudgetError, match=facts("9.50 | dry run | max_cost_usd | 9.00")):
        Budget(max_cost_usd=9.0, cost_check="dry_run").check(client, request(), TOKEN, [], LOG)


@pytest.mark.parametrize("broken", ["estimate", "cost", "session"])
def test_price_or_cost_that_cannot_be_read_is_an_error_that_a_retry_may_help(
    client: IonQClient, requests_mock: Mocker, broken: str
) -> None:
    priced(requests_mock, 1.0)
    costs(requests_mock, "a", cost=1.0)
    requests_mock.get(f"{URL}/sessions/s-1/jobs", json={"jobs": [], "next": None})
    path = {"estimate": "/jobs/estimate", "cost": "/jobs/a/cost", "session": "/sessions/s-1/jobs"}[broken]
    requests_mock.get(URL + path, status_code=503)
    earlier: Any = [{"id": "a", "status": "completed"}]
    with pytest.raises(IonQServerError) as error:
        Budget(max_cost_usd=9.0, session_max_cost_usd=9.0).check(
            client, request(session_id="s-1"), TOKEN, earlier, LOG, session=SessionSpending("s-1")
        )
    assert error.value.retryable


@pytest.mark.parametrize(("backend", "warnings"), [(QPU, 1), ("simulator", 0)])
def test_job_without_a_budget_is_not_priced_and_warned_about_on_a_device(
    client: IonQClient, requests_mock: Mocker, caplog: pytest.LogCaptureFixture, backend: str, warnings: int
) -> None:
    Budget().check(client, request(backend), TOKEN, EARLIER, LOG)
    assert not requests_mock.called
    assert len(stating(caplog.messages, "no budget | max_cost_usd")) == len(caplog.messages) == warnings


def test_dry_run_needs_no_budget(client: IonQClient, requests_mock: Mocker, caplog: pytest.LogCaptureFixture) -> None:
    for budget in (Budget(), Budget(max_cost_usd=0.01)):
        budget.check(client, request(dry_run=True), TOKEN, EARLIER, LOG)
    assert not requests_mock.called
    assert caplog.text == ""


def test_errors_of_a_budget_are_errors_of_the_client() -> None:
    assert issubclass(IonQBudgetError, IonQError)
    assert issubclass(IonQJobFailedError, IonQError)
