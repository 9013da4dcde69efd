"""
HTTP connections with one deadline per attempt, over `requests` and `urllib3`.

Rules of this file: every read from a socket is bounded by the deadline of its attempt; the exchange records when the
first byte of a request may have been sent; plain http never leaves this machine.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

from airflow_provider_ionq.api.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests
    from urllib3 import PoolManager

READ_AT_ONCE = 64 * 1024
SWITCHING_PROTOCOLS = 101


class PlainHttpError(ValueError):
    """A loopback host name resolves to another machine, which plain http would show the API key to."""


class Exchange:
    """
    One attempt of a request, from the connection's point of view.

    :ivar sent: whether a byte of the request may have been sent. TLS and `CONNECT` bytes do not count.
    """

    def __init__(self) -> None:
        self.sent = False
        self._deadline = 0.0

    def begin(self, seconds: float) -> None:
        """
        Start the clock of an attempt.

        :param seconds: time limit, from the name lookup to the last byte of the response.
        """
        self.sent = False
        self._deadline = time.monotonic() + seconds

    def remaining(self) -> float:
        """
        Return the remaining seconds.

        :raises TimeoutError: if the deadline has passed.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class BoundedAdapter(HTTPAdapter):
    """
    Sends requests over one persistent connection, each within the deadline of its `exchange`, without retries.

    Requests to this machine bypass any proxy of the connection's extras and of the environment.
    """

    def __init__(self) -> None:
        self.exchange = Exchange()
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the manager of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self._bind(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the manager of connections through a proxy."""
        is_new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if is_new:
            self._bind(manager)
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request; takes the arguments of `HTTPAdapter.send`."""
        parts = urlsplit(request.url or "")
        if parts.scheme == "http" or is_loopback(parts.hostname):
            proxies = {}
        return super().send(request, stream, timeout, verify, cert, proxies)

    def _bind(self, manager: PoolManager) -> None:
        bound: dict[str, Any] = {
            scheme: functools.partial(_bounded_pool, pool_class, self.exchange)
            for scheme, pool_class in manager.pool_classes_by_scheme.items()
        }
        manager.pool_classes_by_scheme = bound


class _BoundedConnection(HTTPConnection):
    """A mixin for urllib3's connection classes: http, https and SOCKS."""

    def __init__(self, *args: Any, exchange: Exchange, **kwargs: Any) -> None:
        self.exchange = exchange
        self._connecting = False
        super().__init__(*args, **kwargs)
        self.response_class: Any = functools.partial(_BoundedResponse, exchange=exchange)

    @property
    def timeout(self) -> float:
        """The remaining time of the attempt: urllib3 would give each step the full time-out."""
        return self.exchange.remaining()

    @timeout.setter
    def timeout(self, value: Any) -> None:
        pass

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.sock.settimeout(self.exchange.remaining())
        if not self._connecting:
            self.exchange.sent = True
        super().send(data)

    def _tunnel(self) -> None:
        super()._tunnel()
        self.sock.settimeout(self.exchange.remaining())

    def _new_conn(self) -> socket.socket:
        if hasattr(self, "_socks_options"):
            connection = super()._new_conn()
        else:
            try:
                connection = self._connect_to_any()
            except socket.gaierror as error:
                raise NameResolutionError(self.host, self, error) from error
            except TimeoutError as error:
                raise ConnectTimeoutError(self, f"connecting to {self.host} timed out") from error
            except OSError as error:
                raise NewConnectionError(self, f"connecting to {self.host} failed: {error}") from error
        connection.settimeout(self.exchange.remaining())
        return connection

    def _connect_to_any(self) -> socket.socket:
        """Try the host's addresses in turn, each with an equal share of the remaining time."""
        host = self._dns_host.strip("[]")
        if is_loopback(host):
            host = host.removesuffix(".")  # many resolvers resolve `localhost` only without the dot
        addresses = socket.getaddrinfo(host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        if not isinstance(self, HTTPSConnection):
            # Even a loopback name may resolve to another machine.
            addresses = [address for address in addresses if is_loopback(str(address[4][0]))]
            if not addresses:
                raise PlainHttpError(f"host {host!r} does not resolve to a loopback address, which plain http requires")
        failure: OSError | None = None
        for number, (family, kind, protocol, _, address) in enumerate(addresses):
            left = self.exchange.remaining()
            connection = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    connection.setsockopt(*option)
                connection.settimeout(left / (len(addresses) - number))
                connection.connect(address)
            except OSError as error:
                connection.close()
                failure = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise failure or OSError("the host name has no address")


class _BoundedResponse(http.client.HTTPResponse):
    """Reads status, headers and body within the deadline."""

    def __init__(self, sock: socket.socket, *args: Any, exchange: Exchange, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        unbounded: Any = self.fp
        self.fp = io.BufferedReader(_BoundedReader(unbounded.detach(), sock, exchange), READ_AT_ONCE)

    def begin(self) -> None:
        super().begin()
        # urllib3 would log malformed header lines, in which a server may quote the API key.
        self.msg.set_payload("")
        self.msg.defects.clear()

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status == SWITCHING_PROTOCOLS or not 100 <= status < 200:
                return version, status, reason
            # http.client treats an interim response other than 100, and any interim response of a proxy, as final.
            http.client.parse_headers(self.fp)


class _BoundedReader(io.RawIOBase):
    """Limits each read from a socket to the remaining time."""

    def __init__(self, raw: Any, sock: socket.socket, exchange: Exchange) -> None:
        self._raw = raw
        self._sock = sock
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._exchange.remaining())
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


@functools.cache
def _bounded_connection_class(base: Any) -> Any:
    return type(f"Bounded{base.__name__}", (_BoundedConnection, base), {})


def _bounded_pool(pool_class: Any, exchange: Exchange, *args: Any, **kwargs: Any) -> Any:
    """Create a urllib3 pool whose connections keep the deadline of an exchange."""
    pool = pool_class(*args, **kwargs)
    pool.ConnectionCls = functools.partial(_bounded_connection_class(pool.ConnectionCls), exchange=exchange)
    return pool
