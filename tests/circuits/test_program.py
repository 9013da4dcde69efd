"""What can be converted to a program, and which library is loaded for it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from airflow_provider_ionq.circuits.program import library_of, source_of_job, to_ionq_program
from airflow_provider_ionq.jobs.request import JobRequest
from tests.support.facts import facts

QASM = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] q;\nbit[1] c;\nx q[0];\nc[0] = measure q[0];\n'


class _Circuit:
    """A circuit whose library is `package`, as far as its class tells."""

    name = "bell"


def _circuit_of(package: str) -> Any:
    return type("Circuit", (type("Base", (_Circuit,), {"__module__": f"{package}.circuit"}),), {})()


@pytest.mark.parametrize("text", [QASM, "// a comment\n /* another */ OPENQASM 3;", "\n\tOPENQASM 3.1 ;"])
def test_openqasm_passes_through(text: str) -> None:
    assert to_ionq_program(text) == {"qasm": text}
    assert to_ionq_program(text, name="flip") == {"qasm": text, "name": "flip"}
    assert JobRequest.of("simulator", circuit=to_ionq_program(text)).input == {"data": text}


REFUSED: dict[str, tuple[Any, str]] = {
    "OpenQASM 2": ("OPENQASM 2.0; qreg q[1];", "OpenQASM 2 | OpenQASM 3"),
    "OpenQASM without a version": ("qubit q;", "circuit | OpenQASM 3"),
    "empty text": ("", "circuit | OpenQASM 3"),
    "bytes": (QASM.encode(), "not a bytes"),
    "a list of gates": ([{"gate": "x", "target": 0}], "circuit | a list | IonQ's JSON | no conversion"),
    "IonQ's JSON": ({"circuit": []}, "circuit | a dict | IonQ's JSON | no conversion"),
    "None": (None, "not a NoneType"),
    "a number": (3, "not a int"),
    "a class": (_Circuit, "not a type"),
    "a circuit of another library": (_circuit_of("pennylane"), "circuit | QuantumCircuit | Cirq | OpenQASM 3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_values_are_refused_with_their_type(case: str) -> None:
    value, message = REFUSED[case]
    with pytest.raises(ValueError, match=facts(message)):
        to_ionq_program(value)


@pytest.mark.parametrize("gateset", ["QIS", "", None, 3, ["qis"]])
def test_unknown_gateset_is_refused(gateset: Any) -> None:
    with pytest.raises(ValueError, match=facts("gateset | 'qis' | 'native'")):
        to_ionq_program(QASM, gateset=gateset)


def test_openqasm_has_no_native_gateset() -> None:
    with pytest.raises(ValueError, match=facts("gateset | 'native' | OpenQASM")):
        to_ionq_program(QASM, gateset="native")


@pytest.mark.parametrize("name", ["", " ", 3, ["bell"]])
def test_name_that_is_no_text_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match=facts("name | text | None")):
        to_ionq_program(QASM, name=name)


@pytest.mark.parametrize("library", ["qiskit", "cirq"])
def test_library_of_a_circuit_is_that_of_a_base_class(library: str) -> None:
    assert library_of(_circuit_of(library)) == library
    assert library_of(_circuit_of(f"my_{library}")) is None


@pytest.mark.parametrize("source", ["circuit", "circuits"])
def test_job_says_how_to_convert_a_circuit_of_a_library(source: str) -> None:
    circuit = _circuit_of("qiskit")
    given: dict[str, Any] = {source: circuit if source == "circuit" else [circuit]}
    with pytest.raises(ValueError, match=rf"{source}.* is an object of Qiskit.* to_ionq_program .* @task.ionq_job"):
        JobRequest.of("simulator", **given)


BLOCKED = """
import sys
sys.modules[{blocked!r}] = None
from airflow_provider_ionq.circuits.program import to_ionq_program
Circuit = type("Circuit", (), {{"__module__": {library!r}, "name": "bell"}})
try:
    to_ionq_program(Circuit())
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("library", "blocked"),
    [("qiskit", "qiskit"), ("qiskit", "qiskit_ionq"), ("cirq", "cirq"), ("cirq", "cirq_ionq")],
)
def test_missing_library_is_an_error_with_its_extra(library: str, blocked: str) -> None:
    code = BLOCKED.format(library=library, blocked=blocked)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "circuit 'bell' is a circuit of" in done.stdout
    assert f"pip install 'airflow-provider-ionq[{library}]'" in done.stdout


def test_no_library_of_circuits_is_loaded_for_openqasm() -> None:
    code = f"""
import sys
from airflow_provider_ionq.circuits.program import to_ionq_program
import airflow_provider_ionq.jobs.request
to_ionq_program({QASM!r})
print([name for name in ("qiskit", "qiskit_ionq", "cirq", "cirq_ionq", "numpy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


GATES = [{"gate": "x", "target": 0}]
SOURCES: dict[str, tuple[Any, dict[str, Any]]] = {
    "a list of gates": (GATES, {"circuit": GATES}),
    "an object": ({"circuit": GATES}, {"circuit": {"circuit": GATES}}),
    "OpenQASM": (QASM, {"circuit": {"qasm": QASM}}),
    "a list of lists of gates": ([GATES], {"circuits": [GATES]}),
    "a list of objects": ([{"circuit": GATES}], {"circuits": [{"circuit": GATES}]}),
    "a tuple of both": ((GATES, {"circuit": GATES}), {"circuits": [GATES, {"circuit": GATES}]}),
}


@pytest.mark.parametrize("case", SOURCES)
def test_list_of_gates_is_one_circuit_and_any_other_list_is_several(case: str) -> None:
    value, source = SOURCES[case]
    assert source_of_job(value) == source


@pytest.mark.parametrize(
    ("value", "problem"),
    [([], "list of circuits | empty"), ([GATES, None], "circuits[1] | NoneType")],
)
def test_list_without_circuits_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=facts(problem)):
        source_of_job(value)
