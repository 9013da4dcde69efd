"""
The simulator of the emulator, compared with Qiskit, with Cirq, and with the matrices that IonQ documents.

The random circuits are made in Qiskit or Cirq and go through the converter of IonQ's own library to the JSON that
IonQ's API takes.
"""

from __future__ import annotations

import cmath
import itertools
import math
import random
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from airflow_provider_ionq.emulator.gates import CONTROLS_LIMIT, controls_of, problem_in, targets_of
from airflow_provider_ionq.emulator.job_body import GATES, problems_in_new_job
from airflow_provider_ionq.emulator.matrices import operations_of
from airflow_provider_ionq.emulator.outcomes import circuit_distribution
from airflow_provider_ionq.emulator.simulator import QUBITS_LIMIT, StateVector
from airflow_provider_ionq.emulator.state import TooLarge
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.filterwarnings("ignore")

Gate = dict[str, Any]

# Of 500 circuits in total.
CIRCUITS = {"qiskit qis": 150, "cirq qis": 150, "qiskit native": 100, "cirq native": 100}
TOLERANCE = 1e-9
I2, X, Y, Z = (
    np.array(rows, dtype=complex)
    for rows in ([[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])
)
PAULIS = {"I": I2, "X": X, "Y": Y, "Z": Z}


def _qiskit_qis(randomness: random.Random, qubits: int) -> tuple[list[Gate], Any]:
    """Return the gates of a random circuit, and its state as Qiskit computes it."""
    qiskit: Any = pytest.importorskip("qiskit")
    helpers: Any = pytest.importorskip("qiskit_ionq.helpers")
    library: Any = pytest.importorskip("qiskit.circuit.library")
    quantum_info: Any = pytest.importorskip("qiskit.quantum_info")
    circuit = qiskit.QuantumCircuit(qubits)
    fixed = "h i id s sdg sx sxdg t tdg x y z".split()
    turning = {"rx": 1, "ry": 1, "rz": 1, "p": 1, "rxx": 2, "ryy": 2, "rzz": 2, "cp": 2, "crx": 2, "cry": 2, "crz": 2}
    for qubit in range(qubits):
        circuit.ry(randomness.uniform(0, math.pi), qubit)
    for _ in range(4 * qubits):
        places = randomness.sample(range(qubits), qubits)
        angle = randomness.uniform(-4, 4)
        kind = randomness.choice("fixed turning two many phases pauli".split())
        if kind == "fixed":
            name = randomness.choice(fixed)
            getattr(circuit, {"i": "id"}.get(name, name))(places[0])
        elif kind == "turning":
            name = randomness.choice(list(turning))
            getattr(circuit, name)(angle, *places[: turning[name]])
        elif kind == "two":
            getattr(circuit, randomness.choice("cx cy cz ch csx swap".split()))(*places[:2])
        elif kind == "many":
            circuit.mcx(places[:-1], places[-1])
        elif kind == "phases":
            circuit.mcp(angle, places[:-1], places[-1])
        else:
            size = randomness.randint(1, qubits)
            letters = "".join(randomness.choices("IXYZ", k=size))
            operator = quantum_info.SparsePauliOp([letters, "I" * size], [randomness.uniform(-1, 1), 0.3])
            circuit.append(library.PauliEvolutionGate(operator, time=randomness.uniform(0, 3)), places[:size])
    gates, _, _ = helpers.qiskit_circ_to_ionq_circ(circuit, gateset="qis")
    return gates, quantum_info.Statevector(circuit).data


def _qiskit_native(randomness: random.Random, qubits: int) -> tuple[list[Gate], Any]:
    qiskit: Any = pytest.importorskip("qiskit")
    helpers: Any = pytest.importorskip("qiskit_ionq.helpers")
    ionq: Any = pytest.importorskip("qiskit_ionq")
    quantum_info: Any = pytest.importorskip("qiskit.quantum_info")
    circuit = qiskit.QuantumCircuit(qubits)
    for _ in range(5 * qubits):
        gate = _native(randomness, ionq.GPIGate, ionq.GPI2Gate, ionq.MSGate, ionq.ZZGate)
        circuit.append(gate, randomness.sample(range(qubits), gate.num_qubits))
    gates, _, _ = helpers.qiskit_circ_to_ionq_circ(circuit, gateset="native")
    return gates, quantum_info.Statevector(circuit).data


def _native(randomness: random.Random, gpi: Any, gpi2: Any, ms: Any, zz: Any) -> Any:
    phases = [randomness.uniform(-1, 1) for _ in range(2)]
    angle = randomness.uniform(0, 0.25)
    gate, arguments = randomness.choice([(gpi, phases[:1]), (gpi2, phases[:1]), (ms, [*phases, angle]), (zz, [angle])])
    return gate(*arguments)


def _cirq_state(circuit: Any, qubits: int) -> Any:
    """Return the state with the first qubit as the least significant one, unlike in Cirq."""
    cirq: Any = pytest.importorskip("cirq")
    simulator = cirq.Simulator(dtype=np.complex128)
    state = simulator.simulate(circuit, qubit_order=cirq.LineQubit.range(qubits)).final_state_vector
    return state.reshape((2,) * qubits).T.reshape(-1)


def _cirq_gates(circuit: Any) -> list[Gate]:
    cirq: Any = pytest.importorskip("cirq")
    serializer: Any = pytest.importorskip("cirq_ionq").Serializer()
    circuit = circuit + cirq.measure_each(*sorted(circuit.all_qubits()))
    gates: list[Gate] = serializer.serialize_single_circuit(circuit).input["circuit"]
    return gates


def _cirq_qis(randomness: random.Random, qubits: int) -> tuple[list[Gate], Any]:
    cirq: Any = pytest.importorskip("cirq")
    line = cirq.LineQubit.range(qubits)
    circuit = cirq.Circuit(cirq.ry(randomness.uniform(0, math.pi))(qubit) for qubit in line)
    for _ in range(5 * qubits):
        places = randomness.sample(line, qubits)
        exponent = randomness.choice([0.25, -0.25, 0.5, -0.5, 1, randomness.uniform(-2, 2)])
        kind = randomness.choice("one fixed two parity pauli".split())
        if kind == "one":
            operation = randomness.choice([cirq.X, cirq.Y, cirq.Z])(places[0]) ** exponent
        elif kind == "fixed":
            operation = randomness.choice([cirq.H, cirq.T, cirq.S])(places[0])
        elif kind == "two":
            operation = randomness.choice([cirq.CNOT, cirq.SWAP])(*places[:2])
        elif kind == "parity":
            operation = randomness.choice([cirq.XX, cirq.YY, cirq.ZZ])(*places[:2]) ** exponent
        else:
            letters = cirq.DensePauliString("".join(randomness.choices("XYZ", k=qubits)))
            gate = cirq.PauliStringPhasorGate(letters, exponent_neg=abs(exponent) / 2, exponent_pos=0)
            operation = gate(*places)
        circuit.append(operation)
    return _cirq_gates(circuit), _cirq_state(circuit, qubits)


def _cirq_native(randomness: random.Random, qubits: int) -> tuple[list[Gate], Any]:
    cirq: Any = pytest.importorskip("cirq")
    ionq: Any = pytest.importorskip("cirq_ionq")
    line = cirq.LineQubit.range(qubits)
    circuit = cirq.Circuit()
    for _ in range(5 * qubits):
        gate = _native(
            randomness,
            lambda phi: ionq.GPIGate(phi=phi),
            lambda phi: ionq.GPI2Gate(phi=phi),
            lambda phi0, phi1, theta: ionq.MSGate(phi0=phi0, phi1=phi1, theta=theta),
            lambda theta: ionq.ZZGate(theta=theta),
        )
        circuit.append(gate(*randomness.sample(line, cirq.num_qubits(gate))))
    return _cirq_gates(circuit), _cirq_state(circuit, qubits)


MAKERS: dict[str, Callable[[random.Random, int], tuple[list[Gate], Any]]] = {
    "qiskit qis": _qiskit_qis,
    "cirq qis": _cirq_qis,
    "qiskit native": _qiskit_native,
    "cirq native": _cirq_native,
}


def _problem(gate: Gate, gateset: str) -> object:
    return problem_in(gate, gateset, targets_of(gate), controls_of(gate))


def _state(gates: Sequence[Gate], gateset: str, qubits: int) -> Any:
    """Return the state after gates, which a valid body of a job may have."""
    body = {"type": "ionq.circuit.v1", "backend": "simulator", "input": {"gateset": gateset, "circuit": gates}}
    assert problems_in_new_job(body) == {}
    assert [_problem(gate, gateset) for gate in gates] == [None] * len(gates)
    state = StateVector(qubits)
    state.run(operations_of(gates, gateset))
    return state.amplitudes.reshape(-1)


@pytest.mark.parametrize(("maker", "count"), CIRCUITS.items(), ids=list(CIRCUITS))
def test_random_circuits_have_the_state_that_another_simulator_computes(maker: str, count: int) -> None:
    randomness = random.Random(maker)
    gateset = maker.split()[1]
    largest = 0.0
    for _ in range(count):
        qubits = randomness.randint(3, 5)
        gates, expected = MAKERS[maker](randomness, qubits)
        found = _state(gates, gateset, qubits)
        # Up to a global phase, which no measurement can tell.
        overlap = np.vdot(found, expected)
        largest = max(largest, float(np.abs(found * overlap / abs(overlap) - expected).max()))
        value = {"gateset": gateset, "circuit": gates}
        measured = circuit_distribution(value, qubits).probabilities()
        probabilities = np.array([measured.get(str(key), 0) for key in range(1 << qubits)])
        largest = max(largest, float(np.abs(probabilities - np.abs(expected) ** 2).max()))
    message = f"largest difference of {count} circuits: {largest}"
    print(message)
    assert largest <= TOLERANCE, message


def _exponential(generator: Any, angle: float) -> Any:
    """Return exp(-i angle G) of a Hermitian matrix, by its eigenvalues."""
    values, vectors = np.linalg.eigh(generator)
    return vectors @ np.diag(np.exp(-1j * angle * values)) @ vectors.conj().T


def _kron(*factors: Any) -> Any:
    product = np.eye(1)
    for factor in factors:
        product = np.kron(product, factor)
    return product


def _e(turns: float) -> complex:
    return cmath.exp(2j * math.pi * turns)


def _gpi(p: float) -> Any:
    return np.array([[0, _e(-p)], [_e(p), 0]])


def _ms(p0: float, p1: float, a: float) -> Any:
    c, s = math.cos(math.pi * a), -1j * math.sin(math.pi * a)
    return np.array(
        [
            [c, 0, 0, s * _e(-(p0 + p1))],
            [0, c, s * _e(-(p0 - p1)), 0],
            [0, s * _e(p0 - p1), c, 0],
            [s * _e(p0 + p1), 0, 0, c],
        ]
    )


def _zz(a: float) -> Any:
    return np.diag([_e(-a / 2), _e(a / 2), _e(a / 2), _e(-a / 2)])


ISING = {"terms": ["XI", "IX", "ZZ"], "coefficients": [0.7, -0.4, 1.1], "time": 0.9}
# The first target is the last character of a term, and the most significant bit of these matrices.
ISING_SUM = 0.7 * _kron(I2, X) - 0.4 * _kron(X, I2) + 1.1 * _kron(Z, Z)
# Gate set, gate, and its matrix, of which the first target is the most significant bit.
DOCUMENTED: dict[str, tuple[str, Gate, Any]] = {
    "x": ("qis", {"gate": "x"}, X),
    "not": ("qis", {"gate": "not"}, X),
    "y": ("qis", {"gate": "y"}, Y),
    "z": ("qis", {"gate": "z"}, Z),
    "h": ("qis", {"gate": "h"}, (X + Z) / math.sqrt(2)),
    "s": ("qis", {"gate": "s"}, np.diag([1, 1j])),
    "si": ("qis", {"gate": "si"}, np.diag([1, -1j])),
    "t": ("qis", {"gate": "t"}, np.diag([1, _e(1 / 8)])),
    "ti": ("qis", {"gate": "ti"}, np.diag([1, _e(-1 / 8)])),
    "v": ("qis", {"gate": "v"}, np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2),
    "vi": ("qis", {"gate": "vi"}, np.array([[1 - 1j, 1 + 1j], [1 + 1j, 1 - 1j]]) / 2),
    "rx": ("qis", {"gate": "rx", "rotation": 0.7}, _exponential(X, 0.35)),
    "ry": ("qis", {"gate": "ry", "rotation": -2.1}, _exponential(Y, -1.05)),
    "rz": ("qis", {"gate": "rz", "rotation": 5}, _exponential(Z, 2.5)),
    "z with a rotation": ("qis", {"gate": "z", "rotation": 0.6}, np.diag([1, cmath.exp(0.6j)])),
    "swap": ("qis", {"gate": "swap"}, np.eye(4)[[0, 2, 1, 3]]),
    "xx": ("qis", {"gate": "xx", "rotation": 0.7}, _exponential(_kron(X, X), 0.35)),
    "yy": ("qis", {"gate": "yy", "rotation": 1.3}, _exponential(_kron(Y, Y), 0.65)),
    "zz": ("qis", {"gate": "zz", "rotation": -3}, _exponential(_kron(Z, Z), -1.5)),
    "pauliexp of one term": (
        "qis",
        {"gate": "pauliexp", "terms": ["XYZ"], "coefficients": [-0.8], "time": 1.7},
        _exponential(_kron(Z, Y, X), -0.8 * 1.7),
    ),
    "pauliexp of terms that commute": (
        "qis",
        {"gate": "pauliexp", "terms": ["XX", "YY", "II"], "coefficients": [0.3, 0.9, 0.2], "time": 2},
        _exponential(0.3 * _kron(X, X) + 0.9 * _kron(Y, Y) + 0.2 * np.eye(4), 2),
    ),
    "pauliexp of terms that do not commute": ("qis", {"gate": "pauliexp", **ISING}, _exponential(ISING_SUM, 0.9)),
    "pauliexp over a long time": ("qis", {"gate": "pauliexp", **ISING, "time": 9}, _exponential(ISING_SUM, 9)),
    "pauliexp over no time": ("qis", {"gate": "pauliexp", **ISING, "time": 0}, np.eye(4)),
    "gpi": ("native", {"gate": "gpi", "phase": 0.3}, _gpi(0.3)),
    "gpi2": ("native", {"gate": "gpi2", "phase": -0.7}, (I2 - 1j * _gpi(-0.7)) / math.sqrt(2)),
    "ms": ("native", {"gate": "ms", "phases": [0.1, 0.35], "angle": 0.17}, _ms(0.1, 0.35, 0.17)),
    "ms without an angle": ("native", {"gate": "ms", "phases": [0.1, 0.35]}, _ms(0.1, 0.35, 0.25)),
    "native zz": ("native", {"gate": "zz", "angle": 0.2}, _zz(0.2)),
    "native zz with a phase": ("native", {"gate": "zz", "phase": 0.2}, _zz(0.2)),
    "nop": ("native", {"gate": "nop"}, I2),
}


def _unitary(gates: Sequence[Gate], gateset: str, qubits: int) -> Any:
    """Return the matrix of gates, of which qubit 0 is the least significant bit."""
    columns = []
    for index in range(1 << qubits):
        state = StateVector(qubits)
        flat = state.amplitudes.reshape(-1)
        flat[0], flat[index] = 0, 1
        state.run(operations_of(gates, gateset))
        columns.append(state.amplitudes.reshape(-1))
    return np.stack(columns, axis=1)


def _placed(matrix: Any, targets: Sequence[int], controls: Sequence[int], qubits: int) -> Any:
    """Return the matrix of a gate on some qubits, element by element."""
    size = len(targets)
    whole = np.zeros((1 << qubits, 1 << qubits), dtype=complex)
    for row, column in itertools.product(range(1 << qubits), repeat=2):
        others = [qubit for qubit in range(qubits) if qubit not in targets]
        if any((row ^ column) >> qubit & 1 for qubit in others):
            continue
        if not all(column >> control & 1 for control in controls):
            whole[row, column] = row == column
            continue
        at = [sum((key >> target & 1) << (size - 1 - i) for i, target in enumerate(targets)) for key in (row, column)]
        whole[row, column] = matrix[at[0], at[1]]
    return whole


@pytest.mark.parametrize(("gateset", "gate", "matrix"), DOCUMENTED.values(), ids=list(DOCUMENTED))
def test_gate_has_the_documented_matrix_with_and_without_controls(gateset: str, gate: Gate, matrix: Any) -> None:
    size = len(matrix).bit_length() - 1
    randomness = random.Random(str(gate))
    controls_limit = 0 if gateset == "native" or gate["gate"] == "swap" else 2
    for controls in range(controls_limit + 1):
        for _ in range(3):
            places = randomness.sample(range(5), size + controls)
            placed = gate | {"targets": places[:size]} | ({"controls": places[size:]} if controls else {})
            assert _problem(placed, gateset) is None
            found = _unitary([placed], gateset, 5)
            assert np.abs(found - _placed(matrix, places[:size], places[size:], 5)).max() <= 1e-12


def test_every_gate_of_the_description_is_computed() -> None:
    known = {gateset: {gate["gate"] for where, gate, _ in DOCUMENTED.values() if where == gateset} for gateset in GATES}
    assert known == {"qis": GATES["qis"] - {"cnot"}, "native": GATES["native"]}


@pytest.mark.parametrize(
    "gate",
    [{"target": 1, "control": 0}, {"targets": [1], "controls": [0]}, {"target": 1, "controls": [0]}],
)
def test_cnot_is_a_controlled_x(gate: Gate) -> None:
    found = _unitary([{"gate": "cnot"} | gate], "qis", 2)
    assert np.array_equal(found, _placed(X, [1], [0], 2))


def test_gates_have_up_to_seven_controls() -> None:
    controls = list(range(CONTROLS_LIMIT))
    flips: list[Gate] = [{"gate": "x", "target": control} for control in controls]
    gate: Gate = {"gate": "x", "target": CONTROLS_LIMIT, "controls": controls}
    for left_out in (None, *controls):
        gates = [flip for flip in flips if flip["target"] != left_out] + [gate]
        key = sum(1 << flip["target"] for flip in gates)
        expected = key if left_out is None else key - (1 << CONTROLS_LIMIT)
        assert abs(_state(gates, "qis", 8)[expected]) == 1


# Each is the identity, up to a global phase.
IDENTITIES: dict[str, tuple[str, list[Gate]]] = {
    "s is a root of z": ("qis", [{"gate": name, "target": 0} for name in ("s", "s", "z")]),
    "t is a root of s": ("qis", [{"gate": name, "target": 0} for name in ("t", "t", "si")]),
    "v is a root of x": ("qis", [{"gate": name, "target": 0} for name in ("v", "v", "x")]),
    "h turns x into z": ("qis", [{"gate": name, "target": 0} for name in ("h", "x", "h", "z")]),
    "gpi is its own inverse": ("native", [{"gate": "gpi", "target": 0, "phase": 0.3}] * 2),
    "two gpi2 are a gpi": (
        "native",
        [{"gate": "gpi2", "target": 0, "phase": 0.3}] * 2 + [{"gate": "gpi", "target": 0, "phase": 0.3}],
    ),
    "ms is undone by half a turn": (
        "native",
        [{"gate": "ms", "targets": [0, 1], "phases": [phase, 0.2], "angle": 0.1} for phase in (0.3, 0.8)],
    ),
    "four zz are nothing": ("native", [{"gate": "zz", "targets": [0, 1], "angle": 0.25}] * 4),
}


@pytest.mark.parametrize(("gateset", "gates"), IDENTITIES.values(), ids=list(IDENTITIES))
def test_gates_that_undo_each_other_are_the_identity(gateset: str, gates: list[Gate]) -> None:
    found = _unitary(gates, gateset, 2)
    assert np.abs(found / found[0, 0] - np.eye(4)).max() <= 1e-12


def test_twenty_qubits_and_forty_gates_take_three_seconds_at_most() -> None:
    randomness = random.Random(20)
    gates: list[Gate] = []
    for _ in range(10):
        places = randomness.sample(range(20), 6)
        gates += [
            {"gate": "h", "target": places[0]},
            {"gate": "rx", "target": places[1], "rotation": randomness.uniform(0, 6)},
            {"gate": "cnot", "control": places[2], "target": places[3]},
            {"gate": "xx", "targets": places[4:], "rotation": randomness.uniform(0, 6)},
        ]
    began = time.thread_time()
    distribution = circuit_distribution({"gateset": "qis", "circuit": gates + [{"gate": "h", "target": 19}]}, 20)
    seconds = time.thread_time() - began
    assert distribution.states.sum() == pytest.approx(1)
    assert seconds <= 3


def test_state_beyond_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge, match=facts(f"{QUBITS_LIMIT} qubits | {QUBITS_LIMIT + 1}")):
        StateVector(QUBITS_LIMIT + 1)
    with pytest.raises(TooLarge, match=facts("measurement or reset | middle | one")):
        StateVector(QUBITS_LIMIT).grow()


HUGE: dict[str, tuple[str, Gate]] = {
    "rx": ("qis", {"gate": "rx", "target": 0, "rotation": 1.7e308}),
    "z with a rotation": ("qis", {"gate": "z", "target": 0, "rotation": -1.7e308}),
    "gpi": ("native", {"gate": "gpi", "target": 0, "phase": 1.7e308}),
    "gpi2": ("native", {"gate": "gpi2", "target": 0, "phase": -1.7e308}),
    "ms": ("native", {"gate": "ms", "targets": [0, 1], "phases": [1.7e308, 1], "angle": 1.7e308}),
    "zz": ("native", {"gate": "zz", "targets": [0, 1], "angle": 1.7e308}),
}


@pytest.mark.parametrize(("gateset", "gate"), HUGE.values(), ids=list(HUGE))
def test_angle_of_any_size_is_computed(gateset: str, gate: Gate) -> None:
    assert np.linalg.norm(_state([gate], gateset, 2)) == pytest.approx(1)


def test_exponential_that_would_take_forever_is_refused() -> None:
    gate = {"gate": "pauliexp", "targets": [0, 1], **ISING, "time": 1e6}
    with pytest.raises(TooLarge, match=facts("not commute")):
        _state([gate], "qis", 2)
    with pytest.raises(TooLarge, match="this large"):
        _state([gate | {"terms": ["XX"], "coefficients": [1e200], "time": 1e200}], "qis", 2)
    commuting = {**gate, "terms": ["XX", "YY"], "coefficients": [1e6, 1], "time": 1e6}
    assert np.linalg.norm(_state([commuting], "qis", 2)) == pytest.approx(1)
