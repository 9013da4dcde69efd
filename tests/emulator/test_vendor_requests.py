"""
Recorded requests of IonQ's other clients.

They were recorded from cirq-ionq 1.7.0, qiskit-ionq 1.1.1 and pennylane-ionq 0.45.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Client

BELL = {
    "gateset": "qis",
    "qubits": 2,
    "circuit": [{"gate": "h", "targets": [0]}, {"gate": "cnot", "control": 0, "target": 1}],
}
CIRQ: dict[str, Any] = {"backend": "simulator", "type": "ionq.circuit.v1", "lang": "json", "input": BELL}
CIRQ |= {"metadata": {"measurement0": "m\u001f0,1", "shots": "100"}, "shots": "100"}
QISKIT: dict[str, Any] = {"type": "ionq.circuit.v1", "backend": "simulator", "shots": 100, "name": "circuit-59"}
QISKIT |= {"input": BELL, "metadata": {"shots": "100", "sampler_seed": "None", "qiskit_header": "H4sIAEl0B2sC/12N"}}

JOBS: dict[str, dict[str, Any]] = {
    "cirq": CIRQ | {"name": "bell"},
    "cirq with every option": CIRQ
    | {
        "backend": "qpu.forte-1",
        "settings": {"error_mitigation": {"debiasing": True}, "compilation": {"opt": 0, "precision": "1E-3"}},
        "noise": {"model": "aria-1", "seed": 3},
        "dry_run": True,
        "shots": "500",
    },
    "cirq with two circuits": CIRQ
    | {
        "type": "ionq.multi-circuit.v1",
        "input": {
            "gateset": "qis",
            "qubits": 2,
            "circuits": [{"circuit": BELL["circuit"]}, {"circuit": BELL["circuit"]}],
        },
        "metadata": {"measurements": '[{"measurement0": "m\\u001f0,1"}]', "qubit_numbers": "[2, 2]", "shots": "100"},
    },
    "qiskit": QISKIT | {"noise": {"model": "ideal", "seed": None}},
    "qiskit with error mitigation": QISKIT
    | {"backend": "qpu.forte-1", "shots": 500, "settings": {"error_mitigation": {"debiasing": True}}},
    "qiskit with a dry run": QISKIT | {"dry_run": True},
    "pennylane": {"type": "ionq.circuit.v1", "input": BELL, "backend": "simulator", "shots": 100},
}


@pytest.mark.parametrize("job", JOBS.values(), ids=list(JOBS))
def test_job_of_every_client_is_taken_and_completed(client: Client, job: dict[str, Any]) -> None:
    answer = client("POST", "/jobs", json=job)
    assert answer.status_code == 201, answer.text
    client.emulator.complete_job(answer.json()["id"])
    shown = client("GET", f"/jobs/{answer.json()['id']}").json()
    assert shown["status"] == "completed"
    ideal = job["backend"] == "simulator" and job.get("noise", {}).get("model", "ideal") == "ideal"
    assert shown.get("shots") == (None if ideal else int(job["shots"]))
    assert shown["metadata"] == job.get("metadata")
    assert shown["settings"] == job.get("settings", {})
    assert shown["dry_run"] == job.get("dry_run", False)


@pytest.mark.parametrize("query", ["", "?status=completed"])
def test_cirq_lists_jobs_with_a_body_that_does_not_count(client: Client, query: str) -> None:
    job_id = client("POST", "/jobs", json=CIRQ).json()["id"]
    client.emulator.complete_job(job_id)
    answer = client("GET", f"/jobs{query}", json={"limit": 1000})
    assert [job["id"] for job in answer.json()["jobs"]] == [job_id]


def test_cirq_cancels_a_completed_job(client: Client) -> None:
    job_id = client("POST", "/jobs", json=CIRQ).json()["id"]
    client.emulator.complete_job(job_id)
    assert client("PUT", f"/jobs/{job_id}/status/cancel").json() == {"id": job_id, "status": "canceled"}
    assert client("GET", f"/jobs/{job_id}").json()["status"] == "canceled"


def test_qiskit_works_in_a_session_and_ends_it(client: Client) -> None:
    limits = {"job_count_limit": 3, "duration_limit_min": 5, "cost_limit": {"unit": "usd", "value": 10}}
    session = client("POST", "/sessions", json={"backend": "qpu.forte-1", "settings": limits}).json()
    job = client("POST", "/jobs", json=QISKIT | {"backend": "qpu.forte-1", "session_id": session["id"]}).json()
    listed = client("GET", "/jobs", params={"session_id": session["id"], "status": "submitted"}).json()
    assert [known["id"] for known in listed["jobs"]] == [job["id"]]
    # No status of a job: qiskit-ionq reads no "jobs" in the answer, and cancels none.
    refused = client("GET", "/jobs", params={"session_id": session["id"], "status": "queued"})
    assert (refused.status_code, refused.json().get("jobs", [])) == (400, [])
    assert client("POST", f"/sessions/{session['id']}/end").json()["status"] == "ended"
    assert client("GET", f"/jobs/{job['id']}").json()["status"] == "canceled"
