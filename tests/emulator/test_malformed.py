"""Malformed requests get the API's error or a closed connection, never a traceback or a 500."""

from __future__ import annotations

import json

import pytest

from airflow_provider_ionq.emulator.control_endpoints import CONTROL_PREFIX, CONTROL_ROUTES
from tests.emulator.raw_http import HEAD, JOB, check_error, is_alive, request, send
from tests.emulator.raw_http import emulator_port as emulator_port

BROKEN = {
    "a chunk size that is no number": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk that is longer than its size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n",
    "a chunk that ends early": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
    "chunks without an end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "a negative chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
    "a broken chunk after a good one": HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nxyz\r\n",
    "a body shorter than its length": HEAD + b"Content-Length: 50\r\n\r\n{}",
    "no body at all": HEAD + b"Content-Length: 50\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length that is no number": HEAD + b"Content-Length: two\r\n\r\n{}",
    "a negative length": HEAD + b"Content-Length: -2\r\n\r\n{}",
    "an unknown transfer encoding": HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "a head without an end": HEAD + b"X: y\r\n",
    "a head that is too large": HEAD + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    "a header without a name": HEAD + b": y\r\n\r\n",
    "a header with a null byte": HEAD + b"X: \x00\r\n\r\n",
    "no host": b"GET /v0.4/whoami HTTP/1.1\r\n\r\n",
    "no version": b"GET /v0.4/whoami\r\n\r\n",
    "another version": b"GET /v0.4/whoami HTTP/9.9\r\n\r\n",
    "a path with a space": b"GET /v0.4/who ami HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path beyond ASCII": b"GET /v0.4/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "nothing": b"",
    "line ends": b"\r\n\r\n\r\n\r\n",
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=list(BROKEN))
def test_broken_request_gets_400_or_a_closed_connection(emulator_port: int, data: bytes) -> None:
    answer = send(emulator_port, data, end=True)
    if answer is not None:
        check_error(answer)
    assert is_alive(emulator_port)


@pytest.mark.parametrize("broken", ["zz\r\n", "2\r\nabcdef\r\n"])
def test_broken_chunk_gets_the_error_while_the_client_waits(emulator_port: int, broken: str) -> None:
    answer = send(emulator_port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + broken.encode())
    check_error(answer)
    assert answer is not None
    assert answer[1]["message"] == "Invalid HTTP request received."


def test_rest_of_a_body_that_breaks_after_its_answer_is_dropped(emulator_port: int) -> None:
    chunk = b"%x\r\n%s\r\n" % (2**20, b" " * 2**20)
    answer = send(emulator_port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 11 + b"zz\r\n", end=True)
    assert answer is None or answer[0] == 413
    assert is_alive(emulator_port)


NOT_JSON = [
    b"",
    b"{",
    b"{'a': 1}",
    b"NaN",
    b"Infinity",
    b"\xff",
    b"\xed\xa0\x80",
    b'"\xed\xa0\x80"',
    "{}".encode("utf-16"),
    "{}".encode("utf-32-le"),
    b"{} {}",
    b"\x1f\x8b\x08",
    b"[" * 100_000,
    *(JOB % value for value in (b"NaN", b"-Infinity", b"Infinity", b"1e999", b"-1e999", b"9" * 400, b"9" * 5000)),
    JOB % (b"[" * 500 + b"]" * 500),
    JOB % (b'{"a":' * 101 + b"1" + b"}" * 101),
]
NO_OBJECT = [b"[]", b"null", b"5", b'"text"', b"true", b'[{"backend": "simulator"}]']


@pytest.mark.parametrize("body", [*NOT_JSON, *NO_OBJECT], ids=lambda body: repr(body[-20:]))
@pytest.mark.parametrize("path", ["/v0.4/sessions", "/v0.4/jobs", "/_emulator/sessions", "/_emulator/jobs"])
def test_body_that_is_no_object_of_json_gets_400(emulator_port: int, path: str, body: bytes) -> None:
    answer = send(emulator_port, request("POST", path, body))
    check_error(answer)
    assert answer is not None
    assert answer[0] == 400


@pytest.mark.parametrize(
    "value",
    [
        b"1e308",
        b"-1e308",
        b"1e-999",
        b"9" * 300,
        b'"\\ud800"',
        b'"\\u0000"',
        b'{"": {"a.b": []}}',
        b"[[[[[[[[1]]]]]]]]",
    ],
)
def test_odd_value_that_is_json_comes_back_as_json(emulator_port: int, value: bytes) -> None:
    _, created = send(emulator_port, request("POST", "/v0.4/jobs", JOB % value))  # type: ignore[misc]
    _, shown = send(emulator_port, request("GET", f"/v0.4/jobs/{created['id']}", b""))  # type: ignore[misc]
    assert shown["settings"] == {"x": json.loads(value)}


def test_last_of_two_equal_names_counts(emulator_port: int) -> None:
    body = b'{"backend": "qpu.none", "backend": "simulator", "settings": 5, "settings": {}}'
    status, session = send(emulator_port, request("POST", "/v0.4/sessions", body))  # type: ignore[misc]
    assert (status, session["backend"], session["settings"]) == (201, "simulator", {})


@pytest.mark.parametrize("size", [10 * 2**20 + 1, 30 * 2**20])
@pytest.mark.parametrize("chunked", [False, True])
def test_body_above_10_mb_gets_413(emulator_port: int, size: int, chunked: bool) -> None:
    body = b" " * size
    if chunked:
        data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (size, body)
    else:
        data = request("POST", "/v0.4/jobs", body)
    answer = send(emulator_port, data)
    check_error(answer)
    assert answer is not None
    assert answer[0] == 413


def test_body_of_10_mb_is_taken(emulator_port: int) -> None:
    job = JOB % b"1"
    answer = send(emulator_port, request("POST", "/v0.4/jobs", job + b" " * (10 * 2**20 - len(job))))
    assert answer is not None
    assert answer[0] == 201


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 201),
        ("", 201),
        ("application/json", 201),
        ("Application/JSON; charset=utf-8", 201),
        ("application/problem+json", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonx", 415),
        ("json", 415),
        ("\xff", 415),
    ],
)
@pytest.mark.parametrize("path", ["/v0.4/jobs", "/v0.4/sessions"])
def test_content_type_that_is_not_json_gets_415(
    emulator_port: int, path: str, content_type: str | None, status: int
) -> None:
    body = JOB % b"1" if path == "/v0.4/jobs" else b'{"backend": "simulator"}'
    headers = [] if content_type is None else [b"Content-Type: " + content_type.encode("latin-1")]
    answer = send(emulator_port, request("POST", path, body, *headers))
    assert answer is not None
    assert answer[0] == status
    if status >= 400:
        check_error(answer)


CONTROL_BODIES = [
    b"",
    b"[]",
    b"{",
    b'{"status": "\\ud800"}',
    b'{"status": 500, "body": "\\ud800"}',
    b'{"status": 500, "retry_after": "\\ud800"}',
    b'{"status": 500, "retry_after": NaN}',
    b'{"status": 200, "content_type": "a\\r\\nb: c"}',
    b'{"kind": [], "delay_seconds": {}}',
    b'{"kind": "delay", "delay_seconds": 1e999}',
    b'{"count": -1}',
    b'{"count": "many"}',
    b'{"job_id": {}, "session_id": []}',
    b'{"capacity": {"simulator": 1e999}}',
    b'{"job_seconds": [], "job_reads": {}}',
    b'{"plan": [{"status": "started", "after_seconds": -1e308}]}',
    b'{"settings": {"cost_limit": {"unit": [], "value": {}}}}',
    b'{"remove": [5]}',
    b'{"cost_usd": 1e999}',
]


@pytest.mark.parametrize("body", CONTROL_BODIES, ids=repr)
def test_malformed_control_request_gets_the_error(emulator_port: int, body: bytes) -> None:
    for route in CONTROL_ROUTES:
        method, template = route.split(" ")
        if method not in ("POST", "PATCH"):
            continue
        path = CONTROL_PREFIX + template.replace("{session_id}", "x").replace("{job_id}", "x")
        answer = send(emulator_port, request(method, path, body))
        check_error(answer)
