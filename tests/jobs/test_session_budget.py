"""The budget that the jobs of a session share, also when several tasks submit at the same moment."""

from __future__ import annotations

import itertools
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import IonQBudgetError, IonQNotEndedError
from airflow_provider_ionq.api.settings import ClientSettings
from airflow_provider_ionq.jobs import cancel, session_budget
from airflow_provider_ionq.jobs.budget import Budget
from airflow_provider_ionq.jobs.session_budget import SessionSpending
from airflow_provider_ionq.waiting import create_once
from tests.jobs.tasks import Submitter
from tests.support.facts import facts

if TYPE_CHECKING:
    from requests_mock import Mocker

    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow

PRICE = 12.42
"""Of every job here, at the emulator's prices."""

JOBS = "GET /sessions/{session_id}/jobs"
EMPTY = '{"jobs": [], "next": null}'


@pytest.fixture(autouse=True)
def _look_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_budget, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(session_budget, "SHOW_SECONDS", 0.0)
    monkeypatch.setattr(create_once, "SHOW_SECONDS", 0.0)


@pytest.fixture
def session_id(ionq_emulator: Emulator) -> str:
    ionq_emulator.job_seconds = None
    return str(ionq_emulator.create_session("qpu.forte-1")["id"])


def submitter(emulator: Emulator, session_id: str, task_id: str, limit: float | None, **more: Any) -> Submitter:
    one = Submitter(emulator, task_id=task_id, session_id=session_id, **more)
    one.options = {"budget": Budget(session_max_cost_usd=limit)}
    return one


def open_jobs(emulator: Emulator) -> list[str]:
    return [job["id"] for job in emulator.jobs() if job["status"] not in ("completed", "failed", "canceled")]


@pytest.mark.parametrize(("limit", "fits"), [(2 * PRICE, True), (2 * PRICE - 0.01, False)])
def test_job_of_somebody_else_counts(ionq_emulator: Emulator, session_id: str, limit: float, fits: bool) -> None:
    ionq_emulator.submit_job(session_id, cost_usd=PRICE)
    task = submitter(ionq_emulator, session_id, "t", limit)
    if fits:
        task.submit()
    else:
        with pytest.raises(IonQBudgetError, match=facts("12.42 | budget of the session | 24.83")):
            task.submit()
    assert len(ionq_emulator.jobs()) == 1 + fits


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("by", ["another task", "other code"])
@pytest.mark.parametrize(("limit", "fits"), [(2 * PRICE, True), (2 * PRICE - 0.01, False)])
def test_job_that_is_submitted_between_the_check_and_the_request_counts(
    ionq_emulator: Emulator, session_id: str, stored: bool, by: str, limit: float, fits: bool
) -> None:
    first = submitter(ionq_emulator, session_id, "first", limit)
    later = submitter(ionq_emulator, session_id, "later", limit, stored=stored)
    later.before_request = (
        first.submit if by == "another task" else lambda: ionq_emulator.submit_job(session_id, cost_usd=PRICE)
    )
    if fits:
        later.submit()
        assert len(open_jobs(ionq_emulator)) == 2
        return
    with pytest.raises(IonQBudgetError) as error:
        later.submit()
    theirs, own = ionq_emulator.jobs()
    said = f"{own['id']} | cancelled | price | 12.42 | budget of the session | 24.83 | {session_id}"
    assert re.search(facts(said), str(error.value))
    assert str(error.value).count("12.42") == 2, "the price of the job, and what the jobs of the session cost"
    assert not error.value.retryable
    assert (theirs["status"], own["status"]) == ("submitted", "canceled")
    later.before_request = lambda: None
    with pytest.raises(IonQBudgetError, match="was not submitted"):
        later.submit()
    assert len(ionq_emulator.jobs()) == 2


def test_of_many_tasks_at_the_same_moment_as_many_stay_as_fit(
    ionq_emulator: Emulator, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_budget, "SETTLE_SECONDS", 0.3)
    checked = threading.Barrier(5, timeout=60)
    outcomes: list[BaseException | str] = []

    def run(number: int) -> None:
        task = submitter(ionq_emulator, session_id, f"t{number}", 2 * PRICE)
        task.before_request, task.sleep = checked.wait, time.sleep
        try:
            outcomes.append(task.submit())
        except BaseException as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    jobs = sorted(ionq_emulator.jobs(), key=lambda job: (job["submitted_at"], job["id"]))
    assert [job["status"] for job in jobs] == ["submitted"] * 2 + ["canceled"] * 3
    kept = [one for one in outcomes if isinstance(one, str)]
    assert sorted(kept) == sorted(job["id"] for job in jobs[:2])
    assert all(isinstance(one, (str, IonQBudgetError)) for one in outcomes)


@pytest.mark.parametrize("stored", [True, False])
def test_job_of_a_crashed_try_is_checked_by_the_next_try(
    ionq_emulator: Emulator, session_id: str, stored: bool
) -> None:
    class Killed(BaseException):
        pass

    def killed(_: float) -> None:
        raise Killed

    task = submitter(ionq_emulator, session_id, "t", 2 * PRICE - 0.01, stored=stored)
    task.before_request = lambda: ionq_emulator.submit_job(session_id, cost_usd=PRICE)
    task.sleep = killed
    with pytest.raises(Killed):
        task.submit()
    assert len(open_jobs(ionq_emulator)) == 2
    task.before_request, task.sleep = (lambda: None), None
    with pytest.raises(IonQBudgetError, match=facts("cancelled | price | 12.42")):
        task.submit()
    assert [job["status"] for job in ionq_emulator.jobs()] == ["submitted", "canceled"]


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_job_that_has_ended_is_not_checked_again(ionq_emulator: Emulator, session_id: str, status: str) -> None:
    task = submitter(ionq_emulator, session_id, "t", PRICE)
    job_id = task.submit()
    ionq_emulator.set_job_status(job_id, status)
    ionq_emulator.submit_job(session_id, cost_usd=PRICE)
    ionq_emulator.clear_requests()
    if status == "completed":
        assert task.submit() == job_id
        assert task.routes()[JOBS] == 0
    assert ionq_emulator.job(job_id)["status"] == status


@pytest.mark.parametrize("limit", [None, PRICE])
def test_job_without_a_session_or_without_its_budget_is_not_looked_at_again(
    ionq_emulator: Emulator, session_id: str, limit: float | None
) -> None:
    task = submitter(ionq_emulator, session_id, "t", limit)
    if limit is not None:
        del task.arguments["session_id"]
    task.submit()
    assert task.routes()[JOBS] == 0
    assert 0.01 not in task.slept


BROKEN = {
    "list": (503, JOBS, True),
    "cost": (500, "GET /jobs/{job_id}/cost", True),
    "refused": (403, JOBS, False),
}


@pytest.mark.parametrize("name", BROKEN)
def test_job_whose_session_cannot_be_read_after_the_submission_is_cancelled(
    ionq_emulator: Emulator, session_id: str, name: str
) -> None:
    status, route, retryable = BROKEN[name]
    task = submitter(ionq_emulator, session_id, "t", 5 * PRICE)

    def break_it() -> None:
        ionq_emulator.submit_job(session_id, cost_usd=PRICE)
        ionq_emulator.fail(status, route=route, times=100)

    task.before_request = break_it
    with pytest.raises(IonQBudgetError, match=facts("cancelled | unknown")) as error:
        task.submit()
    assert error.value.retryable is retryable
    assert [job["status"] for job in ionq_emulator.jobs()] == ["submitted", "canceled"]


def test_new_job_that_is_not_listed_yet_is_waited_for(
    ionq_emulator: Emulator, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_budget, "SHOW_SECONDS", 20.0)
    monkeypatch.setattr(create_once, "SHOW_SECONDS", 20.0)
    ionq_emulator.read_after_write_seconds = 0.5
    task = submitter(ionq_emulator, session_id, "t", PRICE)
    task.sleep = lambda seconds: time.sleep(min(seconds, 0.1))
    task.submit()
    assert task.routes()[JOBS] >= 2


def test_job_that_is_never_listed_is_cancelled(ionq_emulator: Emulator, session_id: str) -> None:
    task = submitter(ionq_emulator, session_id, "t", PRICE)
    task.before_request = lambda: ionq_emulator.fail(200, route=JOBS, times=9, body=EMPTY)
    with pytest.raises(IonQBudgetError, match=facts("not list | session")) as error:
        task.submit()
    assert ionq_emulator.jobs()[0]["id"] in str(error.value)
    assert open_jobs(ionq_emulator) == []


def test_cancellation_that_is_not_confirmed_is_named(
    ionq_emulator: Emulator, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancel, "PAUSES", ())
    task = submitter(ionq_emulator, session_id, "t", PRICE)

    def full_and_broken() -> None:
        ionq_emulator.submit_job(session_id, cost_usd=PRICE)
        ionq_emulator.fail(500, route="PUT /jobs/{job_id}/status/cancel", times=9)

    task.before_request = full_and_broken
    with pytest.raises(IonQNotEndedError, match=facts("not confirmed | cost money")) as error:
        task.submit()
    assert ionq_emulator.jobs()[-1]["id"] in str(error.value)


# Which jobs count.

URL = "https://api.ionq.co/v0.4"
EARLY, OWN, LATE = "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.500Z", "2026-01-01T00:00:01Z"
TIMES: dict[str, tuple[dict[str, Any], bool]] = {
    "earlier": ({"id": "a", "submitted_at": EARLY}, True),
    "later": ({"id": "a", "submitted_at": LATE}, False),
    "later in another zone": ({"id": "a", "submitted_at": "2026-01-01T01:00:01+01:00"}, False),
    "earlier in another zone": ({"id": "z", "submitted_at": "2026-01-01T01:00:00+01:00"}, True),
    "at the same time, before by id": ({"id": "a", "submitted_at": OWN}, True),
    "at the same time, after by id": ({"id": "z", "submitted_at": OWN}, False),
    "at an unknown time": ({"id": "z", "submitted_at": None}, True),
    "at a time that is none": ({"id": "z", "submitted_at": "soon"}, True),
    "at a time without a zone": ({"id": "z", "submitted_at": "2026-01-01T00:00:01"}, True),
    "a part of another job": ({"id": "a", "submitted_at": EARLY, "parent_job_id": "z"}, False),
    "a dry run": ({"id": "a", "submitted_at": EARLY, "dry_run": True}, False),
}


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("own_first", [True, False])
def test_jobs_that_were_received_before_count(requests_mock: Mocker, name: str, own_first: bool) -> None:
    job, counts = TIMES[name]
    jobs = [{"id": "own", "status": "ready", "submitted_at": OWN}, {"status": "ready", **job}]
    requests_mock.get(f"{URL}/sessions/s/jobs", json={"jobs": jobs if own_first else jobs[::-1], "next": None})
    amounts = {"own": 1.0, job["id"]: 2.0}
    for job_id, value in amounts.items():
        cost = {"dry_run": False, "estimated_cost": {"value": value, "unit": "usd"}}
        requests_mock.get(f"{URL}/jobs/{job_id}/cost", json=cost)
    client = IonQClient(ClientSettings(api_key="key", max_retries=0))
    for price, own in ((None, 1.0), (5.0, 5.0)):
        spending = SessionSpending("s")
        assert spending.up_to(client, "own", price, sleep=lambda _: None) == (2.0 if counts else 0.0, own)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations("abc", 2)))
def test_of_two_jobs_at_the_same_time_one_and_the_same_counts_for_the_other(
    requests_mock: Mocker, one: str, other: str
) -> None:
    jobs = [{"id": job_id, "status": "ready", "submitted_at": OWN} for job_id in (one, other)]
    requests_mock.get(f"{URL}/sessions/s/jobs", json={"jobs": jobs, "next": None})
    client = IonQClient(ClientSettings(api_key="key", max_retries=0))
    for job_id in (one, other):
        cost = {"dry_run": False, "estimated_cost": {"value": 2.0, "unit": "usd"}}
        requests_mock.get(f"{URL}/jobs/{job_id}/cost", json=cost)
    before = {job_id: SessionSpending("s").up_to(client, job_id, 2.0, sleep=lambda _: None) for job_id in (one, other)}
    assert before == {one: (0.0, 2.0), other: (2.0, 2.0)}


def test_cost_is_read_once_and_a_list_that_has_no_jobs_is_an_error(requests_mock: Mocker) -> None:
    jobs: list[Any] = [{"id": "a", "status": "completed"}, {"id": "a", "status": "completed"}]
    requests_mock.get(f"{URL}/sessions/s/jobs", json={"jobs": jobs, "next": None})
    cost = requests_mock.get(f"{URL}/jobs/a/cost", json={"dry_run": False, "cost": {"value": 3.0, "unit": "usd"}})
    client = IonQClient(ClientSettings(api_key="key", max_retries=0))
    spending = SessionSpending("s")
    assert (spending.total(client), spending.total(client), cost.call_count) == (3.0, 3.0, 1)
    requests_mock.get(f"{URL}/sessions/s/jobs", json={"jobs": [None], "next": None})
    with pytest.raises(Exception, match=facts("None | session s")):
        spending.total(client)
