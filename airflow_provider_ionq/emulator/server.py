"""uvicorn in a thread, on a loopback port."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

HOST = "127.0.0.1"
_START_SECONDS = 30.0
_STOP_SECONDS = 30.0
_FINISH_SECONDS = 1.0
"""How long a stop waits for current requests before it cancels them."""
_CLOSING_SECONDS = 0.002
# Longer than the pause between two polls of a client, so that its connection stays open.
_KEEP_ALIVE_SECONDS = 75


class _Uvicorn(uvicorn.Server):
    """
    A server that sets an event when it has started, and stops at once.

    uvicorn itself checks only every 0.1 s whether to stop and whether the connections are closed. A test suite stops
    an emulator thousands of times.
    """

    def __init__(self, config: uvicorn.Config, settled: threading.Event) -> None:
        super().__init__(config)
        self._settled = settled

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        self._settled.set()

    async def main_loop(self) -> None:
        # Once: it sets the headers of every answer, which do not change without a date among them.
        await self.on_tick(0)
        await self._stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(_FINISH_SECONDS):
                while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn has no event for that
                    await asyncio.sleep(_CLOSING_SECONDS)
        except TimeoutError:
            for task in state.tasks:
                task.cancel()

    def stop(self) -> None:
        """Stop. May be called from any thread, and before the server has started."""
        self.should_exit = True
        if self.started:
            self._loop.call_soon_threadsafe(self._stopped.set)


class ServerThread:
    """
    A running HTTP server.

    :param app: the ASGI application to serve.
    :param port: TCP port; 0 for any free one.
    :param protocol: the HTTP protocol.
    :raises OSError: the port is not available; the message names it.
    """

    def __init__(self, app: ASGIApp, port: int, protocol: type[asyncio.Protocol]) -> None:
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._settled = threading.Event()
        # h11 and asyncio everywhere, whatever else is installed: the emulator must not differ between environments.
        options: dict[str, Any] = {"http": protocol, "loop": "asyncio", "ws": "none", "lifespan": "off"}
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            **options,
        )
        self._server = _Uvicorn(config, self._settled)
        self._thread = threading.Thread(target=self._run, name=f"ionq-emulator-{self.port}", daemon=True)
        self._thread.start()
        if not self._settled.wait(_START_SECONDS) or not self._server.started:
            self.stop()
            raise RuntimeError(f"the emulator did not start on port {self.port}")

    def stop(self) -> None:
        """Finish the current requests, close every connection and free the port."""
        self._server.stop()
        self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive():
            raise RuntimeError(f"the emulator on port {self.port} did not stop")

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self._settled.set()


def _listen(port: int) -> socket.socket:
    # Given IPPROTO_TCP, asyncio sets TCP_NODELAY; otherwise every answer waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        # Two sockets may be bound to one port, but only one may listen: fail here rather than in the thread.
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {HOST} port {port}: {error.strerror}") from error
    return listener
