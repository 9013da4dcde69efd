"""A TCP forwarder on a loopback port between Airflow and an emulator, optionally with TLS."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from typing import Self

LOOPBACK = "127.0.0.1"
CHUNK = 65536
SECONDS_BETWEEN_CHECKS = 0.2


class Gateway:
    """
    Forward connections to another port while the context is open.

    :param target: the port to forward to.
    :param tls: how to speak TLS with the client; None means plain TCP. May be set at any time, for new connections.
    """

    def __init__(self, target: int, tls: ssl.SSLContext | None = None) -> None:
        self.target = target
        self.tls = tls
        self.refused_handshakes = 0
        self._generation = 0
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []
        self.port = 0

    def __enter__(self) -> Self:
        """Listen."""
        self._listener = socket.create_server((LOOPBACK, self.port))
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept, self._listener)
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Refuse connections from now on, and drop those that are open."""
        listener, self._listener = self._listener, None
        self.drop_connections()
        if listener is not None:
            # Wakes the thread that accepts, which a close alone does not.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self._threads:
            thread.join()

    def drop_connections(self) -> None:
        """Close every open connection."""
        self._generation += 1

    def _spawn(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._spawn(self._serve, client, self._generation)

    def _serve(self, client: socket.socket, generation: int) -> None:
        with contextlib.ExitStack() as open_sockets:
            open_sockets.enter_context(client)
            if self.tls is not None:
                client.settimeout(10)
                try:
                    client = open_sockets.enter_context(self.tls.wrap_socket(client, server_side=True))
                except OSError:
                    self.refused_handshakes += 1
                    return
            with contextlib.suppress(OSError):
                server = open_sockets.enter_context(socket.create_connection((LOOPBACK, self.target)))
                self._forward(client, server, generation)

    def _forward(self, client: socket.socket, server: socket.socket, generation: int) -> None:
        other = {client: server, server: client}
        while generation == self._generation:
            pending = isinstance(client, ssl.SSLSocket) and client.pending() > 0
            ready = [client] if pending else select.select(list(other), [], [], SECONDS_BETWEEN_CHECKS)[0]
            for source in ready:
                data = source.recv(CHUNK)
                if not data:
                    return
                other[source].sendall(data)
