"""Reads of a resource whose lists show a limited number of requested items: jobs."""

from __future__ import annotations

import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_ionq.api.errors import (
    IonQAuthenticationError,
    IonQNotFoundError,
    IonQRateLimitError,
    IonQServerError,
    IonQTimeoutError,
)
from airflow_provider_ionq.api.settings import ClientSettings
from airflow_provider_ionq.jobs.resource import JOBS
from airflow_provider_ionq.waiting import fetcher as fetching
from airflow_provider_ionq.waiting.fetcher import LANES, USELESS_LISTS, Fetcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests_mock import Mocker

    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow

URL = "https://api.ionq.co/v0.4/jobs"
ONE = re.compile(rf"{URL}/j-\d+$")
IDS = [f"j-{number}" for number in range(200)]


class Jobs:
    """Answers for jobs; a test changes what is wrong with the lists or with single jobs."""

    def __init__(self, mocker: Mocker) -> None:
        self.lists: list[list[str]] = []
        self.singles: list[str] = []
        self.page = 25
        self.hidden: set[str] = set()
        self.list_answer: Callable[[list[str]], tuple[int, Any] | None] = lambda ids: None
        self.single_status: Callable[[str], int] = lambda job_id: 200
        self._lock = threading.Lock()
        mocker.get(URL, json=self._list)
        mocker.get(ONE, json=self._single)

    def _list(self, request: Any, context: Any) -> Any:
        ids = request.qs["ids"]
        first = int(request.qs.get("next", ["0"])[0])
        with self._lock:
            self.lists.append(ids)
        if (wrong := self.list_answer(ids)) is not None:
            context.status_code, body = wrong
            return body
        shown = [{"id": one, "status": "ready"} for one in ids if one not in self.hidden]
        end = first + min(self.page, int(request.qs["limit"][0]))
        # A next page is announced after a full one, also if it would be empty.
        return {"jobs": shown[first:end], "next": str(end) if len(shown[first:end]) == self.page else None}

    def _single(self, request: Any, context: Any) -> Any:
        job_id = request.path.rpartition("/")[2]
        with self._lock:
            self.singles.append(job_id)
        context.status_code = self.single_status(job_id)
        return {"id": job_id, "status": "ready", "child_job_ids": None}


@pytest.fixture
def jobs(requests_mock: Mocker) -> Jobs:
    return Jobs(requests_mock)


@pytest.fixture
def fetcher() -> Iterator[Fetcher[Any]]:
    fetcher: Fetcher[Any] = Fetcher(JOBS, ClientSettings(api_key="k", max_retries=0), lambda: True)
    yield fetcher
    fetcher.close()


@pytest.mark.parametrize("count", [2, 3, 24, 25, 26, 50, 51, 200])
def test_jobs_are_read_with_one_list_for_every_25(fetcher: Fetcher[Any], jobs: Jobs, count: int) -> None:
    snapshot = fetcher.fetch(IDS[:count], failures=0)
    assert snapshot.items.keys() == set(IDS[:count])
    assert (len(jobs.lists), jobs.singles) == (-(-count // 25), [])
    assert Counter(one for ids in jobs.lists for one in ids) == Counter(IDS[:count])


def test_one_job_is_read_alone(fetcher: Fetcher[Any], jobs: Jobs) -> None:
    assert fetcher.fetch(IDS[:1], failures=0).items.keys() == {"j-0"}
    assert (jobs.lists, jobs.singles) == ([], ["j-0"])


def test_lists_are_read_over_at_most_four_connections(ionq_emulator: Emulator) -> None:
    ids = [ionq_emulator.submit_job(plan=[])["id"] for _ in range(500)]
    fetcher = Fetcher(JOBS, ClientSettings(api_key=ionq_emulator.api_key, base_url=ionq_emulator.url), lambda: True)
    try:
        assert fetcher.fetch(ids, failures=0).items.keys() == set(ids)
        assert fetcher.fetch(ids, failures=0).items.keys() == set(ids)
    finally:
        fetcher.close()
    assert 1 < ionq_emulator.connections_made <= LANES
    assert len(ionq_emulator.requests) == 2 * 500 / 25


def test_smaller_pages_are_followed(fetcher: Fetcher[Any], jobs: Jobs) -> None:
    jobs.page = 10
    snapshot = fetcher.fetch(IDS[:30], failures=0)
    assert snapshot.items.keys() == set(IDS[:30])
    assert (len(jobs.lists), jobs.singles) == (3 + 1, [])


def test_jobs_that_a_list_does_not_show_are_read_by_id(fetcher: Fetcher[Any], jobs: Jobs) -> None:
    jobs.hidden = {"j-3", "j-40", "j-41"}
    jobs.single_status = lambda job_id: 404 if job_id == "j-40" else 200
    snapshot = fetcher.fetch(IDS[:60], failures=0)
    assert snapshot.failure is None
    assert snapshot.items.keys() == set(IDS[:60]) - {"j-40"}
    assert {one: type(error) for one, error in snapshot.errors.items()} == {"j-40": IonQNotFoundError}
    assert sorted(jobs.singles) == sorted(jobs.hidden)


@pytest.mark.parametrize("failing", [{"j-0"}, {"j-30"}, {"j-0", "j-199"}])
@pytest.mark.parametrize("wrong", [(500, {}), (502, "<html>"), (400, {}), (404, {}), (200, []), (200, {"jobs": 7})])
def test_a_list_that_fails_does_not_lose_the_others(
    fetcher: Fetcher[Any], jobs: Jobs, failing: set[str], wrong: Any
) -> None:
    jobs.list_answer = lambda ids: wrong if failing & set(ids) else None
    snapshot = fetcher.fetch(IDS, failures=0)
    assert (snapshot.failure, snapshot.errors) == (None, {})
    assert snapshot.items.keys() == set(IDS)
    assert len(jobs.singles) == 25 * len(failing), "only the jobs of these lists are read by id"


def test_a_job_that_breaks_its_list_is_an_error_of_this_job_only(fetcher: Fetcher[Any], jobs: Jobs) -> None:
    jobs.list_answer = lambda ids: (500, {}) if "j-60" in ids else None
    jobs.single_status = lambda job_id: 500 if job_id == "j-60" else 200
    snapshot = fetcher.fetch(IDS, failures=0)
    assert snapshot.failure is None
    assert snapshot.errors.keys() == {"j-60"}
    assert snapshot.items.keys() == set(IDS) - {"j-60"}


@pytest.mark.parametrize(
    ("response", "error"),
    [
        ({"status_code": 401}, IonQAuthenticationError),
        ({"status_code": 429}, IonQRateLimitError),
        ({"status_code": 503, "headers": {"Retry-After": "9"}}, IonQServerError),
    ],
)
def test_error_that_concerns_all_jobs_ends_the_poll_with_one_request(
    fetcher: Fetcher[Any], requests_mock: Mocker, response: dict[str, Any], error: type[Exception]
) -> None:
    requests_mock.get(URL, **response)
    assert isinstance(fetcher.fetch(IDS, failures=0).failure, error)
    assert requests_mock.call_count == 1


@pytest.mark.parametrize("failures", [0, 1, 5])
@pytest.mark.parametrize(
    ("response", "error"),
    [({"status_code": 500}, IonQServerError), ({"exc": requests.ReadTimeout()}, IonQTimeoutError)],
)
def test_poll_in_an_outage_sends_a_list_and_one_read(
    fetcher: Fetcher[Any], requests_mock: Mocker, failures: int, response: dict[str, Any], error: type[Exception]
) -> None:
    requests_mock.get(URL, **response)
    requests_mock.get(ONE, **response)
    assert isinstance(fetcher.fetch(IDS, failures).failure, error)
    paths = [request.path.removeprefix("/v0.4") for request in requests_mock.request_history]
    assert paths == ["/jobs", f"/jobs/j-{25 * failures}"], "each poll begins with another list"


def test_lists_rest_when_none_of_them_is_of_use(
    fetcher: Fetcher[Any], jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.list_answer = lambda ids: (400, {})
    assert fetcher.fetch(IDS, failures=0).items.keys() == set(IDS)
    assert USELESS_LISTS <= len(jobs.lists) < USELESS_LISTS + LANES
    lists = len(jobs.lists)
    assert fetcher.fetch(IDS, failures=0).items.keys() == set(IDS)
    assert len(jobs.lists) == lists
    jobs.list_answer = lambda ids: None
    monkeypatch.setattr(fetching, "LIST_REST_SECONDS", 0.0)
    fetcher._list_rests_until = 0.0
    jobs.singles.clear()
    assert fetcher.fetch(IDS, failures=0).items.keys() == set(IDS)
    assert jobs.singles == []


def test_lists_that_ignore_the_ids_are_not_read_to_their_end(fetcher: Fetcher[Any], jobs: Jobs) -> None:
    others = [{"id": f"other-{number}", "status": "completed"} for number in range(25)]
    jobs.list_answer = lambda ids: (200, {"jobs": others, "next": str(len(jobs.lists))})
    assert fetcher.fetch(IDS, failures=0).items.keys() == set(IDS)
    assert len(jobs.lists) < USELESS_LISTS + LANES


@pytest.mark.parametrize("odd", [7, None, "text", [], {}, {"id": 7, "status": "ready"}, {"id": "j-1"}])
def test_an_entry_that_is_no_job_is_skipped(fetcher: Fetcher[Any], jobs: Jobs, odd: Any) -> None:
    jobs.list_answer = lambda ids: (200, {"jobs": [odd, {"id": "j-0", "status": "ready"}], "next": None})
    snapshot = fetcher.fetch(IDS[:2], failures=0)
    assert snapshot.items.keys() == {"j-0", "j-1"}
    assert jobs.singles == ["j-1"]


def test_poll_without_waiters_sends_no_request(jobs: Jobs) -> None:
    snapshot = Fetcher(JOBS, ClientSettings(api_key="k"), lambda: False).fetch(IDS, failures=0)
    assert not snapshot.items
    assert (jobs.lists, jobs.singles) == ([], [])
