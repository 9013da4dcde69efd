"""Random requests: every answer is JSON, none is a 500, and nothing is written to standard error."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ionq.emulator.routes import API_ROUTES
from tests.emulator.raw_http import HEAD, JOB, check_error, request, send
from tests.emulator.raw_http import emulator_port as emulator_port

SEGMENTS = st.sampled_from(
    ["sessions", "jobs", "whoami", "backends", "x", "", "..", "%2e%2e", "%00", "%ff", "%", "%zz", "a%2Fb", "*", "~"]
)
METHODS = st.sampled_from("GET POST PUT PATCH DELETE HEAD OPTIONS TRACE CONNECT get X-Y".split())
ODD_TEXT = st.sampled_from(["", "x", "%", "%ff", "%00", "+", "9" * 5000, "-1", "true", "job-1", "completed", "="])
NAMES = st.sampled_from(["", "%ff", "x", "active", "ids", "status", "limit", "next", "target", "submitter_id"])
ODD_VALUES = [None, True, 0, -1, 2**31, 10**400, 1.5, float("nan"), float("inf"), "", "simulator", "5", "\ud800"]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(ODD_VALUES),
    lambda value: st.lists(value, max_size=3) | st.dictionaries(st.sampled_from(["", "unit", "x"]), value, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from("type backend input session_id name metadata shots settings dry_run noise lang x".split())
OBJECTS = st.dictionaries(FIELDS, VALUES, max_size=5)
BODIES = st.one_of(
    st.just(b""),
    st.binary(max_size=40),
    VALUES.map(lambda value: json.dumps(value).encode()),
    OBJECTS.map(lambda fields: json.dumps(fields).encode()),
    OBJECTS.map(lambda fields: json.dumps({"type": "t", "backend": "simulator", "input": {}} | fields).encode()),
)
HEADERS = st.lists(
    st.sampled_from(
        [
            b"Content-Type: application/json",
            b"Content-Type: text/plain",
            b"Content-Type: \xff",
            b"Content-Encoding: gzip",
            b"Accept: text/html",
            b"Expect: 100-continue",
            b"Expect: x",
            b"Authorization: Basic x",
            b"Authorization: \xff",
            b"Upgrade: websocket",
            b"Upgrade: h2c",
            b"X: \xff\x80",
            b"Origin: http://x",
            b"Range: bytes=0-1",
        ]
    ),
    max_size=3,
)


def _paths() -> st.SearchStrategy[str]:
    routes = [route.split(" ")[1] for route in API_ROUTES]
    filled = st.tuples(st.sampled_from(routes), SEGMENTS).map(lambda pair: re.sub(r"\{\w+\}", pair[1] or "x", pair[0]))
    free = st.lists(SEGMENTS, max_size=4).map(lambda segments: "/" + "/".join(segments))
    parameters = st.lists(st.tuples(NAMES, ODD_TEXT).map("=".join), max_size=3).map("&".join)
    path = st.tuples(st.sampled_from(["/v0.4", "/v0.4", "/v0.4", "", "/v0.3", "http://x/v0.4"]), filled | free)
    return st.tuples(path.map("".join), parameters).map(lambda parts: "?".join(filter(None, parts)) or "*")


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=METHODS, path=_paths(), body=BODIES, headers=HEADERS)
def test_odd_request_gets_json_and_no_500(
    emulator_port: int, method: str, path: str, body: bytes, headers: list[bytes]
) -> None:
    answer = send(emulator_port, request(method, path, body, *headers), method=method)
    assert answer is not None
    if method != "HEAD" and answer[0] >= 400:
        check_error(answer)
    assert answer[0] < 500


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(min_value=0), noise=st.binary(max_size=12), chunked=st.booleans())
def test_request_that_is_cut_or_overwritten_anywhere_leaves_no_trace(
    emulator_port: int, cut: int, noise: bytes, chunked: bool
) -> None:
    body = JOB % b"1"
    whole = request("POST", "/v0.4/jobs", body)
    if chunked:
        whole = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    place = cut % len(whole)
    answer = send(
        emulator_port, whole[:place] + noise + whole[place + len(noise) :] if noise else whole[:place], end=True
    )
    assert answer is None or answer[0] < 500
