"""The endpoints of jobs, against prepared answers."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import (
    IonQError,
    IonQInvalidIdError,
    IonQNotFoundError,
    IonQResponseError,
    IonQServerError,
)
from airflow_provider_ionq.api.settings import ClientSettings
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests_mock import Mocker

URL = "https://api.ionq.co/v0.4"
JOB = {"id": "j-1", "status": "ready", "session_id": None, "metadata": None, "new_field": [1]}
CANCELED = {"id": "j-1", "status": "canceled"}
ESTIMATE: dict[str, Any] = {"backend": "qpu.forte-1", "job_type": "ionq.circuit.v1", "qubits": 2, "shots": 100}
GATES: dict[str, Any] = {"gates_1q": 0, "gates_2q": 3, "error_mitigation": False}
USAGE: dict[str, Any] = {
    "start_date": date(2026, 10, 1),
    "end_date": "2026-11-01",
    "group_by": "job",
    "modality": "daily",
}

CALLS: dict[str, tuple[str, str, Any, Callable[[IonQClient], Any]]] = {
    "create_job": ("POST", "/jobs", JOB, lambda client: client.create_job({"backend": "simulator"})),
    "clone_job": ("POST", "/jobs/j-0/clone", JOB, lambda client: client.clone_job("j-0", {"shots": 5})),
    "get_job": ("GET", "/jobs/j-1", JOB, lambda client: client.get_job("j-1")),
    "cancel_job": ("PUT", "/jobs/j-1/status/cancel", CANCELED, lambda client: client.cancel_job("j-1")),
    "delete_job": ("DELETE", "/jobs/j-1", CANCELED, lambda client: client.delete_job("j-1")),
    "cancel_jobs": (
        "PUT",
        "/jobs/status/cancel",
        {"ids": ["j-1"], "status": "canceled"},
        lambda client: client.cancel_jobs(["j-1"]),
    ),
    "delete_jobs": (
        "DELETE",
        "/jobs",
        {"ids": ["j-1"], "status": "deleted"},
        lambda client: client.delete_jobs(["j-1"]),
    ),
    "get_job_cost": ("GET", "/jobs/j-1/cost", {"dry_run": False}, lambda client: client.get_job_cost("j-1")),
    "estimate_job": (
        "GET",
        "/jobs/estimate",
        {"estimated_total_cost": 1.5},
        lambda client: client.estimate_job(**ESTIMATE, **GATES),
    ),
    "get_usage": ("GET", "/organizations/o-1/usage", {}, lambda client: client.get_usage("o-1", **USAGE)),
}
CHANGES = [name for name, (method, *_) in CALLS.items() if method != "GET"]
DESCRIBING = [name for name, (_, _, answer, _) in CALLS.items() if "id" in answer]


@pytest.fixture
def client() -> Iterator[IonQClient]:
    client = IonQClient(ClientSettings(api_key="key", max_retries=2))
    yield client
    client.close()


@pytest.mark.parametrize("name", CALLS)
def test_json_of_a_response_is_returned_unchanged(client: IonQClient, requests_mock: Mocker, name: str) -> None:
    method, path, answer, call = CALLS[name]
    requests_mock.register_uri(method, URL + path, json=answer, status_code=201 if method == "POST" else 200)
    assert call(client) == answer
    assert requests_mock.call_count == 1


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("status", [429, 500, 502, 503, 524])
def test_request_that_changes_something_is_sent_once(
    client: IonQClient, requests_mock: Mocker, name: str, status: int
) -> None:
    method, path, _, call = CALLS[name]
    requests_mock.register_uri(method, URL + path, status_code=status)
    with pytest.raises(IonQError) as failed:
        call(client)
    assert requests_mock.call_count == 1
    assert isinstance(failed.value, IonQServerError) == (status >= 500)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("body", ["", "<html>", "[]", "null", '"text"', "7"])
def test_body_that_is_no_object_is_an_error(client: IonQClient, requests_mock: Mocker, name: str, body: str) -> None:
    method, path, _, call = CALLS[name]
    requests_mock.register_uri(method, URL + path, text=body)
    with pytest.raises(IonQResponseError):
        call(client)


@pytest.mark.parametrize("name", DESCRIBING)
@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"id": "j-1"},
        {"status": "ready"},
        {"id": 7, "status": "ready"},
        {"id": None, "status": "ready"},
        {"id": "", "status": "ready"},
        {"id": "..", "status": "ready"},
        {"id": "\ud800", "status": "ready"},
    ],
)
def test_answer_without_a_usable_id_and_status_is_an_error(
    client: IonQClient, requests_mock: Mocker, name: str, answer: dict[str, Any]
) -> None:
    method, path, _, call = CALLS[name]
    requests_mock.register_uri(method, URL + path, json=answer)
    with pytest.raises(IonQResponseError):
        call(client)


@pytest.mark.parametrize("name", ["get_job", "cancel_job", "delete_job"])
def test_answer_about_another_job_is_an_error(client: IonQClient, requests_mock: Mocker, name: str) -> None:
    method, path, _, call = CALLS[name]
    requests_mock.register_uri(method, URL + path, json=JOB | {"id": "j-2"})
    with pytest.raises(IonQResponseError, match="describes another job than 'j-1'"):
        call(client)


def test_404_of_a_job_says_what_may_be_wrong(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/jobs/j-1", status_code=404)
    with pytest.raises(IonQNotFoundError, match=facts("job id | API key | deleted")):
        client.get_job("j-1")


ID_CALLS: dict[str, Callable[[IonQClient, Any], Any]] = {
    "get_job": lambda client, value: client.get_job(value),
    "clone_job": lambda client, value: client.clone_job(value),
    "cancel_job": lambda client, value: client.cancel_job(value),
    "cancel_jobs": lambda client, value: client.cancel_jobs(["j-1", value]),
    "delete_job": lambda client, value: client.delete_job(value),
    "delete_jobs": lambda client, value: client.delete_jobs(["j-1", value]),
    "get_job_cost": lambda client, value: client.get_job_cost(value),
    "list_session_jobs": lambda client, value: client.list_session_jobs(value),
    "get_usage": lambda client, value: client.get_usage(value, **USAGE),
}


@pytest.mark.parametrize("name", ID_CALLS)
@pytest.mark.parametrize("value", ["", ".", "..", None, 7, b"j", "\ud800"])
def test_invalid_id_is_rejected_before_any_request(
    client: IonQClient, requests_mock: Mocker, name: str, value: Any
) -> None:
    with pytest.raises(IonQInvalidIdError):
        ID_CALLS[name](client, value)
    assert not requests_mock.called


def test_estimate_sends_every_parameter(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/jobs/estimate", json={})
    client.estimate_job(**ESTIMATE, **GATES)
    assert parse_qs(requests_mock.request_history[-1].query) == {
        "backend": ["qpu.forte-1"],
        "type": ["ionq.circuit.v1"],
        "qubits": ["2"],
        "shots": ["100"],
        "1q_gates": ["0"],
        "2q_gates": ["3"],
        "error_mitigation": ["false"],
    }


def test_usage_sends_dates_as_iso(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/organizations/o-1/usage", json={})
    client.get_usage("o-1", **USAGE)
    sent = parse_qs(requests_mock.request_history[-1].query)
    assert (sent["start_date"], sent["end_date"]) == (["2026-10-01"], ["2026-11-01"])


FILTERS: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "none": ({}, {}),
    "none of them": ({"status": None, "ids": None, "limit": None}, {}),
    "ids": ({"ids": ["b", "a"]}, {"ids": ["b", "a"]}),
    "one target": ({"target": "simulator"}, {"target": ["simulator"]}),
    "several targets": ({"target": ["simulator", "qpu.forte-1"]}, {"target": ["simulator,qpu.forte-1"]}),
    "all others": (
        {"parent_job_id": "p", "status": "ready", "session_id": "s", "submitter_id": "u", "limit": 7},
        {"parent_job_id": ["p"], "status": ["ready"], "session_id": ["s"], "submitter_id": ["u"], "limit": ["7"]},
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters_are_sent_with_every_page(client: IonQClient, requests_mock: Mocker, name: str) -> None:
    filters, query = FILTERS[name]
    pages = [{"jobs": [{"id": "a"}], "next": "2"}, {"jobs": [], "next": "3"}, {"jobs": [{"id": "b"}], "next": None}]
    requests_mock.get(f"{URL}/jobs", [{"json": page} for page in pages])
    assert client.list_jobs(**filters) == [{"id": "a"}, {"id": "b"}]
    sent = [parse_qs(request.query) for request in requests_mock.request_history]
    assert sent == [query, query | {"next": ["2"]}, query | {"next": ["3"]}]


def test_many_ids_are_requested_25_at_a_time(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/jobs", json={"jobs": [{"id": "j"}], "next": None})
    assert len(client.list_jobs(ids=[f"j-{number}" for number in range(60)])) == 3
    asked = [parse_qs(request.query)["ids"] for request in requests_mock.request_history]
    assert [len(ids) for ids in asked] == [25, 25, 10]
    assert sum(asked, []) == [f"j-{number}" for number in range(60)]


def test_empty_list_of_ids_requests_nothing(client: IonQClient, requests_mock: Mocker) -> None:
    assert client.list_jobs(ids=[]) == []
    assert not requests_mock.called


def test_next_page_is_requested_when_the_caller_reaches_it(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/jobs", json={"jobs": [{"id": "a"}, {"id": "b"}], "next": "2"})
    assert next(client.iter_jobs()) == {"id": "a"}
    assert requests_mock.call_count == 1


@pytest.mark.parametrize("path", ["/jobs", "/sessions/s-1/jobs"])
@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        ([{"jobs": None}], "no list of jobs"),
        ([{"next": None}], "no list of jobs"),
        ([[]], "no list of jobs"),
        ([{"jobs": [], "next": 7}], "invalid `next` cursor"),
        ([{"jobs": [], "next": {"a": 1}}], "invalid `next` cursor"),
        ([{"jobs": [], "next": "a\nb"}], "invalid `next` cursor"),
        ([{"jobs": [], "next": "a"}, {"jobs": [], "next": "a"}], "invalid `next` cursor"),
        ([{"jobs": [], "next": "a"}, {"jobs": [], "next": "b"}, {"jobs": [], "next": "a"}], "invalid `next` cursor"),
    ],
)
def test_pages_that_do_not_end_are_an_error(
    client: IonQClient, requests_mock: Mocker, path: str, pages: list[Any], problem: str
) -> None:
    requests_mock.get(URL + path, [{"json": page} for page in pages])
    with pytest.raises(IonQResponseError, match=problem):
        client.list_jobs() if path == "/jobs" else client.list_session_jobs("s-1")


@pytest.mark.parametrize("end", [{}, {"next": None}, {"next": ""}])
def test_list_ends_without_a_next_cursor(client: IonQClient, requests_mock: Mocker, end: dict[str, Any]) -> None:
    requests_mock.get(f"{URL}/jobs", json={"jobs": [JOB]} | end)
    assert client.list_jobs() == [JOB]
    assert requests_mock.call_count == 1
