"""The public class of the emulator."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ionq.emulator.emulator_control import EmulatorControl
from airflow_provider_ionq.emulator.routes import API_PREFIX

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from airflow_provider_ionq.emulator.server import ServerThread


@dataclass(kw_only=True, eq=False, repr=False)
class Emulator(EmulatorControl):
    """
    A local IonQ API on 127.0.0.1, served by a thread of this process.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`. Sessions, faults and log survive a stop, and a
    second start uses the same port: a client sees an outage.

    Every method may be called from any thread. The parameters are those of
    :class:`~airflow_provider_ionq.emulator.settings.Settings`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._server: ServerThread | None = None

    def start(self) -> None:
        """
        Listen and serve until :meth:`stop`.

        :raises ImportError: the extra ``emulator`` is not installed.
        :raises OSError: the port is not available; the message names it.
        :raises RuntimeError: the emulator is running already.
        """
        if self._server is not None:
            raise RuntimeError("the emulator is running already")
        try:
            from airflow_provider_ionq.emulator.app import Application
            from airflow_provider_ionq.emulator.server import ServerThread
            from airflow_provider_ionq.emulator.wire import protocol_of
        except ImportError as error:
            raise ImportError("the emulator needs: pip install 'airflow-provider-ionq[emulator]'") from error
        self._server = ServerThread(Application(self), self._port, protocol_of(self.faults))
        self.port = self._server.port

    def stop(self) -> None:
        """Close every connection and free the port; does nothing if the emulator is not running."""
        if self._server is not None:
            server, self._server = self._server, None
            server.stop()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    # The generated constructor assigns the attribute, and the setter takes the value.
    @property  # type: ignore[misc]
    def port(self) -> int:
        """
        TCP port.

        :raises RuntimeError: the port is 0 (any free port) and the emulator has not been started yet.
        """
        if self._port == 0:
            raise RuntimeError("the emulator has no port before it is started")
        return self._port

    @port.setter
    def port(self, port: int) -> None:
        self._port = port

    @property
    def url(self) -> str:
        """
        Base URL of the API, such as ``http://127.0.0.1:8080/v0.4``.

        :raises RuntimeError: the port is 0 (any free port) and the emulator has not been started yet.
        """
        return f"http://127.0.0.1:{self.port}{API_PREFIX}"

    @property
    def airflow_connection(self) -> str:
        """An Airflow connection to this emulator, as JSON for ``AIRFLOW_CONN_IONQ_DEFAULT``. It contains the key."""
        return json.dumps({"conn_type": "ionq", "host": self.url, "password": self.api_key})
