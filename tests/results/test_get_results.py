"""The operator that reads the results of a job."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_ionq.api.errors import IonQConfigurationError, IonQError, IonQNotFoundError, IonQResultsError
from airflow_provider_ionq.circuits.layout import CircuitLayout
from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.results import IonQGetResultsOperator, load_results
from tests.support.facts import facts
from tests.waiting.conftest import task_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ionq.emulator import Emulator

__all__ = ["ionq_emulator", "task_log"]

LAYOUT = CircuitLayout(3, (("a", (2, 0)), ("b", (1,))), "qiskit")
PROGRAM: dict[str, Any] = {
    "gateset": "qis",
    "qubits": 3,
    "circuit": [{"gate": "x", "target": 0}],
    "layout": LAYOUT.as_json(),
}


def get(**arguments: Any) -> Any:
    """Run the operator in a task."""
    operator = IonQGetResultsOperator(task_id="get", **arguments)
    operator.dag = DAG("d", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    context: Any = {"ti": SimpleNamespace(map_index=-1)}
    return operator.execute(context)


def submit(backend: str = "qpu.forte-1", circuit: Any = None, **arguments: Any) -> Any:
    hook = IonQHook()
    return hook.get_job(hook.create_job(backend, circuit=circuit or PROGRAM, **arguments)["id"])


@pytest.mark.parametrize("form", [lambda job: job["id"], lambda job: job, json.dumps, repr])
def test_results_of_a_job_are_returned(
    ionq_emulator: Emulator, form: Callable[[Any], Any], task_log: Callable[[], list[str]]
) -> None:
    ionq_emulator.job_seconds = 0
    job = submit(shots=9)
    results = get(job_id=form(job))
    assert results["job_id"] == job["id"]
    (circuit,) = results["circuits"]
    assert circuit["counts"] == {"0 10": 9}
    assert circuit["probabilities"] == {"0 10": 1.0}
    assert "measured counts" in "\n".join(task_log())
    assert results == IonQHook().get_results(job)
    assert load_results(results) == results


def test_every_argument_reaches_the_results(ionq_emulator: Emulator, tmp_path: Path) -> None:
    ionq_emulator.job_seconds = 0
    job = submit(shots=1000, error_mitigation={"debiasing": True})
    (circuit,) = get(job_id=job["id"], aggregation="average", results="counts")["circuits"]
    assert circuit["bit_order"] == "undocumented"
    variant = job["output"]["error_mitigation"]["debiasing"]["variants"][1]["variant_id"]
    (circuit,) = get(job_id=job["id"], variant=variant, results=["shots"])["circuits"]
    assert circuit["samples"] == ["0 10"] * 250
    assert "counts" not in circuit
    reference = get(job_id=job["id"], results_path=str(tmp_path), max_xcom_bytes=10)
    assert reference["path"] == str(tmp_path / f"{job['id']}.json")
    assert load_results(reference) == IonQHook().get_results(job["id"])
    ideal = submit("simulator")
    assert "counts" not in get(job_id=ideal["id"])["circuits"][0]
    assert get(job_id=ideal["id"], shots="7")["circuits"][0]["counts"] == {"0 10": 7}
    other = {**PROGRAM, "layout": CircuitLayout(3, (("a", (0,)),), "qiskit").as_json()}
    with pytest.raises(IonQFailException, match=facts(f"{job['id']} | program | not the one")):
        get(job_id=job["id"], program=json.dumps(other))
    assert get(job_id=job["id"], program=json.dumps(PROGRAM))["circuits"][0]["counts"] == {"0 10": 1000}


def test_job_that_still_runs_is_worth_a_retry(ionq_emulator: Emulator) -> None:
    ionq_emulator.job_seconds = None
    job = submit()
    with pytest.raises(IonQResultsError, match=facts(f"{job['id']} | no results yet")) as waiting:
        get(job_id=job["id"])
    assert waiting.value.retryable
    ionq_emulator.complete_job(job["id"])
    assert get(job_id=job["id"])["circuits"]


def failed(emulator: Emulator) -> Any:
    emulator.fail_next_job("InternalError", "it broke")
    return submit()


PERMANENT: dict[str, tuple[Callable[[Emulator], Any], type[IonQError], str]] = {
    "unknown": (lambda emulator: {"id": "j-0"}, IonQNotFoundError, "j-0"),
    "failed": (failed, IonQResultsError, "no results | failed | InternalError: it broke"),
    "dry run": (lambda emulator: submit(dry_run=True), IonQResultsError, "dry run | no results"),
}


@pytest.mark.parametrize("name", PERMANENT)
def test_job_that_never_has_results_fails_without_a_retry(ionq_emulator: Emulator, name: str) -> None:
    ionq_emulator.job_seconds = 0
    make, error_class, problem = PERMANENT[name]
    job = make(ionq_emulator)
    with pytest.raises(IonQFailException, match=facts(problem)) as refused:
        get(job_id=job["id"])
    assert isinstance(refused.value.reason, error_class)
    assert job["id"] in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"aggregation": "mean"}, "aggregation | average, voting, dnl, majority | mean"),
        ({"aggregation": "average", "variant": "v"}, "aggregation | variant | exclude"),
        ({"shots": 0}, "shots | 1 to 1000000 | 0"),
        ({"program": "["}, "program | not JSON"),
        ({"results": "all"}, "results | probabilities, counts, shots | all"),
        ({"results": None, "results_path": "x"}, "results_path | without results"),
    ],
)
def test_invalid_argument_is_refused(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=facts(f"Task 'get' | {problem}")):
        IonQGetResultsOperator(task_id="get", job_id="j-1", **arguments)
    if "results" in arguments:
        return
    templates: dict[str, Any] = dict.fromkeys(arguments, "{{ x }}")
    operator = IonQGetResultsOperator(task_id="get", job_id="j-1", **templates)
    for name, rendered in arguments.items():
        setattr(operator, name, rendered)
    with pytest.raises(IonQFailException, match=facts(problem)):
        operator.execute(None)  # type: ignore[arg-type]
    assert not ionq_emulator.requests


def test_empty_text_of_a_template_is_no_argument(ionq_emulator: Emulator) -> None:
    ionq_emulator.job_seconds = 0
    job = submit()
    assert get(job_id=job["id"], aggregation="", variant=" ", program="", shots="")["circuits"]


def test_store_that_is_unknown_is_found_before_any_request(ionq_emulator: Emulator) -> None:
    with pytest.raises(IonQConfigurationError, match="no request was sent"):
        get(job_id="j-1", results_path="nowhere://x/y")
    assert not ionq_emulator.requests


@pytest.mark.parametrize("value", [None, 5, "x", {}, {"id": "j-1"}, {"path": 5}])
def test_what_are_no_results_cannot_be_loaded(value: Any) -> None:
    with pytest.raises(ValueError, match="results of an IonQ job"):
        load_results(value)
