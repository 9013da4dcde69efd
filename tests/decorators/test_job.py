"""A task whose function returns circuits: one job, on a worker and in the triggerer."""

from __future__ import annotations

import datetime
import re
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, TaskDeferred

from airflow_provider_ionq.api.errors import IonQChangedInputError, IonQCreateStoppedError
from airflow_provider_ionq.circuits.layout import LAYOUTS_KEY
from airflow_provider_ionq.decorators.job import IonQJobDecoratedOperator
from airflow_provider_ionq.emulator import Step
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.utils.result_store import load_results
from tests.jobs.runs import MODES, Ending, JobTask
from tests.jobs.tasks import BELL, FLIP
from tests.jobs.test_run_job import interrupted, kill_in_triggerer
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.parametrize("mode", MODES)

FLIPPED = {"probabilities": {"1": 1.0}, "counts": {"1": 100}}
ARTIFACT = "GET /jobs/{job_id}/artifacts/{artifact_id}"
QASM = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] q;\nbit[1] c;\nx q[0];\nc[0] = measure q[0];\n'


class FunctionTask(JobTask):
    """
    A task instance whose function returns circuits.

    :param function: the function.
    :param arguments: of the decorator, and `op_kwargs`.
    """

    def __init__(self, emulator: Emulator, mode: str, function: Callable[..., Any], **arguments: Any) -> None:
        self.calls = 0
        self.function = function
        super().__init__(emulator, mode, **{"shots": 100, "circuit": None, "multiple_outputs": False, **arguments})

    def new_operator(self) -> IonQJobDecoratedOperator:
        @wraps(self.function)
        def called(**kwargs: Any) -> Any:
            self.calls += 1
            return self.function(**kwargs)

        called.__name__ = "ansatz"
        self.operator = operator = IonQJobDecoratedOperator(python_callable=called, **self.arguments)
        operator.dag = DAG("d", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
        return operator


def failure(ending: Ending) -> str:
    assert ending.state == "failed", ending
    assert isinstance(ending.error, IonQFailException)
    return ending.message


def test_function_is_called_once_and_its_job_submitted_once(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = [Step("started", after_reads=2), Step("completed", after_reads=2)]
    task = FunctionTask(ionq_emulator, mode, lambda angle: BELL, op_kwargs={"angle": 1})
    ending = task.try_once()
    assert ending.state == "success", ending
    assert (task.calls, task.routes().count("POST /jobs")) == (1, 1)
    result = ending.value
    assert sorted(result["counts"]) == ["00", "11"]
    assert sum(result["counts"].values()) == 100
    assert (result["job_id"], result["status"]) == (ionq_emulator.jobs()[0]["id"], "completed")
    assert "samples" not in result


CIRCUITS: dict[str, Any] = {
    "a list of gates": FLIP,
    "a tuple of gates": tuple(FLIP),
    "an object with gates": {"circuit": FLIP, "qubits": 1},
    "a program": {
        "gateset": "qis",
        "qubits": 1,
        "circuit": FLIP,
        "layout": {"qubits": 1, "registers": [["c", [0]]], "source": "qiskit"},
    },
}


@pytest.mark.parametrize("case", CIRCUITS)
def test_one_circuit_gives_one_result(ionq_emulator: Emulator, mode: str, case: str) -> None:
    ending = FunctionTask(ionq_emulator, mode, lambda: CIRCUITS[case]).try_once()
    assert ending.state == "success", ending
    assert {name: ending.value[name] for name in FLIPPED} == FLIPPED
    assert ending.value["registers"] == ({"c": FLIPPED} if case == "a program" else {})
    assert load_results(ending.value) == ending.value


@pytest.mark.parametrize("kind", [list, tuple])
def test_list_of_circuits_gives_a_list_of_results(
    ionq_emulator: Emulator, mode: str, kind: Callable[[Any], Any]
) -> None:
    circuits = kind([FLIP, {"circuit": BELL, "name": "bell"}, CIRCUITS["a program"]])
    task = FunctionTask(ionq_emulator, mode, lambda: circuits)
    ending = task.try_once()
    assert ending.state == "success", ending
    assert [one["name"] for one in ending.value] == [None, "bell", None]
    assert [sorted(one["probabilities"]) for one in ending.value] == [["1"], ["00", "11"], ["1"]]
    assert load_results(ending.value) == ending.value
    assert task.routes().count("POST /jobs") == 1


def test_list_of_one_circuit_gives_a_list_of_one_result(ionq_emulator: Emulator, mode: str) -> None:
    ending = FunctionTask(ionq_emulator, mode, lambda: [FLIP]).try_once()
    assert [one["counts"] for one in ending.value] == [{"1": 100}]


@pytest.mark.parametrize("mode_of_library", ["qiskit", "cirq"])
def test_circuits_of_a_library_are_converted(ionq_emulator: Emulator, mode: str, mode_of_library: str) -> None:
    library: Any = pytest.importorskip(mode_of_library)
    pytest.importorskip(f"{mode_of_library}_ionq")

    def flipped(qubit: int) -> Any:
        if mode_of_library == "cirq":
            qubits = library.LineQubit.range(3)
            return library.Circuit(library.X(qubits[qubit]), library.measure(*qubits, key="m"))
        circuit = library.QuantumCircuit(3)
        circuit.x(qubit)
        circuit.measure_all()
        return circuit

    single = FunctionTask(ionq_emulator, mode, lambda: flipped(0)).try_once()
    several = FunctionTask(ionq_emulator, mode, lambda: [flipped(0), flipped(2)], task_id="several").try_once()
    expected = ["100", "001"] if mode_of_library == "cirq" else ["001", "100"]
    assert list(single.value["counts"]) == [expected[0]]
    assert [list(one["counts"]) for one in several.value] == [[text] for text in expected]


def test_native_circuits_of_a_library_are_converted_as_the_gateset_says(ionq_emulator: Emulator, mode: str) -> None:
    qiskit: Any = pytest.importorskip("qiskit")
    gpi = pytest.importorskip("qiskit_ionq").GPIGate(0)

    def function() -> Any:
        circuit = qiskit.QuantumCircuit(1)
        circuit.append(gpi, [0])
        circuit.measure_all()
        return circuit

    ending = FunctionTask(ionq_emulator, mode, function, gateset="native").try_once()
    assert ending.value["counts"] == {"1": 100}
    assert "gateset='native'" in failure(FunctionTask(ionq_emulator, mode, function, task_id="qis").try_once())


def test_long_registers_are_read_without_the_function(ionq_emulator: Emulator, mode: str) -> None:
    layouts = [
        {"qubits": 9, "registers": [[f"r{index}" * 20, [8, index % 9]]], "source": "qiskit"} for index in range(60)
    ]
    circuits = [{"qubits": 9, "circuit": [{"gate": "x", "target": 8}], "layout": layout} for layout in layouts]
    task = FunctionTask(ionq_emulator, mode, lambda: circuits, max_xcom_bytes=10**6)
    ending = task.try_once()
    assert ending.state == "success", ending
    assert ionq_emulator.jobs()[0]["metadata"][LAYOUTS_KEY].startswith("sha256:")
    assert task.calls == 1
    expected = [{"11" if index % 9 == 8 else "01": 1.0} for index in range(60)]
    assert [one["probabilities"] for one in ending.value] == expected


def test_large_results_are_stored(ionq_emulator: Emulator, mode: str, tmp_path: Path) -> None:
    for circuits in (FLIP, [FLIP, BELL]):
        task = FunctionTask(
            ionq_emulator, mode, lambda made=circuits: made, max_xcom_bytes=300, results_path=str(tmp_path), task_id="t"
        )
        ending = task.try_once()
        assert ending.state == "success", ending
        assert ending.value.keys() == {"job_id", "status", "type", "path"}
        loaded = load_results(ending.value)
        first = loaded if circuits is FLIP else loaded[0]
        assert first["counts"] == {"1": 100}


@pytest.mark.parametrize("several", [False, True])
def test_fields_are_pushed_alone_only_for_one_circuit(ionq_emulator: Emulator, mode: str, several: bool) -> None:
    task = FunctionTask(ionq_emulator, mode, lambda: [FLIP] if several else FLIP, multiple_outputs=True)
    ending = task.try_once()
    assert ending.state == "success", ending
    # Airflow refuses to push the fields of a list.
    assert not (several and task.operator.multiple_outputs)


def test_failed_circuit_is_returned_if_wanted(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.fail_next_job(circuits=[1])
    ending = FunctionTask(ionq_emulator, mode, lambda: [FLIP, FLIP], fail_on_partial_error=False).try_once()
    assert ending.state == "success", ending
    assert [one["status"] for one in ending.value] == ["completed", "failed"]


# What a function must not return.

RETURNED: dict[str, tuple[Any, str]] = {
    "nothing": (None, "not a NoneType"),
    "a number": (3, "not a int"),
    "text": ("h 0; measure", "circuit | OpenQASM 3"),
    "OpenQASM 2": ("OPENQASM 2.0; qreg q[1];", "OpenQASM 2 | OpenQASM 3"),
    "bytes": (b"OPENQASM 3;", "not a bytes"),
    "a set": ({1}, "not a set"),
    "an empty list": ([], "list of circuits | empty"),
    "a list with something else": ([FLIP, 3], "circuits[1] | a int"),
    "a list with OpenQASM": ([FLIP, QASM], "circuits[1] | OpenQASM | only circuit"),
    "a gate that does not exist": ([{"gate": "u3", "target": 0}], "gate u3 | not exist"),
    "a generator": ((gate for gate in FLIP), "not a generator"),
    "another object": ({"gates": []}, "circuit | list of gates"),
}


@pytest.mark.parametrize("case", RETURNED)
def test_other_values_fail_the_task_without_a_job(ionq_emulator: Emulator, mode: str, case: str) -> None:
    value, problem = RETURNED[case]
    task = FunctionTask(ionq_emulator, mode, lambda: value)
    ending = task.try_once()
    with pytest.raises(IonQFailException, match=facts(problem)):
        raise ending.error or AssertionError
    is_json = case in ("a list with OpenQASM", "a gate that does not exist", "another object")
    assert re.search(facts("Invalid job" if is_json else "function 'ansatz' | returned"), failure(ending))
    assert task.routes() == []


def test_error_of_the_function_is_the_error_of_the_task(ionq_emulator: Emulator, mode: str) -> None:
    def function() -> None:
        raise ZeroDivisionError("division by zero")

    ending = FunctionTask(ionq_emulator, mode, function).try_once()
    assert ending.state == "up_for_retry"
    assert isinstance(ending.error, ZeroDivisionError)


# Tries.


def test_retry_calls_the_function_and_continues_with_its_job(
    ionq_emulator: Emulator, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def supervisor_is_gone(seconds: float) -> None:
        raise BrokenPipeError("Broken pipe")

    ionq_emulator.job_plan = []
    task = FunctionTask(ionq_emulator, mode, lambda: BELL)
    step = task.start()
    if mode == "triggerer":
        with pytest.raises(TaskDeferred):
            step()
    else:
        monkeypatch.setattr(task.operator, "_sleep", supervisor_is_gone)
        assert isinstance(task.finish(step).error, BrokenPipeError)
    ionq_emulator.complete_job(ionq_emulator.jobs()[0]["id"])
    assert task.try_once().state == "success"
    assert (task.calls, task.jobs()) == (2, [("0.1", "completed")])


@pytest.mark.parametrize("on_changed_input", ["fail", "resubmit"])
def test_function_that_returns_another_circuit_on_a_retry(
    ionq_emulator: Emulator, mode: str, on_changed_input: str
) -> None:
    ionq_emulator.fail(404, route=ARTIFACT)
    circuits = [BELL, FLIP]
    task = FunctionTask(ionq_emulator, mode, lambda: circuits[task.calls - 1], on_changed_input=on_changed_input)
    assert task.try_once().state == "up_for_retry"
    ending = task.try_once()
    if on_changed_input == "fail":
        assert isinstance(ending.error, IonQFailException)
        assert isinstance(ending.error.reason, IonQChangedInputError)
        assert task.jobs() == [("0.1", "completed")]
    else:
        assert ending.value["counts"] == {"1": 100}
        assert task.jobs() == [("0.1", "completed"), ("0.2", "completed")]


def test_results_that_cannot_be_read_are_read_by_a_retry(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.fail(404, route=ARTIFACT)
    task = FunctionTask(ionq_emulator, mode, lambda: FLIP)
    ending = task.try_once()
    assert ending.state == "up_for_retry"
    assert ionq_emulator.jobs()[0]["id"] in ending.message
    assert task.try_once().value["counts"] == {"1": 100}
    assert task.jobs() == [("0.1", "completed")]


# Kills.


def test_task_that_is_killed_in_its_function_submits_nothing(ionq_emulator: Emulator, mode: str) -> None:
    def function() -> Any:
        task.operator.on_kill()
        return FLIP

    task = FunctionTask(ionq_emulator, mode, function)
    assert isinstance(task.try_once().error, IonQCreateStoppedError)
    assert task.routes() == []


def test_killed_task_cancels_its_job(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = []
    task = FunctionTask(ionq_emulator, mode, lambda: FLIP)
    if mode == "triggerer":
        kill_in_triggerer(task)
    else:
        assert isinstance(interrupted(task, lambda: task.operator.on_kill()).error, IonQCreateStoppedError)
    assert task.jobs() == [("0.1", "canceled")]


def test_job_that_does_not_end_in_time_is_cancelled(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_plan = []
    task = FunctionTask(ionq_emulator, mode, lambda: FLIP, timeout=1)
    assert re.search(facts("not end | 1 s"), failure(task.try_once()))
    assert task.jobs() == [("0.1", "canceled")]


# Parsing.

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a circuit": ({"circuit": FLIP}, "circuit | function | @task.ionq_job"),
    "circuits": ({"circuits": [FLIP]}, "circuits | function"),
    "OpenQASM": ({"qasm": QASM}, "qasm | function"),
    "no results": ({"results": None}, "results | None"),
    "unknown results": ({"results": ["energy"]}, "results | list | energy"),
    "no wait": ({"wait_for_completion": False}, "results | wait_for_completion"),
    "a dry run": ({"dry_run": True}, "results | dry_run"),
    "too few shots": ({"shots": 0}, "shots | 1 to 1000000 | 0"),
    "an unknown argument": ({"shotz": 100}, "shotz"),
    "an argument that the function does not have": ({"op_kwargs": {"angle": 1}}, "angle"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_invalid_argument_is_refused_when_the_dag_is_parsed(mode: str, case: str) -> None:
    arguments, problem = REFUSED[case]

    def function() -> Any:
        raise AssertionError("called")

    given = {"task_id": "ansatz", "backend": "simulator", "deferrable": mode == "triggerer", **arguments}
    # Airflow 2 has an exception of its own for an argument that an operator does not have.
    with pytest.raises((ValueError, TypeError, AirflowException), match=facts(problem)):
        IonQJobDecoratedOperator(python_callable=function, **given)


def test_only_arguments_and_not_circuits_are_templates(mode: str) -> None:
    fields = IonQJobDecoratedOperator.template_fields
    assert {"op_args", "op_kwargs", "backend", "shots", "session_id", "results_path"} <= set(fields)
    assert not {"circuit", "circuits", "qasm"} & set(fields)
    assert IonQJobDecoratedOperator.template_ext == (), "an argument of the function may be the name of a file"
