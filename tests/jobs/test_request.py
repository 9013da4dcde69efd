"""The arguments of a job: what is refused before any request, what is sent, and what counts as the same work."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.jobs.circuits import GATES, MOST_CIRCUITS, CircuitSize
from airflow_provider_ionq.jobs.request import JobRequest
from airflow_provider_ionq.jobs.token import TOKEN_KEY
from tests.support.facts import facts

pytestmark = pytest.mark.one_airflow

BELL: list[dict[str, Any]] = [{"gate": "h", "target": 0}, {"gate": "cnot", "target": 1, "control": 0}]
NATIVE: list[dict[str, Any]] = [
    {"gate": "gpi2", "target": 0, "phase": 0.5},
    {"gate": "ms", "targets": [0, 1], "phases": [0, 0], "angle": 0.25},
]
QASM = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nh q[0];\n'
NAN, INFINITY = float("nan"), float("inf")


def request(backend: Any = "qpu.forte-1", **arguments: Any) -> JobRequest:
    if not {"circuit", "circuits", "qasm"} & set(arguments):
        arguments["circuit"] = BELL
    return JobRequest.of(backend, **arguments)


SENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a list of gates": ({"circuit": BELL}, {"input": {"gateset": "qis", "qubits": 2, "circuit": BELL}}),
    "native gates": (
        {"circuit": NATIVE, "gateset": "native"},
        {"input": {"gateset": "native", "qubits": 2, "circuit": NATIVE}},
    ),
    "more qubits than are used": (
        {"circuit": BELL, "qubits": "5"},
        {"input": {"gateset": "qis", "qubits": 5, "circuit": BELL}},
    ),
    "an input object with fields of its own": (
        {"circuit": {"gateset": "native", "qubits": 3, "circuit": NATIVE, "format": "new"}},
        {"input": {"gateset": "native", "qubits": 3, "circuit": NATIVE, "format": "new"}},
    ),
    "JSON text": ({"circuit": json.dumps(BELL)}, {"input": {"gateset": "qis", "qubits": 2, "circuit": BELL}}),
    "an object as a template renders it": (
        {"circuit": str({"circuit": BELL})},
        {"input": {"gateset": "qis", "qubits": 2, "circuit": BELL}},
    ),
    "an angle as a template renders it": (
        {"circuit": [{"gate": "rx", "target": 0, "rotation": "0.5"}]},
        {"input": {"gateset": "qis", "qubits": 1, "circuit": [{"gate": "rx", "target": 0, "rotation": 0.5}]}},
    ),
    "no gates": ({"circuit": [], "qubits": 1}, {"input": {"gateset": "qis", "qubits": 1, "circuit": []}}),
    "several circuits": (
        {"circuits": [BELL, {"circuit": NATIVE, "gateset": "native", "name": "b", "qubits": 4}]},
        {
            "type": "ionq.multi-circuit.v1",
            "input": {
                "gateset": "qis",
                "qubits": 4,
                "circuits": [
                    {"gateset": "qis", "qubits": 2, "circuit": BELL},
                    {"gateset": "native", "qubits": 4, "circuit": NATIVE, "name": "b"},
                ],
            },
        },
    ),
    "an input object with several circuits": (
        {"circuits": {"gateset": "native", "qubits": 3, "circuits": [NATIVE]}},
        {
            "type": "ionq.multi-circuit.v1",
            "input": {
                "gateset": "native",
                "qubits": 3,
                "circuits": [{"gateset": "native", "qubits": 3, "circuit": NATIVE}],
            },
        },
    ),
    "OpenQASM 3": (
        {"qasm": QASM},
        {
            "type": "ionq.qasm3.v1",
            "input": {"data": QASM},
            "settings": {"compilation": {"service_version": "v0.4"}},
        },
    ),
    "OpenQASM 3 with settings": (
        {"qasm": f"// a comment\n/* and\nanother */ {QASM}", "settings": {"compilation": {"opt": 1}, "new": True}},
        {
            "type": "ionq.qasm3.v1",
            "input": {"data": f"// a comment\n/* and\nanother */ {QASM}"},
            "settings": {"compilation": {"service_version": "v0.4", "opt": 1}, "new": True},
        },
    ),
    "another version of the compiler": (
        {"qasm": QASM, "settings": {"compilation": {"service_version": "v0.5"}}},
        {
            "type": "ionq.qasm3.v1",
            "input": {"data": QASM},
            "settings": {"compilation": {"service_version": "v0.5"}},
        },
    ),
    "everything": (
        {
            "shots": "500",
            "name": "Bell",
            "metadata": '{"a": "b"}',
            "error_mitigation": {"debiasing": True},
            "settings": {"compilation": {"opt": 0}},
            "dry_run": True,
            "session_id": {"id": "s-1", "status": "started"},
        },
        {
            "input": {"gateset": "qis", "qubits": 2, "circuit": BELL},
            "shots": 500,
            "name": "Bell",
            "metadata": {"a": "b"},
            "settings": {"compilation": {"opt": 0}, "error_mitigation": {"debiasing": True}},
            "dry_run": True,
            "session_id": "s-1",
        },
    ),
    "nothing, as templates render it": (
        {"circuits": "", "qasm": " ", "circuit": BELL, "shots": "", "name": "", "metadata": "", "session_id": ""},
        {"input": {"gateset": "qis", "qubits": 2, "circuit": BELL}},
    ),
}


@pytest.mark.parametrize("name", SENT)
def test_body_has_what_was_given_and_no_more(name: str) -> None:
    arguments, body = SENT[name]
    assert request(**arguments).body() == {"type": "ionq.circuit.v1", "backend": "qpu.forte-1"} | body


def test_token_is_added_to_the_metadata_of_the_user() -> None:
    assert request(metadata={"a": "b"}).body("token")["metadata"] == {"a": "b", TOKEN_KEY: "token"}
    assert request().body("token")["metadata"] == {TOKEN_KEY: "token"}


@pytest.mark.parametrize(
    ("noise", "sent"),
    [
        ("forte-1", {"model": "forte-1"}),
        ({"model": "aria-1", "seed": 7}, {"model": "aria-1", "seed": 7}),
        ('{"model": "aria-1", "seed": 7}', {"model": "aria-1", "seed": 7}),
    ],
)
def test_noise_may_be_a_name_or_an_object(noise: Any, sent: dict[str, Any]) -> None:
    assert request("simulator", noise=noise).body()["noise"] == sent


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no source": ({"circuit": None}, "one of circuit, circuits and qasm | none"),
    "two sources": ({"circuit": BELL, "qasm": QASM}, "one of circuit, circuits and qasm | circuit and qasm"),
    "three sources": (
        {"circuit": BELL, "circuits": [BELL], "qasm": QASM},
        "one of circuit, circuits and qasm | circuit and circuits and qasm",
    ),
    "a missing template": ({"circuit": "None"}, "circuit | 'None'"),
    "a circuit that is not JSON": ({"circuit": "circuits/bell.txt"}, "circuit | not JSON | line 1"),
    "circuits that are not JSON": ({"circuits": "[{]"}, "circuits | not JSON"),
    "a circuit that is a number": ({"circuit": 7}, "circuit | list of gates"),
    "a circuit that is JSON text of text": ({"circuit": '"h"'}, "circuit | list of gates"),
    "a whole job": ({"circuit": {"input": {"circuit": BELL}}}, "circuit | list of gates | object"),
    "circuits that are one": ({"circuits": {"circuit": BELL}}, "circuits | list of circuits"),
    "no circuits": ({"circuits": []}, "circuits | list of circuits"),
    "a circuit among several that is none": ({"circuits": [BELL, 7]}, "circuits[1] | list of gates"),
    "too many circuits": ({"circuits": [BELL] * (MOST_CIRCUITS + 1)}, "5001 circuits | 5000"),
    "too many gates": ({"circuits": [[BELL[0]] * 50_001] * 3}, "150003 gates | 150000"),
    "a body that is too large": ({"qasm": QASM + "//" + "x" * 11_000_000}, "larger | 10 MB"),
    "an unknown gate set": ({"gateset": "qasm"}, "gateset | 'qis' | 'native' | qasm"),
    "two gate sets": (
        {"circuit": {"circuit": BELL, "gateset": "qis"}, "gateset": "native"},
        "gateset | 'native' | circuit | qis",
    ),
    "a gate that is text": ({"circuit": ["h"]}, "circuit[0] | gate | such as"),
    "a gate without a name": ({"circuit": [{"target": 0}]}, "circuit[0] | gate"),
    "a gate that does not exist": (
        {"circuits": [BELL, [*BELL, {"gate": "cx", "target": 0}]]},
        "circuits[1][2] | gate cx | not exist | cnot, h, ",
    ),
    "a gate of the other set": (
        {"circuit": [*BELL, {"gate": "gpi", "target": 0}]},
        "circuit[2] | 'gpi' | 'native' | gateset | 'qis'",
    ),
    "a gate of qis among native ones": (
        {"circuit": [*NATIVE, *BELL], "gateset": "native"},
        "'h' | 'qis' | gateset | 'native'",
    ),
    "a qubit that is text": ({"circuit": [{"gate": "h", "target": "0"}]}, "circuit[0] | target 0 | not a qubit"),
    "a qubit that is half": ({"circuit": [{"gate": "h", "target": 0.5}]}, "circuit[0] | target 0.5 | not a qubit"),
    "a qubit that is infinite": ({"circuit": [{"gate": "h", "target": INFINITY}]}, "circuit[0] | target | not a qubit"),
    "a qubit that is a boolean": (
        {"circuit": [{"gate": "h", "target": True}]},
        "circuit[0] | target True | not a qubit",
    ),
    "a negative qubit": ({"circuit": [{"gate": "x", "target": 0, "controls": [-1]}]}, "circuit[0] | control -1"),
    "targets that are no list": ({"circuit": [{"gate": "swap", "targets": 1}]}, "circuit[0] | targets 1 | list"),
    "no target": ({"circuit": [{"gate": "h"}]}, "circuit[0] | 'h' | target"),
    "one target of two": ({"circuit": [{"gate": "xx", "targets": [0]}]}, "circuit[0] | two targets | 1"),
    "no control": ({"circuit": [{"gate": "cnot", "target": 0}]}, "circuit[0] | 'cnot' | control"),
    "one qubit twice": ({"circuit": [{"gate": "cnot", "target": 0, "control": 0}]}, "circuit[0] | qubit twice"),
    "fewer qubits than are used": ({"qubits": 1}, "circuit | qubit 1 | 1 qubits | from 0"),
    "two numbers of qubits": ({"circuit": {"circuit": BELL, "qubits": 3}, "qubits": 2}, "qubits | 2 | circuit | 3"),
    "no qubits": ({"circuit": []}, "circuit | no gates | qubits"),
    "zero qubits": ({"qubits": 0}, "qubits | whole number | 1 | 0"),
    "qubits that are text": (
        {"circuit": {"circuit": BELL, "qubits": "many"}},
        "qubits | circuit | whole number | many",
    ),
    "an angle that is no number of JSON": (
        {"circuit": [*BELL, {"gate": "rx", "target": 0, "rotation": NAN}]},
        "rotation | circuit[2] | number | nan",
    ),
    "an angle that is text": (
        {"circuit": [*BELL, {"gate": "rx", "target": 0, "rotation": "pi"}]},
        "rotation | circuit[2] | number | 'pi'",
    ),
    "an angle of another library": ({"circuit": [{"gate": "rx", "target": 0, "rotation": 1j}]}, "job | JSON"),
    "OpenQASM 2": ({"qasm": 'OPENQASM 2.0;\ninclude "qelib1.inc";'}, "OpenQASM 2 | OpenQASM 3"),
    "a file that is no QASM": ({"qasm": json.dumps(BELL)}, "qasm | OpenQASM 3 | begins"),
    "an object as QASM": ({"qasm": {"data": QASM}}, "qasm | OpenQASM 3"),
    "QASM with a gate set": ({"qasm": QASM, "gateset": "qis"}, "gateset | qasm"),
    "QASM with qubits": ({"qasm": QASM, "qubits": 2}, "qubits | qasm"),
    "no shots": ({"shots": 0}, "shots | 1 to 1000000 | 0"),
    "too many shots": ({"shots": 1_000_001}, "shots | 1 to 1000000 | 1000001"),
    "half a shot": ({"shots": "1.5"}, "shots | 1 to 1000000 | 1.5"),
    "shots that are true": ({"shots": True}, "shots | 1 to 1000000 | True"),
    "shots that are not given": ({"shots": "None"}, "shots | 'None'"),
    "few shots for debiasing": ({"error_mitigation": {"debiasing": True}}, "debiasing | 500 shots | 100"),
    "some shots for debiasing": (
        {"settings": {"error_mitigation": {"debiasing": True}}, "shots": 499},
        "debiasing | 500 shots | 499",
    ),
    "error mitigation twice": (
        {"error_mitigation": {"debiasing": False}, "settings": {"error_mitigation": {}}},
        "error_mitigation | twice",
    ),
    "error mitigation that is no object": ({"error_mitigation": "debiasing"}, "error_mitigation | not JSON"),
    "settings that are a list": ({"settings": ["opt"]}, "settings | object"),
    "settings with names that are no text": ({"settings": {1: 2}}, "settings | object | names"),
    "compilation that is no object": (
        {"qasm": QASM, "settings": {"compilation": 1}},
        "compilation | settings | object",
    ),
    "metadata that is not text": ({"metadata": {"a": 1}}, "metadata | text to text | a | 1"),
    "metadata that is nested": ({"metadata": {"a": {"b": "c"}}}, "metadata | text to text | a"),
    "metadata that is a list": ({"metadata": ["a"]}, "metadata | object"),
    "metadata with the token": ({"metadata": {TOKEN_KEY: "x"}}, "metadata | must not | 'airflow_task'"),
    "noise on a device": ({"noise": "forte-1"}, "noise | simulator | qpu.forte-1"),
    "noise without a model": ({"backend": "simulator", "noise": {"seed": 1}}, "noise | name"),
    "noise that is a number": ({"backend": "simulator", "noise": 7}, "noise | object | 7"),
    "a seed that is text": ({"backend": "simulator", "noise": {"model": "m", "seed": "1"}}, "seed | noise | 1"),
    "a name that is a number": ({"name": 7}, "name | text | 7"),
    "a session that is a list": ({"session_id": ["s-1"]}, "session_id | text"),
    "a session that is missing": ({"session_id": "None"}, "session_id | 'None'"),
    "no backend": ({"backend": ""}, "backend | name of a device"),
    "a backend that is missing": ({"backend": "None"}, "backend | 'None'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_argument_is_refused_and_named(name: str) -> None:
    arguments, problem = REFUSED[name]
    with pytest.raises(ValueError, match=facts(problem)) as refused:
        request(**({"backend": "qpu.forte-1"} | arguments))
    assert len(str(refused.value)) < 600, "a circuit is not quoted as a whole"


@pytest.mark.parametrize("qubits", [1, 2, 3, "many", None, True])
def test_device_with_fewer_qubits_is_refused(qubits: Any) -> None:
    if qubits == 1 and qubits is not True:
        with pytest.raises(ValueError, match=facts("2 qubits | qpu.forte-1 | 1")):
            request().check_fits({"qubits": qubits})
    else:
        request().check_fits({"qubits": qubits})
    request(qasm=QASM).check_fits({"qubits": qubits})


SIZES: dict[str, tuple[dict[str, Any], tuple[CircuitSize, ...] | None]] = {
    "Bell": ({"circuit": BELL}, (CircuitSize(2, 2, 1, 1),)),
    "native": ({"circuit": [*NATIVE, {"gate": "nop"}], "gateset": "native"}, (CircuitSize(2, 3, 1, 1),)),
    "several": ({"circuits": [BELL, BELL[:1]]}, (CircuitSize(2, 2, 1, 1), CircuitSize(1, 1, 1, 0))),
    "controlled": ({"circuit": [{"gate": "rx", "targets": [3], "controls": [0]}]}, (CircuitSize(4, 1, 0, 1),)),
    "two on two": (
        {"circuit": [{"gate": name, "targets": [0, 1]} for name in ("swap", "zz")]},
        (CircuitSize(2, 2, 0, 2),),
    ),
    "controlled twice": (
        {"circuit": [*BELL, {"gate": "x", "target": 2, "controls": [0, 1]}]},
        (CircuitSize(3, 3, None, None),),
    ),
    "controlled swap": (
        {"circuit": [{"gate": "swap", "targets": [0, 1], "control": 2}]},
        (CircuitSize(3, 1, None, None),),
    ),
    "on several": ({"circuit": [{"gate": "h", "targets": [0, 1]}]}, (CircuitSize(2, 1, None, None),)),
    "pauliexp": ({"circuit": [{"gate": "pauliexp", "targets": [0], "terms": ["X"]}]}, (CircuitSize(1, 1, None, None),)),
    "OpenQASM": ({"qasm": QASM}, None),
}


@pytest.mark.parametrize("name", SIZES)
def test_gates_are_counted_where_each_is_on_one_qubit_or_on_two(name: str) -> None:
    arguments, sizes = SIZES[name]
    assert request(**arguments).sizes == sizes


REHEARSED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a device": ({}, {"noise": {"model": "forte-1"}}),
    "another device": ({"backend": "qpu.forte-enterprise-1"}, {"noise": {"model": "forte-enterprise-1"}}),
    "noise of its own": ({"noise": "aria-1"}, {"noise": {"model": "aria-1"}}),
    "the simulator": ({"backend": "simulator"}, {}),
    "a session and error mitigation": (
        {"session_id": "s-1", "shots": 500, "error_mitigation": {"debiasing": True}, "settings": {"compilation": {}}},
        {"noise": {"model": "forte-1"}, "shots": 500, "settings": {"compilation": {}}},
    ),
}


@pytest.mark.parametrize("name", REHEARSED)
def test_rehearsal_is_a_job_for_the_simulator_with_the_noise_of_the_device(name: str) -> None:
    arguments, differing = REHEARSED[name]
    rehearsed = request(**({"backend": "qpu.forte-1"} | arguments), rehearse=True)
    plain = {"type": "ionq.circuit.v1", "input": {"gateset": "qis", "qubits": 2, "circuit": BELL}}
    assert rehearsed.body() == plain | {"backend": "simulator"} | differing
    assert rehearsed.is_free


# The fingerprint.

SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the default shots": ({}, {"shots": 100}),
    "the order of keys": ({}, {"circuit": [dict(reversed(gate.items())) for gate in BELL]}),
    "text": ({}, {"circuit": json.dumps(BELL, indent=2)}),
    "the default gate set": ({}, {"gateset": "qis"}),
    "counted qubits": ({}, {"qubits": 2}),
    "an input object": ({}, {"circuit": {"circuit": BELL, "qubits": 2, "gateset": "qis"}}),
    "whole numbers": (
        {"circuit": [{"gate": "rx", "target": 0, "rotation": 1}]},
        {"circuit": [{"gate": "rx", "target": 0, "rotation": 1.0}]},
    ),
    "zeros": (
        {"circuit": [{"gate": "rx", "target": 0, "rotation": 0}]},
        {"circuit": [{"gate": "rx", "target": 0, "rotation": -0.0}]},
    ),
    "name, metadata and session": ({}, {"name": "n", "metadata": {"try": "2"}, "session_id": "s"}),
    "empty settings": ({}, {"settings": {}, "error_mitigation": {}}),
    "no dry run": ({}, {"dry_run": False}),
    "noise by name": ({"backend": "simulator", "noise": "m"}, {"backend": "simulator", "noise": {"model": "m"}}),
}
DIFFERENT: dict[str, dict[str, Any]] = {
    "backend": {"backend": "qpu.forte-enterprise-1"},
    "shots": {"shots": 101},
    "gates": {"circuit": BELL[:1]},
    "order of gates": {"circuit": BELL[::-1]},
    "qubits": {"qubits": 3},
    "several circuits": {"circuits": [BELL]},
    "OpenQASM": {"qasm": QASM},
    "settings": {"settings": {"compilation": {"opt": 1}}},
    "error mitigation": {"error_mitigation": {"symmetry_verification": True}},
    "dry run": {"dry_run": True},
    "rehearsal": {"rehearse": True},
}


@pytest.mark.parametrize("name", SAME)
def test_same_work_has_the_same_fingerprint(name: str) -> None:
    one, other = SAME[name]
    assert request(**one).fingerprint() == request(**other).fingerprint()


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_work_has_another_fingerprint(name: str) -> None:
    assert request().fingerprint() != request(**({"backend": "qpu.forte-1"} | DIFFERENT[name])).fingerprint()


ANGLES = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def gates(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(GATES["qis"] - {"pauliexp"})))
    qubits = draw(st.lists(st.integers(0, 9), min_size=3, max_size=3, unique=True))
    targets, rest = (qubits[:2], qubits[2:]) if kind in ("swap", "xx", "yy", "zz") else (qubits[:1], qubits[1:])
    controls = rest[: draw(st.integers(1 if kind == "cnot" else 0, len(rest)))]
    gate: dict[str, Any] = {"gate": kind, "targets": targets, "rotation": draw(ANGLES)}
    return gate | ({"controls": controls} if controls else {})


@given(st.lists(gates(), min_size=1, max_size=8))
def test_any_circuit_of_known_gates_is_accepted_and_counted(circuit: list[dict[str, Any]]) -> None:
    made = request(circuit=circuit)
    assert made.sizes is not None
    (size,) = made.sizes
    widths = [len(gate["targets"]) + len(gate.get("controls", [])) for gate in circuit]
    assert size.gates == len(circuit)
    assert size.qubits == 1 + max(max([*gate["targets"], *gate.get("controls", [])]) for gate in circuit)
    counted = (widths.count(1), widths.count(2)) if max(widths) <= 2 else (None, None)
    assert (size.gates_1q, size.gates_2q) == counted
    assert made.fingerprint() == request(circuit=json.dumps(circuit)).fingerprint()
    assert len(made.fingerprint()) == 32


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(["circuit", "circuits", "qasm", "metadata", "noise", "settings", "error_mitigation"]), JSON)
def test_any_json_is_accepted_or_refused_with_a_value_error(argument: str, value: Any) -> None:
    for given_value in (value, json.dumps(value), [value], {"circuit": [value]}, {"gate": value, "targets": value}):
        try:
            made = request("simulator", **{argument: given_value})
        except ValueError:
            continue
        json.dumps(made.body(), allow_nan=False)
        assert len(made.fingerprint()) == 32
        assert str(made)
