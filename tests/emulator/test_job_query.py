"""The filters of both job lists."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from airflow_provider_ionq.emulator.account_data import USER_ID

if TYPE_CHECKING:
    from tests.emulator.conftest import Client

ALL = ["done", "open", "other", "failed", "alone"]
LISTS = ["/jobs", "/sessions/s/jobs"]


@pytest.fixture
def client(client: Client) -> Client:
    """Return a client of an account with two sessions and five jobs."""
    emulator = client.emulator
    emulator.create_session(session_id="s")
    emulator.create_session("simulator", session_id="t")
    for job_id, session_id, backend in (
        ("done", "s", None),
        ("open", "s", None),
        ("other", "s", "qpu.aria-1"),
        ("failed", "t", None),
        ("alone", None, None),
    ):
        emulator.submit_job(session_id, job_id=job_id, backend=backend)
    emulator.complete_job("done")
    emulator.fail_job("failed")
    return client


def _ids(client: Client, path: str, query: str) -> list[str]:
    answer = client("GET", f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    return [job["id"] for job in answer.json()["jobs"]]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ALL),
        ("ids=open", ["open"]),
        ("ids=alone&ids=done&ids=missing&ids=done", ["done", "alone"]),
        ("ids=open,done", []),
        ("parent_job_id=done", []),
        ("status=submitted", ["open", "other", "alone"]),
        ("status=completed", ["done"]),
        ("status=ready", []),
        ("target=qpu.aria-1", ["other"]),
        ("target=qpu.aria-1,simulator", ["other", "failed"]),
        ("target=qpu.none", []),
        ("session_id=t", ["failed"]),
        ("session_id=s", ["done", "open", "other"]),
        ("session_id=missing", []),
        (f"submitter_id={USER_ID}", ALL),
        ("submitter_id=somebody-else", []),
        (f"submitter_id={USER_ID}&target=qpu.forte-1&status=submitted&ids=open&ids=done", ["open"]),
        ("limit=2147483647", ALL),
        ("next=job-0", ALL),
        ("next=job-999999999", []),
    ],
)
def test_every_documented_filter_is_honoured(client: Client, path: str, query: str, expected: list[str]) -> None:
    of_session = {"done", "open", "other"}
    wanted = [job for job in expected if path == "/jobs" or job in of_session]
    assert _ids(client, path, query) == wanted


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "key"),
    [
        *[(f"{name}=", name) for name in ("ids", "parent_job_id", "session_id", "submitter_id", "target", "status")],
        *[(f"limit={quote(limit)}", "limit") for limit in ("", "0", "-1", "+1", "x", "1e3", "1.0", " 1", "2147483648")],
        ("limit=" + "9" * 5000, "limit"),
        ("limit=%D9%A1", "limit"),
        *[(f"next={cursor}", "next") for cursor in ("", "5", "job-", "job-x", "job--1", "job-9999999999", "None")],
        *[(f"status={status}", "status") for status in ("queued", "running", "Completed", "completed,failed", "%FF")],
        ("target=simulator,", "target"),
        *[
            (f"{name}=ready&{name}=ready", name)
            for name in ("parent_job_id", "session_id", "submitter_id", "target", "status", "limit", "next")
        ],
        ("backend=simulator", "backend"),
        ("Status=completed", "Status"),
        ("id=open", "id"),
        ("ids[]=open", "ids[]"),
        ("=", ""),
        ("limit", "limit"),
    ],
)
def test_query_that_cannot_be_honoured_gets_400_that_names_the_key(
    client: Client, path: str, query: str, key: str
) -> None:
    answer = client("GET", f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["validation"] == {"source": "query", "keys": [key]}
    assert key in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/whoami"),
        ("GET", "/backends"),
        ("GET", "/backends/simulator"),
        ("POST", "/sessions"),
        ("GET", "/sessions"),
        ("GET", "/sessions/s"),
        ("POST", "/sessions/s/end"),
        ("POST", "/jobs"),
        ("GET", "/jobs/open"),
        ("PUT", "/jobs/open/status/cancel"),
    ],
)
def test_parameter_that_a_route_does_not_have_gets_400_and_has_no_effect(
    client: Client, method: str, path: str
) -> None:
    before = client.emulator.sessions(), client.emulator.jobs()
    answer = client(method, f"{path}?limit=5")
    assert answer.status_code == 400
    assert answer.json()["validation"] == {"source": "query", "keys": ["limit"]}
    assert (client.emulator.sessions(), client.emulator.jobs()) == before


def test_repeated_active_gets_400(client: Client) -> None:
    assert client("GET", "/sessions?active=true&active=false").status_code == 400


def test_pages_of_all_jobs_hold_25_and_survive_a_forgotten_session(client: Client) -> None:
    for number in range(60):
        client.emulator.submit_job("t" if number % 2 else None, job_id=f"job {number}")
    first = client("GET", "/jobs").json()
    assert [job["id"] for job in first["jobs"]] == [*ALL, *(f"job {number}" for number in range(20))]
    client.emulator.delete_session("t")
    second = client("GET", f"/jobs?next={first['next']}").json()
    assert [job["id"] for job in second["jobs"]] == [f"job {number}" for number in range(20, 60, 2)]
    assert second["next"] is None


def test_list_needs_the_key_but_no_sessions(client: Client) -> None:
    assert client("GET", "/jobs", key=None).status_code == 401
    client.emulator.sessions_enabled = False
    assert _ids(client, "/jobs", "") == ALL
