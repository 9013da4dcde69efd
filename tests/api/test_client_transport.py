"""The client over real sockets: retries, connections, timeouts, TLS, proxies."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import (
    IonQConfigurationError,
    IonQConnectionError,
    IonQError,
    IonQServerError,
    IonQTimeoutError,
    IonQUnreachableError,
)
from airflow_provider_ionq.api.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {}, json.dumps({"key_id": "1", "key_name": "n"}).encode())


class Server(ThreadingHTTPServer):
    """Answers each request with the next of `answers`, the last one again and again."""

    daemon_threads = True

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.lines: list[str] = []
        self.connections = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def next_answer(self, line: str) -> Answer:
        self.lines.append(line)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, as some tests make it, is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        status, headers, body = self.server.next_answer(self.requestline)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(*answers: Answer, wrap: Callable[[socket.socket], socket.socket] = lambda s: s) -> Iterator[Server]:
    server = Server(list(answers))
    server.socket = wrap(server.socket)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client_of(url: str, **settings: Any) -> IonQClient:
    return IonQClient(ClientSettings(api_key="k", base_url=url, **{"max_retries": 0, "timeout_seconds": 5, **settings}))


def test_many_calls_use_one_connection() -> None:
    with serving(OK) as server:
        client = client_of(f"http://127.0.0.1:{server.port}/v0.4")
        for _ in range(20):
            client.whoami()
        client.close()
        assert len(server.lines) == 20
        assert server.connections == 1


def test_a_read_is_sent_again_after_a_failure_that_may_pass() -> None:
    with serving((503, {"Retry-After": "0"}, b""), (429, {"Retry-After": "0"}, b""), OK) as server:
        assert client_of(f"http://127.0.0.1:{server.port}", max_retries=3).whoami()["key_id"] == "1"
        assert len(server.lines) == 3


@pytest.mark.parametrize("value", ["1.5", "soon", "-1", ""])
def test_a_retry_after_that_cannot_be_read_is_ignored(value: str) -> None:
    with serving((503, {"Retry-After": value}, b""), OK) as server:
        assert client_of(f"http://127.0.0.1:{server.port}", max_retries=3).whoami()["key_id"] == "1"
        assert len(server.lines) == 2


def test_a_proxy_that_refuses_is_named_as_such() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(IonQUnreachableError, match="the proxy failed"):
        client_of("https://api.ionq.co/v0.4", proxies={"https": proxy}).whoami()


def test_retries_end_with_the_error_of_the_last_answer() -> None:
    with serving((503, {"Retry-After": "0"}, b'{"message": "down"}')) as server:
        with pytest.raises(IonQServerError, match="down"):
            client_of(f"http://127.0.0.1:{server.port}", max_retries=2).whoami()
        assert len(server.lines) == 3


def test_no_retries_means_one_attempt() -> None:
    with serving((503, {}, b""), OK) as server:
        with pytest.raises(IonQServerError):
            client_of(f"http://127.0.0.1:{server.port}").whoami()
        assert len(server.lines) == 1


def test_a_404_is_not_sent_again() -> None:
    with serving((404, {}, b"")) as server:
        with pytest.raises(IonQError):
            client_of(f"http://127.0.0.1:{server.port}", max_retries=3).whoami()
        assert len(server.lines) == 1


def test_pause_that_the_server_requests_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    busy: Answer = (503, {"Retry-After": "86400"}, b"")
    with serving(busy, busy, (503, {}, b""), OK) as server:
        client_of(f"http://127.0.0.1:{server.port}", max_retries=3).whoami()
    assert [pause for pause in pauses if pause] == [60, 60, 2]


def test_refused_connection_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(IonQUnreachableError, match=f"127.0.0.1:{port}.*refused"):
        client_of(f"http://127.0.0.1:{port}").whoami()


def test_unknown_host_is_unreachable() -> None:
    with pytest.raises(IonQUnreachableError, match=r"no-such-host\.invalid.*unknown"):
        client_of("https://no-such-host.invalid/v0.4").whoami()


@contextmanager
def raw_server(behave: Callable[[socket.socket], object]) -> Iterator[int]:
    """Hand each connection to a function; it is closed when the function returns."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    behave(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_silence_is_a_timeout() -> None:
    done = threading.Event()
    with raw_server(lambda connection: done.wait(10)) as port:
        began = time.monotonic()
        with pytest.raises(IonQTimeoutError, match=r"within 0\.2 s"):
            client_of(f"http://127.0.0.1:{port}", timeout_seconds=0.2).whoami()
        assert time.monotonic() - began < 5
        done.set()


def test_connection_dropped_after_the_request_is_no_answer() -> None:
    with (
        raw_server(lambda connection: connection.recv(65536)) as port,
        pytest.raises(IonQConnectionError) as caught,
    ):
        client_of(f"http://127.0.0.1:{port}").whoami()
    assert caught.value.retryable


def test_cut_body_is_no_answer() -> None:
    def cut(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"key_id"')

    with raw_server(cut) as port, pytest.raises(IonQConnectionError) as caught:
        client_of(f"http://127.0.0.1:{port}").whoami()
    assert caught.value.retryable


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serving(OK, wrap=lambda plain: context.wrap_socket(plain, server_side=True)) as server:
        yield server


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def other_bundle(tmp_path: Path) -> str:
    path = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


def test_unknown_certificate_is_unreachable(tls_server: Server) -> None:
    with pytest.raises(IonQUnreachableError, match="TLS"):
        client_of(f"https://127.0.0.1:{tls_server.port}").whoami()
    assert tls_server.lines == []


def test_verify_of_the_connection_reaches_the_socket(tls_server: Server, bundle: str, other_bundle: str) -> None:
    url = f"https://127.0.0.1:{tls_server.port}"
    assert client_of(url, verify=bundle).whoami()
    with pytest.raises(IonQUnreachableError, match="TLS"):
        client_of(url, verify=other_bundle).whoami()


def test_many_calls_use_one_tls_connection(tls_server: Server, bundle: str) -> None:
    client = client_of(f"https://127.0.0.1:{tls_server.port}", verify=bundle)
    for _ in range(20):
        client.whoami()
    client.close()
    assert len(tls_server.lines) == 20
    assert tls_server.connections == 1


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_precedence_of_verify_is_connection_environment_default(
    tls_server: Server, bundle: str, other_bundle: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    url = f"https://127.0.0.1:{tls_server.port}"
    monkeypatch.setenv(variable, bundle)
    assert client_of(url).whoami(), "the environment's bundle is used when the connection says nothing"
    monkeypatch.setenv(variable, other_bundle)
    with pytest.raises(IonQUnreachableError):
        client_of(url).whoami()
    assert client_of(url, verify=bundle).whoami(), "the connection's bundle wins over the environment's"
    assert client_of(url, verify=False).whoami(), "the connection's false wins over the environment's"


def test_a_bundle_of_the_environment_that_is_not_there_is_named(
    tls_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    with pytest.raises(IonQConfigurationError, match="/no/such/bundle.pem"):
        client_of(f"https://127.0.0.1:{tls_server.port}").whoami()
