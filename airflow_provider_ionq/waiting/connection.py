"""An Airflow connection as passed to the waiting code, which never imports the hook, and its name in error texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_provider_ionq.api.errors import (
    IonQBudgetError,
    IonQChangedInputError,
    IonQJobFailedError,
    IonQJobTimeoutError,
    IonQNoEndTaskError,
    IonQResultsError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.settings import ClientSettings


_NOT_OF_THE_CONNECTION = (
    IonQNoEndTaskError,
    IonQBudgetError,
    IonQChangedInputError,
    IonQJobTimeoutError,
    IonQJobFailedError,
    IonQResultsError,
)


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


def naming_connection(error: Exception, ionq_conn_id: str) -> str:
    """
    Return an error's text, which names the Airflow connection once if the error may be due to it.

    :param error: an exception of the client, the hook or Airflow. Some already name the connection.
    :param ionq_conn_id: id of the Airflow connection.
    """
    connection = f"Airflow connection {ionq_conn_id!r}"
    if connection in str(error) or isinstance(error, _NOT_OF_THE_CONNECTION):
        return str(error)
    return f"{error} ({connection})"
