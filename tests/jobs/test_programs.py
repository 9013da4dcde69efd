"""Programs of other libraries as the circuits of a job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ionq.circuits.layout import LAYOUTS_KEY, CircuitLayout, decode_layouts
from airflow_provider_ionq.jobs.request import JobRequest
from tests.support.facts import facts

LAYOUT = CircuitLayout(2, (("c", (1, 0)),), "qiskit")
GATES = [{"gate": "x", "target": 0}]
PROGRAM = {"gateset": "qis", "qubits": 2, "circuit": GATES, "name": "flip", "layout": LAYOUT.as_json()}
PLAIN = {"gateset": "qis", "qubits": 2, "circuit": GATES}
QASM = "OPENQASM 3.0;\nqubit[2] q;\n"


def layouts_in(request: JobRequest, circuits: int) -> Any:
    return decode_layouts(request.body("token")["metadata"][LAYOUTS_KEY], circuits)


@pytest.mark.parametrize("given", [PROGRAM, json.dumps(PROGRAM)], ids=["object", "text"])
def test_layout_of_a_program_is_metadata_and_no_input(given: object) -> None:
    request = JobRequest.of("simulator", circuit=given)
    assert request.input == PLAIN
    assert request.name == "flip"
    assert layouts_in(request, 1) == [LAYOUT]


def test_programs_of_one_job_keep_their_names() -> None:
    request = JobRequest.of("simulator", circuits=[PROGRAM, PLAIN])
    assert [one.get("name") for one in request.input["circuits"]] == ["flip", None]
    assert not any("layout" in one for one in request.input["circuits"])
    assert layouts_in(request, 2) == [LAYOUT, None]


def test_program_of_openqasm_is_a_job_of_its_own_type() -> None:
    request = JobRequest.of("simulator", circuit={"qasm": QASM, "layout": LAYOUT.as_json()})
    assert request.job_type == "ionq.qasm3.v1"
    assert request.input == {"data": QASM}
    assert layouts_in(request, 1) == [LAYOUT]


def test_argument_takes_precedence_over_the_name_of_the_program() -> None:
    assert JobRequest.of("simulator", circuit=PROGRAM, name="mine").name == "mine"


def test_layout_does_not_change_the_work() -> None:
    plain = JobRequest.of("simulator", circuit=PLAIN)
    assert JobRequest.of("simulator", circuit=PROGRAM).fingerprint() == plain.fingerprint()
    assert LAYOUTS_KEY not in plain.body("token")["metadata"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "OpenQASM twice": ({"circuit": {"qasm": QASM}, "qasm": QASM}, "circuit | qasm"),
    "OpenQASM and gates": ({"circuit": {"qasm": QASM, "circuit": GATES}}, "circuit | OpenQASM | must not | 'circuit'"),
    "OpenQASM of several": ({"circuits": [PLAIN, {"qasm": QASM}]}, "circuits[1] | OpenQASM"),
    "a layout that is none": ({"circuit": PLAIN | {"layout": 3}}, "circuit | layout | invalid"),
    "a layout of another size": ({"circuit": PROGRAM | {"qubits": 3}}, "qubits | 3 | layout | 2"),
    "metadata with the key": (
        {"circuit": PLAIN, "metadata": {LAYOUTS_KEY: "x"}},
        "metadata | must not | airflow_circuits",
    ),
}


@pytest.mark.parametrize(("arguments", "problem"), REFUSED.values(), ids=list(REFUSED))
def test_invalid_program_is_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=facts(problem)):
        JobRequest.of("simulator", **arguments)


MIDDLE = {"qasm": QASM, "layout": CircuitLayout(2, (("c", (0, 0)),), "qiskit", mid_circuit=True).as_json()}
MEASURED: dict[str, tuple[dict[str, Any], bool]] = {
    "ideal simulator": ({"backend": "simulator", "circuit": MIDDLE}, False),
    "ideal noise": ({"backend": "simulator", "circuit": MIDDLE, "noise": "ideal"}, False),
    "noise model": ({"backend": "simulator", "circuit": MIDDLE, "noise": "aria-1"}, True),
    "device": ({"backend": "qpu.forte-1", "circuit": MIDDLE}, True),
    "rehearsal": ({"backend": "qpu.forte-1", "circuit": MIDDLE, "rehearse": True}, True),
    "measured at the end": ({"backend": "simulator", "circuit": PROGRAM}, True),
    "without a layout": ({"backend": "simulator", "qasm": QASM}, True),
}


@pytest.mark.parametrize(("arguments", "is_measured"), MEASURED.values(), ids=list(MEASURED))
def test_registers_that_the_ideal_simulator_does_not_measure_are_refused(
    arguments: dict[str, Any], is_measured: bool
) -> None:
    request = JobRequest.of(**arguments)
    if is_measured:
        request.check_registers_are_measured()
    else:
        with pytest.raises(ValueError, match="used after its measurement"):
            request.check_registers_are_measured()


def test_numbers_of_numpy_are_those_of_python() -> None:
    numpy = pytest.importorskip("numpy")
    plain = {"gate": "rx", "target": 1, "rotation": 0.5}
    gate = {"gate": "rx", "target": numpy.int64(1), "rotation": numpy.float32(0.5)}
    arguments: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "circuit": ({"circuit": [gate]}, {"circuit": [plain]}),
        "object": ({"circuit": {"circuit": (gate,), "qubits": numpy.int8(2)}}, {"circuit": [plain]}),
        "circuits": ({"circuits": [[gate], {"circuit": [gate]}]}, {"circuits": [[plain], [plain]]}),
        "noise": (
            {"circuit": [plain], "noise": {"model": "aria-1", "seed": numpy.int64(3)}},
            {"circuit": [plain], "noise": {"model": "aria-1", "seed": 3}},
        ),
        "settings": (
            {"circuit": [plain], "settings": {"compilation": {"opt": numpy.float64(1)}}},
            {"circuit": [plain], "settings": {"compilation": {"opt": 1.0}}},
        ),
    }
    for given, expected in arguments.values():
        request = JobRequest.of("simulator", **given, shots=numpy.int64(10))
        assert request.body() == JobRequest.of("simulator", **expected, shots=10).body()
