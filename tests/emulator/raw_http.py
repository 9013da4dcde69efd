"""Raw HTTP requests as bytes, and the emulator as a command with its standard error."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

KEY = b"Authorization: apiKey emulator-key\r\n"
HEAD = b"POST /v0.4/jobs HTTP/1.1\r\nHost: x\r\n" + KEY
JOB = (
    b'{"type": "ionq.circuit.v1", "backend": "simulator", "input": {"gateset": "qis", "circuit": []}, '
    b'"settings": {"x": %s}}'
)


@pytest.fixture(scope="module")
def emulator_port() -> Iterator[int]:
    """Run an emulator for the tests of this module; it must have nothing to say at their end."""
    command = [sys.executable, "-m", "airflow_provider_ionq.emulator", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None
        yield int(found[1])
        process.terminate()
        _, errors = process.communicate(timeout=30)
        assert errors == ""
    finally:
        process.kill()
        process.wait(timeout=30)


class _Received:
    """What a socket received, for http.client to read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def makefile(self, _mode: str) -> BinaryIO:
        return self._file


def send(port: int, data: bytes, *, end: bool = False, method: str = "POST") -> tuple[int, Any] | None:
    """
    Send bytes and return status and JSON of the answer; None if there is none.

    :param end: nothing more is sent.
    :param method: of the request, which says whether the answer has a body.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(_Received(connection.makefile("rb")), method=method)  # type: ignore[arg-type]
            answer.begin()
            body = answer.read()
        except TimeoutError:
            raise
        except (OSError, http.client.RemoteDisconnected):
            return None
    if method == "HEAD":
        return answer.status, None
    assert answer.getheader("content-type") == "application/json"
    return answer.status, json.loads(body, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def check_error(answer: tuple[int, Any] | None) -> None:
    assert answer is not None
    status, body = answer
    assert 400 <= status < 500
    assert body["statusCode"] == status
    assert {type(body["error"]), type(body["message"])} == {str}


def request(method: str, path: str, body: bytes, *headers: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: x", KEY.strip(), b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def is_alive(port: int) -> bool:
    return send(port, request("GET", "/v0.4/whoami", b""))[0] == 200  # type: ignore[index]
