"""Submission and completion of jobs by a test, in Python and over the control routes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Emulator, UnknownJob, UnknownSession
from tests.support.facts import facts

if TYPE_CHECKING:
    from tests.emulator.conftest import Client


def test_job_takes_the_backend_of_its_session(emulator: Emulator) -> None:
    session_id = emulator.create_session("simulator")["id"]
    assert emulator.submit_job(session_id)["backend"] == "simulator"
    assert emulator.submit_job(session_id, backend="qpu.aria-2")["backend"] == "qpu.aria-2"
    assert emulator.submit_job()["backend"] == "qpu.forte-1"


def test_job_is_a_copy(emulator: Emulator) -> None:
    metadata = {"run": "r1"}
    job = emulator.submit_job(metadata=metadata)
    metadata["run"] = job["metadata"]["run"] = emulator.jobs()[0]["metadata"]["run"] = "changed"
    assert emulator.jobs()[0]["metadata"] == {"run": "r1"}


def test_jobs_of_a_deleted_session_are_forgotten(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    job_id = client.emulator.submit_job(session_id)["id"]
    kept = client.emulator.submit_job()["id"]
    client.emulator.delete_session(session_id)
    assert client("GET", f"/jobs/{job_id}").status_code == 404
    assert [job["id"] for job in client.emulator.jobs()] == [kept]


def test_unknown_job_or_session_is_named(emulator: Emulator) -> None:
    for call in (emulator.complete_job, emulator.fail_job, emulator.cancel_job):
        with pytest.raises(UnknownJob, match="'missing'"):
            call("missing")
    for of_session in (emulator.submit_job, emulator.jobs):
        with pytest.raises(UnknownSession, match="'missing'"):
            of_session("missing")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backend": "qpu.none"}, "backend"),
        ({"cost_usd": -1}, "cost_usd"),
        ({"cost_usd": "5"}, "cost_usd"),
        ({"job_id": ""}, "job_id"),
        ({"job_id": "taken"}, "job .*'taken' exists"),
        ({"name": 5}, "name"),
        ({"metadata": "x"}, "metadata"),
        ({"session_id": "over"}, "has ended"),
    ],
)
def test_impossible_job_is_rejected(emulator: Emulator, arguments: dict[str, Any], message: str) -> None:
    emulator.submit_job(job_id="taken")
    emulator.create_session(session_id="over")
    emulator.end_session("over")
    with pytest.raises(ValueError, match=message):
        emulator.submit_job(**arguments)
    assert len(emulator.jobs()) == 1


def test_refused_job_starts_no_session(emulator: Emulator) -> None:
    session_id = emulator.create_session()["id"]
    emulator.submit_job(job_id="taken")
    with pytest.raises(ValueError, match="job .* exists"):
        emulator.submit_job(session_id, job_id="taken")
    assert emulator.session(session_id)["status"] == "created"


def test_job_can_end_only_once(emulator: Emulator) -> None:
    job_id = emulator.submit_job()["id"]
    assert emulator.complete_job(job_id)["status"] == "completed"
    for call in (emulator.complete_job, emulator.fail_job):
        with pytest.raises(ValueError, match="completed already"):
            call(job_id)


@pytest.mark.parametrize("seconds", [-1, "5", float("nan")])
def test_impossible_job_seconds_are_rejected(seconds: Any) -> None:
    with pytest.raises(ValueError, match="job_seconds"):
        Emulator(job_seconds=seconds)


def test_jobs_are_controlled_over_http(client: Client) -> None:
    settings = {"cost_limit": {"unit": "usd", "value": 10}}
    session_id = client.emulator.create_session(settings=settings)["id"]
    job = {"session_id": session_id, "job_id": "a/b", "cost_usd": 1, "name": "n", "metadata": {"k": "v"}, "shots": 7}
    created = client.control("POST", "/jobs", json=job)
    assert created.status_code == 201
    assert created.json() == client.emulator.jobs()[0]
    client.control("POST", "/jobs", json={"session_id": session_id, "job_id": "second"})
    failed = client.control("PATCH", "/jobs/second", json={"status": "failed"})
    assert (failed.status_code, failed.json()["failure"]["code"]) == (200, "InternalError")
    completed = client.control("PATCH", "/jobs/a%2Fb", json={"status": "completed", "cost_usd": 10})
    assert (completed.status_code, completed.json()["status"]) == (200, "completed")
    assert client.status(session_id) == "ended", "the job reached the cost limit"


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/jobs", {"colour": 1}, "unknown fields: colour"),
        ("POST", "/jobs", {"session_id": 5}, "session_id"),
        ("POST", "/jobs", {"session_id": ["x"]}, "session_id"),
        ("POST", "/jobs", {"backend": "qpu.none"}, "backend"),
        ("PATCH", "/jobs/j", {"status": "started", "cost_usd": 5}, "unknown fields: cost_usd"),
        ("PATCH", "/jobs/j", {"status": "failed", "cost": 5}, "unknown fields: cost"),
        ("PATCH", "/jobs/j", {"status": "failed", "code": "Bored"}, "code | InternalError | Bored"),
        ("PATCH", "/jobs/j", {"status": "failed", "message": 5}, "message must"),
        ("PATCH", "/jobs/j", {"status": "completed", "job_id": "x"}, "unknown fields: job_id"),
        ("PATCH", "/jobs/j", {"status": "completed", "probabilities": {"x": 1}}, "a state must"),
        ("PATCH", "/jobs/j", {"status": "completed", "probabilities": {"0": 2}}, "probability of 0"),
        ("PATCH", "/jobs/j", {"status": "paused", "remove": "name"}, "remove must"),
        ("PATCH", "/jobs/j", {"status": "completed", "cost_usd": "5"}, "cost_usd"),
        ("PATCH", "/jobs/done", {"status": "started"}, "completed already"),
        ("POST", "/failures", {"code": "Bored"}, "code | InternalError | Bored"),
        ("POST", "/failures", {"times": 0}, "times must"),
        ("PATCH", "/jobs/done", {"status": "failed"}, "completed already"),
    ],
)
def test_invalid_job_control_gets_400_with_the_reason(
    client: Client, method: str, path: str, body: dict[str, Any], message: str
) -> None:
    client.emulator.submit_job(job_id="j")
    client.emulator.complete_job(client.emulator.submit_job(job_id="done")["id"])
    before = client.emulator.jobs()
    answer = client.control(method, path, json=body)
    assert answer.status_code == 400
    assert re.search(facts(message), answer.json()["message"])
    assert client.emulator.jobs() == before


def test_unknown_job_over_http_gets_404_that_names_it(client: Client) -> None:
    answer = client.control("PATCH", "/jobs/missing", json={"status": "failed"})
    assert answer.status_code == 404
    assert "missing" in answer.json()["message"]
