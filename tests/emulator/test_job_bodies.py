"""What the API refuses in the body of a job, and what only lets the job fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.conftest import BELL, BODY

if TYPE_CHECKING:
    from tests.emulator.conftest import Client

H = {"gate": "h", "target": 0}
NATIVE_INPUT = {"gateset": "native", "qubits": 2, "circuit": [{"gate": "gpi", "target": 0, "phase": 0.25}]}
MANY = {"type": "ionq.multi-circuit.v1", "input": {"gateset": "qis", "circuits": [{"circuit": [H]}]}}
QASM = {"type": "ionq.qasm3.v1", "input": {"data": "OPENQASM 3.0; qubit[2] q; h q[0]; cx q[0], q[1];"}}
FUNCTION = {"type": "quantum-function", "input": {"data": {"type": "hamiltonian-energy", "data": {}}}}


def _gates(*gates: dict[str, Any], gateset: str = "qis", **more: Any) -> dict[str, Any]:
    return {"input": {"gateset": gateset, "circuit": list(gates)} | more}


def _circuits(*circuits: Any, **more: Any) -> dict[str, Any]:
    return {"type": "ionq.multi-circuit.v1", "input": {"gateset": "qis", "circuits": list(circuits)} | more}


ACCEPTED: dict[str, dict[str, Any]] = {
    "one circuit": {},
    "no gates": _gates(),
    "no number of qubits": _gates(H),
    "targets and controls": _gates({"gate": "x", "targets": [0], "controls": [1, 2]}),
    "a rotation": _gates({"gate": "rx", "target": 0, "rotation": 3}),
    "pauliexp": _gates({"gate": "pauliexp", "targets": [0, 1], "terms": ["XX"], "coefficients": [0.5], "time": 1}),
    "native gates": {"input": NATIVE_INPUT},
    "a native gate as cirq-ionq sends it": _gates({"gate": "zz", "targets": [0, 1], "phase": 0.1}, gateset="native"),
    "nothing done": _gates({"gate": "nop"}, gateset="native"),
    "several circuits": MANY,
    "circuits with names, registers and their own gate set": _circuits(
        {"circuit": [H], "name": "one", "qubits": 2, "registers": {"c": [0, None]}},
        {"circuit": NATIVE_INPUT["circuit"], "gateset": "native"},
    ),
    "OpenQASM 3": QASM,
    "a function": FUNCTION,
    "a QAOA problem": {"type": "qctrl.qaoa.v1", "input": {}, "external_settings": {"api_credentials": "x"}},
    "settings of any kind": {"settings": {"compilation": {"opt": 0, "service_version": "v0.4"}, "x": [1]}},
    "noise": {"backend": "simulator", "noise": {"model": "forte-1", "seed": None}},
}


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=list(ACCEPTED))
def test_valid_job_is_accepted_and_can_be_completed(client: Client, change: dict[str, Any]) -> None:
    answer = client("POST", "/jobs", json=BODY | change)
    assert answer.status_code == 201, answer.text
    job_id = answer.json()["id"]
    assert client.emulator.complete_job(job_id)["status"] == "completed"
    assert client.emulator.job_body(job_id) == BODY | change


REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an unknown type": ({"type": "ionq.circuit.v2"}, ["type"]),
    "no gate set": ({"input": {"circuit": []}}, ["input.gateset"]),
    "no circuit": ({"input": {"gateset": "qis"}}, ["input.circuit"]),
    "an unknown gate set": (_gates(gateset="xy"), ["input.gateset"]),
    "an unknown gate": (_gates(H, {"gate": "toffoli"}), ["input.circuit[1].gate"]),
    "a gate of the other gate set": (_gates({"gate": "gpi", "target": 0}), ["input.circuit[0].gate"]),
    "a native circuit with a qis gate": (_gates(H, gateset="native"), ["input.circuit[0].gate"]),
    "a gate that is no object": (_gates("h"), ["input.circuit[0]"]),  # type: ignore[arg-type]
    "a gate without a name": (_gates({"target": 0}), ["input.circuit[0].gate"]),
    "a gate with an unknown field": (_gates(H | {"qubit": 0}), ["input.circuit[0].qubit"]),
    "a negative qubit": (_gates({"gate": "h", "target": -1}), ["input.circuit[0].target"]),
    "half a qubit": (_gates({"gate": "h", "targets": [0.5]}), ["input.circuit[0].targets"]),
    "a rotation in text": (_gates({"gate": "rx", "target": 0, "rotation": "pi"}), ["input.circuit[0].rotation"]),
    "no qubits": (_gates(H, qubits=0), ["input.qubits"]),
    "qubits in text": (_gates(H, qubits="2"), ["input.qubits"]),
    "a misspelled field of a circuit": (_gates(H, qubit=2), ["input.qubit"]),
    "circuits without the type for them": ({"input": MANY["input"]}, ["input.circuits", "input.circuit"]),
    "a circuit beside circuits": (_circuits({"circuit": [H]}, circuit=[H]), ["input.circuit"]),
    "circuits that are no list": ({**MANY, "input": {"gateset": "qis", "circuits": {}}}, ["input.circuits"]),
    "a bad circuit among good ones": (
        _circuits({"circuit": [H]}, {"circuit": [{"gate": "k"}]}),
        ["input.circuits[1].circuit[0].gate"],
    ),
    "a circuit without gates in it": (_circuits({"name": "x"}), ["input.circuits[0].circuit"]),
    "a name that is no text": (_circuits({"circuit": [], "name": 5}), ["input.circuits[0].name"]),
    "registers that are a list": (_circuits({"circuit": [], "registers": []}), ["input.circuits[0].registers"]),
    "5,001 circuits": (_circuits(*[{"circuit": []}] * 5001), ["input.circuits"]),
    "150,001 gates": (_circuits({"circuit": [H] * 75_000}, {"circuit": [H] * 75_001}), ["input.circuits"]),
    "a program that is no text": (QASM | {"input": {"data": 5}}, ["input.data"]),
    "a program with a gate set": (QASM | {"input": {"data": "", "gateset": "qis"}}, ["input.gateset"]),
    "a function without data": (FUNCTION | {"input": {}}, ["input.data"]),
    "an unknown noise model": ({"noise": {"model": "loud"}}, ["noise.model"]),
    "a noise without a model": ({"noise": {"seed": 1}}, ["noise.model"]),
    "a noise with more": ({"noise": {"model": "ideal", "strength": 2}}, ["noise.strength"]),
    "a seed in text": ({"noise": {"model": "ideal", "seed": "1"}}, ["noise.seed"]),
    "error mitigation that is no object": ({"settings": {"error_mitigation": True}}, ["settings.error_mitigation"]),
    "debiasing in text": (
        {"settings": {"error_mitigation": {"debiasing": "yes"}}},
        ["settings.error_mitigation.debiasing"],
    ),
}


@pytest.mark.parametrize(("change", "keys"), REFUSED.values(), ids=list(REFUSED))
def test_body_that_the_description_does_not_allow_gets_400(
    client: Client, change: dict[str, Any], keys: list[str]
) -> None:
    answer = client("POST", "/jobs", json=BODY | change)
    assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")
    assert set(keys) <= set(answer.json()["validation"]["keys"])
    assert all(f'"{key}"' in answer.json()["message"] for key in keys)
    assert client.emulator.jobs() == []


def test_message_about_many_problems_is_short(client: Client) -> None:
    answer = client("POST", "/jobs", json=BODY | _gates(*[{"gate": "k"}] * 1000))
    assert len(answer.json()["validation"]["keys"]) == 10


def _pauliexp(**change: Any) -> dict[str, Any]:
    gate = {"gate": "pauliexp", "targets": [0, 1], "terms": ["XX"], "coefficients": [0.5], "time": 1} | change
    return _gates({name: value for name, value in gate.items() if value is not None})


FAILING: dict[str, tuple[dict[str, Any], str]] = {
    "a qubit that the circuit does not have": (_gates({"gate": "h", "target": 2}, qubits=2), "InvalidInput"),
    "a gate without a target": (_gates({"gate": "h"}), "InvalidInput"),
    "a gate with too many targets": (_gates({"gate": "h", "targets": [0, 1]}), "InvalidInput"),
    "a gate with too few targets": (_gates({"gate": "swap", "target": 0}), "InvalidInput"),
    "cnot without a control": (_gates({"gate": "cnot", "target": 0}), "InvalidInput"),
    "eight controls": (_gates({"gate": "x", "target": 0, "controls": [*range(1, 9)]}), "TooManyControls"),
    "a controlled swap": (_gates({"gate": "swap", "targets": [0, 1], "control": 2}), "UnsupportedGate"),
    "a controlled native gate": (
        _gates({"gate": "gpi", "target": 0, "control": 1, "phase": 0}, gateset="native"),
        "UnsupportedGate",
    ),
    "a rotation by nothing": (_gates({"gate": "rx", "target": 0}), "InvalidInput"),
    "a native gate without a phase": (_gates({"gate": "gpi2", "target": 0}, gateset="native"), "InvalidInput"),
    "a native zz without an angle": (_gates({"gate": "zz", "targets": [0, 1]}, gateset="native"), "InvalidInput"),
    "zz with the angle of the other gate set": (_gates({"gate": "zz", "targets": [0, 1], "angle": 1}), "InvalidInput"),
    "ms with one phase": (_gates({"gate": "ms", "targets": [0, 1], "phases": [0]}, gateset="native"), "InvalidInput"),
    "pauliexp without a time": (_pauliexp(time=None), "InvalidInput"),
    "pauliexp back in time": (_pauliexp(time=-1), "InvalidInput"),
    "pauliexp without terms": (_pauliexp(terms=[], coefficients=[]), "InvalidInput"),
    "pauliexp with too few coefficients": (_pauliexp(coefficients=[]), "InvalidInput"),
    "pauliexp with a term of another size": (_pauliexp(terms=["XXX"]), "InvalidInput"),
    "pauliexp with another letter": (_pauliexp(terms=["XA"]), "InvalidInput"),
    "a gate on one qubit twice": (_gates({"gate": "cnot", "control": 0, "target": 0}), "InvalidInput"),
    "no circuits": (_circuits(), "InvalidInput"),
    "more qubits than the device has": (_gates(H, qubits=37), "NotEnoughQubits"),
    "a program with too many qubits": (QASM | {"input": {"data": "qubit[40] q;"}}, "NotEnoughQubits"),
    "one circuit of several that is too large": (
        _circuits({"circuit": [H]}, {"circuit": [H], "qubits": 99}),
        "NotEnoughQubits",
    ),
    "debiasing with few shots": ({"settings": {"error_mitigation": {"debiasing": True}}}, "DebiasingError"),
}


@pytest.mark.parametrize(("change", "code"), FAILING.values(), ids=list(FAILING))
def test_impossible_job_is_accepted_and_fails_without_a_start(
    client: Client, change: dict[str, Any], code: str
) -> None:
    answer = client("POST", "/jobs", json=BODY | change)
    assert (answer.status_code, answer.json()["status"]) == (201, "submitted")
    job_id = answer.json()["id"]
    shown = client("GET", f"/jobs/{job_id}").json()
    assert (shown["status"], shown["failure"]["code"], shown["started_at"]) == ("failed", code, None)
    assert shown["completed_at"] is not None
    assert shown["execution_duration_ms"] is None
    assert "cost" not in client("GET", f"/jobs/{job_id}/cost").json()


SIZES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a Bell pair": ({}, {"qubits": 2, "circuits": 1, "gate_counts": {"1q": 1, "2q": 1}}),
    "no gates": (_gates(), {"qubits": 1, "circuits": 1, "gate_counts": {"1q": 0, "2q": 0}}),
    "three qubits in one gate": (
        _gates({"gate": "x", "target": 0, "controls": [1, 3]}),
        {"qubits": 4, "circuits": 1, "gate_counts": {"1q": 0, "2q": 2}},
    ),
    "several circuits": (
        _circuits({"circuit": BELL["circuit"], "qubits": 3}, {"circuit": [H, H]}),
        {"qubits": 3, "circuits": 2, "gate_counts": {"1q": 3, "2q": 1}},
    ),
    "a program": (
        QASM
        | {
            "input": {
                "data": 'OPENQASM 3.0;\ninclude "stdgates.inc";\n// h q[0];\nqubit[3] q;\nqubit r;\nbit[2] c;\n'
                "h q[0];\nrx(pi/2) q[1]; /* x q[2]; */ ctrl @ x q[0], q[1];\nccx q[0], q[1], q[2];\nc[0] = measure r;\n"
            }
        },
        {"qubits": 4, "circuits": 1, "gate_counts": {"1q": 2, "2q": 3}},
    ),
    "a function": (FUNCTION, {}),
}


@pytest.mark.parametrize(("change", "stats"), SIZES.values(), ids=list(SIZES))
def test_job_shows_its_size(client: Client, change: dict[str, Any], stats: dict[str, Any]) -> None:
    job_id = client("POST", "/jobs", json=BODY | change).json()["id"]
    shown = client("GET", f"/jobs/{job_id}").json()["stats"]
    assert {name: shown[name] for name in stats} == stats
    assert bool(shown) == bool(stats)


@pytest.mark.parametrize(
    ("change", "shots", "noise"),
    [
        ({}, 100, None),
        ({"shots": 7}, 7, None),
        ({"backend": "simulator", "shots": 7}, None, {"model": "ideal"}),
        ({"backend": "simulator", "shots": 7, "noise": {"model": "ideal", "seed": None}}, None, {"model": "ideal"}),
        (
            {"backend": "simulator", "shots": 7, "noise": {"model": "aria-1", "seed": 3}},
            7,
            {"model": "aria-1", "seed": 3},
        ),
    ],
)
def test_ideal_simulator_shows_no_shots_and_only_the_simulator_shows_noise(
    client: Client, change: dict[str, Any], shots: int | None, noise: dict[str, Any] | None
) -> None:
    job_id = client("POST", "/jobs", json=BODY | change).json()["id"]
    shown = client("GET", f"/jobs/{job_id}").json()
    assert (shown.get("shots"), shown.get("noise")) == (shots, noise)
