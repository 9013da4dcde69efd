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
