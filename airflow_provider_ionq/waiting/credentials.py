"""The connection settings of a poll: read once, and again during an outage."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import IonQConfigurationError, IonQError
from airflow_provider_ionq.waiting import outage
from airflow_provider_ionq.waiting.connection import naming_connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.settings import ClientSettings

log = logging.getLogger(__name__)


class CredentialsReader:
    """
    Reads one connection off the event loop. An error is kept in :attr:`error`, never raised.

    :param ionq_conn_id: id of the Airflow connection, for messages.
    :param read_settings: reads the connection; blocks, and may raise anything.
    """

    def __init__(self, ionq_conn_id: str, read_settings: Callable[[], ClientSettings]) -> None:
        self.ionq_conn_id = ionq_conn_id
        self.settings: ClientSettings | None = None
        self.error: IonQError = IonQConfigurationError("the connection has not been read yet")
        self.reads = 0
        """How often the connection was read successfully."""
        self._read_settings = read_settings
        self._tried_at: float | None = None

    def is_due(self, *, in_outage: bool) -> bool:
        """Return whether to read the connection: the first time, and once a minute during an outage."""
        if self._tried_at is None:
            return True
        return in_outage and time.monotonic() - self._tried_at >= outage.REREAD_SECONDS

    async def read(self) -> bool:
        """Read the connection; keep the old settings on an error. Return whether the settings have changed."""
        self._tried_at = time.monotonic()
        try:
            settings = await asyncio.to_thread(self._read_settings)
        except IonQError as error:
            self.error = error
        except Exception as error:  # a secrets backend may raise anything; treated as an outage
            self.error = IonQConfigurationError(naming_connection(error, self.ionq_conn_id))
        else:
            self.reads += 1
            changed = settings != self.settings
            self.settings = settings
            return changed
        log.warning("The connection could not be read: %s", self.error)
        return False
