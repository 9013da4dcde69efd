"""IonQ's own client works with the emulator."""

from __future__ import annotations

import json
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator.account_data import ORGANIZATION_ID
from airflow_provider_ionq.emulator.routes import API_ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ionq.emulator import Emulator
    from tests.emulator.conftest import Client

ionq_core = pytest.importorskip("ionq_core")

GROUPS = {"get_whoami": "whoami", "get_backend": "backends", "get_backends": "backends", "get_usages": "usage"}


def _call(ionq: Any, operation: str, **arguments: Any) -> Any:
    module: Any = import_module(f"ionq_core.api.{GROUPS.get(operation, 'default')}.{operation}")
    return module.sync(client=ionq, **arguments)


def _bell(session_id: str | None = None) -> Any:
    circuit = {"gateset": "qis", "qubits": 2, "circuit": [{"gate": "h", "target": 0}]}
    body = {"type": "ionq.circuit.v1", "backend": "qpu.forte-1", "input": circuit, "name": "bell"}
    body |= {"metadata": {"run": "r1"}} | ({"session_id": session_id} if session_id else {})
    return ionq_core.models.CircuitJobCreationPayload.from_dict(body)


def _this_year() -> dict[str, Any]:
    """Return a query of the usage report that has the date of the emulator's clock."""
    days = {"start_date": date(2025, 1, 1), "end_date": date(2025, 12, 31)}
    return {"organization_id": ORGANIZATION_ID, "group_by": "project", "modality": "monthly", **days}


@pytest.fixture
def ionq(emulator: Emulator) -> Iterator[Any]:
    with pytest.warns(UserWarning, match="does not use HTTPS"):
        client = ionq_core.IonQClient(api_key=emulator.api_key, base_url=emulator.url, max_retries=0)
    yield client
    client.get_httpx_client().close()


def test_client_reads_key_and_backends(emulator: Emulator, ionq: Any) -> None:
    assert _call(ionq, "get_whoami").key_name == "emulator"
    assert "qpu.forte-1" in {backend.backend for backend in _call(ionq, "get_backends")}
    assert _call(ionq, "get_backend", backend="qpu.forte-1").qubits == 36
    assert [request.status for request in emulator.requests] == [200, 200, 200]


def test_client_walks_a_session_from_creation_to_end(emulator: Emulator, ionq: Any) -> None:
    with ionq_core.SessionManager(ionq, "qpu.forte-1", max_jobs=3, max_time=60, max_cost=1.5) as manager:
        session_id = manager.session_id
        assert manager.status() == "created"
        emulator.start_session(session_id)
        assert manager.status() == "started"
        session = _call(ionq, "get_session", session_id=session_id)
        assert session.settings.cost_limit.value == 1.5
        assert [listed.id for listed in _call(ionq, "get_sessions", active=True).sessions] == [session_id]
        assert _call(ionq, "get_session_jobs", session_id_path=session_id).jobs == []
    assert emulator.session(session_id)["status"] == "ended"
    assert emulator.session(session_id)["ender_id"] is not None
    assert {request.authorized for request in emulator.requests} == {True}


def test_client_raises_its_own_errors(emulator: Emulator, ionq: Any) -> None:
    with pytest.raises(ionq_core.NotFoundError):
        _call(ionq, "get_session", session_id="missing")
    emulator.fail(429, retry_after=7)
    with pytest.raises(ionq_core.RateLimitError) as limited:
        _call(ionq, "get_whoami")
    assert limited.value.retry_after == 7
    emulator.api_key = "rotated"
    with pytest.raises(ionq_core.AuthenticationError):
        _call(ionq, "get_whoami")


def test_client_uses_every_session_endpoint_by_itself(emulator: Emulator, ionq: Any) -> None:
    request = ionq_core.models.CreateSessionRequest(
        backend="qpu.forte-1", settings=ionq_core.models.SessionSettingsRequest(duration_limit_min=60)
    )
    session = _call(ionq, "create_session", body=request)
    assert (session.status, session.settings.duration_limit_min) == ("created", 60)
    assert [listed.id for listed in _call(ionq, "get_sessions").sessions] == [session.id]
    job = _call(ionq, "create_job", body=_bell(session.id))
    assert (job.status, job.session_id) == ("submitted", session.id)
    assert _call(ionq, "get_session", session_id=session.id).status == "started"
    (listed,) = _call(ionq, "get_session_jobs", session_id_path=session.id).jobs
    assert (listed.id, listed.name, listed.status) == (job.id, "bell", "submitted")
    assert listed.metadata.to_dict() == {"run": "r1"}
    ended = _call(ionq, "end_session", session_id=session.id)
    assert (ended.id, ended.status) == (session.id, "ended")
    assert _call(ionq, "get_session_jobs", session_id_path=session.id, status="submitted").jobs == []
    assert _call(ionq, "get_job", uuid=job.id).status == "canceled"
    assert {request.route for request in emulator.requests} >= {route for route in API_ROUTES if "/sessions" in route}
    assert {request.status for request in emulator.requests} == {200, 201}


def test_client_pages_through_the_jobs_of_a_session(emulator: Emulator, ionq: Any) -> None:
    session_id = emulator.create_session()["id"]
    submitted = [emulator.submit_job(session_id)["id"] for _ in range(60)]
    seen: list[str] = []
    cursor: Any = ionq_core.types.UNSET
    while cursor is not None and len(emulator.requests) < 10:
        page = _call(ionq, "get_session_jobs", session_id_path=session_id, next_=cursor)
        seen += [job.id for job in page.jobs]
        cursor = page.next_
    assert seen == submitted
    assert len(emulator.requests) == 3


def test_client_cancels_a_job(emulator: Emulator, ionq: Any) -> None:
    job = _call(ionq, "create_job", body=_bell())
    assert job.session_id is None
    canceled = _call(ionq, "cancel_job", uuid=job.id)
    assert (canceled.id, canceled.status) == (job.id, "canceled")
    assert [known["status"] for known in emulator.jobs()] == ["canceled"]


def test_client_uses_every_job_endpoint(emulator: Emulator, ionq: Any) -> None:
    payloads = ionq_core.models
    # It reads the descriptors of October 2026 only, and leaves a job that has others as it is.
    emulator.result_style = "artifacts"
    job = _call(ionq, "create_job", body=_bell())
    clone = _call(ionq, "clone_job", uuid=job.id, body=payloads.CloneJobPayload(name="clone", shots=7))
    moved = _call(ionq, "move_job", uuid=clone.id, body=payloads.CloneJobPayload(backend="simulator"))
    by_name = {
        known.name: known for known in _call(ionq, "get_jobs", ids=[job.id, clone.id], target="qpu.forte-1").jobs
    }
    assert {name: (known.id, known.status) for name, known in by_name.items()} == {
        "bell": (job.id, "submitted"),
        "clone": (clone.id, "canceled"),
    }
    assert by_name["clone"].shots == 7
    assert _call(ionq, "get_job_cost", uuid=job.id).estimated_cost.value == 12.42
    estimate = _call(ionq, "estimate_job_cost", backend="qpu.forte-1", qubits=2, shots=100, field_2q_gates=1)
    assert (estimate.estimated_total_cost, estimate.estimated_unit) == (12.42, "usd")
    emulator.complete_job(job.id, probabilities={"0": 0.5, "3": 0.5})
    assert _call(ionq, "get_job_cost", uuid=job.id).cost.unit == "usd"
    probabilities = _call(ionq, "get_job_probabilities", uuid=job.id, sharpen=True)
    assert probabilities.to_dict() == {"0": 0.5, "3": 0.5}
    results = _call(ionq, "get_job", uuid=job.id).results
    descriptor = results["ionq.result.probabilities.json.v1"]
    artifact: Any = import_module("ionq_core.api.default.get_job_artifact")
    answer = artifact.sync_detailed(uuid=job.id, artifact_id=descriptor.id, client=ionq)
    assert json.loads(answer.content) == {"0": 0.5, "3": 0.5}
    report = _call(ionq, "get_usages", **_this_year())
    assert (report.amount_total, report.job_count) == (12.42, 1)
    ids = payloads.JobsBulkOperationRequest(ids=[moved.id])
    assert _call(ionq, "cancel_jobs", body=ids).status == "canceled"
    assert _call(ionq, "delete_job", uuid=job.id).status == "deleted"
    assert _call(ionq, "delete_jobs", body=ids).ids == [moved.id]
    assert [known["id"] for known in emulator.jobs()] == [clone.id]
    called = {request.route for request in emulator.requests} | {"PUT /jobs/{job_id}/status/cancel"}
    described = {route for route, operation in API_ROUTES.items() if operation.described}
    assert called >= {route for route in described if "/sessions" not in route and "/jobs" in route}


def test_client_submits_jobs_of_every_kind(emulator: Emulator, ionq: Any) -> None:
    gates = [{"gate": "h", "target": 0}]
    many = {"type": "ionq.multi-circuit.v1", "input": {"gateset": "qis", "circuits": [{"circuit": gates}] * 2}}
    program = {"type": "ionq.qasm3.v1", "input": {"data": "OPENQASM 3.0; qubit q; h q;"}}
    payloads = [
        ionq_core.models.JSONMultiCircuitJob.from_dict(many | {"backend": "qpu.forte-1"}),
        ionq_core.models.CircuitJobCreationPayload.from_dict(program | {"backend": "qpu.forte-1", "dry_run": True}),
    ]
    batch, dry_run = (_call(ionq, "create_job", body=payload).id for payload in payloads)
    assert len(_call(ionq, "get_job", uuid=batch).child_job_ids) == 2
    assert len(_call(ionq, "get_jobs", parent_job_id=batch).jobs) == 2
    emulator.fail_job(batch, code="SystemCancel")
    assert _call(ionq, "get_job", uuid=batch).failure.code == "SystemCancel"
    emulator.complete_job(dry_run)
    shown = _call(ionq, "get_job", uuid=dry_run)
    assert (shown.status, shown.dry_run, shown.results) == ("completed", True, None)


def test_client_raises_an_error_at_full_capacity(emulator: Emulator, ionq: Any) -> None:
    emulator.capacity = {"qpu.forte-1": 1}
    with ionq_core.SessionManager(ionq, "qpu.forte-1") as first:
        with pytest.raises(ionq_core.APIError, match="capacity of qpu.forte-1 is full") as full:
            ionq_core.SessionManager(ionq, "qpu.forte-1").open()
        assert full.value.status_code == 409
        assert [session["id"] for session in emulator.sessions()] == [first.session_id]
    with ionq_core.SessionManager(ionq, "qpu.forte-1") as second:
        assert second.session_id != first.session_id


def test_client_waits_for_a_job(run: Callable[..., Client]) -> None:
    emulator = run(job_reads=2).emulator
    with pytest.warns(UserWarning, match="does not use HTTPS"):
        client = ionq_core.IonQClient(api_key=emulator.api_key, base_url=emulator.url, max_retries=0)
    job = _call(client, "create_job", body=_bell())
    assert ionq_core.wait_for_job(client, job.id, poll_interval=0.01, timeout=30).status == "completed"
    assert len(emulator.requests) == 4
    client.get_httpx_client().close()


def test_client_lists_jobs_by_its_filters(emulator: Emulator, ionq: Any) -> None:
    first, second, third = (_call(ionq, "create_job", body=_bell()).id for _ in range(3))
    emulator.complete_job(second)
    assert [job.id for job in _call(ionq, "get_jobs", ids=[third, first]).jobs] == [first, third]
    assert [job.id for job in _call(ionq, "get_jobs", status="completed", target="qpu.forte-1").jobs] == [second]
    page = _call(ionq, "get_jobs", limit=2)
    assert [job.id for job in page.jobs] == [first, second]
    assert [job.id for job in _call(ionq, "get_jobs", next_=page.next_).jobs] == [third]
