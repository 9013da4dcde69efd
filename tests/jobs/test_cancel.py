"""A job is read, cancelled unless it is final, and read again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import IonQInvalidIdError, IonQNotEndedError, IonQNotFoundError
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.jobs.cancel import cancel_job
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow

LOG = logging.getLogger("tests.cancel")
GET, PUT = "GET /jobs/{job_id}", "PUT /jobs/{job_id}/status/cancel"


@pytest.fixture
def client(ionq_emulator: Emulator) -> IonQClient:
    return IonQClient(IonQHook(max_retries=0).get_settings())


def routes(emulator: Emulator) -> list[str | None]:
    return [request.route for request in emulator.requests]


@pytest.fixture
def job_id(ionq_emulator: Emulator) -> str:
    ionq_emulator.job_seconds = None
    return str(ionq_emulator.submit_job()["id"])


def cancel(client: IonQClient, job_id: str) -> tuple[Any, list[float]]:
    slept: list[float] = []
    return cancel_job(client, job_id, LOG, sleep=slept.append), slept


def test_open_job_is_cancelled_and_read_back(ionq_emulator: Emulator, client: IonQClient, job_id: str) -> None:
    job, slept = cancel(client, job_id)
    assert (job["id"], job["status"], slept) == (job_id, "canceled", [])
    assert routes(ionq_emulator) == [GET, PUT, GET]


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_final_job_is_read_and_not_cancelled(
    ionq_emulator: Emulator, client: IonQClient, job_id: str, status: str
) -> None:
    end: dict[str, Callable[[str], object]] = {
        "completed": ionq_emulator.complete_job,
        "failed": ionq_emulator.fail_job,
        "canceled": ionq_emulator.cancel_job,
    }
    end[status](job_id)
    job, _ = cancel(client, job_id)
    assert job["status"] == status
    assert routes(ionq_emulator) == [GET]


@pytest.mark.parametrize("route", [GET, PUT])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_transient_error_is_retried(
    ionq_emulator: Emulator, client: IonQClient, job_id: str, route: str, status: int
) -> None:
    ionq_emulator.fail(status, route=route, times=2)
    job, slept = cancel(client, job_id)
    assert (job["status"], slept) == ("canceled", [1.0, 2.0])


@pytest.mark.parametrize("kind", ["answered 500", "dropped"])
def test_lost_answer_to_a_cancellation_is_found_by_reading(
    ionq_emulator: Emulator, client: IonQClient, job_id: str, kind: str
) -> None:
    if kind == "dropped":
        ionq_emulator.disturb("drop_after_read", route=PUT)
    else:
        ionq_emulator.fail(500, route=PUT, after_effect=True)
    job, _ = cancel(client, job_id)
    assert job["status"] == "canceled"
    assert routes(ionq_emulator).count(PUT) == 1


@pytest.mark.parametrize(("status", "attempts"), [(503, 5), (401, 1), (403, 1)])
def test_cancellation_that_is_not_confirmed_names_the_job(
    ionq_emulator: Emulator, client: IonQClient, job_id: str, status: int, attempts: int
) -> None:
    ionq_emulator.fail(status, route=PUT, times=99)
    with pytest.raises(IonQNotEndedError, match=facts(f"{job_id} | not confirmed | cost money | {status}")):
        cancel(client, job_id)
    assert routes(ionq_emulator).count(PUT) == attempts


def test_job_that_the_cancellation_does_not_end_is_named(
    ionq_emulator: Emulator, client: IonQClient, job_id: str
) -> None:
    body = f'{{"id": "{job_id}", "status": "canceled"}}'
    ionq_emulator.fail(200, route=PUT, times=99, body=body)
    with pytest.raises(IonQNotEndedError, match=facts(f"{job_id} | cost money | submitted")):
        cancel(client, job_id)


def test_unknown_job_is_an_error_at_once(ionq_emulator: Emulator, client: IonQClient) -> None:
    with pytest.raises(IonQNotFoundError):
        cancel(client, "j-9")
    with pytest.raises(IonQInvalidIdError):
        cancel(client, "..")
    assert routes(ionq_emulator) == [GET]
