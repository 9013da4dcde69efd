"""The clients of qiskit-ionq and cirq-ionq work with the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator
    from tests.emulator.conftest import Client

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def emulator(run: Callable[..., Client]) -> Emulator:
    """Run an emulator whose jobs are completed after two reads."""
    return run(job_reads=2).emulator


@pytest.fixture
def at_once(emulator: Emulator) -> None:
    """Complete each job before its first read: Qiskit waits five seconds for the second."""
    emulator.job_reads = 0


@pytest.fixture
def qiskit_backend(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    qiskit_ionq = pytest.importorskip("qiskit_ionq")
    # It asks for the number of qubits without the address that it was given.
    monkeypatch.setenv("IONQ_API_URL", emulator.url)
    provider = qiskit_ionq.IonQProvider(emulator.api_key, url=emulator.url)
    return lambda name: provider.get_backend(name)


def _qiskit_bell() -> Any:
    circuit = pytest.importorskip("qiskit").QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


@pytest.mark.parametrize("name", ["ionq_simulator", "ionq_qpu.forte-1"])
def test_qiskit_submits_a_job_and_waits_for_it(
    emulator: Emulator, qiskit_backend: Callable[[str], Any], name: str
) -> None:
    job = qiskit_backend(name).run(_qiskit_bell(), shots=200)
    while job.status().name not in ("DONE", "ERROR", "CANCELLED"):
        assert len(emulator.requests) < 20
    assert job.status().name == "DONE"
    (submitted,) = emulator.jobs()
    assert (submitted["id"], submitted["backend"]) == (job.job_id(), name.removeprefix("ionq_"))
    assert submitted["stats"]["gate_counts"] == {"1q": 1, "2q": 1}
    counts = job.result().get_counts()
    assert (set(counts), sum(counts.values())) == ({"00", "11"}, 200)
    client = qiskit_backend(name).client
    probabilities = client.get_results(f"/v0.4/jobs/{job.job_id()}/results/probabilities", sharpen=True)
    assert set(probabilities) == {"0", "3"}
    descriptor = client.retrieve_job(job.job_id())["results"]["ionq.result.probabilities.json.v1"]
    assert client.get_artifact(job.job_id(), descriptor["id"]) == probabilities


def test_qiskit_submits_several_circuits(emulator: Emulator, qiskit_backend: Callable[[str], Any]) -> None:
    job = qiskit_backend("ionq_simulator").run([_qiskit_bell(), _qiskit_bell()], shots=200)
    while job.status().name != "DONE":
        assert len(emulator.requests) < 20
    detailed = job.status(detailed=True)
    assert (detailed["total"], detailed["completed"]) == (2, 2)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("name", ["ionq_simulator", "ionq_qpu.forte-1"])
@pytest.mark.parametrize("qubit", range(5))
def test_qiskit_sees_which_qubit_is_one(qiskit_backend: Callable[[str], Any], name: str, qubit: int) -> None:
    circuit = pytest.importorskip("qiskit").QuantumCircuit(5)
    circuit.x(qubit)
    circuit.measure_all()
    expected = "".join("1" if index == qubit else "0" for index in reversed(range(5)))
    result = qiskit_backend(name).run(circuit, shots=50).result()
    assert result.get_counts() == {expected: 50}
    assert result.get_probabilities() == {expected: pytest.approx(1)}


def _crossed_registers() -> Any:
    """Return a circuit whose registers hold 01 and 011, with the qubits in another order."""
    qiskit = pytest.importorskip("qiskit")
    one, two = qiskit.ClassicalRegister(2, "one"), qiskit.ClassicalRegister(3, "two")
    circuit = qiskit.QuantumCircuit(qiskit.QuantumRegister(5, "q"), one, two)
    circuit.x([1, 3, 4])
    circuit.measure([3, 0], [one[0], one[1]])
    circuit.measure([4, 1, 2], [two[1], two[0], two[2]])
    return circuit


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("name", ["ionq_simulator", "ionq_qpu.forte-1"])
def test_qiskit_keeps_crossed_registers(qiskit_backend: Callable[[str], Any], name: str) -> None:
    assert qiskit_backend(name).run(_crossed_registers(), shots=20).result().get_counts() == {"011 01": 20}


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("name", ["ionq_simulator", "ionq_qpu.forte-1"])
def test_qiskit_reads_several_circuits_in_their_order(qiskit_backend: Callable[[str], Any], name: str) -> None:
    circuits = []
    for qubit in range(4):
        circuit = pytest.importorskip("qiskit").QuantumCircuit(4, name=f"x{qubit}")
        circuit.x(qubit)
        circuit.measure_all()
        circuits.append(circuit)
    result = qiskit_backend(name).run(circuits, shots=10).result()
    assert [result.get_counts(index) for index in range(4)] == [{"0001": 10}, {"0010": 10}, {"0100": 10}, {"1000": 10}]


@pytest.mark.usefixtures("at_once")
def test_qiskit_reads_single_shots(qiskit_backend: Callable[[str], Any]) -> None:
    job = qiskit_backend("ionq_qpu.forte-1").run([_qiskit_bell(), _qiskit_bell()], shots=30, memory=True)
    for index, memory in enumerate([job.get_memory(0), job.get_memory(1)]):
        counts = job.get_counts(index)
        assert {shot: memory.count(shot) for shot in counts} == counts
        assert len(memory) == 30


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("name", "options"), [("ionq_qpu.forte-1", {}), ("ionq_simulator", {"noise_model": "aria-1"})])
def test_qiskit_measures_in_the_middle(
    qiskit_backend: Callable[[str], Any], name: str, options: dict[str, str]
) -> None:
    qiskit = pytest.importorskip("qiskit")
    middle, result = qiskit.ClassicalRegister(1, "mid"), qiskit.ClassicalRegister(2, "result")
    circuit = qiskit.QuantumCircuit(qiskit.QuantumRegister(1, "q"), middle, result)
    circuit.h(0)
    circuit.measure(0, middle[0])
    circuit.x(0)
    circuit.measure(0, result[0])
    circuit.x(0)
    circuit.measure(0, result[1])
    counts = qiskit_backend(name).run(circuit, shots=100, **options).result().get_counts()
    assert (set(counts), sum(counts.values())) == ({"01 0", "10 1"}, 100)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("mitigation", ["DEBIASING", "NO_DEBIASING"])
@pytest.mark.parametrize("query", [{}, {"sharpen": True}, {"extra_query_params": {"aggregation": "dnl"}}])
def test_qiskit_reads_a_debiased_job(
    qiskit_backend: Callable[[str], Any], mitigation: str, query: dict[str, Any]
) -> None:
    constants: Any = pytest.importorskip("qiskit_ionq")
    chosen = getattr(constants.ErrorMitigation, mitigation)
    job = qiskit_backend("ionq_qpu.forte-1").run(_qiskit_bell(), shots=500, error_mitigation=chosen)
    counts = job.result(**query).get_counts()
    assert (set(counts), round(sum(counts.values()))) == ({"00", "11"}, 500)


def test_qiskit_estimates_cancels_and_deletes(emulator: Emulator, qiskit_backend: Callable[[str], Any]) -> None:
    backend = qiskit_backend("ionq_qpu.forte-1")
    estimate = backend.client.estimate_job(backend="qpu.forte-1", oneq_gates=1, twoq_gates=1, qubits=2, shots=100)
    assert estimate.queue_time == 1_200_000
    job = backend.run(_qiskit_bell(), shots=200)
    job.cancel()
    assert job.status().name == "CANCELLED"
    assert [known["status"] for known in emulator.jobs()] == ["canceled"]
    assert backend.client.delete_job(job.job_id())["status"] == "deleted"
    assert emulator.jobs() == []


def test_qiskit_reports_a_failed_job(emulator: Emulator, qiskit_backend: Callable[[str], Any]) -> None:
    emulator.fail_next_job("TooManyShots")
    job = qiskit_backend("ionq_qpu.forte-1").run(_qiskit_bell(), shots=200)
    with pytest.raises(Exception, match="TooManyShots"):
        job.status()


@pytest.fixture
def cirq_service(emulator: Emulator) -> Any:
    cirq_ionq = pytest.importorskip("cirq_ionq")
    return cirq_ionq.Service(
        remote_host=emulator.url.removesuffix("/v0.4"), api_key=emulator.api_key, default_target="simulator"
    )


def _cirq_bell() -> Any:
    cirq = pytest.importorskip("cirq")
    one, two = cirq.LineQubit.range(2)
    return cirq.Circuit(cirq.H(one), cirq.CNOT(one, two), cirq.measure(one, two, key="m"))


@pytest.mark.parametrize("target", ["simulator", "qpu.forte-1"])
@pytest.mark.parametrize("sharpen", [None, True, False])
def test_cirq_runs_a_circuit(emulator: Emulator, cirq_service: Any, target: str, sharpen: bool | None) -> None:
    emulator.job_reads = 0
    job = cirq_service.create_job(_cirq_bell(), repetitions=100, target=target)
    assert job.status() == "completed"
    result = job.results(sharpen=sharpen)
    if target == "simulator":
        assert result.probabilities("m") == {0: 0.5, 3: 0.5}
    else:
        assert (set(result.counts("m")), sum(result.counts("m").values())) == ({0, 3}, 100)
    assert cirq_service.get_job(job.job_id()).num_qubits() == 2


def test_cirq_lists_cancels_and_deletes(emulator: Emulator, cirq_service: Any) -> None:
    jobs = [cirq_service.create_job(_cirq_bell(), repetitions=100) for _ in range(2)]
    assert [job.job_id() for job in cirq_service.list_jobs(limit=2)] == [job.job_id() for job in jobs]
    jobs[0].cancel()
    assert jobs[0].status() == "canceled"
    jobs[1].delete()
    assert [job["id"] for job in emulator.jobs()] == [jobs[0].job_id()]


def test_cirq_submits_several_circuits(emulator: Emulator, cirq_service: Any) -> None:
    job = cirq_service.create_batch_job([_cirq_bell(), _cirq_bell()], repetitions=100)
    parent = emulator.job(job.job_id())
    assert (parent["type"], parent["stats"]["circuits"]) == ("ionq.multi-circuit.v1", 2)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("target", ["simulator", "qpu.forte-1"])
@pytest.mark.parametrize("qubit", range(5))
def test_cirq_sees_which_qubit_is_one(cirq_service: Any, target: str, qubit: int) -> None:
    cirq = pytest.importorskip("cirq")
    line = cirq.LineQubit.range(5)
    circuit = cirq.Circuit(cirq.X(line[qubit]), cirq.I.on_each(*line), cirq.measure(line[3], line[0], key="one"))
    circuit.append(cirq.measure(line[1], line[2], line[4], key="two"))
    circuit = cirq.drop_negligible_operations(circuit)
    ideal = cirq.Simulator().run(circuit, repetitions=10)
    result = cirq_service.run(circuit, repetitions=10, target=target)
    for key in ("one", "two"):
        assert (result.measurements[key] == ideal.measurements[key]).all()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("target", ["simulator", "qpu.forte-1"])
def test_cirq_reads_several_circuits_in_their_order(cirq_service: Any, target: str) -> None:
    cirq = pytest.importorskip("cirq")
    line = cirq.LineQubit.range(3)
    circuits = [cirq.Circuit(cirq.X(qubit), cirq.X(line[2]), cirq.measure(*line, key="m")) for qubit in line]
    results = cirq_service.create_batch_job(circuits, repetitions=10, target=target).results()
    found = [result.probabilities("m") if target == "simulator" else result.counts("m") for result in results]
    certain = 1 if target == "simulator" else 10
    # The first qubit is the most significant bit.
    assert found == [{0b101: certain}, {0b011: certain}, {0b000: certain}]
