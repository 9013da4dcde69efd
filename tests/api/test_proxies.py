"""The choice of a proxy for a request, and the errors of proxies."""

from __future__ import annotations

import base64
import logging
import socket
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import (
    IonQConfigurationError,
    IonQConnectionError,
    IonQError,
    IonQTimeoutError,
    IonQUnreachableError,
)
from airflow_provider_ionq.api.settings import ClientSettings, is_loopback
from tests.api.conftest import HOST
from tests.api.raw_api import Answering, answer, bytes_only, drip, in_turn, raw_api, reset, stay_silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "ionq-key-that-must-not-be-seen"
PASSWORD = "proxy+password/that-must-not-be-seen"
TIMEOUT_SECONDS = 0.5
SLACK_SECONDS = 2.0
VARIABLES = [name for lower in ("http_proxy", "https_proxy", "all_proxy") for name in (lower, lower.upper())]


class Proxy:
    """
    A proxy that connects to this machine, whatever it is asked for.

    :param port: what it connects to.
    :param answering: how it answers instead; None to do what it is asked for.
    """

    def __init__(self, port: int, answering: Answering | None = None) -> None:
        self.heads: list[bytes] = []
        self._target = port
        self._answering = answering
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = [self._listener]

    def run(self, act: Callable[..., object], *arguments: Any) -> None:
        thread = threading.Thread(target=act, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._sockets.append(connection)
                self.run(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536)
            self.heads.append(head)
            if self._answering is not None:
                self._answering(connection, b"")
                return
            with socket.create_connection(("127.0.0.1", self._target)) as target:
                self._sockets.append(target)
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self.run(self._copy, target, connection)
                self._copy(connection, target)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                target.sendall(part)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()


@contextmanager
def proxying(port: int = 9, answering: Answering | None = None) -> Iterator[Proxy]:
    proxy = Proxy(port, answering)
    proxy.run(proxy.accept)
    try:
        yield proxy
    finally:
        proxy.stop()


def client_of(url: str, **settings: Any) -> IonQClient:
    defaults = {"api_key": KEY, "max_retries": 0, "timeout_seconds": TIMEOUT_SECONDS}
    return IonQClient(ClientSettings(base_url=url, **{**defaults, **settings}))


@pytest.fixture
def proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxying() as proxy:
        for name in VARIABLES:
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        yield proxy


LOOPBACK = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "[::1]",
    "[::ffff:127.0.0.1]",
]


@pytest.mark.parametrize("host", LOOPBACK)
@pytest.mark.parametrize("name", ["http", "https", "all", "http://127.0.0.1", "all://localhost"])
def test_loopback_is_reached_without_a_proxy(proxies_of_the_environment: Proxy, host: str, name: str) -> None:
    with socket.socket(socket.AF_INET6) as probe, proxying() as ours:
        ipv6 = host == "[::1]"
        if ipv6:
            with suppress(OSError):
                probe.bind(("::1", 0))
        port = probe.getsockname()[1] if ipv6 else 0
        proxies = {name: f"http://127.0.0.1:{ours.port}"}
        if ipv6:
            with pytest.raises(IonQConnectionError):
                client_of(f"http://{host}:{port or 9}", proxies=proxies).whoami()
        else:
            with raw_api(answer()) as api:
                assert client_of(api.url.replace("127.0.0.1", host), proxies=proxies).whoami()
                assert client_of(api.url.replace("127.0.0.1", host)).whoami()
        assert ours.heads == proxies_of_the_environment.heads == []


def test_https_to_loopback_uses_no_proxy(
    proxies_of_the_environment: Proxy, tls: Callable[[socket.socket], socket.socket], bundle: str
) -> None:
    with raw_api(answer(), wrap=tls) as api:
        assert client_of(api.url.replace("http:", "https:"), verify=bundle).whoami()
    assert proxies_of_the_environment.heads == []


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "128.1", "10.0.0.1", "[::]", "[::ffff:10.0.0.1]", "localhost.example", "127.0.0.1.example", "1"]
)
def test_plain_http_is_rejected_for_addresses_that_are_not_loopback(host: str) -> None:
    with pytest.raises(IonQConfigurationError, match="plain http"):
        client_of(f"http://{host}/v0.4")


@pytest.mark.parametrize("name", ["", ".", "127", "0x7f", "127.0.0.1.1", "127.0.0.1 x", "0177.0.0.1x", "lo", "::2"])
def test_address_that_only_resembles_loopback_is_not_loopback(name: str) -> None:
    assert not is_loopback(name)


@pytest.mark.parametrize("host", ["localhost", "ionq.localhost"])
def test_plain_http_is_not_sent_to_another_machine_that_has_a_name_of_this_one(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", elsewhere)
    with pytest.raises(IonQConfigurationError, match="plain http") as refused:
        client_of(f"http://{host}/v0.4").create_session("qpu.forte-1")
    assert not refused.value.may_have_applied


@pytest.mark.parametrize("name", ["https", "all", f"https://{HOST}"])
def test_precedence_of_proxies_is_connection_environment_none(
    name: str, tls: Callable[[socket.socket], socket.socket], bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_api(answer(), wrap=tls) as api, proxying(api.port) as ours, proxying(api.port) as environments:
        url = f"https://{HOST}/v0.4"
        with pytest.raises(IonQUnreachableError, match="unknown"):
            client_of(url, verify=bundle).whoami()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{environments.port}")
        client_of(url, verify=bundle).whoami()
        assert (len(ours.heads), len(environments.heads)) == (0, 1)
        client_of(url, verify=bundle, proxies={name: f"http://127.0.0.1:{ours.port}"}).whoami()
        assert (len(ours.heads), len(environments.heads)) == (1, 1)
        assert ours.heads[0].startswith(f"CONNECT {HOST}:443 ".encode())
        assert KEY.encode() not in b"".join(ours.heads + environments.heads)


NOT_CONNECTED: dict[str, tuple[Answering, type[IonQError]]] = {
    "refuses": (bytes_only(b"HTTP/1.1 407 Who are you?\r\n\r\n"), IonQUnreachableError),
    "fails": (bytes_only(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), IonQUnreachableError),
    "closes": (bytes_only(b""), IonQConnectionError),
    "resets": (reset, IonQConnectionError),
    "is silent": (stay_silent, IonQTimeoutError),
    "drips its status": (drip(b"HTTP/1.1 200 ", b"O"), IonQTimeoutError),
    "drips its headers": (drip(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"), IonQError),
    "answers 100 for ever": (drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), IonQTimeoutError),
    "talks another protocol": (bytes_only(b"SSH-2.0-x\r\n"), IonQError),
    "connects and closes": (bytes_only(b"HTTP/1.1 200 OK\r\n\r\n"), IonQError),
    "connects and talks no TLS": (bytes_only(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 400 Bad\r\n\r\n"), IonQError),
    "connects and is silent": (
        in_turn(bytes_only(b"HTTP/1.1 200 OK\r\n\r\n"), lambda connection, _: connection.recv(65536), stay_silent),
        IonQTimeoutError,
    ),
    "connects and drips": (drip(b"HTTP/1.1 200 OK\r\n\r\n", b"\x16"), IonQError),
    "quotes the password": (
        bytes_only(b"HTTP/1.1 407 Basic " + base64.b64encode(f"user:{PASSWORD}".encode()) + b"\r\n\r\n"),
        IonQUnreachableError,
    ),
    "quotes the password as it is": (
        bytes_only(f"HTTP/1.1 407 user:{PASSWORD}\r\n\r\n".encode()),
        IonQUnreachableError,
    ),
}


@pytest.mark.parametrize("name", NOT_CONNECTED)
@pytest.mark.parametrize("by_environment", [False, True], ids=["extra", "environment"])
def test_a_request_that_no_proxy_passed_on_was_not_sent(
    name: str, by_environment: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answering, error_class = NOT_CONNECTED[name]
    with proxying(answering=answering) as proxy:
        url = f"http://user:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{proxy.port}"
        if by_environment:
            monkeypatch.setenv("HTTPS_PROXY", url)
        client = client_of(f"https://{HOST}/v0.4", proxies=None if by_environment else {"all": url})
        began = time.monotonic()
        with pytest.raises(error_class) as failed:
            client.create_session("qpu.forte-1")
        assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS
        assert not failed.value.may_have_applied
        assert proxy.heads
        assert KEY.encode() not in b"".join(proxy.heads)
    printed = "".join(traceback.format_exception(failed.value)) + caplog.text
    for secret in (PASSWORD, PASSWORD.replace("/", "%2F"), base64.b64encode(PASSWORD.encode()).decode()[4:-4]):
        assert secret not in printed


@pytest.mark.parametrize("port", ["99999", "x", "1"])
@pytest.mark.parametrize("password", [PASSWORD, "a@b", "a/b", "a:b", "a b"])
def test_the_password_of_a_proxy_that_cannot_be_used_is_not_shown(
    port: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://user:{password}@127.0.0.1:{port}")
    with pytest.raises(IonQError) as failed:
        client_of(f"https://{HOST}/v0.4").create_session("qpu.forte-1")
    assert not failed.value.may_have_applied
    assert password not in "".join(traceback.format_exception(failed.value))


def test_request_that_a_proxy_passed_on_may_have_been_processed(
    tls: Callable[[socket.socket], socket.socket], bundle: str
) -> None:
    with raw_api(reset, wrap=tls) as api, proxying(api.port) as proxy:
        proxies = {"https": f"http://127.0.0.1:{proxy.port}"}
        with pytest.raises(IonQConnectionError, match="the connection broke") as failed:
            client_of(f"https://{HOST}/v0.4", verify=bundle, proxies=proxies).create_session("qpu.forte-1")
        assert len(api.sessions) == 1
    assert failed.value.may_have_applied
    assert failed.value.retryable


DRIPPING = {
    "status": drip(b"HTTP/1.1 200 ", b"O"),
    "headers": drip(b"HTTP/1.1 200 OK\r\n", b"x"),
    "interim answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" "),
    "redirect": drip(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 9999\r\n\r\n", b" "),
}


@pytest.mark.parametrize("through_proxy", [False, True], ids=["direct", "proxy"])
@pytest.mark.parametrize("name", DRIPPING)
def test_an_attempt_over_tls_has_its_time_too(
    name: str, through_proxy: bool, tls: Callable[[socket.socket], socket.socket], bundle: str
) -> None:
    with raw_api(DRIPPING[name], wrap=tls) as api, proxying(api.port) as proxy:
        host = HOST if through_proxy else f"127.0.0.1:{api.port}"
        proxies = {"https": f"http://127.0.0.1:{proxy.port}"}
        client = client_of(f"https://{host}/v0.4", verify=bundle, proxies=proxies)
        began = time.monotonic()
        with pytest.raises(IonQError) as failed:
            client.create_session("qpu.forte-1")
        assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS
        assert bool(proxy.heads) is through_proxy
    assert failed.value.may_have_applied


def test_every_address_of_a_host_has_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_api(answer()) as api, socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # A listener whose queue is full does not answer a connection, like a host that is gone.
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())

        def two(*_: Any, **__: Any) -> list[Any]:
            addresses = (full.getsockname(), ("127.0.0.1", api.port))
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        began = time.monotonic()
        assert client_of(f"http://localhost:{api.port}/v0.4", timeout_seconds=2).whoami()
        assert 0.9 < time.monotonic() - began < 2 + SLACK_SECONDS
        for one in waiting:
            one.close()
