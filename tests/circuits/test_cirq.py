"""Cirq's circuits as IonQ's JSON: the same distribution as Cirq's own, and what is refused."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

cirq = pytest.importorskip("cirq")
cirq_ionq = pytest.importorskip("cirq_ionq")
sympy = pytest.importorskip("sympy")

from airflow_provider_ionq.circuits.program import to_ionq_program  # noqa: E402
from airflow_provider_ionq.jobs.request import JobRequest  # noqa: E402
from tests.circuits.states import largest_difference, read  # noqa: E402

FIXED: list[Any] = [cirq.X, cirq.Y, cirq.Z, cirq.H, cirq.S, cirq.T, cirq.S**-1, cirq.T**-1, cirq.X**0.5, cirq.X**-0.5]
FIXED += [cirq.CNOT, cirq.SWAP, cirq.I]


def _random_gate(random_: random.Random, qubits: list[Any], *, native: bool) -> Any:
    one, other = random_.sample(qubits, 2)
    turns, angle = [random_.uniform(-1, 1) for _ in range(2)], random_.uniform(-7, 7)
    if native:
        return random_.choice(
            [
                cirq_ionq.GPIGate(phi=turns[0])(one),
                cirq_ionq.GPI2Gate(phi=turns[0])(one),
                cirq_ionq.MSGate(phi0=turns[0], phi1=turns[1], theta=random_.uniform(0, 0.25))(one, other),
                cirq_ionq.ZZGate(theta=turns[0])(one, other),
            ]
        )
    pick = random_.random()
    if pick < 0.5:
        gate = random_.choice(FIXED)
        return gate(*[one, other][: gate.num_qubits()])
    if pick < 0.6:
        text = cirq.DensePauliString(random_.choices("XYZ", k=2), coefficient=random_.choice([1, -1]))
        return cirq.PauliStringPhasor(text.on(one, other), exponent_neg=turns[0], exponent_pos=turns[1])
    if pick < 0.8:
        return random_.choice([cirq.rx, cirq.ry, cirq.rz])(angle)(one)
    return (random_.choice([cirq.XX, cirq.YY, cirq.ZZ]) ** angle)(one, other)


def random_circuit(seed: int, *, native: bool = False) -> Any:
    random_ = random.Random(seed)
    qubits = cirq.LineQubit.range(random_.randint(4, 5))
    circuit = cirq.Circuit(_random_gate(random_, qubits, native=native) for _ in range(15))
    if seed % 2:
        circuit = circuit.freeze()
    measured = random_.sample(qubits, random_.randint(1, len(qubits)))
    cut = random_.randint(0, len(measured) - 1)
    keys = ["z", "a"]
    groups = [group for group in (measured[:cut], measured[cut:]) if group]
    return cirq.Circuit(circuit, (cirq.measure(*group, key=key) for key, group in zip(keys, groups, strict=False)))


def cirqs_own(circuit: Any) -> dict[str, float]:
    """Return what Cirq reads with its keys, from its own state vector: the first qubit of a key is leftmost."""
    qubits = sorted(circuit.all_qubits())
    measurements = [op for op in circuit.all_operations() if isinstance(op.gate, cirq.MeasurementGate)]
    measured = [qubit for operation in measurements for qubit in operation.qubits]
    bare = cirq.Circuit(op for op in circuit.all_operations() if not isinstance(op.gate, cirq.MeasurementGate))
    state = cirq.final_state_vector(bare, qubit_order=qubits, dtype=np.complex128)
    others = [qubit for qubit in qubits if qubit not in measured]
    axes = [qubits.index(qubit) for qubit in measured + others]
    tensor = np.abs(state.reshape([2] * len(qubits)).transpose(axes).reshape(2 ** len(measured), -1)) ** 2
    found: dict[str, float] = {}
    for number, probability in enumerate(tensor.sum(axis=1)):
        bits, words = iter(cirq.big_endian_int_to_bits(number, bit_count=len(measured))), []
        for operation in measurements:
            words.append("".join(str(next(bits)) for _ in operation.qubits))
        found[" ".join(words)] = float(probability)
    return found


@pytest.mark.parametrize("native", [False, True], ids=["qis", "native"])
@pytest.mark.parametrize("seed", range(40))
def test_random_circuit_has_the_distribution_that_cirq_reads(seed: int, native: bool) -> None:
    circuit = random_circuit(seed, native=native)
    program = to_ionq_program(circuit, gateset="native" if native else "qis")
    assert json.loads(json.dumps(program, allow_nan=False)) == program
    JobRequest.of("simulator", circuit=program)
    assert largest_difference(read(program), cirqs_own(circuit)) < 1e-7


@pytest.mark.parametrize("excited", range(5))
def test_every_single_qubit_appears_at_its_own_place(excited: int) -> None:
    qubits = cirq.LineQubit.range(5)
    circuit = cirq.Circuit(cirq.X(qubits[excited]), cirq.measure(*qubits, key="m"))
    expected = "".join("1" if qubit == excited else "0" for qubit in range(5))
    assert {key for key, p in read(to_ionq_program(circuit)).items() if p > 0.5} == {expected}
    printed = cirq.Simulator().run(circuit, repetitions=1).measurements["m"]
    assert "".join(map(str, printed[0])) == expected


def test_keys_are_kept_in_their_order_with_the_qubits_in_theirs() -> None:
    a, b, c = cirq.LineQubit.range(3)
    # Without moments, Cirq moves the measurement of b to the beginning.
    circuit = cirq.Circuit(map(cirq.Moment, [cirq.X(a), cirq.measure(c, a, key="z"), cirq.measure(b, key="a")]))
    program = to_ionq_program(circuit, name="keys")
    assert program["layout"] == {"qubits": 3, "registers": [["z", [2, 0]], ["a", [1]]], "source": "cirq"}
    assert program["name"] == "keys"
    assert {key for key, p in read(program).items() if p > 0.5} == {"01 0"}


def test_keys_may_be_longer_than_the_metadata_of_the_library() -> None:
    qubits = cirq.LineQubit.range(12)
    circuit = cirq.Circuit(cirq.X.on_each(qubits), (cirq.measure(q, key=f"{'k' * 60}{q.x}") for q in qubits))
    assert len(to_ionq_program(circuit)["layout"]["registers"]) == 12


def test_number_of_a_line_qubit_is_that_of_the_qubit_of_ionq() -> None:
    circuit = cirq.Circuit(cirq.X(cirq.LineQubit(3)), cirq.measure(cirq.LineQubit(3)))
    program = to_ionq_program(circuit)
    assert (program["qubits"], program["circuit"]) == (4, [{"gate": "x", "targets": [3]}])
    assert program["layout"]["registers"] == [["q(3)", [3]]]


def test_fields_of_native_gates_have_the_names_of_ionq() -> None:
    a, b = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(cirq_ionq.ZZGate(theta=np.float64(0.25))(a, b), cirq.measure(a))
    assert to_ionq_program(circuit, gateset="native")["circuit"] == [{"gate": "zz", "targets": [0, 1], "angle": 0.25}]


def test_evolution_backward_in_time_is_sent_with_a_time_that_ionq_accepts() -> None:
    a, b = cirq.LineQubit.range(2)
    phasor = cirq.PauliStringPhasor(cirq.X(a) * cirq.Y(b), exponent_neg=-0.5)
    (gate,) = to_ionq_program(cirq.Circuit(phasor, cirq.measure(a, b, key="m")))["circuit"]
    assert gate["time"] == pytest.approx(np.pi / 4)
    assert (gate["terms"], gate["coefficients"]) == (["YX"], [-1.0])


def test_identities_and_the_global_phase_are_left_out() -> None:
    a, b = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(cirq.I(a), cirq.global_phase_operation(1j), cirq.X(b).with_tags("tag"), cirq.measure(a, b))
    assert to_ionq_program(circuit)["circuit"] == [{"gate": "x", "targets": [1]}]


def test_circuit_of_measurements_alone_has_no_gates() -> None:
    program = to_ionq_program(cirq.Circuit(cirq.measure(*cirq.LineQubit.range(2), key="m")))
    assert (program["gateset"], program["qubits"], program["circuit"]) == ("qis", 2, [])


def test_resolved_parameters_are_plain_numbers() -> None:
    a = cirq.LineQubit(0)
    circuit = cirq.Circuit(cirq.rx(2 * sympy.Symbol("t"))(a), cirq.measure(a))
    (gate,) = to_ionq_program(cirq.resolve_parameters(circuit, {"t": sympy.Rational(1, 4)}))["circuit"]
    assert gate == {"gate": "rx", "targets": [0], "rotation": 0.5}
    assert type(gate["rotation"]) is float


A, B, C = cirq.LineQubit.range(3)
END = cirq.measure(A, B, C, key="m")
OPTIMIZE = "cirq.optimize_for_target_gateset(circuit"

REFUSED: dict[str, tuple[Any, list[str]]] = {
    "unbound parameters": (
        cirq.Circuit(cirq.rx(sympy.Symbol("b"))(A), cirq.ry(sympy.Symbol("a"))(A), END),
        ["a, b", "resolve_parameters"],
    ),
    "CZ": (cirq.Circuit(cirq.CZ(A, B), END), ["CZ", OPTIMIZE]),
    "a root of CNOT": (cirq.Circuit(cirq.CNOT(A, B) ** 0.5, END), ["CNOT**0.5", OPTIMIZE]),
    "a root of SWAP": (cirq.Circuit(cirq.SWAP(A, B) ** 0.5, END), ["SWAP**0.5", OPTIMIZE]),
    "a power of H": (cirq.Circuit(cirq.H(A) ** 0.3, END), ["H**0.3", OPTIMIZE]),
    "a Toffoli gate": (cirq.Circuit(cirq.CCX(A, B, C), END), ["TOFFOLI", OPTIMIZE]),
    "a matrix": (cirq.Circuit(cirq.MatrixGate(np.eye(2))(A), END), [OPTIMIZE]),
    "a native gate among others": (
        cirq.Circuit(cirq.H(A), cirq_ionq.GPIGate(phi=0.1)(A), END),
        ["GPI", "gateset='native'"],
    ),
    "a subcircuit": (
        cirq.Circuit(cirq.CircuitOperation(cirq.FrozenCircuit(cirq.H(A))), END),
        ["CircuitOperation", "unroll_circuit_op"],
    ),
    "a condition": (
        cirq.Circuit(cirq.measure(A, key="a"), cirq.X(B).with_classical_controls("a"), cirq.measure(B, key="b")),
        ["X(q(1)).with_classical_controls(a)", "depends on a measurement"],
    ),
    "a reset": (cirq.Circuit(cirq.X(A), cirq.reset(A), END), ["reset(q(0))", "only gates"]),
    "noise": (cirq.Circuit(cirq.depolarize(0.1)(A), END), ["depolarize", "only gates"]),
    "a measurement of a Pauli string": (
        cirq.Circuit(cirq.measure_single_paulistring(cirq.X(A) * cirq.Z(B), key="p"), cirq.measure(C)),
        ["PauliMeasurementGate", "only gates"],
    ),
    "no measurement": (cirq.Circuit(cirq.H(A)), ["no measurement", "cirq.measure"]),
    "nothing": (cirq.Circuit(), ["no qubits"]),
    "a measurement in the middle": (cirq.Circuit(cirq.measure(A), cirq.X(A), cirq.measure(A, key="m")), ["at the end"]),
    "two measurements with one key": (
        cirq.Circuit(cirq.measure(A, key="m"), cirq.measure(B, key="m")),
        ["two measurements", "'m'"],
    ),
    "an inverted measurement": (
        cirq.Circuit(cirq.measure(A, B, key="m", invert_mask=(False, True))),
        ["'m'", "invert_mask"],
    ),
    "a confused measurement": (
        cirq.Circuit(cirq.measure(A, key="m", confusion_map={(0,): np.array([[0.8, 0.2], [0.2, 0.8]])})),
        ["'m'", "confusion_map"],
    ),
    "named qubits": (cirq.Circuit(cirq.measure(cirq.NamedQubit("alice"))), ["alice", "transform_qubits"]),
    "qubits of a grid": (cirq.Circuit(cirq.measure(cirq.GridQubit(0, 1))), ["q(0, 1)", "transform_qubits"]),
    "a negative qubit": (cirq.Circuit(cirq.measure(cirq.LineQubit(-1))), ["q(-1)", "transform_qubits"]),
    "a qudit": (cirq.Circuit(cirq.measure(cirq.LineQid(0, 3))), ["q(0) (d=3)", "transform_qubits"]),
    "a gate": (cirq.H, ["circuit", "Circuit of Cirq"]),
    "an infinite angle": (cirq.Circuit(cirq.rx(float("inf"))(A), END), ["rotation", "finite"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_circuit_that_ionq_cannot_run_is_refused_by_name(case: str) -> None:
    circuit, words = REFUSED[case]
    with pytest.raises(ValueError, match="circuit") as refusal:
        to_ionq_program(circuit, name="bell")
    for word in ["circuit 'bell'", *words]:
        assert word in str(refusal.value)


def test_circuit_that_is_not_native_is_refused() -> None:
    with pytest.raises(ValueError, match=r"H\(q\(0\)\).*GPIGate"):
        to_ionq_program(cirq.Circuit(cirq.H(A), END), gateset="native")


@pytest.mark.parametrize(
    "build",
    [
        lambda: cirq.CZ(A, B),
        lambda: cirq.CNOT(A, B) ** 0.5,
        lambda: cirq.CCX(A, B, C),
        lambda: cirq.ISWAP(A, C),
        lambda: cirq.FSimGate(0.1, 0.2)(B, C),
    ],
)
def test_advice_for_a_gate_that_needs_another_gateset_helps(build: Callable[[], Any]) -> None:
    circuit = cirq.Circuit(cirq.ry(0.7).on_each(A, B, C), build(), cirq.ry(1.7).on_each(A, B, C), END)
    helped = cirq.optimize_for_target_gateset(circuit, gateset=cirq_ionq.IonQTargetGateset())
    assert largest_difference(read(to_ionq_program(helped)), cirqs_own(circuit)) < 1e-7


def test_advice_for_other_qubits_helps() -> None:
    circuit = cirq.Circuit(cirq.X(cirq.NamedQubit("b")), cirq.measure(*cirq.NamedQubit.range(1, prefix="a")))
    helped = circuit.transform_qubits(dict(zip(sorted(circuit.all_qubits()), cirq.LineQubit.range(100), strict=False)))
    assert to_ionq_program(helped)["circuit"] == [{"gate": "x", "targets": [1]}]
