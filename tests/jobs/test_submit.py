"""A job is submitted once per task instance, whatever dies in between."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.errors import (
    IonQChangedInputError,
    IonQCreateStoppedError,
    IonQError,
    IonQNotReadableError,
)
from airflow_provider_ionq.jobs import search
from airflow_provider_ionq.jobs.budget import Budget
from airflow_provider_ionq.jobs.token import TOKEN_KEY
from airflow_provider_ionq.waiting import create_once, publisher
from tests.jobs.tasks import BELL, FLIP, AirflowAway, Submitter
from tests.support.facts import facts, stating

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow

POST, LIST = "POST /jobs", "GET /jobs"


@pytest.fixture(params=[True, False], ids=["with a store", "without one"])
def stored(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def submitter(ionq_emulator: Emulator, stored: bool) -> Submitter:
    ionq_emulator.job_seconds = None
    return Submitter(ionq_emulator, stored=stored)


@pytest.fixture(autouse=True)
def _find_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not search for half a minute where there is nothing."""
    monkeypatch.setattr(search, "FIND_SECONDS", 0.0)
    monkeypatch.setattr(create_once, "SHOW_SECONDS", 0.0)


def lose_answer(emulator: Emulator, kind: str) -> None:
    if kind == "500":
        emulator.fail(500, route=POST, after_effect=True)
    elif kind == "unreadable":
        emulator.fail(200, route=POST, after_effect=True, body="<html>")
    else:
        emulator.disturb("drop_after_read", route=POST)


LOST = ("500", "unreadable", "dropped")


def test_first_try_submits_without_listing_jobs(submitter: Submitter) -> None:
    job_id = submitter.submit()
    assert submitter.jobs() == [("0.1", "submitted")]
    assert submitter.routes()[LIST] == 0
    (job,) = submitter.emulator.jobs()
    assert job["id"] == job_id
    assert len(job["metadata"][TOKEN_KEY]) <= 100


def test_retry_continues_with_the_job_of_the_first_try(submitter: Submitter) -> None:
    assert submitter.submit() == submitter.submit() == submitter.submit()
    assert submitter.jobs() == [("0.1", "submitted")]
    assert submitter.routes()[LIST] == (0 if submitter.store else 2)


@pytest.mark.parametrize("kind", LOST)
def test_job_whose_answer_was_lost_is_found_by_its_token(
    submitter: Submitter, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FIND_SECONDS", 5.0)
    lose_answer(submitter.emulator, kind)
    job_id = submitter.submit()
    assert submitter.slept == [], "the search ends when it has found the job"
    assert submitter.submit() == job_id
    assert submitter.jobs() == [("0.1", "submitted")]


@pytest.mark.parametrize("kind", LOST)
def test_job_whose_answer_was_lost_is_found_by_the_next_try(submitter: Submitter, kind: str) -> None:
    lose_answer(submitter.emulator, kind)
    submitter.emulator.fail(503, route=LIST, times=1)
    with pytest.raises(IonQNotReadableError, match=facts("may have submitted | cannot be listed")):
        submitter.submit()
    submitter.submit()
    assert submitter.jobs() == [("0.1", "submitted")]


def test_job_that_appears_late_is_searched_for(submitter: Submitter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "FIND_SECONDS", 30.0)
    submitter.emulator.fail(200, route=LIST, times=2, body='{"jobs": [], "next": null}')
    lose_answer(submitter.emulator, "dropped")
    submitter.submit()
    assert submitter.jobs() == [("0.1", "submitted")]
    assert submitter.slept[:2] == [1.0, 2.0]


def test_job_that_was_never_sent_is_submitted_by_the_next_try(submitter: Submitter) -> None:
    submitter.emulator.fail(503, route=POST)
    with pytest.raises(IonQError) as error:
        submitter.submit()
    assert error.value.retryable
    submitter.submit()
    assert [status for _, status in submitter.jobs()] == ["submitted"]


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_job_that_failed_is_followed_by_the_next_number(submitter: Submitter, status: str) -> None:
    job_id = submitter.submit()
    (submitter.emulator.fail_job if status == "failed" else submitter.emulator.cancel_job)(job_id)
    second = submitter.submit()
    assert submitter.jobs() == [("0.1", status), ("0.2", "submitted")]
    submitter.emulator.fail_job(second)
    third = submitter.submit()
    assert submitter.jobs() == [("0.1", status), ("0.2", "failed"), ("0.3", "submitted")]
    assert submitter.submit() == third


def test_completed_job_is_read_again_and_not_paid_again(submitter: Submitter) -> None:
    job_id = submitter.submit()
    submitter.emulator.complete_job(job_id)
    job = submitter.creator().create()
    assert job is not None
    assert (job["id"], job["status"]) == (job_id, "completed")
    assert submitter.jobs() == [("0.1", "completed")]


@pytest.mark.parametrize("where", ["stored id", "list"])
def test_failed_look_up_submits_nothing(ionq_emulator: Emulator, where: str) -> None:
    submitter = Submitter(ionq_emulator, stored=where == "stored id")
    submitter.submit()
    ionq_emulator.fail(503, route="GET /jobs/{job_id}" if where == "stored id" else LIST, times=99)
    with pytest.raises(IonQNotReadableError) as error:
        submitter.submit()
    assert error.value.retryable
    assert len(ionq_emulator.jobs()) == 1


def dead_and_live(submitter: Submitter, *statuses: str) -> list[str]:
    """Let earlier tries have submitted jobs with these statuses, of which nothing is known here."""
    template = Submitter(submitter.emulator, stored=False, **submitter.arguments)
    ids = []
    for number, status in enumerate(statuses, 1):
        template.tries = 0
        creator = template.creator()
        creation: Any = creator._creation
        job = submitter.emulator.submit_job(
            metadata={TOKEN_KEY: str(creation._token.numbered(number))}, backend="qpu.forte-1"
        )
        ids.append(job["id"])
        end = {
            "failed": submitter.emulator.fail_job,
            "canceled": submitter.emulator.cancel_job,
            "completed": submitter.emulator.complete_job,
        }
        if status in end:
            end[status](job["id"])
    submitter.tries = 1
    return ids


@pytest.mark.parametrize(
    ("statuses", "kept", "after"),
    [
        (["failed", "submitted"], 1, ["failed", "submitted"]),
        (["submitted", "failed"], 0, ["submitted", "failed"]),
        (["submitted", "submitted"], 0, ["submitted", "canceled"]),
        (["failed", "submitted", "canceled", "submitted"], 1, ["failed", "submitted", "canceled", "canceled"]),
        (["completed", "submitted"], 0, ["completed", "canceled"]),
        (["completed", "completed"], 1, ["completed", "completed"]),
    ],
)
def test_one_good_job_is_kept_among_several(
    ionq_emulator: Emulator, statuses: list[str], kept: int, after: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    ionq_emulator.job_seconds = None
    submitter = Submitter(ionq_emulator, stored=False)
    ids = dead_and_live(submitter, *statuses)
    assert submitter.submit() == ids[kept]
    assert [status for _, status in submitter.jobs()] == after
    for job_id, before, now in zip(ids, statuses, after, strict=True):
        assert bool(stating(caplog.messages, f"{job_id} | Cancelling | earlier try")) == (before != now)


@pytest.mark.parametrize("statuses", [["failed"], ["failed", "canceled"], ["canceled"]])
def test_number_follows_the_highest_of_the_dead_jobs(ionq_emulator: Emulator, statuses: list[str]) -> None:
    ionq_emulator.job_seconds = None
    submitter = Submitter(ionq_emulator, stored=False)
    dead_and_live(submitter, *statuses)
    submitter.submit()
    assert submitter.jobs()[-1] == (f"0.{len(statuses) + 1}", "submitted")


def test_jobs_of_others_are_left_alone(submitter: Submitter) -> None:
    others = [
        submitter.emulator.submit_job(metadata=metadata)["id"]
        for metadata in (None, {"a": "b"}, {TOKEN_KEY: "nonsense"}, {TOKEN_KEY: f"1:{'0' * 32}:0:1:{'0' * 32}"})
    ]
    submitter.submit()
    submitter.clear()
    submitter.submit()
    assert all(job["status"] == "submitted" for job in submitter.emulator.jobs() if job["id"] in others)


# A changed input.


@pytest.mark.parametrize("status", ["submitted", "completed"])
def test_changed_input_fails_and_names_the_old_job(submitter: Submitter, status: str) -> None:
    job_id = submitter.submit()
    if status == "completed":
        submitter.emulator.complete_job(job_id)
    submitter.arguments["circuit"] = FLIP
    with pytest.raises(IonQChangedInputError, match=facts(f"{job_id} | {status} | another input")) as e:
        submitter.submit()
    assert not e.value.retryable
    assert e.value.job_id == job_id
    assert submitter.jobs() == [("0.1", status)]


@pytest.mark.parametrize(("status", "after"), [("submitted", "canceled"), ("completed", "completed")])
def test_changed_input_is_submitted_anew_if_the_task_says_so(
    submitter: Submitter, status: str, after: str, task_log: Callable[[], list[str]]
) -> None:
    job_id = submitter.submit()
    if status == "completed":
        submitter.emulator.complete_job(job_id)
    submitter.arguments["circuit"] = FLIP
    submitter.options["on_changed_input"] = "resubmit"
    submitter.submit()
    assert submitter.jobs() == [("0.1", after), ("0.2", "submitted")]
    assert any(job_id in line and "for another input" in line for line in task_log())


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_input_may_change_after_a_failure(submitter: Submitter, status: str) -> None:
    job_id = submitter.submit()
    (submitter.emulator.fail_job if status == "failed" else submitter.emulator.cancel_job)(job_id)
    submitter.arguments["circuit"] = FLIP
    submitter.submit()
    assert submitter.jobs() == [("0.1", status), ("0.2", "submitted")]


@pytest.mark.parametrize("changed", [{"name": "n"}, {"metadata": {"try": "2"}}, {"shots": 100}])
def test_change_that_is_not_of_the_input_is_none(submitter: Submitter, changed: dict[str, Any]) -> None:
    job_id = submitter.submit()
    submitter.arguments |= changed
    assert submitter.submit() == job_id


# Clears.


@pytest.mark.parametrize(
    ("status", "after"),
    [("submitted", "canceled"), ("completed", "completed"), ("failed", "failed"), ("canceled", "canceled")],
)
def test_clear_submits_a_new_job_and_cancels_the_old_one(submitter: Submitter, status: str, after: str) -> None:
    end_with(submitter, submitter.submit(), status)
    submitter.clear()
    second = submitter.submit()
    assert submitter.jobs() == [("0.1", after), ("1.1", "submitted")]
    assert submitter.submit() == second
    submitter.clear()
    submitter.submit()
    assert submitter.jobs() == [("0.1", after), ("1.1", "canceled"), ("3.1", "submitted")]


def end_with(submitter: Submitter, job_id: str, status: str) -> None:
    emulator = submitter.emulator
    end = {"failed": emulator.fail_job, "canceled": emulator.cancel_job, "completed": emulator.complete_job}
    if status in end:
        end[status](job_id)


@pytest.mark.parametrize("status", ["submitted", "completed"])
def test_good_job_is_used_again_after_a_clear_if_the_task_says_so(submitter: Submitter, status: str) -> None:
    job_id = submitter.submit()
    end_with(submitter, job_id, status)
    submitter.clear()
    submitter.options["reuse_on_clear"] = True
    assert submitter.submit() == job_id
    assert submitter.submit() == job_id
    assert submitter.jobs() == [("0.1", status)]


@pytest.mark.parametrize(("change", "status"), [(True, "completed"), (True, "submitted"), (False, "failed")])
def test_job_of_before_a_clear_is_used_again_only_for_the_same_input_and_if_it_is_good(
    submitter: Submitter, change: bool, status: str
) -> None:
    end_with(submitter, submitter.submit(), status)
    submitter.clear()
    submitter.options["reuse_on_clear"] = True
    if change:
        submitter.arguments["circuit"] = FLIP
    submitter.submit()
    after = "canceled" if status == "submitted" else status
    assert submitter.jobs() == [("0.1", after), ("1.1", "submitted")]


# What is checked first.


def test_session_that_has_ended_gets_no_job(submitter: Submitter) -> None:
    session_id = submitter.emulator.create_session("qpu.forte-1")["id"]
    submitter.emulator.end_session(session_id)
    submitter.arguments["session_id"] = session_id
    with pytest.raises(IonQError, match=facts(f"{session_id} | ended | no job")) as error:
        submitter.submit()
    assert not error.value.retryable
    assert submitter.jobs() == []


def test_session_of_another_backend_gets_no_job(submitter: Submitter) -> None:
    session_id = submitter.emulator.create_session("qpu.forte-enterprise-1")["id"]
    submitter.arguments["session_id"] = session_id
    with pytest.raises(IonQError, match=facts(f"{session_id} | qpu.forte-enterprise-1 | no job | qpu.forte-1")):
        submitter.submit()
    assert submitter.jobs() == []


def test_job_of_a_session_is_found_among_the_jobs_of_that_session(submitter: Submitter) -> None:
    submitter.arguments["session_id"] = submitter.emulator.create_session("qpu.forte-1")["id"]
    lose_answer(submitter.emulator, "dropped")
    submitter.submit()
    assert submitter.jobs() == [("0.1", "submitted")]
    query = [request.query for request in submitter.emulator.requests if request.route == LIST]
    assert all(
        f"session_id={submitter.arguments['session_id']}" in one and "target=qpu.forte-1" in one for one in query
    )


def test_job_that_is_too_large_is_not_submitted(submitter: Submitter) -> None:
    submitter.arguments |= {"circuit": BELL, "qubits": 1000}
    with pytest.raises(IonQError, match="the job needs 1000 qubits, but qpu.forte-1 has"):
        submitter.submit()
    assert submitter.jobs() == []


def test_list_of_backends_is_not_needed(submitter: Submitter) -> None:
    submitter.emulator.fail(503, route="GET /backends", times=9)
    submitter.submit()
    assert submitter.jobs() == [("0.1", "submitted")]


# Killed.


def test_job_is_cancelled_when_its_task_is_killed(submitter: Submitter) -> None:
    creator = submitter.creator()
    creator.create()
    creator.stop()
    assert submitter.jobs() == [("0.1", "canceled")]
    with pytest.raises(IonQCreateStoppedError):
        creator.create()


def test_completed_job_stays_completed_when_its_task_is_killed(
    submitter: Submitter, task_log: Callable[[], list[str]]
) -> None:
    creator = submitter.creator()
    job = creator.create()
    assert job is not None
    submitter.emulator.complete_job(job["id"])
    creator.stop()
    assert submitter.jobs() == [("0.1", "completed")]
    assert "equested" not in "\n".join(task_log())


def test_job_stays_when_its_task_is_killed_if_the_task_says_so(
    submitter: Submitter, task_log: Callable[[], list[str]]
) -> None:
    submitter.options["cancel_on_kill"] = False
    creator = submitter.creator()
    job = creator.create()
    assert job is not None
    for _ in range(2):
        creator.stop()
    assert submitter.jobs() == [("0.1", "submitted")]
    (line,) = (line for line in task_log() if "cancel_on_kill" in line)
    for fact in (job["id"], "goes on", "cost money"):
        assert fact in line
    assert "equested" not in "\n".join(task_log())
    with pytest.raises(IonQCreateStoppedError, match=f"job {job['id']} goes on"):
        creator.create()
    assert submitter.submit() == job["id"]


# Whose job it is.


def token_of(submitter: Submitter, number: int | None) -> str:
    """Return a token that the next try takes for its own."""
    submitter.tries -= 1
    creation: Any = submitter.creator()._creation
    return str(creation._token.numbered(number))


@pytest.mark.parametrize("kind", ["part of a multi-circuit job", "dry run for the price"])
def test_job_that_is_not_a_submission_is_neither_adopted_nor_cancelled(ionq_emulator: Emulator, kind: str) -> None:
    ionq_emulator.job_plan = []
    submitter = Submitter(ionq_emulator, stored=False)
    submitter.tries = 1
    number = None if kind.startswith("dry") else 1
    other = ionq_emulator.submit_job(metadata={TOKEN_KEY: token_of(submitter, number)})["id"]
    if number is not None:
        ionq_emulator.update_job(other, parent_job_id="j-0")
    assert submitter.submit() != other
    assert ionq_emulator.job(other)["status"] == "submitted"


def test_lost_job_is_searched_for_although_an_earlier_one_is_there(
    submitter: Submitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = submitter.submit()
    submitter.emulator.fail_job(first)
    monkeypatch.setattr(search, "FIND_SECONDS", 30.0)
    creator = submitter.creator()
    lose_answer(submitter.emulator, "dropped")
    listed = json.dumps({"jobs": [submitter.emulator.job(first)], "next": None})
    # The list of a try without a store comes first; then the lost job is not shown twice.
    submitter.emulator.fail(200, route=LIST, times=2 if submitter.store else 3, body=listed)
    job = creator.create()
    assert job is not None
    assert job["id"] != first
    assert submitter.jobs() == [("0.1", "failed"), ("0.2", "submitted")]


def test_number_of_a_lost_job_is_not_used_again(ionq_emulator: Emulator) -> None:
    ionq_emulator.job_plan = []
    submitter = Submitter(ionq_emulator)
    lose_answer(ionq_emulator, "dropped")
    ionq_emulator.fail(200, route=LIST, times=2, body='{"jobs": [], "next": null}')
    with pytest.raises(IonQError) as error:
        submitter.submit()
    assert error.value.retryable
    submitter.submit()
    assert submitter.jobs() == [("0.1", "submitted"), ("0.2", "submitted")]


def test_stored_job_that_is_gone_submits_nothing_until_the_task_is_cleared(ionq_emulator: Emulator) -> None:
    ionq_emulator.job_plan = []
    submitter = Submitter(ionq_emulator)
    ionq_emulator.delete_job(submitter.submit())
    with pytest.raises(IonQNotReadableError, match=facts("cannot be read | cost money")):
        submitter.submit()
    assert ionq_emulator.jobs() == []
    submitter.clear()
    submitter.submit()
    assert [status for _, status in submitter.jobs()] == ["submitted"]


# Another connection.


@pytest.mark.parametrize("answer", ["known", "lost"])
@pytest.mark.parametrize("on_changed_input", ["fail", "resubmit"])
def test_job_of_another_connection_is_not_continued_with(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, on_changed_input: str, answer: str
) -> None:
    # Where nothing is stored, the connection of the earlier try is unknown.
    ionq_emulator.job_plan = []
    submitter = Submitter(ionq_emulator)
    monkeypatch.setenv("AIRFLOW_CONN_IONQ_OTHER", ionq_emulator.airflow_connection)
    submitter.options["on_changed_input"] = on_changed_input
    if answer == "lost":
        lose_answer(submitter.emulator, "dropped")
        submitter.emulator.fail(503, route=LIST)
        with pytest.raises(IonQNotReadableError):
            submitter.submit()
    else:
        submitter.submit()
    submitter.connection = "ionq_other"
    if on_changed_input == "fail":
        with pytest.raises(IonQChangedInputError, match="with Airflow connection 'ionq_default'"):
            submitter.submit()
        assert submitter.jobs() == [("0.1", "submitted")]
    else:
        submitter.submit()
        assert submitter.jobs() == [("0.1", "canceled"), ("0.2", "submitted")]


# Budgets over tries.


@pytest.mark.parametrize("gone", [True, False])
def test_cost_of_an_earlier_job_must_be_readable(submitter: Submitter, gone: bool) -> None:
    submitter.options["budget"] = Budget(max_cost_usd=1000)
    first = submitter.submit()
    submitter.emulator.fail_job(first, cost_usd=5)
    if submitter.store is None:
        submitter.emulator.fail(503, route="GET /jobs/{job_id}/cost", times=9)
    elif gone:
        submitter.tries += 1
        submitter.store.delete("ionq_job_id")
        submitter.store.delete("ionq_job_intent")
        submitter.emulator.delete_job(first)
    else:
        submitter.emulator.fail(503, route="GET /jobs/{job_id}/cost", times=9)
    with pytest.raises(IonQError) as error:
        submitter.submit()
    assert error.value.retryable
    assert [number for number, _ in submitter.jobs()] == ([] if gone and submitter.store else ["0.1"])


def test_job_that_cannot_be_shown_in_airflow_goes_on(
    submitter: Submitter, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "PUBLISH_SECONDS", 0.0)
    submitter.task = AirflowAway
    job = submitter.creator().create()
    assert job is not None
    assert stating(caplog.messages, f"{job['id']} | not be reported | Airflow")
    assert [found["status"] for found in submitter.emulator.jobs()] == ["submitted"]
    again = submitter.creator().create()
    assert again is not None
    assert again["id"] == job["id"]
