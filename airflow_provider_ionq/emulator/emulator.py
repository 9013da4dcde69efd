"""The emulator as tests and people use it."""

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

    Use it as a context manager, or call :meth:`start` and :meth:`stop`. Sessions, faults and log outlive a stop, and a
    second start takes the same port: to a client, stop and start look like an outage.

    :param api_key: the one key that is accepted; may be set at any time, as when a key is rotated.
    :param port: TCP port; 0 for any free one.
    :param active: what the field ``active`` means, which IonQ does not document: ``not_ended`` (true until the session
        has ended) or ``started`` (true only while it is started).
    :param sessions_enabled: False answers 404 under ``/sessions``, as for an account without sessions; may be set at
        any time.
    :param plan: plan of the sessions that are created without one of their own, as by ``POST /sessions``.
    :param capacity: how many sessions of a backend may be open at once, as ``{"qpu.forte-1": 1}``; None for no limit;
        may be set at any time.
    :param job_seconds: a job is started at once and completed that long after its submission; None: when it is told to;
        may be set at any time.
    :param job_reads: a job is started at once and completed after that many reads of it, whatever ``job_seconds`` is;
        None: no number of reads completes it; may be set at any time.
    :param read_after_write_seconds: how long a session made by ``POST /sessions`` cannot be read; may be set at any
        time.
    :param clock: gives the time in epoch seconds; a test may pass its own and need not wait.
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
        :raises OSError: the port cannot be had; names the port.
        :raises RuntimeError: it is running already.
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
        """Close every connection and free the port; nothing happens if it is not running."""
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

        :raises RuntimeError: any free port was asked for and the emulator has not been started yet.
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
        """An Airflow connection to this emulator, as JSON for ``AIRFLOW_CONN_IONQ_DEFAULT``. It holds the key."""
        return json.dumps({"conn_type": "ionq", "host": self.url, "password": self.api_key})
