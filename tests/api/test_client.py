"""The client alone, against prepared answers."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
import requests
import urllib3
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.error_mapping import retry_after_seconds
from airflow_provider_ionq.api.errors import (
    IonQApiError,
    IonQAuthenticationError,
    IonQConflictError,
    IonQConnectionError,
    IonQError,
    IonQInvalidIdError,
    IonQNotFoundError,
    IonQPermissionError,
    IonQRateLimitError,
    IonQResponseError,
    IonQServerError,
    IonQTimeoutError,
)
from airflow_provider_ionq.api.paths import path_segment
from airflow_provider_ionq.api.settings import ClientSettings
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests_mock import Mocker

KEY = "key-that-must-not-be-seen"
URL = "https://api.ionq.co/v0.4"
SESSION = {"id": "s-1", "status": "created", "active": True, "settings": None, "new_field": [1]}


@pytest.fixture
def client() -> Iterator[IonQClient]:
    client = IonQClient(ClientSettings(api_key=KEY, max_retries=0))
    yield client
    client.close()


def test_session_json_is_passed_on_untouched(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/sessions/s-1", json=SESSION)
    assert client.get_session("s-1") == SESSION


def test_request_carries_key_accept_and_user_agent(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/whoami", json={"key_id": "1", "key_name": "n"})
    client.whoami()
    headers = requests_mock.request_history[-1].headers
    assert headers["Authorization"] == f"apiKey {KEY}"
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"].startswith("airflow-provider-ionq/")


def test_netrc_does_not_replace_the_key(
    client: IonQClient, requests_mock: Mocker, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine api.ionq.co login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    requests_mock.get(f"{URL}/whoami", json={"key_id": "1", "key_name": "n"})
    client.whoami()
    assert requests_mock.request_history[-1].headers["Authorization"] == f"apiKey {KEY}"


@pytest.mark.parametrize(("active", "query"), [(None, ""), (True, "active=true"), (False, "active=false")])
def test_list_filters_by_active_only_when_asked(
    client: IonQClient, requests_mock: Mocker, active: bool | None, query: str
) -> None:
    requests_mock.get(f"{URL}/sessions", json={"organization_id": "o", "sessions": [SESSION]})
    assert client.list_sessions(active) == [SESSION]
    assert requests_mock.request_history[-1].query == query


def test_backends_are_read_by_list_and_by_name(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/backends", json=[{"backend": "simulator"}])
    requests_mock.get(f"{URL}/backends/qpu.forte-1", json={"backend": "qpu.forte-1"})
    assert [backend["backend"] for backend in client.list_backends()] == ["simulator"]
    assert client.get_backend("qpu.forte-1")["backend"] == "qpu.forte-1"


@pytest.mark.parametrize(
    ("status", "error_class", "retryable"),
    [
        (301, IonQApiError, False),
        (400, IonQApiError, False),
        (401, IonQAuthenticationError, False),
        (402, IonQApiError, False),
        (403, IonQPermissionError, False),
        (404, IonQNotFoundError, False),
        (409, IonQConflictError, True),
        (429, IonQRateLimitError, True),
        (500, IonQServerError, True),
        (503, IonQServerError, True),
        (524, IonQServerError, True),
        (204, IonQApiError, False),
    ],
)
def test_statuses_become_errors_with_message_and_request_id(
    client: IonQClient, requests_mock: Mocker, status: int, error_class: type[IonQApiError], retryable: bool
) -> None:
    requests_mock.get(
        f"{URL}/sessions/s-1",
        status_code=status,
        json={"statusCode": status, "error": "E", "message": "what happened"},
        headers={"x-request-id": "req-7", "Retry-After": "12"},
    )
    with pytest.raises(IonQApiError) as caught:
        client.get_session("s-1")
    error = caught.value
    assert type(error) is error_class
    assert (error.status, error.message, error.request_id) == (status, "what happened", "req-7")
    assert (error.retryable, error.retry_after_seconds) == (retryable, 12)
    assert "what happened" in str(error)
    assert "req-7" in str(error)
    assert requests_mock.call_count == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"code": 1, "message": "plain"}', "plain"),
        ('{"error": {"type": "t", "message": "nested"}}', "nested"),
        ('{"error": "only"}', "only"),
        ("<html>bad gateway</html>", "<html>bad gateway</html>"),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_any_error_body_is_read(client: IonQClient, requests_mock: Mocker, body: str, message: str) -> None:
    requests_mock.get(f"{URL}/whoami", status_code=502, text=body)
    with pytest.raises(IonQServerError) as caught:
        client.whoami()
    assert caught.value.message == message


def test_404_under_sessions_names_both_readings(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/sessions/s-1", status_code=404, json={"message": "Not Found"})
    with pytest.raises(IonQNotFoundError, match=facts("session id | API key | sessions | enabled")):
        client.get_session("s-1")


def test_redirects_are_not_followed(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/whoami", status_code=302, headers={"Location": "https://elsewhere.example/whoami"})
    elsewhere = requests_mock.get("https://elsewhere.example/whoami", json={"key_id": "x"})
    with pytest.raises(IonQApiError, match="not followed"):
        client.whoami()
    assert not elsewhere.called


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>" + "x" * 1000,
        "[]",
        "null",
        '"text"',
        '{"status": "created"}',
        '{"id": "s-1"}',
        '{"id": 1, "status": "created"}',
        '{"id": "s-2", "status": "created"}',
        "[" * 100_000,
    ],
)
def test_unreadable_bodies_are_quoted_shortly_with_the_request_id(
    client: IonQClient, requests_mock: Mocker, body: str
) -> None:
    requests_mock.get(f"{URL}/sessions/s-1", text=body, headers={"x-request-id": "req-8"})
    with pytest.raises(IonQResponseError) as caught:
        client.get_session("s-1")
    text = str(caught.value)
    assert "req-8" in text
    assert repr(body[:200]) in text
    assert body[:201] not in text or len(body) <= 200
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("answer", "call"),
    [([], "list_sessions"), ({"sessions": None}, "list_sessions"), ({}, "list_backends"), ({}, "whoami")],
)
def test_answers_of_another_shape_are_unreadable(
    client: IonQClient, requests_mock: Mocker, answer: Any, call: str
) -> None:
    requests_mock.get(f"{URL}/sessions", json=answer)
    requests_mock.get(f"{URL}/backends", json=answer)
    requests_mock.get(f"{URL}/whoami", json=answer)
    with pytest.raises(IonQResponseError):
        getattr(client, call)()


@pytest.mark.parametrize(
    ("raised", "error_class"),
    [
        (requests.ConnectTimeout(), IonQTimeoutError),
        (requests.ReadTimeout(), IonQTimeoutError),
        (requests.ConnectionError("reset"), IonQConnectionError),
        (urllib3.exceptions.ProtocolError("cut"), IonQConnectionError),
    ],
)
def test_lost_answers_may_be_retried(
    client: IonQClient, requests_mock: Mocker, raised: Exception, error_class: type[IonQError]
) -> None:
    requests_mock.get(f"{URL}/whoami", exc=raised)
    with pytest.raises(error_class) as caught:
        client.whoami()
    assert caught.value.retryable


@pytest.mark.parametrize("status", [401, 404, 500])
def test_key_is_in_no_error_even_if_the_api_quotes_it(client: IonQClient, requests_mock: Mocker, status: int) -> None:
    requests_mock.get(f"{URL}/whoami", status_code=status, json={"message": f"bad key {KEY}!"})
    with pytest.raises(IonQApiError) as caught:
        client.whoami()
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert "bad key ***!" in str(caught.value)


@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("before", range(150, 201, 5))
def test_no_part_of_the_key_is_shown_where_a_quote_is_cut(
    client: IonQClient, requests_mock: Mocker, status: int, before: int
) -> None:
    requests_mock.get(f"{URL}/whoami", status_code=status, text="x" * before + KEY)
    with pytest.raises(IonQError) as caught:
        client.whoami()
    assert KEY[:4] not in str(caught.value)


def test_error_has_no_library_exception_as_cause_or_context(client: IonQClient, requests_mock: Mocker) -> None:
    requests_mock.get(f"{URL}/whoami", exc=requests.ConnectionError("reset"))
    with pytest.raises(IonQConnectionError, match="reset") as caught:
        client.whoami()
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_key_is_in_no_repr(client: IonQClient) -> None:
    assert KEY not in repr(client) + repr(client.settings)


@pytest.mark.parametrize("session_id", ["", ".", "..", None, 7, b"s", "\ud800"])
def test_invalid_ids_are_rejected_before_any_request(
    client: IonQClient, requests_mock: Mocker, session_id: Any
) -> None:
    with pytest.raises(IonQInvalidIdError, match="session_id"):
        client.get_session(session_id)
    assert not requests_mock.called


@given(st.text(min_size=1).filter(lambda text: text not in (".", "..")))
@example("a/b")
@example("../../whoami")
@example("%2e%2e")
@example("a?b#c")
@example("a b%2Fc")
@example("é\u202e\x00")
@example("//host")
def test_any_id_stays_one_segment_of_the_path_as_sent(session_id: str) -> None:
    try:
        segment = path_segment(session_id, "session_id")
    except IonQInvalidIdError:
        assert not session_id.isascii(), "only what UTF-8 cannot hold is refused"
        return
    prepared = requests.Request("GET", f"{URL}/sessions/{segment}").prepare()
    assert prepared.url is not None
    sent = urlsplit(prepared.url)
    assert sent.path.split("/")[:-1] == ["", "v0.4", "sessions"]
    assert unquote(sent.path.split("/")[-1]) == session_id
    assert (sent.query, sent.fragment, sent.netloc) == ("", "", "api.ionq.co")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("1e99", 1e99),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120),
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0),
        ("Thu, 99 Jan 2026 00:02:00 GMT", None),
    ],
)
def test_retry_after_is_read_against_the_answers_own_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, "Thu, 01 Jan 2026 00:00:00 GMT") == seconds


def test_retry_after_date_without_a_date_header_is_ignored() -> None:
    assert retry_after_seconds("Thu, 01 Jan 2026 00:02:00 GMT", None) is None
