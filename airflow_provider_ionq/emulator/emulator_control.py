"""An emulator without its server: the interface of the tests, and of the server."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from airflow_provider_ionq.emulator.account import Account
from airflow_provider_ionq.emulator.fault_control import FaultControl
from airflow_provider_ionq.emulator.faults import Disturbance, Fault
from airflow_provider_ionq.emulator.job_control import JobControl
from airflow_provider_ionq.emulator.log import RequestLog
from airflow_provider_ionq.emulator.session_control import SessionControl
from airflow_provider_ionq.emulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from airflow_provider_ionq.emulator.log import RecordedRequest

FaultArguments = ParamSpec("FaultArguments")


def _adds(
    fault: Callable[FaultArguments, Fault | Disturbance],
) -> Callable[Concatenate[EmulatorControl, FaultArguments], None]:
    """Return a method that adds a fault. The fault declares and documents its arguments, once for every use."""

    def add(self: EmulatorControl, /, *arguments: FaultArguments.args, **options: FaultArguments.kwargs) -> None:
        self.faults.add(fault(*arguments, **options))

    parameters = inspect.signature(fault).parameters.values()
    receiver = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    documented: Any = add
    documented.__signature__ = inspect.Signature([receiver, *parameters])
    documented.__doc__ = fault.__doc__
    return add


@dataclass(kw_only=True, eq=False, repr=False)
class EmulatorControl(Settings, SessionControl, JobControl):
    """
    The settings, sessions, jobs, faults and request log of an emulator. Every method may be called from any thread.

    The parameters are those of :class:`~airflow_provider_ionq.emulator.settings.Settings`.
    """

    def __post_init__(self) -> None:
        self.account = Account(self)
        self.faults = FaultControl(self.clock)
        self.log = RequestLog()

    fail = _adds(Fault)
    disturb = _adds(Disturbance)

    def clear_faults(self) -> None:
        """Remove all faults and disturbances: every request gets its regular answer."""
        self.faults.clear()

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
