"""The operator that ends a session, and the methods of the hook behind it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest

from airflow_provider_ionq.api.errors import IonQInvalidIdError, IonQNotEndedError, IonQResponseError
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.session import IonQEndSessionOperator
from airflow_provider_ionq.sessions import end as closing
from airflow_provider_ionq.sessions.end import end_session

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

READ = "GET /sessions/{session_id}"
END = "POST /sessions/{session_id}/end"
JOBS = "GET /sessions/{session_id}/jobs"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take note of the pauses between attempts instead of making them."""
    made: list[float] = []
    monkeypatch.setattr(end_session, "__kwdefaults__", {"sleep": made.append})
    return made


@pytest.fixture
def session_id(ionq_emulator: Emulator) -> str:
    session = ionq_emulator.create_session("qpu.forte-1", settings={"duration_limit_min": 60, "job_count_limit": 9})
    return str(session["id"])


def end(session_id: Any, **arguments: Any) -> Any:
    context: Any = {"ti": MagicMock()}
    return IonQEndSessionOperator(task_id="end", session_id=session_id, **arguments).execute(context)


def requests(emulator: Emulator) -> list[str]:
    return [str(request.route) for request in emulator.requests]


def test_session_is_ended_read_back_and_returned(ionq_emulator: Emulator, session_id: str) -> None:
    session = end(session_id)
    assert session == ionq_emulator.session(session_id)
    assert session["status"] == "ended"
    assert requests(ionq_emulator) == [END, READ]


def test_a_session_that_has_ended_is_a_success_and_stays_as_it_ended(ionq_emulator: Emulator, session_id: str) -> None:
    ended = ionq_emulator.end_session(session_id)
    assert end(session_id) == ended


@pytest.mark.parametrize("status", [400, 404, 409])
def test_ended_session_is_a_success_even_if_the_api_rejects_a_second_end(
    ionq_emulator: Emulator, session_id: str, status: int
) -> None:
    ended = ionq_emulator.end_session(session_id)
    ionq_emulator.fail(status, route=END)
    assert end(session_id) == ended
    assert requests(ionq_emulator) == [END, READ]


@pytest.mark.parametrize("status", [400, 404, 409, 429, 500, 502, 503, 504, 520])
def test_rejected_end_is_requested_again_while_the_session_is_open(
    ionq_emulator: Emulator, session_id: str, pauses: list[float], status: int
) -> None:
    ionq_emulator.fail(status, route=END, times=2)
    assert end(session_id)["status"] == "ended"
    assert requests(ionq_emulator) == [END, READ] * 3
    assert pauses == [1.0, 2.0]


@pytest.mark.parametrize("kind", ["drop_after_read", "cut_body"])
def test_end_with_a_lost_answer_is_confirmed_by_a_read(ionq_emulator: Emulator, session_id: str, kind: Any) -> None:
    ionq_emulator.disturb(kind, route=END)
    assert end(session_id)["status"] == "ended"
    assert requests(ionq_emulator) == [END, READ]


def test_end_is_not_trusted_without_a_read(ionq_emulator: Emulator, session_id: str, pauses: list[float]) -> None:
    lie = f'{{"id": "{session_id}", "status": "ended", "ended_at": "2026-01-01T00:00:00Z"}}'
    ionq_emulator.fail(200, route=END, times=closing.ATTEMPTS, body=lie)
    with pytest.raises(IonQNotEndedError, match="shows it with status 'created'"):
        end(session_id)
    assert ionq_emulator.session(session_id)["ended_at"] is None


def test_end_that_has_no_effect_fails_and_names_session_backend_and_limits(
    ionq_emulator: Emulator, session_id: str, pauses: list[float]
) -> None:
    ionq_emulator.fail(503, route=END, seconds=60)
    with pytest.raises(IonQNotEndedError) as error:
        end(session_id)
    text = str(error.value)
    assert session_id in text
    assert "qpu.forte-1" in text
    assert "60 minutes after its creation (at 20" in text
    assert "after 9 jobs" in text
    assert "answered 503" in text
    assert requests(ionq_emulator).count(END) == closing.ATTEMPTS
    assert len(pauses) == closing.ATTEMPTS - 1


def test_retry_after_is_honoured_within_reason(ionq_emulator: Emulator, session_id: str, pauses: list[float]) -> None:
    ionq_emulator.fail(429, route=END, retry_after=7)
    ionq_emulator.fail(429, route=END, retry_after=86400)
    end(session_id)
    assert pauses == [7.0, 15.0]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_session_that_the_api_does_not_show_fails_the_try_with_retries(
    ionq_emulator: Emulator, session_id: str, status: int
) -> None:
    ionq_emulator.fail(status, times=2)
    with pytest.raises(IonQNotEndedError, match=session_id):
        end(session_id)
    assert requests(ionq_emulator) == [END, READ, *(["GET /whoami"] if status == 404 else [])]


@pytest.mark.parametrize("session_id", [None, "None", " ", ".", "..", 7])
def test_invalid_id_is_rejected_before_any_request(ionq_emulator: Emulator, session_id: Any) -> None:
    with pytest.raises(IonQFailException, match="session_id"):
        end(session_id)
    assert requests(ionq_emulator) == []


def test_an_empty_id_is_rejected_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match="session_id"):
        IonQEndSessionOperator(task_id="end", session_id="")


def test_hook_rejects_an_invalid_id_before_any_request(ionq_emulator: Emulator) -> None:
    with pytest.raises(IonQInvalidIdError):
        IonQHook().end_session("")
    with pytest.raises(IonQInvalidIdError):
        IonQHook().list_session_jobs("..")
    assert requests(ionq_emulator) == []


# Jobs.


@pytest.fixture
def open_jobs(ionq_emulator: Emulator) -> None:
    """Leave every job open until the test or an end of its session ends it."""
    ionq_emulator.job_seconds = None


@pytest.mark.usefixtures("open_jobs")
def test_open_jobs_are_cancelled_first(ionq_emulator: Emulator, session_id: str) -> None:
    jobs = [ionq_emulator.submit_job(session_id)["id"] for _ in range(3)]
    ionq_emulator.complete_job(jobs[0])
    end(session_id, cancel_jobs=True)
    cancelled = [request.path.split("/")[-3] for request in ionq_emulator.requests if request.method == "PUT"]
    assert cancelled == jobs[1:]
    assert requests(ionq_emulator)[-2:] == [END, READ]
    assert [job["status"] for job in ionq_emulator.jobs(session_id)] == ["completed", "canceled", "canceled"]


@pytest.mark.usefixtures("open_jobs")
@pytest.mark.parametrize("route", [JOBS, "PUT /jobs/{job_id}/status/cancel"])
def test_job_that_cannot_be_canceled_does_not_keep_the_session_open(
    ionq_emulator: Emulator, session_id: str, route: str, caplog: pytest.LogCaptureFixture
) -> None:
    ionq_emulator.submit_job(session_id)
    ionq_emulator.fail(400, route=route, seconds=60)
    with caplog.at_level(logging.WARNING):
        assert end(session_id, cancel_jobs=True)["status"] == "ended"


def test_jobs_are_listed_from_all_pages(ionq_emulator: Emulator, session_id: str) -> None:
    jobs = [ionq_emulator.submit_job(session_id)["id"] for _ in range(8)]
    assert sorted(job["id"] for job in IonQHook().list_session_jobs(session_id)) == sorted(jobs)
    jobs += [ionq_emulator.submit_job(session_id)["id"] for _ in range(60)]
    ionq_emulator.clear_requests()
    assert sorted(job["id"] for job in IonQHook().list_session_jobs(session_id)) == sorted(jobs)
    assert requests(ionq_emulator) == [JOBS] * 3


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        (['{"jobs": [], "next": "a"}'] * 2, "invalid `next` cursor"),
        (['{"jobs": [], "next": 7}'], "invalid `next` cursor"),
        (['{"next": null}'], "has no list of jobs"),
        (["[]"], "has no list of jobs"),
        (["<html>"], "is not JSON"),
    ],
)
def test_invalid_page_or_next_cursor_of_a_job_list_is_an_error(
    ionq_emulator: Emulator, session_id: str, pages: list[str], words: str
) -> None:
    for page in pages:
        ionq_emulator.fail(200, route=JOBS, body=page)
    with pytest.raises(IonQResponseError, match=words):
        IonQHook().list_session_jobs(session_id)
    assert len(requests(ionq_emulator)) == len(pages)


def test_empty_next_cursor_ends_a_job_list(ionq_emulator: Emulator, session_id: str) -> None:
    ionq_emulator.fail(200, route=JOBS, body='{"jobs": [{"id": "a", "status": "ready"}], "next": ""}')
    assert IonQHook().list_session_jobs(session_id) == [{"id": "a", "status": "ready"}]
