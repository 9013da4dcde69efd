"""Answers that break after the request was sent, and how the client handles them."""

from __future__ import annotations

import gzip
import logging
import re
import time
import traceback
import tracemalloc
import zlib
from typing import Any

import pytest

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import (
    IonQApiError,
    IonQConnectionError,
    IonQError,
    IonQResponseError,
    IonQServerError,
    IonQSessionLostError,
    IonQTimeoutError,
)
from airflow_provider_ionq.api.settings import ClientSettings
from airflow_provider_ionq.sessions.create import SessionCreation
from airflow_provider_ionq.sessions.request import SessionRequest
from airflow_provider_ionq.sessions.resource import SESSIONS
from airflow_provider_ionq.waiting.create_once import CreateOnce
from airflow_provider_ionq.waiting.fetcher import Fetcher
from tests.api.raw_api import Answering, answer, bytes_only, drip, in_turn, raw_api, reset, stay_silent
from tests.support.facts import facts

KEY = "ionq-key/that+must not be seen".replace(" ", "_")
TIMEOUT_SECONDS = 0.5
SLACK_SECONDS = 2.0
"""So much longer than its time-out may an attempt take on a busy machine."""

OK = b"HTTP/1.1 200 OK\r\n"
LONG = b"x" * 70_000
BOMB = gzip.compress(bytes(50 * 1024 * 1024), 1)

LOST: dict[str, tuple[Answering, type[IonQError]]] = {
    "two lengths": (answer(headers=[b"Content-Length: 7"]), IonQResponseError),
    "a length that quotes the key": (answer(headers=[b"Content-Length: " + KEY.encode()], length=2), IonQError),
    "silence": (stay_silent, IonQTimeoutError),
    "a connection that is closed": (bytes_only(b""), IonQConnectionError),
    "a connection that is reset": (reset, IonQConnectionError),
    "half a status line": (bytes_only(b"HTTP/1.1 2"), IonQError),
    "half the headers": (bytes_only(OK, b"Content-Length: 5\r\nDa"), IonQError),
    "half the body": (answer(body=b"{", length=100), IonQConnectionError),
    "a status line that drips": (drip(b"HTTP/1.1 200 ", b"O"), IonQTimeoutError),
    "headers that drip": (drip(OK, b"x"), IonQTimeoutError),
    "headers that drip line by line": (drip(OK, b"a: b\r\n"), IonQError),
    "a body that drips": (drip(OK + b"Content-Length: 9999\r\n\r\n", b" "), IonQTimeoutError),
    "chunks that drip": (drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"), IonQTimeoutError),
    "a chunk head that drips": (drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"), IonQTimeoutError),
    "trailers that drip": (drip(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"), IonQTimeoutError),
    "a gzip body that drips": (
        drip(OK + b"Content-Encoding: gzip\r\nContent-Length: 9999\r\n\r\n", gzip.compress(b"")),
        IonQTimeoutError,
    ),
    "an error's body that drips": (
        drip(b"HTTP/1.1 503 Busy\r\nContent-Length: 9999\r\n\r\n", b"x"),
        IonQServerError,
    ),
    "a redirect's body that drips": (
        drip(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 9999\r\n\r\n", b"x"),
        IonQApiError,
    ),
    "100 Continue for ever": (drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), IonQTimeoutError),
    "103 Early Hints for ever": (drip(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), IonQTimeoutError),
    "another protocol": (bytes_only(b"SSH-2.0-OpenSSH_9.6\r\n"), IonQResponseError),
    "HTTP/0.9": (bytes_only(b'{"id": "s", "status": "created"}'), IonQResponseError),
    "a status that is no number": (bytes_only(b"HTTP/1.1 abc OK\r\n\r\n"), IonQResponseError),
    "a status of five digits": (bytes_only(b"HTTP/1.1 20000 OK\r\n\r\n"), IonQResponseError),
    "a status line that quotes the key": (bytes_only(b"apiKey " + KEY.encode() + b"\r\n\r\n"), IonQResponseError),
    "a long status line": (bytes_only(b"HTTP/1.1 200 ", LONG, b"\r\n\r\n"), IonQResponseError),
    "a long header": (bytes_only(OK, b"a: ", LONG, b"\r\n\r\n"), IonQResponseError),
    "very many headers": (bytes_only(OK, b"a: b\r\n" * 200, b"\r\n"), IonQResponseError),
    "a chunk head that is no number": (
        bytes_only(OK, b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        IonQConnectionError,
    ),
    "a long chunk head": (bytes_only(OK, b"Transfer-Encoding: chunked\r\n\r\n", LONG), IonQError),
    "a huge chunk": (bytes_only(OK, b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n{"), IonQConnectionError),
    "chunks that do not end": (bytes_only(OK, b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"), IonQConnectionError),
    "no gzip": (answer(headers=[b"Content-Encoding: gzip"]), IonQResponseError),
    "half a gzip": (answer(headers=[b"Content-Encoding: gzip"], body=gzip.compress(b"{}")[:-6]), IonQResponseError),
    "a gzip bomb": (answer(headers=[b"Content-Encoding: gzip"], body=BOMB), IonQResponseError),
    "a bomb in an error": (answer("500 Oops", headers=[b"Content-Encoding: gzip"], body=BOMB), IonQServerError),
    "an encoding that nobody asked for": (answer(headers=[b"Content-Encoding: br"]), IonQResponseError),
    "two encodings": (answer(headers=[b"Content-Encoding: gzip, gzip"]), IonQResponseError),
    "no body": (answer(body=b""), IonQResponseError),
    "HTML": (answer(body=b"<html>please log in</html>"), IonQResponseError),
    "JSON that is cut": (answer(body=b'{"id": "s'), IonQResponseError),
    "JSON that is nested deeply": (answer(body=b"[" * 100_000), IonQResponseError),
    "a number of many digits": (answer(body=b'{"id": "s", "status": ' + b"9" * 5000 + b"}"), IonQResponseError),
    "bytes that are no text": (answer(body=b'{"id": "\xff\xfe"}'), IonQResponseError),
    "no object": (answer(body=b"[]"), IonQResponseError),
    "no id": (answer(body=b'{"status": "created"}'), IonQResponseError),
    "an id that is no text": (answer(body=b'{"id": 7, "status": "created"}'), IonQResponseError),
    "an empty id": (answer(body=b'{"id": "", "status": "created"}'), IonQResponseError),
    "an id of dots": (answer(body=b'{"id": "..", "status": "created"}'), IonQResponseError),
    "half a character as id": (answer(body=b'{"id": "\\ud800", "status": "created"}'), IonQResponseError),
    "101 Switching Protocols": (answer("101 Switching Protocols"), IonQApiError),
    **{
        str(status): (answer(f"{status} Whatever"), IonQApiError)
        for status in (202, 204, 299, 304, 399, 408, 444, 499, 500, 999)
    },
    **{
        f"a redirect to {location!r}": (
            answer("303 See Other", headers=[b"Location: " + location, b"Retry-After: x"]),
            IonQApiError,
        )
        for location in (
            b"http://[",
            b"http://a:b:c/",
            b"//",
            b"\xff\xfe",
            b"http://\xc3\xa9.example",
            b"x:" + LONG[:99],
        )
    },
}
"""Answers from which nobody learns which session was opened, with the class of the error."""

LOST_JOBS = ["silence", "half the body", "a body that drips", "HTML", "no object", "no id", "an id of dots"]
"""Those of them that reach what jobs have of their own: sessions and jobs share the transport."""

UNDERSTOOD: dict[str, Answering] = {
    "plain": answer(),
    "201": answer("201 Created"),
    "after 100 and 103": in_turn(
        bytes_only(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), answer()
    ),
    "compressed with gzip": lambda connection, right: answer(
        headers=[b"Content-Encoding: gzip"], body=gzip.compress(right)
    )(connection, right),
    "compressed in two members": lambda connection, right: answer(
        headers=[b"Content-Encoding: x-gzip"], body=gzip.compress(right[:9]) + gzip.compress(right[9:]) + bytes(7)
    )(connection, right),
    "compressed with deflate": lambda connection, right: answer(
        headers=[b"Content-Encoding: deflate"], body=zlib.compress(right)
    )(connection, right),
    "in chunks": lambda connection, right: bytes_only(
        OK, b"Transfer-Encoding: chunked\r\n\r\n%x;x=y\r\n" % len(right), right, b"\r\n0\r\na: b\r\n\r\n"
    )(connection, right),
    "without a length": lambda connection, right: bytes_only(OK, b"\r\n", right)(connection, right),
    "HTTP/1.0": lambda connection, right: bytes_only(b"HTTP/1.0 200 OK\r\n\r\n", right)(connection, right),
    "lines that are no headers": answer(headers=[b"no header but apiKey " + KEY.encode(), b" folded: " + KEY.encode()]),
    "odd headers": answer(
        headers=[
            b"Date: Thu, 99 Foo 99999 99:99:99 GMT",
            b"Retry-After: \xff",
            b"x-request-id: \xff\xfe",
            b"Content-Type: application/json; charset=no-such-charset",
            b"Set-Cookie: =;;a=\xff; expires=never; domain=..",
        ]
    ),
}
"""Answers that look odd and are understood."""


class Memory:
    """Keeps nothing over a try."""

    def item_id(self) -> None: ...
    def intent(self) -> None: ...
    def publish_id(self, item_id: str) -> None: ...
    def store_id(self, item_id: str) -> None: ...
    def store_intent(self, intent: Any) -> None: ...
    def forget(self) -> None: ...


class NoAirflow:
    """A task whose end is still to come."""

    connection = "ionq_default"

    def missing_end_reason(self) -> None: ...
    def settings_of(self, connection: str) -> None: ...
    def hand_on(self, session: Any) -> None: ...


def settings_of(url: str, **changed: Any) -> ClientSettings:
    return ClientSettings(**{"api_key": KEY, "base_url": url, "timeout_seconds": TIMEOUT_SECONDS, **changed})


def open_session(settings: ClientSettings) -> Any:
    request = SessionRequest.of("qpu.forte-1", duration_limit_min=60)
    memory, log = Memory(), logging.getLogger(__name__)
    return CreateOnce(SessionCreation(settings, request, memory, NoAirflow(), log), memory, log).create()


def assert_key_is_not_in(*texts: str) -> None:
    for text in texts:
        assert KEY not in text
        assert KEY[:8] not in text


@pytest.mark.parametrize("name", LOST)
def test_session_whose_creation_got_a_broken_answer_is_named(name: str, caplog: pytest.LogCaptureFixture) -> None:
    answering, error_class = LOST[name]
    caplog.set_level(logging.INFO)
    with raw_api(answering) as api:
        settings = settings_of(api.url)
        began = time.monotonic()
        with pytest.raises(IonQError) as failed:
            IonQClient(settings).create_session("qpu.forte-1", {"duration_limit_min": 60})
        assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS
        assert isinstance(failed.value, error_class)
        assert failed.value.may_have_applied
        assert re.search(facts("processed"), str(failed.value)) or isinstance(failed.value, IonQResponseError)
        assert api.requests == ["POST /v0.4/sessions"]
        api.sessions.clear()

        with pytest.raises(IonQSessionLostError, match="opened-0") as lost:
            open_session(settings)
        assert lost.value.session_ids == ["opened-0"]
        assert api.requests.count("POST /v0.4/sessions") == 2, "no answer makes the client send it again"
    printed = ["".join(traceback.format_exception(error.value)) for error in (failed, lost)]
    assert_key_is_not_in(caplog.text, *printed)
    assert printed[0].count("Traceback") == 1


@pytest.mark.parametrize("name", LOST_JOBS)
def test_job_whose_submission_got_a_broken_answer_is_sent_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    answering, error_class = LOST[name]
    caplog.set_level(logging.INFO)
    with raw_api(answering, "POST /v0.4/jobs") as api:
        client = IonQClient(settings_of(api.url))
        began = time.monotonic()
        with pytest.raises(IonQError) as failed:
            client.create_job({"backend": "simulator", "type": "ionq.circuit.v1", "input": {"secret": KEY}})
        assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS
        assert isinstance(failed.value, error_class)
        assert failed.value.may_have_applied
        assert api.requests == ["POST /v0.4/jobs"]
        assert [job["id"] for job in client.list_jobs()] == ["job-0"]
    assert_key_is_not_in(caplog.text, "".join(traceback.format_exception(failed.value)))


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_unusual_but_valid_answer_is_understood(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with raw_api(UNDERSTOOD[name]) as api:
        assert open_session(settings_of(api.url))["id"] == "opened-0"
        assert len(api.sessions) == 1
    with raw_api(UNDERSTOOD[name], "POST /v0.4/jobs") as api:
        assert IonQClient(settings_of(api.url)).create_job({})["id"] == "job-0"
    assert_key_is_not_in(caplog.text)


@pytest.mark.parametrize("name", LOST)
def test_read_with_a_broken_answer_ends_in_time_with_an_ionq_error(name: str) -> None:
    answering, _ = LOST[name]
    with raw_api(answering, "GET /v0.4/sessions/opened-0") as api:
        client = IonQClient(settings_of(api.url, max_retries=0))
        client.create_session("qpu.forte-1")
        began = time.monotonic()
        with pytest.raises(IonQError) as failed:
            client.get_session("opened-0")
        assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS
    assert not failed.value.may_have_applied
    assert_key_is_not_in("".join(traceback.format_exception(failed.value)), repr(vars(failed.value)))


@pytest.mark.parametrize("name", LOST_JOBS)
def test_job_read_with_a_broken_answer_ends_in_time_with_an_ionq_error(name: str) -> None:
    answering, _ = LOST[name]
    with raw_api(answering, "GET /v0.4/jobs/job-0") as api:
        client = IonQClient(settings_of(api.url, max_retries=0))
        client.create_job({})
        began = time.monotonic()
        with pytest.raises(IonQError) as failed:
            client.get_job("job-0")
        assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS
    assert not failed.value.may_have_applied


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 409, 418, 425, 429, 451])
def test_explicit_rejection_means_that_the_request_had_no_effect(status: int) -> None:
    with raw_api(answer(f"{status} No", body=b'{"message": "no"}')) as api, pytest.raises(IonQApiError) as refused:
        IonQClient(settings_of(api.url)).create_session("qpu.forte-1")
    assert not refused.value.may_have_applied
    assert refused.value.message == "no"


@pytest.mark.parametrize(
    "answering",
    [
        drip(b"HTTP/1.1 409 Conflict\r\nContent-Length: 9999\r\n\r\n", b"full"),
        answer("409 Conflict", body=b"full", length=9999),
        answer("409 Conflict", headers=[b"Content-Encoding: gzip"], body=b"full"),
        answer("409 Conflict", headers=[b"Content-Encoding: gzip"], body=BOMB),
    ],
    ids=["drips", "cut", "no gzip", "bomb"],
)
def test_rejection_with_an_unreadable_body_is_still_a_rejection(answering: Answering) -> None:
    with raw_api(answering) as api, pytest.raises(IonQApiError, match="409") as refused:
        IonQClient(settings_of(api.url)).create_session("qpu.forte-1")
    assert not refused.value.may_have_applied


@pytest.mark.parametrize("sessions", [1, 4], ids=["by id", "by list"])
def test_shared_poll_ends_within_its_timeout_when_a_body_drips(sessions: int) -> None:
    path = "/sessions/opened-0" if sessions == 1 else "/sessions"
    with raw_api(drip(OK, b"x"), f"GET /v0.4{path}") as api:
        fetcher = Fetcher(SESSIONS, settings_of(api.url, max_retries=0), lambda: True)
        began = time.monotonic()
        snapshot = fetcher.fetch([f"opened-{number}" for number in range(sessions)], failures=0)
        assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS
        fetcher.close()
    assert isinstance(snapshot.failure, IonQTimeoutError)


@pytest.mark.parametrize("status", [429, 503])
def test_each_attempt_has_its_time_also_when_a_body_that_is_thrown_away_drips(status: int) -> None:
    answering = drip(f"HTTP/1.1 {status} Busy\r\nContent-Length: 9999\r\n\r\n".encode(), b"x")
    with raw_api(answering, "GET /v0.4/whoami") as api:
        began = time.monotonic()
        with pytest.raises(IonQApiError):
            IonQClient(settings_of(api.url, max_retries=1)).whoami()
        assert time.monotonic() - began < 2 * TIMEOUT_SECONDS + SLACK_SECONDS
        assert len(api.requests) == 2


MIB = 1024 * 1024
LARGE = gzip.compress(bytes(500 * MIB), 1)
COMPRESSED = [b"Content-Encoding: gzip"]


@pytest.mark.parametrize(
    ("path", "status", "body", "headers", "limit", "peak"),
    [
        ("/v0.4/whoami", "200 OK", BOMB, COMPRESSED, "16 MiB", 24),
        ("/v0.4/whoami", "200 OK", LARGE, COMPRESSED, "16 MiB", 24),
        ("/v0.4/whoami", "200 OK", bytes(40 * MIB), [], "16 MiB", 24),
        ("/v0.4/sessions", "200 OK", LARGE, COMPRESSED, "128 MiB", 150),
        ("/v0.4/whoami", "302 Found", LARGE, [*COMPRESSED, b"Location: /x"], None, 2),
        ("/v0.4/whoami", "404 Not Found", LARGE, COMPRESSED, None, 2),
        ("/v0.4/whoami", "503 Busy", LARGE, COMPRESSED, None, 2),
        ("/v0.4/whoami", "503 Busy", bytes(40 * MIB), [], None, 2),
    ],
    ids=["50 MB gzip", "500 MB gzip", "40 MB", "list of 500 MB gzip", "redirect", "404", "503", "503 not compressed"],
)
def test_an_answer_takes_no_more_memory_than_its_limit(
    path: str, status: str, body: bytes, headers: list[bytes], limit: str | None, peak: int
) -> None:
    with raw_api(answer(status, headers, body), f"GET {path}") as api:
        client = IonQClient(settings_of(api.url, max_retries=0, timeout_seconds=60))
        tracemalloc.start()
        try:
            with pytest.raises(IonQError) as failed:
                client.whoami() if path.endswith("whoami") else client.list_sessions()
            taken = tracemalloc.get_traced_memory()[1] / MIB
        finally:
            tracemalloc.stop()
    if limit is None:
        assert isinstance(failed.value, IonQApiError)
    else:
        assert re.search(facts(f"GET {api.url}{path.removeprefix('/v0.4')} | {limit}"), str(failed.value))
    # The server of this test copies what it sends.
    assert taken < peak + len(body) / MIB


def test_a_list_of_a_hundred_thousand_sessions_is_read() -> None:
    item = b'{"id": "s", "status": "ended", "backend": "qpu.forte-1", "padding": "%s"}' % (b"x" * 400)
    body = gzip.compress(b'{"sessions": [' + b",".join([item] * 100_000) + b"]}", 1)
    with raw_api(answer("200 OK", COMPRESSED, body), "GET /v0.4/sessions") as api:
        client = IonQClient(settings_of(api.url, timeout_seconds=60))
        assert sum(1 for _ in client.iter_sessions()) == 100_000
