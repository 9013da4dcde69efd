"""Poll one item on a worker, through outages and changes of the connection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_ionq.api.errors import IonQConfigurationError, IonQError
from airflow_provider_ionq.waiting import outage
from airflow_provider_ionq.waiting.connection import naming_connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.waiting.resource import Resource

T = TypeVar("T")


class BlockingPoller(Generic[T]):
    """
    Polls one item with one request per poll, and separates transient from permanent errors.

    :param resource: the polled resource.
    :param ionq_conn_id: id of the Airflow connection, for messages.
    :param read_settings: reads the connection; may raise anything.
    :param log: the task's logger.
    """

    def __init__(
        self, resource: Resource[T], ionq_conn_id: str, read_settings: Callable[[], ClientSettings], log: Any
    ) -> None:
        self.outage = outage.Outage()
        self.failure: IonQError | None = None
        """The error of the last failed poll."""
        self._resource = resource
        self._ionq_conn_id = ionq_conn_id
        self._read_settings = read_settings
        self._log = log
        self._client: IonQClient | None = None
        self._reads = 0
        self._read_at = 0.0

    def poll(self, item_id: str, *, first: bool = False, refused_before: bool = False) -> T | None:
        """
        Poll once; return None on an error that may be transient.

        :param item_id: id of the item.
        :param first: whether it is the first poll, at which every error that is not retryable is permanent.
        :param refused_before: whether the previous poll was rejected, which makes a second rejection permanent.
        :raises IonQError: on a permanent error.
        :raises Exception: at the first poll, any error while reading the connection.
        """
        try:
            item = self._resource.get(self._current_client(), item_id)
        except Exception as error:
            failure = error if isinstance(error, IonQError) else IonQConfigurationError(str(error))
            if first and not failure.retryable:
                raise
            self._note_failure(failure)
            if self.outage.final or (refused_before and outage.is_refusal(failure)):
                raise
            return None
        if self.outage.passed():
            self._log.info("The IonQ API responds again; the wait continues.")
        return item

    def read_connection_again(self) -> None:
        """Make the next poll read the connection, however recently it was read."""
        self._client = None

    def _current_client(self) -> IonQClient:
        """Return the client. After a failed poll, read the connection and create a new one, at most once a minute."""
        is_stale = self.outage.failures and time.monotonic() - self._read_at >= outage.REREAD_SECONDS
        if self._client is not None and not is_stale:
            return self._client
        from airflow_provider_ionq.api.client import IonQClient

        self._read_at = time.monotonic()
        try:
            client = IonQClient(self._read_settings(), check_address=True)
        except Exception as error:
            if self._client is None:
                raise
            self._log.warning(
                "The connection could not be read again; its previous settings are used: %s",
                naming_connection(error, self._ionq_conn_id),
            )
            return self._client
        self._reads += 1
        self._client = client
        return client

    def _note_failure(self, error: IonQError) -> None:
        self.failure = error
        if self.outage.failed(error, self._reads):
            self._log.warning("The IonQ API cannot be reached; waiting until it can. %s", error)
