"""The limits that end a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Emulator, Step
from airflow_provider_ionq.emulator.state import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Client, Clock


def _with(emulator: Emulator, plan: list[Step] | None = None, **settings: Any) -> str:
    return str(emulator.create_session(settings=settings, plan=plan)["id"])


def _usd(value: float, unit: str = "usd") -> dict[str, Any]:
    return {"cost_limit": {"unit": unit, "value": value}}


def test_duration_ends_a_session_that_many_minutes_after_its_creation(client: Client, clock: Clock) -> None:
    session_id = client("POST", "/sessions", json={"backend": "simulator", "settings": {"duration_limit_min": 2}})
    session_id = session_id.json()["id"]
    created = clock.now
    clock.now += 60
    client.emulator.start_session(session_id)
    clock.now += 59.9
    assert client.status(session_id) == "started"
    clock.now += 1000
    ended = client.session(session_id).json()
    assert (ended["status"], ended["ended_at"], ended["ender_id"]) == ("ended", timestamp(created + 120), None)
    assert client("GET", "/sessions").json()["sessions"] == [ended]


def test_earlier_of_plan_and_limit_ends_the_session(emulator: Emulator, clock: Clock) -> None:
    created = clock.now
    by_limit = _with(emulator, [Step("ended", after_seconds=61)], duration_limit_min=1)
    by_plan = _with(emulator, [Step("ended", after_seconds=59)], duration_limit_min=1)
    clock.now += 3600
    assert emulator.session(by_limit)["ended_at"] == timestamp(created + 60)
    assert emulator.session(by_plan)["ended_at"] == timestamp(created + 59)


def test_overdue_limit_precedes_an_end_by_hand(client: Client, clock: Clock) -> None:
    created = clock.now
    session_id = _with(client.emulator, duration_limit_min=1)
    clock.now += 90
    ended = client("POST", f"/sessions/{session_id}/end").json()
    assert (ended["ended_at"], ended["ender_id"]) == (timestamp(created + 60), None)


def test_job_count_ends_a_session_when_so_many_jobs_are_over_in_any_way(client: Client, clock: Clock) -> None:
    emulator = client.emulator
    session_id = _with(emulator, job_count_limit=3)
    jobs = [emulator.submit_job(session_id)["id"] for _ in range(4)]
    assert emulator.session(session_id)["status"] == "started", "submitted jobs do not count"
    emulator.complete_job(jobs[0])
    emulator.fail_job(jobs[1])
    assert emulator.session(session_id)["status"] == "started"
    clock.now += 5
    assert client("PUT", f"/jobs/{jobs[2]}/status/cancel").status_code == 200
    session = emulator.session(session_id)
    assert (session["status"], session["ended_at"], session["ender_id"]) == ("ended", timestamp(clock.now), None)
    assert [job["status"] for job in emulator.jobs(session_id)] == ["completed", "failed", "canceled", "canceled"]


def test_cost_ends_a_session_once_its_completed_jobs_reach_it(emulator: Emulator) -> None:
    session_id = _with(emulator, **_usd(10))
    failed, cheap, dear, last = (emulator.submit_job(session_id, cost_usd=cost)["id"] for cost in (100, 4, 100, 1))
    emulator.fail_job(failed)
    emulator.complete_job(cheap)
    emulator.complete_job(dear, cost_usd=5.5)
    assert emulator.session(session_id)["status"] == "started"
    emulator.complete_job(last, cost_usd=0.5)
    assert emulator.session(session_id)["status"] == "ended"


def test_jobs_of_another_session_do_not_count(emulator: Emulator) -> None:
    session_id = _with(emulator, job_count_limit=1, **_usd(1))
    for other in (_with(emulator), None):
        emulator.complete_job(emulator.submit_job(other, cost_usd=5)["id"])
    assert emulator.session(session_id)["status"] == "created"


@pytest.mark.parametrize(
    "settings",
    [
        {"duration_limit_min": 0},
        {"duration_limit_min": -5},
        {"job_count_limit": 0},
        {"job_count_limit": -1},
        _usd(0),
        _usd(-1.5),
        _usd(1, "credit"),
        {},
    ],
)
def test_limit_without_a_known_meaning_ends_nothing(emulator: Emulator, clock: Clock, settings: dict[str, Any]) -> None:
    session_id = _with(emulator, **settings)
    emulator.complete_job(emulator.submit_job(session_id, cost_usd=1000)["id"])
    clock.now += 10 * 24 * 3600
    assert emulator.session(session_id)["status"] == "started"


def test_limits_are_fixed_when_the_session_is_created(emulator: Emulator, clock: Clock) -> None:
    session_id = _with(emulator, duration_limit_min=1)
    emulator.update_session(session_id, settings={"duration_limit_min": 100})
    clock.now += 60
    assert emulator.session(session_id)["status"] == "ended"


def test_overdue_jobs_and_limits_happen_in_their_order(run: Callable[..., Client], clock: Clock) -> None:
    emulator = run(clock=clock, job_seconds=10).emulator
    began = clock.now
    session_id = _with(emulator, job_count_limit=2, duration_limit_min=60)
    jobs = []
    for _ in range(3):
        jobs.append(emulator.submit_job(session_id)["id"])
        clock.now += 1
    clock.now += 24 * 3600
    session = emulator.session(session_id)
    assert session["ended_at"] == timestamp(began + 11), "when the second job was completed"
    shown = [(job["status"], job["completed_at"]) for job in emulator.jobs(session_id)]
    assert shown == [
        ("completed", timestamp(began + 10)),
        ("completed", timestamp(began + 11)),
        ("canceled", timestamp(began + 11)),
    ]


def test_job_that_is_due_at_the_very_limit_is_completed(run: Callable[..., Client], clock: Clock) -> None:
    emulator = run(clock=clock, job_seconds=60).emulator
    session_id = _with(emulator, duration_limit_min=1)
    emulator.submit_job(session_id)
    clock.now += 60
    assert [job["status"] for job in emulator.jobs(session_id)] == ["completed"]
    assert emulator.session(session_id)["status"] == "ended"


def test_limits_work_at_the_beginning_of_time(run: Callable[..., Client], clock: Clock) -> None:
    clock.now = 0.0
    emulator = run(clock=clock).emulator
    session_id = _with(emulator, job_count_limit=1)
    emulator.complete_job(emulator.submit_job(session_id)["id"])
    assert emulator.session(session_id)["ended_at"] == timestamp(0)
