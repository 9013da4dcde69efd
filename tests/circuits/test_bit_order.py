"""
Bit strings through operator, emulator and results are those that Qiskit and Cirq print, and that IonQ's clients decode.

Every circuit gives one bit string with certainty, and none is symmetric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import IonQResultsError
from airflow_provider_ionq.circuits.program import to_ionq_program
from airflow_provider_ionq.hooks.ionq import IonQHook
from tests.jobs.runs import JobTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

qiskit = pytest.importorskip("qiskit")
qiskit_ionq = pytest.importorskip("qiskit_ionq")
cirq = pytest.importorskip("cirq")
cirq_ionq = pytest.importorskip("cirq_ionq")

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister  # noqa: E402
from qiskit.providers.basic_provider import BasicSimulator  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

SHOTS = 100
BACKENDS = ("simulator", "qpu.forte-1")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(emulator: Emulator, backend: str, circuit: Any, **arguments: Any) -> dict[str, Any]:
    """Run a circuit, or a list of circuits, with the operator; return its results."""
    several = isinstance(circuit, list)
    source = (
        {"circuits": [to_ionq_program(one) for one in circuit]} if several else {"circuit": to_ionq_program(circuit)}
    )
    emulator.job_reads = 0
    ending = JobTask(emulator, backend=backend, shots=SHOTS, **source, **arguments).try_once()
    assert ending.state == "success", ending
    results = IonQHook().get_results(ending.value["id"], content=["probabilities", "counts"], shots=SHOTS)
    return dict(results)


def only(result: Any) -> str:
    """Return the bit string of a result that is certain."""
    assert result["counts"] == {next(iter(result["counts"])): SHOTS}
    assert result["probabilities"] == pytest.approx(dict.fromkeys(result["counts"], 1.0))
    return str(next(iter(result["counts"])))


# Qiskit.


def _single(excited: int) -> Any:
    circuit = QuantumCircuit(5)
    circuit.x(excited)
    circuit.measure_all()
    return circuit


def _crossed() -> Any:
    """Read qubits 0 to 3 into two registers, crossed; bit b[1] is never written."""
    circuit = QuantumCircuit(QuantumRegister(4, "q"), ClassicalRegister(2, "a"), ClassicalRegister(3, "b"))
    circuit.x([0, 3])
    circuit.measure([3, 1, 2, 0], [1, 0, 2, 4])
    return circuit


def _two_quantum_registers() -> Any:
    circuit = QuantumCircuit(QuantumRegister(2, "upper"), QuantumRegister(3, "lower"), ClassicalRegister(5, "c"))
    circuit.x(1)
    circuit.x(2)
    circuit.measure(range(5), [4, 3, 2, 1, 0])
    return circuit


QISKIT = {f"X on qubit {qubit} of five": _single(qubit) for qubit in range(5)} | {
    "crossed registers": _crossed(),
    "two quantum registers": _two_quantum_registers(),
}


def qiskit_prints(circuit: Any) -> str:
    (text,) = BasicSimulator().run(circuit, shots=10).result().get_counts()
    return str(text)


@pytest.fixture
def qiskit_ionq_prints(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], str]:
    monkeypatch.setenv("IONQ_API_URL", ionq_emulator.url)
    provider = qiskit_ionq.IonQProvider(ionq_emulator.api_key, url=ionq_emulator.url)

    def printed(circuit: Any, backend: str) -> str:
        ionq_emulator.job_reads = 0
        job = provider.get_backend(f"ionq_{backend}").run(circuit, shots=SHOTS)
        counts = job.result().get_counts()
        (text,) = (key for key, count in counts.items() if count)
        return str(text)

    return printed


@pytest.mark.parametrize("case", QISKIT)
def test_circuit_of_qiskit_gives_what_qiskit_prints(
    ionq_emulator: Emulator, backend: str, case: str, qiskit_ionq_prints: Callable[[Any, str], str]
) -> None:
    circuit = QISKIT[case]
    (result,) = run(ionq_emulator, backend, circuit)["circuits"]
    assert only(result) == qiskit_prints(circuit)
    assert only(result) == qiskit_ionq_prints(circuit, backend)
    words = only(result).split()[::-1]
    assert {name: only(one) for name, one in result["registers"].items()} == {
        register.name: word for register, word in zip(circuit.cregs, words, strict=True)
    }
    assert (result["bit_order"], result["source"]) == ("little-endian", "qiskit")
    assert result["kind"] == ("derived" if backend == "simulator" else "measured")


def test_circuits_of_one_job_keep_their_order_and_registers(ionq_emulator: Emulator, backend: str) -> None:
    circuits = [QISKIT[case] for case in sorted(QISKIT, reverse=True)]
    results = run(ionq_emulator, backend, circuits)["circuits"]
    assert [only(one) for one in results] == [qiskit_prints(circuit) for circuit in circuits]


def _in_the_middle() -> Any:
    """Write one qubit twice, reset another: the end of the circuit does not tell what was measured."""
    circuit = QuantumCircuit(QuantumRegister(3, "q"), ClassicalRegister(2, "early"), ClassicalRegister(3, "late"))
    circuit.x(1)
    circuit.measure(1, 1)
    circuit.x(1)
    circuit.measure(1, 2)
    circuit.x(2)
    circuit.reset(2)
    circuit.x(0)
    circuit.measure([2, 0], [3, 4])
    return circuit


def _the_first_of_five() -> Any:
    circuit = QuantumCircuit(5, 5)
    circuit.x(0)
    circuit.measure(0, 0)
    for qubit in range(4):
        circuit.swap(qubit, qubit + 1)
    circuit.measure([4, 3, 2, 1], [1, 2, 3, 4])
    return circuit


IN_THE_MIDDLE = {"crossed registers": _in_the_middle(), "one qubit read at two places": _the_first_of_five()}


@pytest.mark.parametrize("target", ["qpu.forte-1", "simulator"])
@pytest.mark.parametrize("case", IN_THE_MIDDLE)
def test_measurement_in_the_middle_gives_what_qiskit_prints(
    ionq_emulator: Emulator, target: str, case: str, qiskit_ionq_prints: Callable[[Any, str], str]
) -> None:
    circuit = IN_THE_MIDDLE[case]
    # Without a noise model the simulator has no registers. This one has no effect on the emulator.
    noise = {"noise": "forte-1"} if target == "simulator" else {}
    (result,) = run(ionq_emulator, target, circuit, **noise)["circuits"]
    assert only(result) == qiskit_prints(circuit)
    if target != "simulator":
        assert only(result) == qiskit_ionq_prints(circuit, target)
    words = only(result).split()[::-1]
    assert [only(one) for one in result["registers"].values()] == words
    assert (result["kind"], result["source"]) == ("measured", "qiskit")


def test_measurement_in_the_middle_is_no_result_of_the_ideal_simulator(ionq_emulator: Emulator) -> None:
    with pytest.raises(IonQResultsError, match="middle|registers"):
        run(ionq_emulator, "simulator", IN_THE_MIDDLE["crossed registers"])


# Cirq.

Q = cirq.LineQubit.range(5)


def _excited(qubit: int, *measurements: Any) -> Any:
    return cirq.Circuit(cirq.Moment(cirq.X(Q[qubit])), *(cirq.Moment(one) for one in measurements))


CIRQ = {f"X on qubit {qubit} of five": _excited(qubit, cirq.measure(*Q, key="m")) for qubit in range(5)} | {
    "qubits of a key in another order": _excited(1, cirq.measure(Q[3], Q[1], Q[0], key="m")),
    "two keys": _excited(4, cirq.measure(Q[4], Q[0], key="z"), cirq.measure(Q[2], key="a")),
    "some qubits are not measured": _excited(2, cirq.measure(Q[2], key="m")),
}


def cirq_prints(circuit: Any) -> dict[str, str]:
    measurements = cirq.Simulator().run(circuit, repetitions=1).measurements
    return {key: "".join(map(str, bits[0])) for key, bits in measurements.items()}


def cirq_ionq_prints(emulator: Emulator, circuit: Any, backend: str) -> dict[str, str]:
    service = cirq_ionq.Service(remote_host=emulator.url.removesuffix("/v0.4"), api_key=emulator.api_key)
    emulator.job_reads = 0
    result = service.run(circuit, repetitions=SHOTS, target=backend)
    return {key: "".join(map(str, bits[0])) for key, bits in result.measurements.items()}


@pytest.mark.parametrize("case", CIRQ)
def test_circuit_of_cirq_gives_what_cirq_prints(ionq_emulator: Emulator, backend: str, case: str) -> None:
    circuit = CIRQ[case]
    (result,) = run(ionq_emulator, backend, circuit)["circuits"]
    by_key = {name: only(one) for name, one in result["registers"].items()}
    assert by_key == cirq_prints(circuit)
    assert by_key == cirq_ionq_prints(ionq_emulator, circuit, backend)
    assert only(result) == " ".join(by_key.values())
    assert (result["bit_order"], result["source"]) == ("big-endian", "cirq")


def test_circuits_of_both_libraries_share_a_job(ionq_emulator: Emulator, backend: str) -> None:
    circuits = [QISKIT["crossed registers"], CIRQ["two keys"], QISKIT["X on qubit 1 of five"]]
    results = run(ionq_emulator, backend, circuits)["circuits"]
    assert [one["bit_order"] for one in results] == ["little-endian", "big-endian", "little-endian"]
    expected = [qiskit_prints(circuits[0]), " ".join(cirq_prints(circuits[1]).values()), qiskit_prints(circuits[2])]
    assert [only(one) for one in results] == expected
