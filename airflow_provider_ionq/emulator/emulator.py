"""The public class of the emulator."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from airflow_provider_ionq.emulator.account import Account
from airflow_provider_ionq.emulator.fault_control import FaultControl
from airflow_provider_ionq.emulator.faults import Disturbance, Fault
from airflow_provider_ionq.emulator.job_control import JobControl
from airflow_provider_ionq.emulator.log import RequestLog
from airflow_provider_ionq.emulator.routes import API_PREFIX
from airflow_provider_ionq.emulator.session_control import SessionControl
from airflow_provider_ionq.emulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, Self

    from airflow_provider_ionq.emulator.log import RecordedRequest
    from airflow_provider_ionq.emulator.server import ServerThread

FaultArguments = ParamSpec("FaultArguments")


def _adds(
    fault: Callable[FaultArguments, Fault | Disturbance],
) -> Callable[Concatenate[Emulator, FaultArguments], None]:
    """Return a method that adds a fault. The fault declares and documents its arguments, once for every use."""

    def add(self: Emulator, /, *arguments: FaultArguments.args, **options: FaultArguments.kwargs) -> None:
        self.faults.add(fault(*arguments, **options))

    parameters = inspect.signature(fault).parameters.values()
    receiver = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    documented: Any = add
    documented.__signature__ = inspect.Signature([receiver, *parameters])
    documented.__doc__ = fault.__doc__
    return add


@dataclass(kw_only=True, eq=False, repr=False)
class Emulator(Settings, SessionControl, JobControl):
    """
    A local IonQ API on 127.0.0.1, served by a thread of this process.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`. Sessions, faults and log survive a stop, and a
    second start uses the same port: a client sees an outage.

    Every method may be called from any thread. The parameters are those of
    :class:`~airflow_provider_ionq.emulator.settings.Settings`.
    """

    def __post_init__(self) -> None:
        self.account = Account(self)
        self.faults = FaultControl(self.clock)
        self.log = RequestLog()
        self._server: ServerThread | None = None

    fail = _adds(Fault)
    disturb = _adds(Disturbance)

    def clear_faults(self) -> None:
        """Remove all faults and disturbances: every request gets its regular answer."""
        self.faults.clear()

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

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests to the API so far, oldest first; only the last 100,000 are kept."""
        return self.log.all()

    def record(self, request: RecordedRequest) -> None:
        """Add a request to the log."""
        self.log.add(request)

    def clear_requests(self) -> None:
        """Clear the request log and the counts of connections made and of requests dropped unread."""
        self.log.clear()
        self.faults.clear_counts()

    @property
    def dropped_unread(self) -> int:
        """Number of requests that were dropped before they were read; they are not logged."""
        return self.faults.dropped_unread

    @property
    def connections_made(self) -> int:
        """Number of TCP connections that clients have opened."""
        return self.faults.connections_made

    @property
    def connections_open(self) -> int:
        """Number of TCP connections that are open now."""
        return self.faults.connections_open
