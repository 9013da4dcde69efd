"""The number of reads of a poll, and the errors that end it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_ionq.api.errors import IonQAuthenticationError, IonQServerError, IonQTimeoutError
from airflow_provider_ionq.api.settings import ClientSettings
from airflow_provider_ionq.sessions.resource import SESSIONS as SESSION_RESOURCE
from airflow_provider_ionq.waiting.fetcher import Fetcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests_mock import Mocker

pytestmark = pytest.mark.one_airflow

SESSIONS = "https://api.ionq.co/v0.4/sessions"
IDS = [f"s-{number}" for number in range(40)]


@pytest.fixture
def fetcher() -> Iterator[Fetcher[Any]]:
    fetcher = Fetcher(SESSION_RESOURCE, ClientSettings(api_key="k", max_retries=0), lambda: True)
    yield fetcher
    fetcher.close()


@pytest.fixture
def by_id_only(requests_mock: Mocker) -> Mocker:
    """Serve a list that shows nothing, and single sessions."""
    requests_mock.get(SESSIONS, json={"organization_id": "o", "sessions": []})
    for session_id in IDS:
        requests_mock.get(f"{SESSIONS}/{session_id}", json={"id": session_id, "status": "created"})
    return requests_mock


def answer(mocker: Mocker, session_ids: list[str], **response: Any) -> None:
    for session_id in session_ids:
        mocker.get(f"{SESSIONS}/{session_id}", **response)


def test_sessions_that_the_list_does_not_show_are_read_by_id(fetcher: Fetcher[Any], by_id_only: Mocker) -> None:
    snapshot = fetcher.fetch(IDS, failures=0)
    assert snapshot.items.keys() == set(IDS)
    assert by_id_only.call_count == 1 + len(IDS)


def test_missing_sessions_are_errors_of_these_sessions_only(fetcher: Fetcher[Any], by_id_only: Mocker) -> None:
    answer(by_id_only, IDS[::2], status_code=404)
    snapshot = fetcher.fetch(IDS, failures=0)
    assert snapshot.failure is None
    assert snapshot.errors.keys() == set(IDS[::2])
    assert snapshot.items.keys() == set(IDS[1::2])


def test_a_few_server_errors_are_errors_of_their_sessions_only(fetcher: Fetcher[Any], by_id_only: Mocker) -> None:
    answer(by_id_only, IDS[10:13], status_code=500)
    snapshot = fetcher.fetch(IDS, failures=0)
    assert snapshot.failure is None
    assert snapshot.errors.keys() == set(IDS[10:13])
    assert len(snapshot.items) == len(IDS) - 3


def test_many_server_errors_end_the_poll(fetcher: Fetcher[Any], by_id_only: Mocker) -> None:
    answer(by_id_only, IDS[1:], status_code=500)
    snapshot = fetcher.fetch(IDS, failures=0)
    assert isinstance(snapshot.failure, IonQServerError)
    assert snapshot.items.keys() == {"s-0"}
    assert by_id_only.call_count <= 1 + 1 + 3 + 4, "the list, one that answers, three of their own, one a lane"


@pytest.mark.parametrize(
    ("response", "error"),
    [
        ({"status_code": 503, "headers": {"Retry-After": "9"}}, IonQServerError),
        ({"status_code": 401}, IonQAuthenticationError),
    ],
)
def test_error_that_concerns_all_sessions_ends_the_poll_at_once(
    fetcher: Fetcher[Any], by_id_only: Mocker, response: dict[str, Any], error: type[Exception]
) -> None:
    answer(by_id_only, IDS[1:], **response)
    snapshot = fetcher.fetch(IDS, failures=0)
    assert isinstance(snapshot.failure, error)
    assert by_id_only.call_count <= 1 + 1 + 4


def test_poll_in_an_outage_sends_one_request_for_another_session_each_time(
    fetcher: Fetcher[Any], requests_mock: Mocker
) -> None:
    answer(requests_mock, IDS, exc=requests.ReadTimeout())
    for failures in range(3):
        assert isinstance(fetcher.fetch(IDS[:3], failures).failure, IonQTimeoutError)
    assert [request.path.rpartition("/")[2] for request in requests_mock.request_history] == IDS[:3]


def test_poll_without_waiters_sends_no_request(requests_mock: Mocker) -> None:
    snapshot = Fetcher(SESSION_RESOURCE, ClientSettings(api_key="k"), lambda: False).fetch(IDS[:3], failures=0)
    assert not snapshot.items
    assert not requests_mock.called
