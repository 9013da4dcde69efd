"""OpenQASM 3 programs: what they compute, and what lets their jobs fail."""

from __future__ import annotations

import importlib.util
import random
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator.openqasm_gates import STANDARD
from tests.emulator.conftest import BODY
from tests.support.facts import facts

if TYPE_CHECKING:
    from tests.emulator.conftest import Client

NAMED = {"settings": {"compilation": {"service_version": "v0.4"}}}
IDEAL = {"backend": "simulator"}
NOISY = {"backend": "simulator", "noise": {"model": "aria-1"}}
P1, S1 = "ionq.result.probabilities.json.v1", "ionq.result.shots.json.v1"
P2, S2 = "ionq.result.probabilities.json.v2", "ionq.result.shots.json.v2"

needs_qiskit = pytest.mark.skipif(not importlib.util.find_spec("qiskit"), reason="Qiskit is not installed")


def _completed(client: Client, program: str, **change: Any) -> dict[str, Any]:
    body = BODY | {"type": "ionq.qasm3.v1", "input": {"data": program}} | NAMED | change
    answer = client("POST", "/jobs", json=body)
    assert answer.status_code == 201, answer.text
    job_id = answer.json()["id"]
    if client.emulator.job(job_id)["status"] != "failed":
        client.emulator.complete_job(job_id)
    shown: dict[str, Any] = client("GET", f"/jobs/{job_id}").json()
    return shown


def _artifact(client: Client, job: dict[str, Any], name: str) -> Any:
    return client("GET", f"/jobs/{job['id']}/artifacts/{job['results'][name]['id']}").json()


def _probabilities(client: Client, program: str) -> dict[int, float]:
    job = _completed(client, program, **IDEAL)
    assert job["status"] == "completed", job["failure"]
    return {int(key): value for key, value in _artifact(client, job, P1).items()}


def _shots(client: Client, program: str, **change: Any) -> list[dict[str, list[int]]]:
    job = _completed(client, program, **change)
    assert job["status"] == "completed", job["failure"]
    return [shot["registers"] for shot in _artifact(client, job, S2)["shots"]]


# The key of the only possible state.
CERTAIN: dict[str, tuple[str, int]] = {
    "gates on single qubits": ("qubit[3] q; x q[1];", 2),
    "no version and no include": ("qubit q; x q;", 1),
    "version 3": ("OPENQASM 3; qubit q; x q;", 1),
    "version 3.1": ('OPENQASM 3.1; include "stdgates.inc"; qubit q; x q;', 1),
    "several registers": ("qubit[2] a; qubit b; qreg c[2]; x b; x c[1];", 0b10100),
    "a gate on a whole register": ("qubit[3] q; x q;", 7),
    "a gate on two registers": ("qubit[2] a; qubit[2] b; x a; cx a, b;", 0b1111),
    "a gate on a qubit and a register": ("qubit a; qubit[2] b; x a; cx a, b;", 7),
    "an index from the end": ("qubit[3] q; x q[-1];", 4),
    "a range": ("qubit[5] q; x q[1:3];", 0b01110),
    "a range with a step": ("qubit[5] q; x q[0:2:4];", 0b10101),
    "a range backwards": ("qubit[5] q; x q[3:-1:2];", 0b01100),
    "a range without ends": ("qubit[3] q; x q[:];", 7),
    "a set": ("qubit[4] q; x q[{0, 3}];", 9),
    "physical qubits": ("x $2; cx $2, $0;", 5),
    "arithmetic": ("qubit q; rx(2 * pi / (5 - 3) + tau ** 2 * 0 - -0.0) q;", 1),
    "functions": ("qubit q; rx(arccos(-1) * sqrt(4) / 2 * cos(0) + sin(0) + mod(4, 2)) q;", 1),
    "a constant": ("const float half = pi / 2; const int n = 2; qubit[n] q; rx(half * 2) q[n - 1];", 2),
    "unicode names": ("qubit[2] ψ; rx(π) ψ[0];", 1),
    "comments": ("// x q;\nqubit q; /* x q;\n */ x q;", 1),
    "a gate definition": ("gate flip(a) r, s { rx(a) s; cx s, r; } qubit[2] q; flip(pi) q[0], q[1];", 3),
    "nested definitions": ("gate a q { x q; } gate b q, r { a q; barrier q, r; a r; } qubit[2] q; b q[1], q[0];", 3),
    "a definition that replaces a standard gate": ("gate x q { h q; z q; h q; } qubit q; x q;", 1),
    "an inverse": ("qubit q; sx q; inv @ inv @ sx q;", 1),
    "an inverse of a definition": ("gate g q { h q; s q; x q; } qubit q; g q; inv @ g q; x q;", 1),
    "a power": ("qubit q; pow(3) @ x q;", 1),
    "a negative power": ("qubit q; pow(-2) @ sx q;", 1),
    "a zeroth power": ("qubit q; pow(0) @ x q; x q;", 1),
    "half a power": ("qubit q; pow(1/2) @ x q; sx q;", 1),
    "half a power of a phase": ("qubit q; h q; pow(1/2) @ z q; s q; h q;", 1),
    "half a power of two qubits": ("qubit[2] q; x q[0]; pow(0.5) @ cx q[0], q[1]; pow(0.5) @ cx q[0], q[1];", 3),
    "controls": ("qubit[4] q; x q[0:1]; ctrl @ x q[0], q[2]; ctrl(2) @ x q[0], q[1], q[3];", 15),
    "controls of a definition": ("gate g q { x q; } qubit[2] q; x q[0]; ctrl @ g q[0], q[1];", 3),
    "a negative control": ("qubit[3] q; x q[1]; negctrl @ x q[0], q[2]; ctrl @ negctrl @ x q[1], q[2], q[0];", 6),
    "a control of an inverse": ("qubit[2] q; x q[0]; ctrl @ inv @ x q[0], q[1];", 3),
    "a controlled global phase": ("qubit q; h q; ctrl @ gphase(pi) q; h q;", 1),
    "a global phase": ("qubit q; gphase(1.5); x q;", 1),
    "a controlled global phase in a definition": (
        "gate g q { gphase(pi); } qubit[2] q; h q[0]; ctrl @ g q[0], q[1]; h q[0];",
        1,
    ),
    "barriers, delays and pragmas": ("pragma user x\nqubit[2] q; barrier q; barrier; delay[100ns] q[0]; x q[1];", 2),
    "a reset": ("qubit[2] q; h q; reset q; x q[1];", 2),
    "a reset of an entangled qubit": ("qubit[2] q; x q; reset q[0];", 2),
    "measurement without a bit": ("qubit q; x q; measure q;", 1),
}


@pytest.mark.parametrize(("program", "key"), CERTAIN.values(), ids=list(CERTAIN))
def test_program_gives_its_only_state(client: Client, program: str, key: int) -> None:
    assert _probabilities(client, program) == {key: pytest.approx(1, abs=1e-12)}


@pytest.mark.parametrize("where", [{}, NOISY], ids=["device", "noise model"])
def test_shots_have_a_bit_array_for_each_register(client: Client, where: dict[str, Any]) -> None:
    program = "qubit[3] q; bit[2] c; bit d; bit[2] e; x q[1]; h q[2]; c[1] = measure q[1]; measure q[2] -> d;"
    shots = _shots(client, program, **where)
    assert len(shots) == 100
    for shot in shots:
        (value,) = shot["d"]
        assert shot == {"c": [0, 1], "d": [value], "e": [0, 0], "output_all": [0, 1, value]}
    assert 20 < sum(shot["d"][0] for shot in shots) < 80


@pytest.mark.parametrize("bits", ["bit[3] c; c = measure q;", "bit[3] c = measure q;", "creg c[3]; measure q -> c;"])
def test_whole_register_is_measured(client: Client, bits: str) -> None:
    (shot,) = _shots(client, f"qubit[3] q; x q[0]; {bits}", shots=1)
    assert shot == {"c": [1, 0, 0], "output_all": [1, 0, 0]}


def test_crossed_registers_keep_their_bits(client: Client) -> None:
    program = "qubit[3] q; bit[2] a; bit[2] b; x q[0]; a[1] = measure q[0]; b[0] = measure q[1]; b[1] = measure q[0];"
    (shot,) = _shots(client, program, shots=1)
    assert shot == {"a": [0, 1], "b": [0, 1], "output_all": [1, 0, 0]}


def test_ideal_simulator_gives_the_probabilities_of_all_qubits_only(client: Client) -> None:
    job = _completed(client, "qubit[2] q; bit c; h q[0]; x q[1]; c = measure q[0]; x q[0];", **IDEAL)
    assert {name for name in job["results"] if name.startswith("ionq.")} == {P1, P2}
    assert _artifact(client, job, P1) == {"2": 0.5, "3": 0.5}
    assert _artifact(client, job, P2) == {"probabilities": {"registers": {"output_all": {"01": 0.5, "11": 0.5}}}}


@pytest.mark.parametrize("settings", [{}, {"compilation": {}}, {"compilation": {"service_version": "v0.3"}}])
def test_registers_lose_their_names_without_the_service_version(client: Client, settings: dict[str, Any]) -> None:
    program = "qubit[2] q; bit[1] result; bit[2] mid; x q[0]; result[0] = measure q[0]; mid = measure q;"
    (shot,) = _shots(client, program, shots=1, settings=settings)
    assert shot == {"c0": [1], "c1": [1, 0], "output_all": [1, 0]}


def test_measurement_in_the_middle_is_correlated_with_what_follows(client: Client) -> None:
    program = """
        qubit[2] q; bit first; bit second; bit other;
        h q[0]; first = measure q[0]; x q[0]; second = measure q[0]; cx q[0], q[1]; other = measure q[1];
    """
    shots = _shots(client, program, shots=400)
    for shot in shots:
        (first,) = shot["first"]
        assert (shot["second"], shot["other"], shot["output_all"]) == ([1 - first], [1 - first], [1 - first] * 2)
    assert 120 < sum(shot["first"][0] for shot in shots) < 280


def test_measurement_in_the_middle_destroys_interference(client: Client) -> None:
    assert _probabilities(client, "qubit q; h q; h q;") == {0: 1}
    assert _probabilities(client, "qubit q; h q; measure q; h q;") == {0: 0.5, 1: 0.5}
    # Nothing is done with the qubit between these: they have the same value.
    values = _shots(client, "qubit q; bit[2] c; h q; c[0] = measure q; c[1] = measure q;")
    assert {tuple(shot["c"]) for shot in values} == {(0, 0), (1, 1)}


def test_last_measurement_into_a_bit_counts(client: Client) -> None:
    (shot,) = _shots(client, "qubit[2] q; bit c; x q[0]; c = measure q[0]; c = measure q[1]; x q[1];", shots=1)
    assert (shot["c"], shot["output_all"]) == ([0], [1, 1])
    (shot,) = _shots(client, "qubit[2] q; bit c; x q[0]; c = measure q[1]; x q[1]; c = measure q[0];", shots=1)
    assert (shot["c"], shot["output_all"]) == ([1], [1, 1])


def test_reset_of_a_random_qubit_keeps_what_it_was_entangled_with(client: Client) -> None:
    program = "qubit[2] q; bit c; h q[0]; cx q[0], q[1]; c = measure q[0]; reset q[0]; x q[0];"
    assert _probabilities(client, program) == {1: 0.5, 3: 0.5}
    for shot in _shots(client, program):
        assert shot["output_all"] == [1, shot["c"][0]]


def test_measurements_with_certain_values_take_no_memory(client: Client) -> None:
    program = f"qubit[20] q; bit[200] c; h q[0]; {''.join(f'c[{i}] = measure q[1]; x q[1]; ' for i in range(200))}"
    assert _shots(client, program, shots=1)[0]["c"] == [0, 1] * 100


REFUSED: dict[str, tuple[str, str, str]] = {
    "text of another kind": ("hello", "InvalidInput", "not OpenQASM 3"),
    "nothing": ("", "InvalidInput", "not OpenQASM 3"),
    "a missing semicolon": ("qubit q; x q", "InvalidInput", "not OpenQASM 3"),
    "OpenQASM 2": ("OPENQASM 2.0; qreg q[1]; x q[0];", "InvalidInput", "OpenQASM 2.0, not 3"),
    "no qubits": ("bit c;", "InvalidInput", "no qubits"),
    "an unknown file": ('include "mine.inc"; qubit q;', "InvalidInput", "file mine.inc is unknown"),
    "an unknown gate": ("qubit q;\n\nrzz q;", "UnsupportedGate", "Line 3: gate rzz is unknown"),
    "a branch": ("qubit q; bit c; c = measure q; if (c == 1) { x q; }", "InvalidInput", "if is not supported"),
    "a loop": ("qubit q; for int i in [0:2] { x q; }", "InvalidInput", "for is not supported"),
    "a loop on a condition": ("qubit q; while (true) { x q; }", "InvalidInput", "while is not supported"),
    "a subroutine": ("def f(qubit q) { x q; } qubit q; f(q);", "InvalidInput", "def is not supported"),
    "a parameter": ("input float[64] theta; qubit q; rx(theta) q;", "InvalidInput", "parameter | value"),
    "an alias": ("qubit[2] q; let r = q[0:1];", "InvalidInput", "let is not supported"),
    "a variable": ("int i = 3; qubit q;", "InvalidInput", "i | bit | constant"),
    "an assignment": ("qubit q; bit c; c = 1;", "InvalidInput", "ClassicalAssignment is not supported"),
    "a bit with a value": ('qubit q; bit[2] c = "01";', "InvalidInput", "initial value"),
    "a name without a value": ("qubit q; rx(theta) q;", "InvalidInput", "theta has no value"),
    "a division by zero": ("qubit q; rx(1 / 0) q;", "InvalidInput", "no value"),
    "a root of a negative number": ("qubit q; rx((-1) ** 0.5) q;", "InvalidInput", "finite"),
    "a comparison": ("qubit q; rx(1 < 2) q;", "InvalidInput", "not supported"),
    "an undeclared qubit": ("qubit q; x r;", "InvalidInput", "r | declared qubit"),
    "an undeclared bit": ("qubit q; c = measure q;", "InvalidInput", "c | declared bit"),
    "an index outside": ("qubit[2] q; x q[2];", "InvalidInput", "q has no element 2"),
    "half an index": ("qubit[2] q; x q[0.5];", "InvalidInput", "0.5 | whole number"),
    "two indices": ("qubit[2] q; x q[0][1];", "InvalidInput", "more than one index"),
    "a range without a step": ("qubit[2] q; x q[0:0:1];", "InvalidInput", "step of 0"),
    "one name for two things": ("qubit q; bit q;", "InvalidInput", "q is declared twice"),
    "the system's own register": ("qubit q; bit output_all;", "InvalidInput", "system's own register"),
    "no elements": ("qubit[0] q;", "InvalidInput", "0 | size"),
    "too many elements": ("qubit[999999] q;", "InvalidInput", "999999 | size"),
    "one qubit twice": ("qubit q; cx q, q;", "InvalidInput", "one qubit twice"),
    "too few qubits": ("qubit q; cx q;", "InvalidInput", "cx takes 2 qubits, not 1"),
    "too many parameters": ("qubit q; x(1) q;", "InvalidInput", "x takes 0 parameters, not 1"),
    "registers of different sizes": ("qubit[2] a; qubit[3] b; cx a, b;", "InvalidInput", "different sizes"),
    "two bits for three qubits": ("qubit[3] q; bit[2] c; c = measure q;", "InvalidInput", "3 qubits are measured"),
    "more controls than qubits": ("qubit q; ctrl(2) @ x q;", "InvalidInput", "qubits | controls"),
    "a global phase of a qubit": ("qubit q; gphase(1) q;", "InvalidInput", "global phase | no qubits"),
    "a number with a billion digits": ("qubit q; rx(10 ** 1000000000) q;", "InvalidInput", "no value"),
    "parameters whose sum is too large": ("qubit q; u3(1e308, 1e308, 1e308) q;", "InvalidInput", "u3 are too large"),
    "a range with a billion elements": ("qubit[2] q; x q[0:999999999];", "InvalidInput", "a range has 1000000000"),
    "a long sum": ("qubit q; rx(" + "+".join("1" * 5000) + ") q;", "InvalidInput", ""),
    "a barrier of an undeclared qubit": ("qubit q; barrier r;", "InvalidInput", "r | declared qubit"),
    "a huge power": ("qubit q; pow(1001) @ x q;", "InvalidInput", "exponent | 1000"),
    "half a power of many qubits": ("qubit[7] q; pow(0.5) @ ctrl(6) @ x q[0], q[1], q[2], q[3], q[4], q[5], q[6];",
                                    "InvalidInput", "up to 6 qubits"),
    "a gate defined twice": ("gate g q { x q; } gate g q { y q; } qubit q;", "InvalidInput", "g is defined twice"),
    "a gate within itself": ("gate g q { g q; } qubit q; g q;", "InvalidInput", "nested too deeply"),
    "a qubit of another gate": ("qubit q; gate g r { x q; } g q;", "InvalidInput", "not among its own"),
    "physical and declared qubits": ("qubit q; x $0;", "InvalidInput", "physical qubits are mixed"),
    "more gates than are allowed": (
        "gate a q { pow(1000) @ x q; } gate b q { pow(1000) @ a q; } qubit q; b q;", "TooManyGates", "150000 gates"
    ),
    "powers of powers": ("qubit q; pow(1000) @ pow(1000) @ pow(1000) @ x q;", "TooManyGates", "150000 gates"),
    "too many qubits for the device": ("qubit[40] q; x q;", "NotEnoughQubits", "has 36"),
}  # fmt: skip


@pytest.mark.parametrize(("program", "code", "message"), REFUSED.values(), ids=list(REFUSED))
def test_program_that_is_not_accepted_fails_without_a_start(
    client: Client, program: str, code: str, message: str
) -> None:
    job = _completed(client, program)
    assert (job["status"], job["started_at"], job["execution_duration_ms"]) == ("failed", None, None)
    assert job["failure"]["code"] == code
    assert not message or re.search(facts(message), job["failure"]["message"])


def test_long_program_does_not_delay_other_requests(client: Client) -> None:
    program = "qubit[5] q; bit[5] c;" + "h q[0]; cx q[0], q[1]; rz(pi / 4 + 0.1) q[3];\n" * 600 + "c = measure q;"
    writer = threading.Thread(target=_completed, args=(client, program))
    writer.start()
    requests = 0
    while writer.is_alive():
        began = time.monotonic()
        client.emulator.jobs()
        assert time.monotonic() - began < 1
        requests += 1
        time.sleep(0.01)
    writer.join()
    assert requests > 5


def _qiskit_probabilities(circuit: Any) -> list[float]:
    quantum_info: Any = pytest.importorskip("qiskit.quantum_info")
    probabilities: list[float] = quantum_info.Statevector(circuit).probabilities().tolist()
    return probabilities


@needs_qiskit
@pytest.mark.parametrize("name", sorted(set(STANDARD) - {"U", "CX", "phase", "cphase", "id"}))
def test_standard_gate_is_that_of_qiskit(client: Client, name: str) -> None:
    qiskit = pytest.importorskip("qiskit")
    gates = pytest.importorskip("qiskit.circuit.library").get_standard_gate_name_mapping()
    gate = gates[name]
    circuit = qiskit.QuantumCircuit(4)
    for qubit, angle in enumerate((1.1, 0.7, 0.4, 1.9)):
        circuit.ry(angle, qubit)
    angles = [0.3, 1.2, -0.8, 2.5][: len(gate.params)]
    circuit.append(type(gate)(*angles), range(gate.num_qubits))
    circuit.rx(0.6, range(4))
    program = f"qubit[4] q; ry(1.1) q[0]; ry(0.7) q[1]; ry(0.4) q[2]; ry(1.9) q[3]; {name}"
    program += f"({', '.join(map(str, angles))})" if angles else ""
    program += f" {', '.join(f'q[{index}]' for index in range(gate.num_qubits))}; rx(0.6) q;"
    found = _probabilities(client, program)
    assert [found.get(key, 0) for key in range(16)] == pytest.approx(_qiskit_probabilities(circuit), abs=1e-12)


@needs_qiskit
def test_programs_that_qiskit_writes_give_what_qiskit_computes(client: Client) -> None:
    random_circuit = pytest.importorskip("qiskit.circuit.random").random_circuit
    dumps = pytest.importorskip("qiskit.qasm3").dumps
    largest = 0.0
    for seed in range(40):
        circuit = random_circuit(4, 5, max_operands=4, seed=seed)
        found = _probabilities(client, dumps(circuit))
        expected = _qiskit_probabilities(circuit)
        largest = max(largest, *(abs(found.get(key, 0) - value) for key, value in enumerate(expected)))
    assert largest <= 1e-9, f"largest difference {largest}"


@needs_qiskit
def test_modifiers_give_what_qiskit_computes(client: Client) -> None:
    qiskit = pytest.importorskip("qiskit")
    circuits: Any = pytest.importorskip("qiskit.circuit")
    library: Any = pytest.importorskip("qiskit.circuit.library")
    modifiers = {
        "ctrl @": circuits.ControlModifier(1),
        "ctrl(2) @": circuits.ControlModifier(2),
        "negctrl @": circuits.ControlModifier(1, ctrl_state=0),
        "inv @": circuits.InverseModifier(),
        "pow(0.5) @": circuits.PowerModifier(0.5),
        "pow(3) @": circuits.PowerModifier(3),
    }
    randomness = random.Random(5)
    largest = 0.0
    for _ in range(40):
        names, angle = randomness.choices(list(modifiers), k=2), randomness.uniform(0, 3)
        # The first modifier of Qiskit is the one next to the gate.
        operation = circuits.AnnotatedOperation(library.RYGate(angle), [modifiers[name] for name in reversed(names)])
        qubits = randomness.sample(range(5), operation.num_qubits)
        circuit = qiskit.QuantumCircuit(5)
        circuit.h(range(5))
        circuit.append(library.UnitaryGate(operation.to_matrix()), qubits)
        circuit.rx(0.4, range(5))
        operands = ", ".join(f"q[{qubit}]" for qubit in qubits)
        program = f"qubit[5] q; h q; {' '.join(names)} ry({angle}) {operands}; rx(0.4) q;"
        found, expected = _probabilities(client, program), _qiskit_probabilities(circuit)
        largest = max(largest, *(abs(found.get(key, 0) - value) for key, value in enumerate(expected)))
    assert largest <= 1e-9, f"largest difference {largest}"
