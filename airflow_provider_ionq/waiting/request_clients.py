"""The clients of a task that creates something: the DAG may name another Airflow connection than an earlier try did."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol, TypeVar

from airflow_provider_ionq.api.errors import IonQApiError, IonQError, IonQUnreachableError
from airflow_provider_ionq.waiting.backoff import single_attempt_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.settings import ClientSettings

T = TypeVar("T")


class Connections(Protocol):
    """Access of a task to Airflow connections."""

    connection: str
    """Id of the current Airflow connection."""

    def settings_of(self, connection: str) -> ClientSettings | None:
        """Return the settings of another Airflow connection; None when it does not exist."""


class RequestClients:
    """
    Clients with the connection of a request. An unknown connection is None, and counts as the current one.

    :param settings: settings of the current connection.
    :param connections: access to the other connections.
    """

    def __init__(self, settings: ClientSettings, connections: Connections) -> None:
        self.current = _client(settings, check_address=True)
        self.single_attempt = _client(single_attempt_settings(settings))
        self._settings = settings
        self._connections = connections

    def is_current(self, connection: str | None) -> bool:
        """Return whether a request used the current connection."""
        return connection in (None, self._connections.connection)

    def describe(self, connection: str | None) -> str:
        """Return text that names the connection of a request, to follow a description; empty for the current one."""
        return "" if self.is_current(connection) else f" with Airflow connection {connection!r}"

    def settings_of(self, connection: str | None) -> ClientSettings:
        """Return the settings of a request's connection; those of the current one if it does not exist any more."""
        if connection is None or self.is_current(connection):
            return self._settings
        return self._connections.settings_of(connection) or self._settings

    def client_of(self, connection: str | None) -> IonQClient:
        """Return a client that retries."""
        return _client(self.settings_of(connection))

    def single_attempt_of(self, connection: str | None) -> IonQClient:
        """Return a client for repeated polls."""
        settings = self.settings_of(connection)
        return self.single_attempt if settings is self._settings else _client(single_attempt_settings(settings))

    def within(self, seconds: float) -> IonQClient:
        """
        Return a new client that neither retries nor takes longer than a time.

        :param seconds: the longest time of one request.
        """
        return _client(dataclasses.replace(self._settings, max_retries=0, timeout_seconds=seconds))

    def create(self, send: Callable[[], T], backend: str) -> T:
        """
        Send a create request after a request that succeeded.

        :param send: sends it, once.
        :param backend: the backend that it names.
        :raises IonQError: names the known backends if the API does not know this one.
        """
        try:
            return send()
        except IonQUnreachableError as error:
            # A request has just succeeded, so the connection is valid.
            raise IonQUnreachableError(str(error), retryable=True, may_have_applied=error.may_have_applied) from None
        except IonQApiError as error:
            raise self._with_backends(error, backend) from None

    def _with_backends(self, error: IonQApiError, backend: str) -> IonQApiError:
        if error.status not in (400, 404):
            return error
        try:
            names = [str(known["backend"]) for known in self.single_attempt.list_backends()]
        except (IonQError, KeyError, TypeError):
            return error
        if backend in names:
            return error
        return error.with_advice(f"there is no backend {backend!r}; known backends: {', '.join(names)}")


def _client(settings: ClientSettings, *, check_address: bool = False) -> IonQClient:
    # Imported here because it loads the HTTP library, which parsing a DAG must not.
    from airflow_provider_ionq.api.client import IonQClient

    return IonQClient(settings, check_address=check_address)
