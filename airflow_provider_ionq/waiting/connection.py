"""An Airflow connection as passed to the waiting code, which never imports the hook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.settings import ClientSettings


class Metrics(Protocol):
    """Receives the metrics of the shared poll. Neither method raises."""

    def count(self, name: str, ionq_conn_id: str, number: int = 1, *, resource: str) -> None:
        """Add to a counter."""

    def gauge(self, name: str, ionq_conn_id: str, value: int, *, resource: str) -> None:
        """Set a gauge."""


@dataclass(frozen=True, slots=True)
class PolledConnection:
    """
    A connection of the shared poll.

    :param ionq_conn_id: id of the Airflow connection, for messages and metrics.
    :param read_settings: reads the connection; blocks, and may raise anything.
    :param metrics: receives the metrics of the poll.
    """

    ionq_conn_id: str
    read_settings: Callable[[], ClientSettings]
    metrics: Metrics
