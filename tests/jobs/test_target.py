"""What a job's JSON means for a waiter."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ionq.emulator.state import JOB_STATUSES
from airflow_provider_ionq.jobs.failure import FINAL_STATUSES, STATUSES
from airflow_provider_ionq.jobs.target import JobTarget
from airflow_provider_ionq.waiting.decision import Outcome
from tests.support.facts import facts

pytestmark = pytest.mark.one_airflow

ALL = ("submitted", "ready", "started", "completed", "failed", "canceled")
TABLE = {
    # awaited: outcome for submitted, ready, started, completed, failed, canceled
    "submitted": "MIIIII",
    "ready": "WMIIII",
    "started": "WWMIII",
    "completed": "WWWMII",
    "failed": "WWWIMI",
    "canceled": "WWWIIM",
    "started completed": "WWMMII",
    "submitted completed": "MWWMII",
    "completed failed canceled": "WWWMMM",
    "submitted ready": "MMIIII",
}
OUTCOMES = {"M": Outcome.MET, "I": Outcome.IMPOSSIBLE, "W": Outcome.WAIT}
CODES = [
    "InvalidInput",
    "CompilationError",
    "ContractExpiredError",
    "DebiasingError",
    "InternalError",
    "NotEnoughQubits",
    "OptimizationError",
    "PreflightError",
    "QuantumCircuitComplexityError",
    "QuantumComputerError",
    "QuotaExhaustedError",
    "SimulationError",
    "SimulationTimeout",
    "SystemCancel",
    "TooLongPredictedExecutionTime",
    "TooManyControls",
    "TooManyGates",
    "TooManyShots",
    "UnknownBillingError",
    "UnsupportedGate",
]


def job(status: Any, **fields: Any) -> dict[str, Any]:
    return {"id": "j-1", "status": status, **fields}


@pytest.mark.parametrize("awaited", TABLE)
def test_every_status_has_one_outcome_for_every_target(awaited: str) -> None:
    target = JobTarget.of(awaited.split())
    assert {status: target.decide(job(status)).outcome for status in ALL} == dict(
        zip(ALL, (OUTCOMES[letter] for letter in TABLE[awaited]), strict=True)
    )


def test_the_statuses_are_those_of_the_api() -> None:
    assert set(STATUSES) == set(ALL) == set(JOB_STATUSES)


def test_a_final_status_never_waits() -> None:
    for count in range(1, len(ALL) + 1):
        for awaited in combinations(ALL, count):
            for status in FINAL_STATUSES:
                assert JobTarget.of(awaited).decide(job(status)).outcome is not Outcome.WAIT


@pytest.mark.parametrize(
    "fields", [{"started_at": None, "completed_at": None}, {"completed_at": "2026-01-01T00:00:00Z"}]
)
@pytest.mark.parametrize("status", ["started", "completed"])
def test_no_state_is_derived_from_times(status: str, fields: dict[str, Any]) -> None:
    assert JobTarget.of("completed").decide(job(status, **fields)).outcome is OUTCOMES["WM"[status == "completed"]]


@pytest.mark.parametrize("status", ["running", "", None, 7, {"a": 1}, ["completed"], "x" * 500, "two\nlines"])
def test_an_unknown_status_is_waited_on_with_a_warning(status: Any) -> None:
    decision = JobTarget.of(ALL).decide(job(status))
    assert decision.outcome is Outcome.WAIT
    assert decision.warning is not None
    assert "j-1" in decision.warning
    assert "\n" not in decision.warning
    assert len(decision.warning) < 400


@pytest.mark.parametrize("code", CODES)
def test_a_failed_job_gives_its_code_and_message(code: str) -> None:
    decision = JobTarget.of("completed").decide(job("failed", failure={"code": code, "message": "It is so."}))
    assert decision.outcome is Outcome.IMPOSSIBLE
    for fact in ("Job j-1", "never have status completed", "'failed'", code, "It is so."):
        assert fact in decision.reason


@pytest.mark.parametrize("failure", [None, {}, [], "text", {"code": None, "message": None}])
def test_a_failure_without_a_reason_still_names_job_and_status(failure: Any) -> None:
    decision = JobTarget.of("completed").decide(job("failed", failure=failure))
    for fact in ("Job j-1", "never have status completed", "'failed'"):
        assert fact in decision.reason
    assert "None" not in decision.reason


def test_a_passed_status_says_how_to_accept_what_came_after() -> None:
    assert 'wait for status=("started", "completed")' in JobTarget.of("started").decide(job("completed")).reason
    assert 'wait for status=("ready", "started")' in JobTarget.of("ready").decide(job("started")).reason
    assert "wait for" not in JobTarget.of("started").decide(job("failed")).reason
    assert "wait for" not in JobTarget.of("canceled").decide(job("completed")).reason


@pytest.mark.parametrize("status", [None, 7, [], (), set(), "running", ["completed", "done"], [None], {"completed": 1}])
def test_an_invalid_target_names_what_is_allowed(status: Any) -> None:
    with pytest.raises(ValueError, match=r"^status "):
        JobTarget.of(status)


def test_a_target_reads_as_a_person_says_it() -> None:
    assert str(JobTarget.of({"completed", "started"})) == "status started or completed"
    assert str(JobTarget.of("completed")) == "status completed"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["id", "status", "failure", "completed_at"]), json_values))
def test_any_json_gets_a_decision(item: dict[str, Any]) -> None:
    decision = JobTarget.of("completed").decide(item)
    assert decision.outcome is Outcome.WAIT or item["status"] in FINAL_STATUSES


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(90_000, "less than"), (10**12, "more than"), (None, None), ("?", None)]
)
def test_the_predicted_wait_is_progress_while_the_job_waits(milliseconds: Any, words: str | None) -> None:
    progress = JobTarget.of("completed").decide(job("ready", predicted_wait_time_ms=milliseconds)).progress
    assert (progress is None) == (words is None)
    assert progress is None or re.search(facts(f"predicted wait | j-1 | {words}"), progress)
    assert JobTarget.of("completed").decide(job("completed", predicted_wait_time_ms=milliseconds)).progress is None
