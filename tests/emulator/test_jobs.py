"""Jobs over the API."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator.state import timestamp
from tests.emulator.conftest import BODY

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from tests.emulator.conftest import Client, Clock


BAD_SHOTS: list[Any] = [0, -1, 1_000_001, 1.5, True, [], "0", "-1", "1000001", "1e3", " 5", "", "None", "9" * 5000]


def _submit(client: Client, session_id: str | None = None, **fields: Any) -> requests.Response:
    of_session = {} if session_id is None else {"session_id": session_id}
    return client("POST", "/jobs", json=BODY | of_session | fields)


def _refusal(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["message"]


def test_submitted_job_is_answered_and_shown(client: Client, clock: Clock) -> None:
    session_id = client.emulator.create_session()["id"]
    answer = _submit(client, session_id, name="bell", metadata={"run": "r1"}, shots=500)
    assert answer.status_code == 201
    job_id = answer.json()["id"]
    assert uuid.UUID(job_id)
    assert answer.json() == {"id": job_id, "status": "submitted", "session_id": session_id}
    shown = client("GET", f"/jobs/{job_id}").json()
    expected = {
        "id": job_id,
        "status": "submitted",
        "type": "ionq.circuit.v1",
        "backend": "qpu.forte-1",
        "session_id": session_id,
        "name": "bell",
        "metadata": {"run": "r1"},
        "shots": 500,
        "submitted_at": timestamp(clock.now),
        "started_at": None,
        "completed_at": None,
        "failure": None,
        "results": None,
    }
    assert shown | expected == shown
    assert shown.pop("child_job_ids", "missing") is None
    assert client("GET", f"/sessions/{session_id}/jobs").json() == {"jobs": [shown], "next": None}
    assert client.emulator.jobs(session_id) == client.emulator.jobs() == [shown]


def test_job_without_a_session_is_accepted(client: Client) -> None:
    answer = _submit(client).json()
    assert answer["session_id"] is None
    assert client("GET", f"/jobs/{answer['id']}").json()["metadata"] is None
    assert [job["id"] for job in client.emulator.jobs()] == [answer["id"]]


def test_first_job_starts_its_session_at_its_submission(client: Client, clock: Clock) -> None:
    session_id = client.emulator.create_session()["id"]
    clock.now += 7
    submitted = timestamp(clock.now)
    _submit(client, session_id)
    clock.now += 7
    _submit(client, session_id)
    session = client.session(session_id).json()
    assert (session["status"], session["active"], session["started_at"]) == ("started", True, submitted)


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({}, ["type", "backend", "input"]),
        (BODY | {"backend": "qpu.none"}, ["backend"]),
        (BODY | {"backend": []}, ["backend"]),
        (BODY | {"backend": None}, ["backend"]),
        (BODY | {"type": 5}, ["type"]),
        (BODY | {"session_id": {}}, ["session_id"]),
        (BODY | {"name": 1, "metadata": [], "shots": "x"}, ["name", "metadata", "shots"]),
        (BODY | {"metadata": {"count": 1}}, ["metadata"]),
        (BODY | {"input": []}, ["input"]),
        (BODY | {"noise": "aria-1"}, ["noise"]),
        (BODY | {"sesion_id": "s"}, ["sesion_id"]),
        *[(BODY | {"shots": shots}, ["shots"]) for shots in BAD_SHOTS],
        ([], []),
        ("not an object", []),
    ],
)
def test_bad_body_gets_400_that_names_the_keys(client: Client, body: Any, keys: list[str]) -> None:
    answer = client("POST", "/jobs", json=body)
    assert answer.status_code == 400
    assert answer.json()["validation"] == {"source": "payload", "keys": keys}
    assert client.emulator.jobs() == []


@pytest.mark.parametrize(("shots", "shown"), [(1, 1), (1_000_000, 1_000_000), ("500", 500), (None, 100)])
def test_shots_are_a_number_or_numeric_text(client: Client, shots: Any, shown: int) -> None:
    job_id = _submit(client, shots=shots).json()["id"]
    assert client("GET", f"/jobs/{job_id}").json()["shots"] == shown


def test_body_that_is_not_json_gets_400(client: Client) -> None:
    assert client("POST", "/jobs", data="{").status_code == 400


def test_job_for_an_unknown_session_gets_404_and_for_an_ended_one_400(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    client.emulator.end_session(session_id)
    assert _submit(client, "missing").status_code == 404
    status, message = _refusal(_submit(client, session_id))
    assert status == 400
    assert "has ended" in message
    assert client.emulator.jobs() == []


def test_account_without_sessions_takes_jobs_without_a_session_only(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    client.emulator.sessions_enabled = False
    assert _submit(client, session_id).status_code == 404
    assert _submit(client).status_code == 201


@pytest.mark.parametrize(("method", "path"), [("POST", "/jobs"), ("GET", "/jobs/j"), ("PUT", "/jobs/j/status/cancel")])
def test_jobs_need_the_key(client: Client, method: str, path: str) -> None:
    client.emulator.submit_job(job_id="j")
    assert client(method, path, json=BODY, key=None).status_code == 401
    assert [job["status"] for job in client.emulator.jobs()] == ["submitted"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/jobs/x"), ("PUT", "/jobs/x/status/cancel")])
def test_unknown_job_gets_404(client: Client, method: str, path: str) -> None:
    assert client(method, path).status_code == 404


def test_end_of_a_session_cancels_its_open_jobs(client: Client, clock: Clock) -> None:
    emulator = client.emulator
    session_id = emulator.create_session()["id"]
    done, failed, opened = (emulator.submit_job(session_id)["id"] for _ in range(3))
    elsewhere = emulator.submit_job()["id"]
    emulator.complete_job(done)
    emulator.fail_job(failed)
    clock.now += 9
    assert client("POST", f"/sessions/{session_id}/end").status_code == 200
    statuses = {job["id"]: job["status"] for job in emulator.jobs()}
    assert statuses == {done: "completed", failed: "failed", opened: "canceled", elsewhere: "submitted"}
    shown = client("GET", f"/jobs/{opened}").json()
    assert shown["completed_at"] == emulator.session(session_id)["ended_at"] == timestamp(clock.now)


def test_every_job_is_canceled_whatever_its_status(client: Client, clock: Clock) -> None:
    emulator = client.emulator
    queued, done, failed = (emulator.submit_job()["id"] for _ in range(3))
    emulator.complete_job(done)
    emulator.fail_job(failed)
    ended = {job["id"]: job["completed_at"] for job in emulator.jobs()} | {queued: timestamp(clock.now + 5)}
    clock.now += 5
    for job_id in (queued, done, failed, queued):
        answer = client("PUT", f"/jobs/{job_id}/status/cancel")
        assert (answer.status_code, answer.json()) == (200, {"id": job_id, "status": "canceled"})
        clock.now += 5
    assert {job["status"] for job in emulator.jobs()} == {"canceled"}
    assert {job["id"]: job["completed_at"] for job in emulator.jobs()} == ended, "a job ends once"


def test_job_with_seconds_starts_at_once_and_is_completed_when_they_are_over(
    run: Callable[..., Client], clock: Clock
) -> None:
    client = run(clock=clock, job_seconds=30)
    answer = _submit(client).json()
    assert answer["status"] == "submitted"
    path = f"/jobs/{answer['id']}"
    due = timestamp(clock.now + 30)
    clock.now += 29.9
    assert client("GET", path).json()["status"] == "started"
    clock.now += 500
    shown = client("GET", path).json()
    assert (shown["status"], shown["completed_at"]) == ("completed", due)


def test_started_job_is_canceled(run: Callable[..., Client], clock: Clock) -> None:
    client = run(clock=clock, job_seconds=30)
    job_id = _submit(client).json()["id"]
    assert client("PUT", f"/jobs/{job_id}/status/cancel").status_code == 200
    clock.now += 60
    assert client("GET", f"/jobs/{job_id}").json()["status"] == "canceled"


def test_every_access_brings_jobs_without_a_session_up_to_date(run: Callable[..., Client], clock: Clock) -> None:
    emulator = run(clock=clock, job_seconds=30).emulator
    emulator.submit_job()
    clock.now += 30
    assert [job["status"] for job in emulator.jobs()] == ["completed"]


def _pages(client: Client, session_id: str, query: str = "") -> list[list[str]]:
    pages = []
    cursor = None
    while True:
        after = "" if cursor is None else f"next={cursor}"
        answer = client("GET", f"/sessions/{session_id}/jobs?{'&'.join(filter(None, [query, after]))}").json()
        pages.append([job["id"] for job in answer["jobs"]])
        cursor = answer["next"]
        if cursor is None:
            return pages
        assert len(pages) < 10


@pytest.mark.parametrize(
    ("query", "lengths"), [("", [25, 5]), ("limit=25", [25, 5]), ("limit=1000", [25, 5]), ("limit=10", [10, 10, 10])]
)
def test_jobs_come_in_pages(client: Client, query: str, lengths: list[int]) -> None:
    session_id = client.emulator.create_session()["id"]
    jobs = [client.emulator.submit_job(session_id)["id"] for _ in range(30)]
    pages = _pages(client, session_id, query)
    assert [len(page) for page in pages] == lengths
    assert sum(pages, []) == jobs


def test_status_filters_across_pages(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    jobs = [client.emulator.submit_job(session_id)["id"] for _ in range(60)]
    for job_id in jobs[::2]:
        client.emulator.complete_job(job_id)
    assert _pages(client, session_id, "status=completed") == [jobs[::2][:25], jobs[::2][25:]]
    assert _pages(client, session_id, "status=failed") == [[]]


def test_page_is_where_it_was_after_jobs_have_changed(client: Client) -> None:
    emulator = client.emulator
    session_id = emulator.create_session()["id"]
    jobs = [emulator.submit_job(session_id)["id"] for _ in range(4)]
    first = client("GET", f"/sessions/{session_id}/jobs?status=submitted&limit=2").json()
    emulator.complete_job(jobs[0])
    jobs.append(emulator.submit_job(session_id)["id"])
    second = client("GET", f"/sessions/{session_id}/jobs?status=submitted&next={first['next']}").json()
    assert [job["id"] for job in second["jobs"]] == jobs[2:]


def test_list_of_jobs_shows_what_is_due(run: Callable[..., Client], clock: Clock) -> None:
    client = run(clock=clock, job_seconds=5)
    session_id = client.emulator.create_session()["id"]
    client.emulator.submit_job(session_id)
    clock.now += 5
    assert [job["status"] for job in client("GET", f"/sessions/{session_id}/jobs").json()["jobs"]] == ["completed"]


def test_log_distinguishes_jobs_from_sessions(client: Client) -> None:
    session_id = client.emulator.create_session()["id"]
    job_id = _submit(client, session_id).json()["id"]
    client("GET", f"/jobs/{job_id}")
    client("PUT", f"/jobs/{job_id}/status/cancel")
    client("GET", f"/sessions/{session_id}/jobs")
    seen = [(request.route, request.session_id) for request in client.emulator.requests]
    assert seen == [
        ("POST /jobs", None),
        ("GET /jobs/{job_id}", None),
        ("PUT /jobs/{job_id}/status/cancel", None),
        ("GET /sessions/{session_id}/jobs", session_id),
    ]
