"""Prices, estimates, costs and the usage report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Emulator, Price
from airflow_provider_ionq.emulator.account_data import ORGANIZATION_ID, PROJECT_ID, USER_ID
from tests.emulator.conftest import BELL, BODY
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Client, Clock

FORTE = "qpu.forte-1"
BY_GATES = Price(cost_1q_gate=0.01, cost_2q_gate=0.1, job_cost_minimum=1, error_mitigation_minimum=50)
MANY = {"type": "ionq.multi-circuit.v1", "input": {"gateset": "qis", "circuits": [{"circuit": BELL["circuit"]}] * 3}}
MITIGATED = {"settings": {"error_mitigation": {"debiasing": True}}, "shots": 500}


def _submit(client: Client, **change: Any) -> str:
    answer = client("POST", "/jobs", json=BODY | change)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _cost(client: Client, job_id: str) -> dict[str, Any]:
    answer = client("GET", f"/jobs/{job_id}/cost")
    assert answer.status_code == 200
    return dict(answer.json())


def _usd(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "usd"}


def test_cost_is_estimated_from_the_submission_and_charged_at_the_completion(client: Client) -> None:
    client.emulator.prices = {FORTE: BY_GATES}
    job_id = _submit(client)
    for status in ("submitted", "ready", "started"):
        client.emulator.set_job_status(job_id, status)
        assert _cost(client, job_id) == {"dry_run": False, "estimated_cost": _usd(11.0)}
    client.emulator.complete_job(job_id)
    assert _cost(client, job_id) == {"dry_run": False, "estimated_cost": _usd(11.0), "cost": _usd(11.0)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"shots": 1}, 1),
        ({"shots": 1000}, 110),
        (MITIGATED, 55),
        (MITIGATED | {"shots": 501, "input": {"gateset": "qis", "circuit": []}}, 50),
        (MANY, 33),
        (MANY | {"shots": 1}, 3),
    ],
)
def test_job_costs_its_gates_and_at_least_the_minimum_of_each_circuit(
    client: Client, change: dict[str, Any], expected: float
) -> None:
    client.emulator.prices = {FORTE: BY_GATES}
    assert _cost(client, _submit(client, **change))["estimated_cost"] == _usd(expected)


def test_children_share_the_cost_of_their_parent(client: Client) -> None:
    client.emulator.prices = {FORTE: BY_GATES}
    parent = client("GET", f"/jobs/{_submit(client, **MANY)}").json()
    costs = [_cost(client, child)["estimated_cost"]["value"] for child in parent["child_job_ids"]]
    assert costs == [11.0, 11.0, 11.0]


@pytest.mark.parametrize("end", ["fail_job", "cancel_job"])
def test_reserved_cost_is_released_unless_the_test_charges_some(client: Client, end: str) -> None:
    free, charged = _submit(client), _submit(client)
    getattr(client.emulator, end)(free)
    getattr(client.emulator, end)(charged, cost_usd=2.5)
    assert "cost" not in _cost(client, free)
    assert _cost(client, charged)["cost"] == _usd(2.5)


def test_cancellation_of_a_completed_job_refunds_nothing(client: Client) -> None:
    job_id = _submit(client)
    client.emulator.complete_job(job_id)
    client("PUT", f"/jobs/{job_id}/status/cancel")
    assert _cost(client, job_id)["cost"] == _usd(12.42)


def test_final_cost_can_differ_from_the_estimate(client: Client) -> None:
    job_id = _submit(client)
    client.emulator.complete_job(job_id, cost_usd=99)
    assert _cost(client, job_id) == {"dry_run": False, "estimated_cost": _usd(12.42), "cost": _usd(99.0)}


def test_dry_run_has_a_price_and_never_starts_or_costs(run: Callable[..., Client], clock: Clock) -> None:
    client = run(clock=clock, job_seconds=3, compiled_gates=2, prices={FORTE: BY_GATES})
    job_id = _submit(client, dry_run=True)
    clock.now += 2
    assert client("GET", f"/jobs/{job_id}").json()["status"] == "submitted"
    clock.now += 1
    shown = client("GET", f"/jobs/{job_id}").json()
    assert (shown["status"], shown["started_at"], shown["results"]) == ("completed", None, None)
    assert shown["execution_duration_ms"] is None
    assert _cost(client, job_id) == {"dry_run": True, "estimated_cost": _usd(22.0)}


def test_estimate_does_not_know_the_compiled_gates(client: Client) -> None:
    client.emulator.prices = {FORTE: BY_GATES}
    client.emulator.compiled_gates = 3
    query = {"backend": FORTE, "qubits": 2, "shots": 100, "1q_gates": 1, "2q_gates": 1}
    assert client("GET", "/jobs/estimate", params=query).json()["estimated_total_cost"] == 11
    job_id = _submit(client)
    assert _cost(client, job_id)["estimated_cost"] == _usd(33.0)
    assert client.emulator.job(job_id)["stats"]["gate_counts"] == {"1q": 3, "2q": 3}


@pytest.mark.parametrize("prices", [None, {}, {"qpu.forte-enterprise-1": BY_GATES}])
def test_job_on_a_backend_without_a_price_has_no_cost(client: Client, prices: Any) -> None:
    client.emulator.prices = prices
    job_id = _submit(client)
    client.emulator.complete_job(job_id)
    assert _cost(client, job_id) == {"dry_run": False}
    estimate = client("GET", "/jobs/estimate", params={"backend": FORTE}).json()
    assert not {"estimated_total_cost", "estimated_unit"} & set(estimate)
    assert estimate["rate_card"]["rates"] == []


def test_simulator_has_no_price_by_default(client: Client) -> None:
    job_id = _submit(client, backend="simulator")
    client.emulator.complete_job(job_id)
    assert _cost(client, job_id) == {"dry_run": False}
    assert "estimated_total_cost" not in client("GET", "/jobs/estimate", params={"backend": "simulator"}).json()


def test_price_may_be_in_credits(client: Client) -> None:
    client.emulator.prices = {FORTE: Price(unit="credit", job_cost_minimum=4)}
    job_id = _submit(client)
    client.emulator.complete_job(job_id)
    assert _cost(client, job_id)["cost"] == {"value": 4.0, "unit": "credit"}
    assert client("GET", "/jobs/estimate", params={"backend": FORTE}).json()["estimated_unit"] == "credit"


def test_estimate_has_the_documented_defaults(client: Client) -> None:
    estimate = client("GET", "/jobs/estimate", params={"backend": FORTE}).json()
    assert estimate["estimate_context"] == {
        "backend": FORTE,
        "type": "ionq.circuit.v1",
        "qubits": 25,
        "shots": 1000,
        "1q_gates": 0,
        "2q_gates": 0,
        "error_mitigation": False,
        "organization": ORGANIZATION_ID,
        "project": PROJECT_ID,
    }
    assert (estimate["estimated_total_cost"], estimate["estimated_unit"]) == (12.42, "usd")
    assert estimate["current_predicted_queue_time"] == 1_200_000


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"1q_gates": 10, "2q_gates": 5, "shots": 100}, 60),
        ({"1q_gates": 10, "2q_gates": 5, "shots": 100, "error_mitigation": "true"}, 60),
        ({"shots": 100, "error_mitigation": "true"}, 50),
        ({"2q_gates": 5, "session": "false"}, 500),
        ({}, 1),
    ],
)
def test_estimate_counts_every_parameter(client: Client, parameters: dict[str, Any], expected: float) -> None:
    client.emulator.prices = {FORTE: BY_GATES}
    answer = client("GET", "/jobs/estimate", params={"backend": FORTE} | parameters)
    assert answer.json()["estimated_total_cost"] == expected


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("", "backend"),
        ("backend=qpu.none", "backend"),
        ("backend=simulator&shots=0", "shots"),
        ("backend=simulator&shots=1000001", "shots"),
        ("backend=simulator&shots=ten", "shots"),
        ("backend=simulator&qubits=0", "qubits"),
        ("backend=simulator&1q_gates=-1", "1q_gates"),
        ("backend=simulator&2q_gates=1.5", "2q_gates"),
        ("backend=simulator&error_mitigation=1", "error_mitigation"),
        ("backend=simulator&gates=5", "gates"),
        (f"backend=simulator&qubits={'9' * 5000}", "qubits"),
    ],
)
def test_invalid_estimate_gets_400_that_names_the_parameter(client: Client, query: str, key: str) -> None:
    answer = client("GET", f"/jobs/estimate?{query}")
    assert answer.status_code == 400
    assert answer.json()["validation"] == {"source": "query", "keys": [key]}


def test_costs_of_jobs_from_the_api_reach_the_limit_of_their_session(client: Client) -> None:
    settings = {"cost_limit": {"unit": "usd", "value": 20}}
    session_id = client("POST", "/sessions", json={"backend": FORTE, "settings": settings}).json()["id"]
    for status in ("started", "ended"):
        client.emulator.complete_job(_submit(client, session_id=session_id))
        assert client.status(session_id) == status


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"unit": "eur"}, "unit | usd, credit | eur"),
        ({"cost_1q_gate": -1}, "cost_1q_gate"),
        ({"job_cost_minimum": "5"}, "job_cost_minimum"),
    ],
)
def test_impossible_price_is_rejected(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=facts(message)):
        Price(**arguments)


@pytest.mark.parametrize("prices", [{"qpu.none": Price()}, {FORTE: 5}, {FORTE: {"unit": "usd"}}])
def test_impossible_prices_are_rejected(prices: Any) -> None:
    with pytest.raises(ValueError, match="price"):
        Emulator(prices=prices)


USAGE = f"/organizations/{ORGANIZATION_ID}/usage"
DAY_SECONDS = 24 * 3600
# Of 15 June 2025, a Sunday.
WHOLE = {"start_date": "2025-06-01", "end_date": "2025-07-31", "group_by": "job", "modality": "daily"}


def _use(client: Client, clock: Clock) -> None:
    """Complete jobs of 5 and 7 dollars on a Sunday, of 1 dollar on the next day and of 2 dollars in the next month."""
    for cost, pause in ((5, 0), (7, DAY_SECONDS), (1, 30 * DAY_SECONDS), (2, 0)):
        client.emulator.complete_job(client.emulator.submit_job(name=f"{cost} usd")["id"], cost_usd=cost)
        client.emulator.submit_job()
        client.emulator.complete_job(client.emulator.submit_job(dry_run=True)["id"])
        clock.now += pause


@pytest.mark.parametrize(
    ("modality", "expected"),
    [
        ("daily", [("2025-07-16", 2, 1), ("2025-06-16", 1, 1), ("2025-06-15", 12, 2)]),
        ("weekly", [("2025-07-14", 2, 1), ("2025-06-16", 1, 1), ("2025-06-09", 12, 2)]),
        ("monthly", [("2025-07-01", 2, 1), ("2025-06-01", 13, 3)]),
    ],
)
def test_usage_is_summed_by_period(client: Client, clock: Clock, modality: str, expected: list[Any]) -> None:
    _use(client, clock)
    usage = client("GET", USAGE, params=WHOLE | {"modality": modality}).json()
    assert [(part["from"], part["amount"], part["job_count"]) for part in usage["usage_data"]] == expected
    assert (usage["amount_total"], usage["job_count"], usage["usage_unit"]) == (15, 4, "USD")
    assert usage["time_us_total"] == sum(part["time_us"] for part in usage["usage_data"]) > 0


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [("job", ["7 usd", "5 usd"]), ("project", ["Emulated project"]), ("user", ["Emulated user"])],
)
def test_usage_is_grouped(client: Client, clock: Clock, group_by: str, expected: list[str]) -> None:
    _use(client, clock)
    usage = client("GET", USAGE, params=WHOLE | {"group_by": group_by, "end_date": "2025-06-15"}).json()
    (part,) = usage["usage_data"]
    assert [group["group_name"] for group in part["group_usages"]] == expected
    ids = {group["group_id"] for group in part["group_usages"]}
    assert group_by == "job" or ids == {{"project": PROJECT_ID, "user": USER_ID}[group_by]}


def test_usage_in_credits_says_so(client: Client) -> None:
    client.emulator.prices = {FORTE: Price(unit="credit", job_cost_minimum=4)}
    client.emulator.complete_job(_submit(client))
    usage = client("GET", USAGE, params=WHOLE).json()
    assert (usage["usage_unit"], usage["amount_totals"]) == ("credit", [{"amount": 4.0, "unit": "credit"}])


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [None, "x", "2025-6-1", "2025-02-30"])
def test_usage_needs_every_parameter(client: Client, name: str, value: str | None) -> None:
    answer = client("GET", USAGE, params=WHOLE | {name: value})
    assert answer.status_code == 400
    assert answer.json()["validation"]["keys"] == [name]


def test_usage_of_a_time_that_ends_before_it_begins_gets_400(client: Client) -> None:
    assert client("GET", USAGE, params=WHOLE | {"end_date": "2025-05-31"}).status_code == 400


def test_usage_of_another_organization_gets_404(client: Client) -> None:
    assert client("GET", "/organizations/self/usage", params=WHOLE).status_code == 404
