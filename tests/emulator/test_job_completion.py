"""The automatic completion of jobs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Emulator
from airflow_provider_ionq.emulator.state import timestamp
from tests.emulator.conftest import BODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Client, Clock


def _shown(client: Client, job_id: str) -> str:
    return str(client("GET", f"/jobs/{job_id}").json()["status"])


def _listed(client: Client, _job_id: str) -> str:
    (job,) = client("GET", "/jobs").json()["jobs"]
    return str(job["status"])


def test_client_that_polls_a_job_sees_it_completed_by_default(run: Callable[..., Client]) -> None:
    client = run()
    job_id = client("POST", "/jobs", json=BODY).json()["id"]
    deadline = time.monotonic() + 10
    while _shown(client, job_id) != "completed":
        assert time.monotonic() < deadline
    shown = client("GET", f"/jobs/{job_id}").json()
    assert shown["submitted_at"] == shown["started_at"] < shown["completed_at"]
    assert (shown["output"], shown["failure"]) == ({}, None)


def test_default_is_a_tenth_of_a_second(run: Callable[..., Client], clock: Clock) -> None:
    client = run(clock=clock)
    job_id = client("POST", "/jobs", json=BODY).json()["id"]
    clock.now += 0.09
    assert _shown(client, job_id) == "started"
    clock.now += 0.02
    assert _shown(client, job_id) == "completed"


@pytest.mark.parametrize("look", [_shown, _listed])
@pytest.mark.parametrize("reads", [0, 1, 3])
@pytest.mark.parametrize("in_session", [False, True])
def test_job_is_completed_after_so_many_reads(
    run: Callable[..., Client], clock: Clock, look: Callable[[Client, str], str], reads: int, in_session: bool
) -> None:
    client = run(clock=clock, job_reads=reads)
    of_session = {"session_id": client.emulator.create_session()["id"]} if in_session else {}
    job_id = client("POST", "/jobs", json=BODY | of_session).json()["id"]
    clock.now += 60
    assert [look(client, job_id) for _ in range(reads + 1)] == ["started"] * reads + ["completed"]
    assert client.emulator.jobs()[0]["completed_at"] == timestamp(clock.now if reads else clock.now - 60)


def test_inspection_by_the_test_does_not_count_as_a_read(run: Callable[..., Client]) -> None:
    emulator = run(job_reads=1).emulator
    emulator.submit_job()
    assert [emulator.jobs()[0]["status"] for _ in range(3)] == ["started"] * 3


def test_job_that_a_list_leaves_out_is_not_read(run: Callable[..., Client]) -> None:
    client = run(job_reads=1)
    job_id = client.emulator.submit_job()["id"]
    assert client("GET", "/jobs?status=failed").json()["jobs"] == []
    assert _shown(client, job_id) == "started"


def test_job_stays_open_until_it_is_ended_if_no_time_is_set(run: Callable[..., Client], clock: Clock) -> None:
    client = run(clock=clock, job_seconds=None)
    job_id = client("POST", "/jobs", json=BODY).json()["id"]
    clock.now += 365 * 24 * 3600
    assert [_shown(client, job_id) for _ in range(3)] == ["submitted"] * 3
    client.emulator.complete_job(job_id)
    assert _shown(client, job_id) == "completed"


def test_change_of_the_setting_counts_for_jobs_that_come_later(run: Callable[..., Client], clock: Clock) -> None:
    client = run(clock=clock)
    assert client.control("PATCH", "/settings", json={"job_seconds": None}).status_code == 200
    by_hand = client.emulator.submit_job()["id"]
    client.emulator.job_reads = 0
    at_once = client.emulator.submit_job()["id"]
    clock.now += 60
    assert (_shown(client, by_hand), _shown(client, at_once)) == ("submitted", "completed")


def test_completion_by_reads_counts_towards_the_limits_of_the_session(run: Callable[..., Client]) -> None:
    client = run(job_reads=1)
    session_id = client.emulator.create_session(settings={"job_count_limit": 1})["id"]
    job_id = client.emulator.submit_job(session_id)["id"]
    assert client.status(session_id) == "started"
    assert _shown(client, job_id) == "started"
    assert client.status(session_id) == "ended"


def test_cancellation_after_completion_gives_no_cost_back(client: Client) -> None:
    settings = {"cost_limit": {"unit": "usd", "value": 10}}
    session_id = client.emulator.create_session(settings=settings)["id"]
    for status in ("started", "ended"):
        job_id = client.emulator.submit_job(session_id, cost_usd=5)["id"]
        client.emulator.complete_job(job_id)
        client("PUT", f"/jobs/{job_id}/status/cancel")
        assert client.status(session_id) == status


@pytest.mark.parametrize("reads", [-1, 1.5, "1", True])
def test_impossible_job_reads_are_rejected(reads: Any) -> None:
    with pytest.raises(ValueError, match="job_reads"):
        Emulator(job_reads=reads)
