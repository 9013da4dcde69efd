"""Results on the operator that runs a job: what the task returns, and errors that come after the job is paid."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import IonQConfigurationError, IonQCreateStoppedError, IonQResultsError
from airflow_provider_ionq.circuits.layout import CircuitLayout
from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.operators.job import IonQRunJobOperator
from airflow_provider_ionq.utils.result_store import load_results
from tests.jobs.runs import MODES, JobTask
from tests.support.airflows import rows
from tests.support.emulated import connection_with, on_record
from tests.support.facts import facts
from tests.waiting.conftest import task_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ionq.emulator import Emulator

__all__ = ["ionq_emulator", "task_log"]

STYLES = ("both", "artifacts", "urls")
POST = "POST /jobs"
ARTIFACT = "GET /jobs/{job_id}/artifacts/{artifact_id}"


def flip(*targets: int, qubits: int, registers: Any = (), source: str = "qiskit") -> dict[str, Any]:
    """Return a program that flips some qubits."""
    gates = [{"gate": "x", "target": target} for target in targets]
    program: dict[str, Any] = {"gateset": "qis", "qubits": qubits, "circuit": gates}
    if registers:
        program["layout"] = CircuitLayout(qubits, registers, source).as_json()
    return program


def uniform(qubits: int) -> dict[str, Any]:
    gates = [{"gate": "h", "target": target} for target in range(qubits)]
    return {"gateset": "qis", "qubits": qubits, "circuit": gates}


def circuits_of(ending: Any) -> Any:
    assert ending.state == "success", ending
    return load_results(ending.value)["circuits"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("backend", ["simulator", "qpu.forte-1"])
def test_each_flipped_qubit_of_five_is_its_own_bit(ionq_emulator: Emulator, backend: str, style: Any) -> None:
    ionq_emulator.result_style = style
    for qubit in range(5):
        program = flip(qubit, qubits=5)
        (circuit,) = circuits_of(JobTask(ionq_emulator, circuit=program, backend=backend, results="counts").try_once())
        expected = "".join("1" if place == qubit else "0" for place in reversed(range(5)))
        assert circuit["counts"] == {expected: 100}
        assert circuit["kind"] == ("measured" if backend == "qpu.forte-1" else "derived")


CROSSED = (("a", (4, 2)), ("b", (0, 3, 1)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backend", ["simulator", "qpu.forte-1"])
@pytest.mark.parametrize("source", ["qiskit", "cirq"])
def test_each_flipped_qubit_is_the_bit_of_the_register_that_reads_it(
    ionq_emulator: Emulator, mode: str, backend: str, source: str
) -> None:
    for qubit in range(5):
        program = flip(qubit, qubits=5, registers=CROSSED, source=source)
        task = JobTask(ionq_emulator, mode, circuit=program, backend=backend, shots=20, results=["counts"])
        (circuit,) = circuits_of(task.try_once())
        texts = {name: "".join("1" if bit == qubit else "0" for bit in bits) for name, bits in CROSSED}
        if source == "qiskit":
            texts = {name: text[::-1] for name, text in reversed(texts.items())}
        assert circuit["counts"] == {" ".join(texts.values()): 20}
        assert {name: list(one["counts"]) for name, one in circuit["registers"].items()} == {
            name: [texts[name]] for name in ("a", "b")
        }


@pytest.mark.parametrize("mode", MODES)
def test_results_are_in_the_json_of_the_job(ionq_emulator: Emulator, mode: str, task_log: Callable[[], Any]) -> None:
    task = JobTask(ionq_emulator, mode, name="Bell", shots=50, results=["probabilities", "counts", "shots"])
    ending = task.try_once()
    (job,) = ionq_emulator.jobs()
    assert ending.value["id"] == job["id"]
    assert ending.value["summary"]["cost"] > 0
    results = ending.value["job_results"]
    assert results["job_id"] == job["id"]
    assert results["type"] == "ionq.circuit.v1"
    (circuit,) = results["circuits"]
    assert circuit["name"] == "Bell"
    assert set(circuit["samples"]) == {"00", "11"}
    assert len(circuit["samples"]) == sum(circuit["counts"].values()) == 50
    assert circuit["probabilities"] == {text: count / 50 for text, count in circuit["counts"].items()}
    logged = "\n".join(task_log())
    assert "measured counts" in logged
    assert "█" in logged


def test_nothing_is_read_without_results(ionq_emulator: Emulator) -> None:
    task = JobTask(ionq_emulator)
    assert "job_results" not in task.try_once().value
    assert not [route for route in task.routes() if "artifacts" in route or "results" in route]


@pytest.mark.parametrize("style", STYLES)
def test_circuits_of_one_job_keep_their_order(ionq_emulator: Emulator, style: Any) -> None:
    ionq_emulator.result_style = style
    programs = [flip(at % 3, qubits=3) | {"name": f"number {at}"} for at in range(30)]
    task = JobTask(ionq_emulator, circuits=programs, backend="simulator", shots=7, results=["counts"])
    circuits = circuits_of(task.try_once())
    assert [circuit["name"] for circuit in circuits] == [f"number {at}" for at in range(30)]
    expected = [{"001": 7}, {"010": 7}, {"100": 7}]
    assert [circuit["counts"] for circuit in circuits] == [expected[at % 3] for at in range(30)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stored", [True, False])
def test_retry_reads_the_circuits_of_the_paid_job(ionq_emulator: Emulator, mode: str, stored: bool) -> None:
    task = JobTask(
        ionq_emulator, mode, stored=stored, circuits=[flip(at, qubits=2) for at in range(2)], results="counts"
    )
    ionq_emulator.fail(404, route=ARTIFACT)
    assert task.try_once().state == "up_for_retry"
    circuits = circuits_of(task.try_once())
    assert [circuit["counts"] for circuit in circuits] == [{"01": 100}, {"10": 100}]
    assert task.routes().count(POST) == 1


@pytest.mark.parametrize("mode", MODES)
def test_programs_of_one_job_have_each_their_registers(ionq_emulator: Emulator, mode: str) -> None:
    programs = [
        flip(0, qubits=2, registers=(("c", (1, 0)),)),
        flip(0, qubits=2),
        flip(2, qubits=3, registers=(("c", (1, 0)), ("d", (2,)))),
    ]
    task = JobTask(ionq_emulator, mode, circuits=programs, results=["counts", "shots"], shots=5)
    circuits = circuits_of(task.try_once())
    assert [circuit["counts"] for circuit in circuits] == [{"10": 5}, {"01": 5}, {"1 00": 5}]
    assert circuits[2]["samples"] == ["1 00"] * 5


def test_failed_circuit_fails_the_task_and_names_the_job(ionq_emulator: Emulator) -> None:
    ionq_emulator.fail_next_job("InternalError", "it broke", circuits=[1])
    programs = [flip(0, qubits=1) | {"name": name} for name in ("a", "b", "c")]
    task = JobTask(ionq_emulator, circuits=programs, results="counts")
    ending = task.try_once()
    assert ending.state == "failed"
    assert isinstance(ending.error, IonQFailException)
    assert isinstance(ending.error.reason, IonQResultsError)
    parent = next(job for job in ionq_emulator.jobs() if job["type"] == "ionq.multi-circuit.v1")
    failure = f"{parent['id']} | 1 of its 3 | circuit 2 'b' | InternalError: it broke"
    assert re.search(facts(f"{failure} | new job | reuse_on_clear"), ending.message)


def test_failed_circuit_is_returned_with_its_status_if_that_is_wanted(ionq_emulator: Emulator) -> None:
    ionq_emulator.fail_next_job(circuits=[1])
    programs = [flip(at, qubits=3) for at in range(3)]
    task = JobTask(ionq_emulator, circuits=programs, results="counts", fail_on_partial_error=False)
    circuits = circuits_of(task.try_once())
    assert [circuit["status"] for circuit in circuits] == ["completed", "failed", "completed"]
    assert circuits[1]["failure"]["code"] == "InternalError"
    assert circuits[1]["qubits"] == 3
    assert circuits[2]["counts"] == {"100": 100}


PASSING: dict[str, Callable[[Emulator], None]] = {
    "not there yet": lambda emulator: emulator.fail(404, route=ARTIFACT),
    "key rejected": lambda emulator: emulator.fail(401, route=ARTIFACT),
    "service away": lambda emulator: emulator.fail(503, route=ARTIFACT),
    "connection broken": lambda emulator: emulator.disturb("drop_after_read", route=ARTIFACT),
    "cut": lambda emulator: emulator.disturb("cut_body", after_bytes=3, route=ARTIFACT),
    "no JSON": lambda emulator: emulator.fail(200, route=ARTIFACT, body="<html>"),
    "no result": lambda emulator: emulator.fail(200, route=ARTIFACT, body=json.dumps({"0": 0.5})),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("name", rows(PASSING, ("not there yet", "service away")))
def test_retry_reads_the_results_of_the_paid_job(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, mode: str, stored: bool, name: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", connection_with(ionq_emulator, max_retries=0))
    task = JobTask(ionq_emulator, mode, stored=stored, results="counts", shots=10)
    PASSING[name](ionq_emulator)
    ending = task.try_once()
    (job,) = ionq_emulator.jobs()
    assert ending.state == "up_for_retry", ending
    assert isinstance(ending.error, IonQResultsError)
    advice = "completed and paid | retry | submits no job"
    assert re.search(facts(f"{job['id']} | results | cannot be read | {advice}"), ending.message)
    ionq_emulator.clear_faults()
    (circuit,) = circuits_of(task.try_once())
    assert sum(circuit["counts"].values()) == 10
    assert task.routes().count(POST) == 1
    assert task.jobs() == [("0.1", "completed")]


@pytest.mark.parametrize("mode", MODES)
def test_task_that_is_killed_while_it_reads_results_is_no_success(ionq_emulator: Emulator, mode: str) -> None:
    task = JobTask(ionq_emulator, mode, results="counts")

    def kill(request: Any) -> None:
        if request.route == ARTIFACT:
            task.operator.on_kill()

    on_record(ionq_emulator, kill)
    ending = task.try_once()
    assert isinstance(ending.error, IonQCreateStoppedError)
    assert [job["status"] for job in ionq_emulator.jobs()] == ["completed"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("retried", [False, True])
def test_results_that_are_gone_fail_the_task_without_a_retry_and_submit_no_other_job(
    ionq_emulator: Emulator, mode: str, retried: bool
) -> None:
    task = JobTask(ionq_emulator, mode, results="counts")
    if retried:
        ionq_emulator.fail(404, route=ARTIFACT)
        assert task.try_once().state == "up_for_retry"
    ionq_emulator.fail(410, route=ARTIFACT)
    ending = task.try_once()
    assert ending.state == "failed", ending
    job_id = ionq_emulator.jobs()[0]["id"]
    assert re.search(facts(f"{job_id} | paid | Clearing the task submits a new job"), ending.message)
    assert "A retry" not in ending.message
    assert task.routes().count(POST) == 1


def test_cleared_task_can_use_the_paid_job_again(ionq_emulator: Emulator) -> None:
    task = JobTask(ionq_emulator, results="counts", reuse_on_clear=True)
    ionq_emulator.fail(404, route=ARTIFACT)
    assert task.try_once().state == "up_for_retry"
    task.clear()
    assert circuits_of(task.try_once())
    assert task.routes().count(POST) == 1


@pytest.mark.parametrize("mode", MODES)
def test_large_results_are_in_a_file_and_xcom_has_its_path(ionq_emulator: Emulator, mode: str, tmp_path: Path) -> None:
    task = JobTask(
        ionq_emulator,
        mode,
        circuit=uniform(10),
        backend="simulator",
        shots=1_000_000,
        results=["probabilities", "counts"],
        results_path=str(tmp_path / "results"),
    )
    ending = task.try_once()
    job_id = ending.value["id"]
    path = str(tmp_path / "results" / f"{job_id}.json")
    reference = {"job_id": job_id, "status": "completed", "type": "ionq.circuit.v1", "path": path}
    assert ending.value["job_results"] == reference
    for form in (ending.value, reference, json.dumps(reference), repr(ending.value)):
        (circuit,) = load_results(form)["circuits"]
        assert len(circuit["counts"]) == 1024
        assert sum(circuit["counts"].values()) == 1_000_000
    assert [file.name for file in (tmp_path / "results").iterdir()] == [f"{job_id}.json"]


@pytest.mark.parametrize(("multiple_outputs", "copies"), [(True, 2), (False, 1)])
def test_limit_counts_each_copy_in_xcom(
    ionq_emulator: Emulator, tmp_path: Path, multiple_outputs: bool, copies: int
) -> None:
    def results(limit: int) -> Any:
        task = JobTask(
            ionq_emulator,
            results="counts",
            results_path=str(tmp_path),
            max_xcom_bytes=limit,
            multiple_outputs=multiple_outputs,
        )
        return task.try_once().value["job_results"]

    size = len(json.dumps(results(1_000_000))) * copies
    # The ids of all jobs are as long.
    assert "path" not in results(size)
    assert "path" in results(size - 1)
    assert "path" in results(0)


def test_results_without_xcom_are_not_limited(ionq_emulator: Emulator) -> None:
    task = JobTask(ionq_emulator, results="counts", max_xcom_bytes=0, do_xcom_push=False)
    assert task.try_once().value["job_results"]["circuits"]


@pytest.mark.parametrize("mode", MODES)
def test_too_large_results_without_a_path_are_read_by_a_retry(
    ionq_emulator: Emulator, mode: str, tmp_path: Path
) -> None:
    task = JobTask(ionq_emulator, mode, results="counts", max_xcom_bytes=50)
    ending = task.try_once()
    assert ending.state == "up_for_retry"
    said = f"{ionq_emulator.jobs()[0]['id']} | too large for XCom | max_xcom_bytes | 50 | results_path"
    assert re.search(facts(said), ending.message)
    task.arguments["results_path"] = str(tmp_path)
    assert circuits_of(task.try_once())
    assert task.routes().count(POST) == 1


@pytest.mark.parametrize("what", ["results_path", "histogram_path"])
def test_file_that_cannot_be_written_leaves_the_paid_job_to_a_retry(
    ionq_emulator: Emulator, tmp_path: Path, what: str
) -> None:
    pytest.importorskip("matplotlib")
    blocked = tmp_path / "blocked"
    blocked.write_text("a file in place of a folder")
    path = str(blocked if what == "results_path" else blocked / "histogram.png")
    paths: dict[str, Any] = {"results_path": str(tmp_path), what: path}
    task = JobTask(ionq_emulator, results="counts", max_xcom_bytes=0, **paths)
    ending = task.try_once()
    assert ending.state == "up_for_retry"
    assert isinstance(ending.error, IonQResultsError)
    (job,) = ionq_emulator.jobs()
    assert re.search(facts(f"{job['id']} | cannot be written | {blocked} | completed and paid"), ending.message)
    blocked.unlink()
    assert circuits_of(task.try_once())
    assert task.routes().count(POST) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"results_path": "nowhere://bucket/results"}, "nowhere"),
        ({"results_path": " "}, "results_path | absolute path | URL"),
        ({"histogram_path": "picture.gif"}, "histogram_path | .png | .svg | picture.gif"),
    ],
)
def test_results_that_cannot_be_kept_are_found_before_the_job_is_submitted(
    ionq_emulator: Emulator, arguments: dict[str, Any], problem: str
) -> None:
    task = JobTask(ionq_emulator, results="counts")
    step = task.start()
    for name, rendered in arguments.items():
        setattr(task.operator, name, rendered)
    ending = task.finish(step)
    assert ending.state == "up_for_retry"
    assert isinstance(ending.error, IonQConfigurationError)
    assert re.search(facts(problem), ending.message)
    assert "no request was sent" in ending.message
    assert not ionq_emulator.requests


def test_circuit_whose_registers_are_not_measured_is_refused_before_its_job(ionq_emulator: Emulator) -> None:
    layout = CircuitLayout(1, (("c", (0, 0)),), "qiskit", mid_circuit=True)
    program = {"qasm": "OPENQASM 3.0;\nqubit[1] q;\n", "layout": layout.as_json()}
    ending = JobTask(ionq_emulator, results="counts", circuit=program, noise=None, backend="simulator").try_once()
    assert ending.state == "failed"
    assert "used after its measurement" in ending.message
    assert ionq_emulator.jobs() == []


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_histogram_is_drawn(ionq_emulator: Emulator, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "new" / f"bell.{suffix}"
    ending = JobTask(ionq_emulator, results="counts", histogram_path=path).try_once()
    assert ending.state == "success"
    assert path.read_bytes().startswith(b"\x89PNG" if suffix == "png" else b"<?xml")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "other content": ({"results": "histogram"}, "results | probabilities, counts, shots | histogram"),
    "nothing": ({"results": []}, "results | probabilities, counts, shots | []"),
    "no text": ({"results": [5]}, "results | probabilities, counts, shots | [5]"),
    "a number": ({"results": 5}, "results | probabilities, counts, shots | 5"),
    "negative limit": ({"results": "counts", "max_xcom_bytes": -1}, "max_xcom_bytes | whole number | -1"),
    "limit as text": ({"results": "counts", "max_xcom_bytes": "9"}, "max_xcom_bytes | whole number | 9"),
    "path as number": (
        {"results": "counts", "results_path": 5},
        "results_path | absolute path | URL | 5",
    ),
    "relative path": (
        {"results": "counts", "results_path": "results"},
        "results_path | absolute path | URL | 'results'",
    ),
    "empty path": ({"results": "counts", "results_path": ""}, "results_path | absolute path | URL"),
    "other picture": ({"results": "counts", "histogram_path": "x.gif"}, "histogram_path | .png | .svg | x.gif"),
    "path without results": ({"results_path": "x"}, "results_path | without results"),
    "picture without results": ({"histogram_path": "x.png"}, "histogram_path | without results"),
    "dry run": ({"results": "counts", "dry_run": True}, "results | dry_run"),
    "not waited for": ({"results": "counts", "wait_for_completion": False}, "results | wait_for_completion"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_argument_is_refused_when_the_dag_is_parsed(name: str) -> None:
    arguments, problem = REFUSED[name]
    with pytest.raises(ValueError, match=facts(f"Task 'run' | {problem}")):
        IonQRunJobOperator(task_id="run", backend="simulator", circuit=uniform(1), **arguments)


@pytest.mark.parametrize("path", ["{{ params.path }}", "{% if x %}a{% endif %}"])
def test_templated_path_is_checked_when_it_is_rendered(path: str) -> None:
    operator = IonQRunJobOperator(
        task_id="run", backend="simulator", circuit=uniform(1), results="counts", results_path=path, histogram_path=path
    )
    assert {"results_path", "histogram_path"} <= set(operator.template_fields)


def test_changed_layout_of_the_same_gates_decodes_the_job_of_an_earlier_try(ionq_emulator: Emulator) -> None:
    task = JobTask(ionq_emulator, circuit=flip(0, qubits=2, registers=(("c", (0, 1)),)), results="counts")
    ionq_emulator.fail(404, route=ARTIFACT)
    assert task.try_once().state == "up_for_retry"
    task.arguments["circuit"] = flip(0, qubits=2, registers=(("c", (1, 0)),))
    assert circuits_of(task.try_once())[0]["counts"] == {"10": 100}
    assert task.routes().count(POST) == 1


def test_registers_that_are_too_long_for_the_metadata_are_those_of_the_task(ionq_emulator: Emulator) -> None:
    registers = tuple((f"a_register_with_a_long_name_{at:03}", (at % 3,)) for at in range(150))
    task = JobTask(ionq_emulator, circuit=flip(1, qubits=3, registers=registers), results="counts", shots=2)
    (circuit,) = circuits_of(task.try_once())
    assert circuit["registers"]["a_register_with_a_long_name_001"] == {"counts": {"1": 2}}
    assert circuit["registers"]["a_register_with_a_long_name_002"] == {"counts": {"0": 2}}


QASM = """OPENQASM 3.0;
include "stdgates.inc";
qubit[4] q;
bit[2] a;
bit[1] b;
x q[{qubit}];
a[0] = measure q[3];
a[1] = measure q[0];
b[0] = measure q[2];
"""


@pytest.mark.parametrize("qubit", range(4))
@pytest.mark.parametrize("style", STYLES)
def test_registers_of_an_openqasm_program_are_read_from_its_shots(
    ionq_emulator: Emulator, qubit: int, style: Any
) -> None:
    ionq_emulator.result_style = style
    task = JobTask(ionq_emulator, qasm=QASM.format(qubit=qubit), shots=5, results=["counts", "shots"])
    (circuit,) = circuits_of(task.try_once())
    if style == "urls":
        # There are no URLs of shots by register.
        assert circuit["counts"] == {"".join("1" if place == qubit else "0" for place in reversed(range(4))): 5}
        assert circuit["registers"] == {}
        return
    a, b = {0: ("10", "0"), 1: ("00", "0"), 2: ("00", "1"), 3: ("01", "0")}[qubit]
    assert circuit["registers"] == {"a": {"counts": {a: 5}}, "b": {"counts": {b: 5}}}
    assert circuit["samples"] == [f"{b} {a}"] * 5
    assert circuit["source"] == "openqasm"
    assert circuit["qubits"] == 4


@pytest.mark.parametrize("qubit", range(4))
def test_openqasm_on_the_ideal_simulator_is_read_by_qubit(ionq_emulator: Emulator, qubit: int) -> None:
    task = JobTask(ionq_emulator, qasm=QASM.format(qubit=qubit), backend="simulator", shots=5, results="counts")
    (circuit,) = circuits_of(task.try_once())
    assert circuit["counts"] == {"".join("1" if place == qubit else "0" for place in reversed(range(4))): 5}
    assert circuit["kind"] == "derived"


def test_lost_names_of_registers_are_explained_and_the_job_is_named(ionq_emulator: Emulator) -> None:
    layout = CircuitLayout(4, (("a", (3, 0)), ("b", (2,))), "qiskit")
    program = {"qasm": QASM.format(qubit=0), "layout": layout.as_json()}
    # A version of the service other than the provider's own loses the names, as production did.
    settings = {"compilation": {"service_version": None}}
    task = JobTask(ionq_emulator, circuit=program, results="counts", settings=settings)
    ending = task.try_once()
    assert ending.state == "up_for_retry", ending
    said = f"{ionq_emulator.jobs()[0]['id']} | 'b' | c0, c1 | service_version | 'v0.4'"
    assert re.search(facts(said), ending.message)
