"""Qiskit's circuits as IonQ's JSON: the same distribution as Qiskit's own, and what is refused."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

qiskit = pytest.importorskip("qiskit")
qiskit_ionq = pytest.importorskip("qiskit_ionq")

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister  # noqa: E402
from qiskit.circuit import Clbit, Gate, Parameter, ParameterVector, Qubit  # noqa: E402
from qiskit.circuit import library as gates  # noqa: E402
from qiskit.providers.basic_provider import BasicSimulator  # noqa: E402
from qiskit.quantum_info import SparsePauliOp, Statevector  # noqa: E402

from airflow_provider_ionq.circuits.layout import CircuitLayout  # noqa: E402
from airflow_provider_ionq.circuits.program import to_ionq_program  # noqa: E402
from airflow_provider_ionq.jobs.request import JobRequest  # noqa: E402
from airflow_provider_ionq.results.bits import Bits  # noqa: E402
from tests.circuits.states import largest_difference, read  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

FIXED = [
    *(gates.XGate, gates.YGate, gates.ZGate, gates.HGate, gates.SGate, gates.SdgGate, gates.TGate, gates.TdgGate),
    *(gates.SXGate, gates.SXdgGate, gates.IGate, gates.CXGate, gates.CYGate, gates.CZGate, gates.CHGate),
    *(gates.CSXGate, gates.CCXGate, gates.SwapGate, gates.C3XGate),
]
TURNED = [
    *(gates.RXGate, gates.RYGate, gates.RZGate, gates.PhaseGate, gates.CRXGate, gates.CRYGate, gates.CRZGate),
    *(gates.CPhaseGate, gates.RXXGate, gates.RYYGate, gates.RZZGate),
]
NATIVE: list[tuple[Any, int, int]] = [
    (qiskit_ionq.GPIGate, 1, 1),
    (qiskit_ionq.GPI2Gate, 1, 1),
    (qiskit_ionq.MSGate, 3, 2),
    (qiskit_ionq.ZZGate, 1, 2),
]


def _crossed_registers(circuit: Any, random_: random.Random) -> None:
    """Measure some qubits into several registers, in a random order; some bits are never measured."""
    sizes = [random_.randint(1, 3) for _ in range(random_.randint(1, 3))]
    for index, size in enumerate(sizes):
        circuit.add_register(ClassicalRegister(size, f"r{index}"))
    bits = random_.sample(range(sum(sizes)), random_.randint(1, sum(sizes)))
    for bit in bits:
        circuit.measure(random_.randrange(circuit.num_qubits), bit)


def random_circuit(seed: int, *, native: bool = False) -> Any:
    random_ = random.Random(seed)
    qubits = random_.randint(4, 5)
    circuit = QuantumCircuit(qubits, global_phase=random_.random())
    for _ in range(15):
        if native:
            kind, parameters, size = random_.choice(NATIVE)
            operation = kind(*(random_.uniform(-1, 1) for _ in range(parameters)))
            if kind is qiskit_ionq.MSGate:
                operation.params[2] = random_.uniform(0, 0.25)
            circuit.append(operation, random_.sample(range(qubits), size))
            continue
        pick = random_.random()
        operation = random_.choice(FIXED)() if pick < 0.6 else random_.choice(TURNED)(random_.uniform(-7, 7))
        if pick > 0.9:
            operator = random_.choice([SparsePauliOp(["XYZ", "YXI"], [0.3, -1.1]), SparsePauliOp("ZXI", 0.7)])
            operation = gates.PauliEvolutionGate(operator, time=random_.uniform(-2, 2))
        elif pick > 0.85:
            operation = gates.MCPhaseGate(random_.uniform(-7, 7), 3)
        circuit.append(operation, random_.sample(range(qubits), operation.num_qubits))
        if pick < 0.05:
            circuit.barrier()
    _crossed_registers(circuit, random_)
    return circuit


def qiskits_own(circuit: Any) -> dict[str, float]:
    """Return what Qiskit prints, from its own state vector and its own reading of a memory slot."""
    from qiskit.result.postprocess import format_counts_memory

    state = Statevector(_unmeasured(circuit))
    source = {}
    for instruction in circuit.data:
        if instruction.operation.name == "measure":
            bit, qubit = instruction.clbits[0], instruction.qubits[0]
            source[circuit.find_bit(bit).index] = circuit.find_bit(qubit).index
    header = {"creg_sizes": [[r.name, r.size] for r in circuit.cregs], "memory_slots": circuit.num_clbits}
    found: dict[str, float] = {}
    for number, probability in enumerate(state.probabilities()):
        slots = sum((number >> qubit & 1) << bit for bit, qubit in source.items())
        text = format_counts_memory(hex(slots), header)
        found[text] = found.get(text, 0.0) + float(probability)
    return found


def _unmeasured(circuit: Any) -> Any:
    bare = circuit.copy_empty_like()
    for instruction in circuit.data:
        if instruction.operation.name != "measure":
            bare.append(instruction)
    return bare


@pytest.mark.parametrize("native", [False, True], ids=["qis", "native"])
@pytest.mark.parametrize("seed", range(40))
def test_random_circuit_has_the_distribution_that_qiskit_prints(seed: int, native: bool) -> None:
    circuit = random_circuit(seed, native=native)
    program = to_ionq_program(circuit, gateset="native" if native else "qis")
    assert json.loads(json.dumps(program, allow_nan=False)) == program
    JobRequest.of("simulator", circuit=program)
    assert largest_difference(read(program), qiskits_own(circuit)) < 1e-9


@pytest.mark.parametrize("excited", range(5))
def test_every_single_qubit_appears_at_its_own_place(excited: int) -> None:
    circuit = QuantumCircuit(5)
    circuit.x(excited)
    circuit.measure_all()
    expected = "".join("1" if qubit == excited else "0" for qubit in range(5))[::-1]
    assert {key: p for key, p in read(to_ionq_program(circuit)).items() if p > 0.5} == {expected: 1.0}


def test_crossed_registers_are_read_bit_by_bit() -> None:
    circuit = QuantumCircuit(QuantumRegister(3, "q"), ClassicalRegister(2, "a"), ClassicalRegister(2, "b"))
    circuit.x(0)
    circuit.measure(2, 0)
    circuit.measure(0, 3)
    program = to_ionq_program(circuit, name="crossed")
    assert program["layout"] == {"qubits": 3, "registers": [["a", [2, None]], ["b", [None, 0]]], "source": "qiskit"}
    assert program["name"] == "crossed"
    assert (
        {key for key, p in read(program).items() if p > 0.5}
        == {"10 00"}
        == {k for k, p in qiskits_own(circuit).items() if p > 0.5}
    )


@pytest.mark.parametrize("middle", [False, True], ids=["JSON", "OpenQASM"])
def test_register_without_bits_stays_between_the_others(middle: bool) -> None:
    registers = [ClassicalRegister(1, "a"), ClassicalRegister(0, "empty"), ClassicalRegister(1, "b")]
    circuit = QuantumCircuit(QuantumRegister(2), *registers)
    circuit.x(0)
    circuit.measure(0, 0)
    if middle:
        circuit.x(0)
    circuit.measure(1, 1)
    program = to_ionq_program(circuit)
    assert program["layout"]["registers"] == [["a", [0]], ["empty", []], ["b", [1]]]
    if middle:
        assert "empty" not in program["qasm"]
    else:
        (text,) = BasicSimulator().run(circuit, shots=10).result().get_counts()
        assert Bits(CircuitLayout.of_json(program["layout"])).text_of(1) == text == "0  1"


def test_last_measurement_into_a_bit_counts() -> None:
    circuit = QuantumCircuit(2, 1)
    circuit.x(1)
    circuit.measure(0, 0)
    circuit.measure(1, 0)
    assert to_ionq_program(circuit)["layout"]["registers"] == [["c", [1]]]


def test_evolution_backward_in_time_is_sent_with_a_time_that_ionq_accepts() -> None:
    circuit = QuantumCircuit(2)
    circuit.append(gates.PauliEvolutionGate(SparsePauliOp(["XY"], [0.5]), time=-0.25), [0, 1])
    circuit.measure_all()
    (gate,) = to_ionq_program(circuit)["circuit"]
    assert gate == {"gate": "pauliexp", "targets": [0, 1], "terms": ["XY"], "coefficients": [-0.5], "time": 0.25}


def test_barriers_identities_and_the_global_phase_are_left_out() -> None:
    circuit = QuantumCircuit(2, global_phase=1.5)
    circuit.barrier()
    circuit.id(0)
    circuit.append(gates.GlobalPhaseGate(0.3), [])
    circuit.x(1)
    circuit.barrier(0)
    circuit.measure_all()
    assert to_ionq_program(circuit)["circuit"] == [{"gate": "x", "targets": [1]}]


def test_bound_parameters_are_plain_numbers() -> None:
    angles = ParameterVector("a", 2)
    circuit = QuantumCircuit(1)
    circuit.rx(2 * angles[0] + angles[1], 0)
    circuit.measure_all()
    (gate,) = to_ionq_program(circuit.assign_parameters([0.25, 0.5]))["circuit"]
    assert gate == {"gate": "rx", "targets": [0], "rotation": 1.0}
    assert type(gate["rotation"]) is float


@pytest.mark.parametrize("seed", range(20))
def test_random_circuit_as_openqasm_has_the_distribution_that_qiskit_prints(seed: int) -> None:
    pytest.importorskip("openqasm3")
    from airflow_provider_ionq.emulator.openqasm import Measurement, Reset, program_of
    from airflow_provider_ionq.emulator.simulator import StateVector

    circuit = random_circuit(seed)
    # A reset at the beginning changes nothing, but makes it OpenQASM.
    with_reset = circuit.copy_empty_like()
    with_reset.reset(1)
    with_reset.compose(circuit, circuit.qubits, circuit.clbits, inplace=True)
    made = to_ionq_program(with_reset)
    read_back = program_of(made["qasm"])
    assert read_back.problem is None
    state, source = StateVector(read_back.qubits), {}
    for instruction in read_back.instructions:
        if isinstance(instruction, Measurement):
            source[instruction.bit] = instruction.qubit
        elif not isinstance(instruction, Reset):
            instruction.apply(state)
    registers = list(read_back.registers.items())
    assert registers == [(register.name, register.size) for register in circuit.cregs]
    layout = {name: [source.get((name, bit)) for bit in range(size)] for name, size in registers}
    assert dict(made["layout"]["registers"]) == layout
    found: dict[str, float] = {}
    for number, probability in enumerate(state.probabilities()):
        words = ["".join("0" if q is None else str(number >> q & 1) for q in bits[::-1]) for bits in layout.values()]
        text = " ".join(words[::-1])
        found[text] = found.get(text, 0.0) + float(probability)
    assert largest_difference(found, qiskits_own(circuit)) < 1e-9


def _mid_circuit(**names: str) -> Any:
    """Measure in the middle; the registers are crossed, one bit is never measured."""
    circuit = QuantumCircuit(
        QuantumRegister(2, names.get("qubits", "anything")),
        ClassicalRegister(1, names.get("first", "mid")),
        ClassicalRegister(3, "result"),
    )
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.reset(0)
    circuit.rzz(0.5, 0, 1)
    circuit.x(1)
    circuit.measure([1, 0], [1, 3])
    return circuit


def test_measurement_in_the_middle_becomes_openqasm() -> None:
    program = to_ionq_program(_mid_circuit(), name="middle")
    assert program.keys() == {"qasm", "name", "layout"}
    assert program["layout"] == {
        "qubits": 2,
        "registers": [["mid", [0]], ["result", [1, None, 0]]],
        "source": "qiskit",
        "mid_circuit": True,
    }
    text = program["qasm"]
    assert text.startswith("OPENQASM 3")
    assert "bit[1] mid;" in text
    assert "bit[3] result;" in text
    assert "qubit[2] q;" in text
    assert "mid[0] = measure q[0];\nreset q[0];" in text
    assert "result[0] = measure q[1];\nresult[2] = measure q[0];" in text
    request = JobRequest.of("qpu.forte-1", circuit=program)
    assert (request.job_type, request.input, request.name) == ("ionq.qasm3.v1", {"data": text}, "middle")


def test_text_of_openqasm_does_not_depend_on_the_names_of_quantum_registers() -> None:
    texts = {to_ionq_program(_mid_circuit(qubits=name))["qasm"] for name in ("x", "y", "if", "mid_")}
    assert len(texts) == 1
    assert "qubit[2] q_;" in to_ionq_program(_mid_circuit(first="q"))["qasm"]


def test_text_of_openqasm_is_the_same_after_transpilation_to_a_device() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.cx(0, 1)
    circuit.measure(1, 1)
    placed = qiskit.transpile(circuit, coupling_map=[[0, 1], [1, 0]], initial_layout=[0, 1], optimization_level=0)
    assert to_ionq_program(placed) == to_ionq_program(circuit)


STABLE = """
import json
from qiskit import QuantumCircuit
from qiskit.circuit.library import MCPhaseGate, PauliEvolutionGate
from qiskit.quantum_info import SparsePauliOp
from airflow_provider_ionq.circuits.program import to_ionq_program
circuit = QuantumCircuit(5, 5)
for time in (0.1, -0.2):
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XX", "ZZ"], [time, 1]), time=time), [0, 1])
circuit.append(MCPhaseGate(0.1, 2), [0, 1, 2]); circuit.append(MCPhaseGate(0.2, 3), [0, 1, 2, 3])
circuit.mcx([0, 1, 2], 3); circuit.mcx([0, 1, 2, 3], 4)
if {middle}: circuit.measure(0, 0); circuit.x(0)
circuit.measure(range(5), range(5))
print("PROGRAM" + json.dumps(to_ionq_program(circuit)))
"""


@pytest.mark.parametrize("middle", [False, True], ids=["JSON", "OpenQASM"])
def test_program_is_the_same_in_every_process(middle: bool) -> None:
    programs = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", STABLE.replace("{middle}", str(middle))],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        )
        assert done.returncode == 0, done.stderr
        programs.append(done.stdout.split("PROGRAM")[1])
    assert programs[0] == programs[1]
    assert ("qasm" in json.loads(programs[0])) is middle


def _measured(build: Callable[[Any], object], qubits: int = 3) -> Any:
    circuit = QuantumCircuit(qubits, qubits)
    build(circuit)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def _with_branch(circuit: Any) -> None:
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)


def _with_loop(circuit: Any) -> None:
    with circuit.for_loop(range(3)):
        circuit.h(0)


def _native_in_the_middle(circuit: Any) -> None:
    circuit.measure(0, 0)
    circuit.append(qiskit_ionq.GPIGate(0.1), [0])


def _unsupported_in_the_middle(circuit: Any) -> None:
    circuit.measure(0, 0)
    circuit.cswap(0, 1, 2)


def _bell_without_measurement() -> Any:
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


NAMES = ("h", "x", "sx", "id", "barrier", "measure", "reset", "global_phase")


def _with_own_gate(name: str) -> Any:
    own = QuantumCircuit(1, name=name)
    own.rx(0.4, 0)
    return _measured(lambda circuit: circuit.append(own.to_gate(), [0]))


def _own_class(name: str) -> Any:
    return type("Own", (Gate,), {"__module__": "users"})(name, 1, [])


def _shared_bits() -> Any:
    bits = [Clbit(), Clbit()]
    circuit = QuantumCircuit([Qubit()], ClassicalRegister(bits=bits, name="a"), ClassicalRegister(bits=bits, name="b"))
    circuit.measure(0, 0)
    return circuit


def _loose_bits() -> Any:
    circuit = QuantumCircuit([Qubit()], [Clbit()])
    circuit.measure(0, 0)
    return circuit


TRANSPILE = "transpile(circuit, basis_gates="
CROSSING = SparsePauliOp(["XX", "ZI"], [1, 1])

REFUSED: dict[str, tuple[Any, list[str]]] = {
    "an unbound parameter": (_measured(lambda c: c.rx(Parameter("theta"), 0)), ["theta", "assign_parameters"]),
    "a vector of parameters": (
        _measured(lambda c: [c.rx(angle, 0) for angle in ParameterVector("v", 30)]),
        ["v[0], v[1]", "and 20 others"],
    ),
    "an unbound global phase": (
        _measured(lambda c: setattr(c, "global_phase", Parameter("phi"))),
        ["phi", "assign_parameters"],
    ),
    "u": (_measured(lambda c: c.u(1, 2, 3, 0)), ["'u'", TRANSPILE]),
    "cswap": (_measured(lambda c: c.cswap(0, 1, 2)), ["'cswap'", TRANSPILE]),
    "iswap": (_measured(lambda c: c.iswap(0, 1)), ["'iswap'", TRANSPILE]),
    "ecr": (_measured(lambda c: c.ecr(0, 1)), ["'ecr'", TRANSPILE]),
    "rzx": (_measured(lambda c: c.rzx(1, 0, 1)), ["'rzx'", TRANSPILE]),
    "an open control": (_measured(lambda c: c.cx(0, 1, ctrl_state=0)), ["'cx_o0'", TRANSPILE]),
    "a state": (_measured(lambda c: c.prepare_state(1, 0)), ["'state_preparation'", TRANSPILE]),
    "a composite gate": (
        _measured(lambda c: c.append(_bell_without_measurement().copy().to_instruction(), [0, 1], [0, 1])),
        [TRANSPILE],
    ),
    **{f"an own gate named {name}": (_with_own_gate(name), ["user-defined", repr(name), "rename"]) for name in NAMES},
    "an own class of gates": (_measured(lambda c: c.append(_own_class("h"), [0])), ["'h'", "rename"]),
    "an unsupported gate after a measurement": (_measured(_unsupported_in_the_middle), ["'cswap'", TRANSPILE]),
    "a native gate among others": (
        _measured(lambda c: c.append(qiskit_ionq.GPIGate(0.1), [0])),
        ["'gpi'", "gateset='native'"],
    ),
    "terms that do not commute": (
        _measured(lambda c: c.append(gates.PauliEvolutionGate(CROSSING, time=1), [0, 1])),
        ["'PauliEvolution'", "decompose"],
    ),
    "groups of terms that commute": (
        _measured(lambda c: c.append(gates.PauliEvolutionGate([SparsePauliOp("X"), SparsePauliOp("Z")], time=1), [0])),
        ["cannot be converted", "transpile(circuit"],
    ),
    "an infinite angle": (_measured(lambda c: c.rx(float("inf"), 0)), ["rotation", "finite"]),
    "no measurement": (_bell_without_measurement(), ["no measurement", "measure_all"]),
    "neither bits nor measurement": (QuantumCircuit(2), ["no measurement", "measure_all"]),
    "no qubits": (QuantumCircuit(), ["no qubits"]),
    "a branch": (_measured(_with_branch), ["'if_else'", "no branches"]),
    "a loop": (_measured(_with_loop), ["'for_loop'", "no branches"]),
    "a delay": (_measured(lambda c: c.delay(10, 0)), ["'delay'", "remove"]),
    "bits of two registers": (_shared_bits(), ["classical bit", "one register"]),
    "bits of no register": (_loose_bits(), ["classical bit", "one register"]),
    "the register of all qubits": (_mid_circuit(first="output_all"), ["'output_all'", "rename"]),
    "a word of OpenQASM": (_mid_circuit(first="measure"), ["'measure'", "rename"]),
    "a constant of OpenQASM": (_mid_circuit(first="pi"), ["'pi'", "rename"]),
    "a register that is no name": (_mid_circuit(first="my bits"), ["'my bits'", "rename"]),
    "a gate": (gates.HGate(), ["QuantumCircuit", "HGate"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_circuit_that_ionq_cannot_run_is_refused_by_name(case: str) -> None:
    circuit, words = REFUSED[case]
    with pytest.raises(ValueError, match="circuit") as refusal:
        to_ionq_program(circuit, name="bell")
    for word in ["circuit 'bell'", *words]:
        assert word in str(refusal.value)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda c: c.h(0), ["'h'", "GPIGate"]),
        (_native_in_the_middle, ["native gates", "gateset 'qis'"]),
    ],
    ids=["another gate", "a measurement in the middle"],
)
def test_circuit_that_is_not_native_is_refused(build: Callable[[Any], object], words: list[str]) -> None:
    with pytest.raises(ValueError, match="circuit") as refusal:
        to_ionq_program(_measured(build), gateset="native")
    for word in words:
        assert word in str(refusal.value)


def test_error_names_the_circuit_by_its_own_name() -> None:
    circuit = QuantumCircuit(1, name="ansatz")
    with pytest.raises(ValueError, match=re.escape("circuit 'ansatz' has no measurement")):
        to_ionq_program(circuit)


@pytest.mark.parametrize(
    "build",
    [
        lambda c: c.u(1, 2, 3, 0),
        lambda c: c.cswap(0, 1, 2),
        lambda c: c.cx(0, 1, ctrl_state=0),
        lambda c: c.iswap(0, 1),
        lambda c: c.prepare_state("101", range(3)),
    ],
)
def test_advice_for_a_gate_that_needs_transpiling_helps(build: Callable[[Any], object]) -> None:
    circuit = _measured(lambda c: (c.ry(0.7, range(3)), build(c)))
    helped = qiskit.transpile(circuit, basis_gates=["h", "rx", "ry", "rz", "cx"])
    decomposed = circuit.decompose(["state_preparation"], reps=3)
    assert largest_difference(read(to_ionq_program(helped)), qiskits_own(decomposed)) < 1e-9
