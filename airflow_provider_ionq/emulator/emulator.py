"""The public class of the emulator."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from airflow_provider_ionq.emulator.jobs import JOB_SECONDS
from airflow_provider_ionq.emulator.routes import API_PREFIX
from airflow_provider_ionq.emulator.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from airflow_provider_ionq.emulator.server import ServerThread
    from airflow_provider_ionq.emulator.state import ActiveMeaning, Step


class Emulator(Service):
    """
    A local IonQ API on 127.0.0.1, served by a thread of this process.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`. Sessions, faults and log survive a stop, and a
    second start uses the same port: a client sees an outage.

    :param api_key: the only accepted key; may be set at any time, for instance to rotate it.
    :param port: TCP port; 0 for any free one.
    :param active: meaning of the field ``active``, which IonQ does not document: ``not_ended`` (true until the session
        has ended) or ``started`` (true only while it is started).
    :param sessions_enabled: False answers 404 under ``/sessions``, as for an account without sessions; may be set at
        any time.
    :param plan: plan of sessions that are created without their own plan, for instance by ``POST /sessions``.
    :param capacity: maximum number of open sessions of a backend, such as ``{"qpu.forte-1": 1}``; None for no limit;
        may be set at any time.
    :param job_seconds: a job starts at once and is completed this many seconds after its submission; None leaves it
        ``submitted`` until the test ends it; may be set at any time.
    :param job_reads: a job starts at once and is completed after this many reads, whatever ``job_seconds`` is; None
        leaves the completion to ``job_seconds``; may be set at any time.
    :param read_after_write_seconds: seconds during which a session created by ``POST /sessions`` cannot be read; may be
        set at any time.
    :param clock: returns the time in epoch seconds; a test may pass its own clock instead of waiting.
    """

    def __init__(
        self,
        *,
        api_key: str = "emulator-key",
        port: int = 0,
        active: ActiveMeaning = "not_ended",
        sessions_enabled: bool = True,
        plan: Sequence[Step] = (),
        capacity: Mapping[str, int] | None = None,
        job_seconds: float | None = JOB_SECONDS,
        job_reads: int | None = None,
        read_after_write_seconds: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            api_key=api_key,
            active=active,
            sessions_enabled=sessions_enabled,
            plan=plan,
            capacity=capacity,
            job_seconds=job_seconds,
            job_reads=job_reads,
            read_after_write_seconds=read_after_write_seconds,
            clock=clock,
        )
        if type(port) is not int or not 0 <= port <= 65535:
            raise ValueError(f"port must be a whole number from 0 to 65535, not {port!r}")
        self._port = port
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
        self._server = ServerThread(Application(self), self._port, protocol_of(self))
        self._port = self._server.port

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

    @property
    def port(self) -> int:
        """
        TCP port.

        :raises RuntimeError: the port is 0 (any free port) and the emulator has not been started yet.
        """
        if self._port == 0:
            raise RuntimeError("the emulator has no port before it is started")
        return self._port

    @property
    def url(self) -> str:
        """Base URL of the API, such as ``http://127.0.0.1:8080/v0.4``."""
        return f"http://127.0.0.1:{self.port}{API_PREFIX}"

    @property
    def airflow_connection(self) -> str:
        """An Airflow connection to this emulator, as JSON for ``AIRFLOW_CONN_IONQ_DEFAULT``. It contains the key."""
        return json.dumps({"conn_type": "ionq", "host": self.url, "password": self.api_key})
