"""What a job took, and why it failed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.jobs.failure import describe_end, failure_code, is_final, is_retryable
from airflow_provider_ionq.jobs.summary import describe, predicted_wait, summarize

pytestmark = pytest.mark.one_airflow

JOB: dict[str, Any] = {
    "id": "j-1",
    "status": "completed",
    "submitted_at": "2026-10-01T00:00:00Z",
    "started_at": "2026-10-01T00:01:30.500Z",
    "completed_at": "2026-10-01T00:01:40.500Z",
    "execution_duration_ms": 4200,
    "stats": {"gate_counts": {"1q": 28, "2q": 11}, "billed_quantum_compute_time_us": 5200},
}
COST = {"dry_run": False, "cost": {"value": 24.834, "unit": "usd"}, "estimated_cost": {"value": 30, "unit": "usd"}}


def test_summary_has_times_gates_and_cost() -> None:
    summary = summarize(JOB, COST)
    assert summary == {
        "queue_seconds": 90.5,
        "run_seconds": 4.2,
        "qpu_seconds": 0.0052,
        "gates_1q": 28,
        "gates_2q": 11,
        "cost": 24.834,
        "cost_unit": "usd",
    }
    line = "queue 90.5 s, run 4.2 s, QPU 0.0052 s, 28 one-qubit and 11 two-qubit gates, cost 24.83 usd"
    assert describe(summary) == line


@pytest.mark.parametrize(
    ("changed", "key", "value"),
    [
        ({"execution_duration_ms": None}, "run_seconds", 10.0),
        ({"execution_duration_ms": None, "completed_at": None}, "run_seconds", None),
        ({"started_at": None}, "queue_seconds", None),
        ({"started_at": "2026-10-01T02:00:00+02:00"}, "queue_seconds", 0.0),
        ({"started_at": "2026-10-01T00:00:01"}, "queue_seconds", None),
        ({"started_at": "2025-10-01T00:00:00Z"}, "queue_seconds", None),
        ({"execution_duration_ms": "4200"}, "run_seconds", 10.0),
        ({"execution_duration_ms": 10**400}, "run_seconds", 10.0),
        ({"stats": {}}, "gates_1q", None),
        ({"stats": None}, "qpu_seconds", None),
        ({"stats": {"gate_counts": {"1q": 3.0}}}, "gates_1q", 3),
    ],
)
def test_what_the_api_does_not_say_is_none(changed: dict[str, Any], key: str, value: Any) -> None:
    summary: dict[str, Any] = dict(summarize(JOB | changed, COST))
    assert summary[key] == value


@pytest.mark.parametrize("cost", [None, {"dry_run": False}, {"cost": None}, {"cost": {"value": "1", "unit": "usd"}}])
def test_cost_that_is_unknown_is_none(cost: Any) -> None:
    summary = summarize(JOB, cost)
    assert summary["cost"] is None
    assert "cost" not in describe(summary)


def test_job_without_any_figures_has_an_empty_line() -> None:
    assert describe(summarize({"id": "j", "status": "canceled"}, None)) == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries({}, optional={key: JSON for key in (*JOB, "failure")}),
    JSON,
    st.dictionaries(st.sampled_from(["cost", "value", "unit", "1q", "gate_counts"]), JSON),
)
def test_no_json_breaks_a_summary_or_a_message(job: dict[str, Any], cost: Any, part: dict[str, Any]) -> None:
    for stats in (job.get("stats"), part, {"gate_counts": part}):
        assert isinstance(describe(summarize(job | {"stats": stats}, {"cost": part} if part else cost)), str)
    assert isinstance(describe_end(job | {"failure": part or job.get("failure")}), str)
    assert is_final(job) in (True, False)
    assert is_retryable(job) in (True, False)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "less than 1 min"),
        (59_999, "less than 1 min"),
        (60_000, "less than 5 min"),
        (397_577, "less than 15 min"),
        (7_300_000, "less than 4 h"),
        (10**10, "more than 4 days"),
        (None, None),
        ("5", None),
        (-1, None),
    ],
)
def test_predicted_wait_is_told_in_coarse_steps(milliseconds: Any, text: str | None) -> None:
    assert predicted_wait({"predicted_wait_time_ms": milliseconds}) == text


CODES = {
    "InvalidInput": False,
    "CompilationError": False,
    "ContractExpiredError": False,
    "DebiasingError": False,
    "InternalError": True,
    "NotEnoughQubits": False,
    "OptimizationError": False,
    "PreflightError": False,
    "QuantumCircuitComplexityError": False,
    "QuantumComputerError": True,
    "QuotaExhaustedError": False,
    "SimulationError": True,
    "SimulationTimeout": True,
    "SystemCancel": True,
    "TooLongPredictedExecutionTime": False,
    "TooManyControls": False,
    "TooManyGates": False,
    "TooManyShots": False,
    "UnknownBillingError": False,
    "UnsupportedGate": False,
    "SomethingNew": False,
}


@pytest.mark.parametrize(("code", "retryable"), CODES.items())
def test_failure_code_says_whether_a_retry_may_help(code: str, retryable: bool) -> None:
    job = {"id": "j-1", "status": "failed", "failure": {"code": code, "message": "why"}}
    assert failure_code(job) == code
    assert is_retryable(job) == retryable
    assert describe_end(job) == f"job j-1 failed: {code}: why"
    assert not is_retryable(job | {"status": "canceled"})
