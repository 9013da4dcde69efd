"""The settings of a connection as the shared poll goes by them: read once, and again while the API fails."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import IonQConfigurationError, IonQError, naming_connection
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.waiting import outage

if TYPE_CHECKING:
    from airflow_provider_ionq.api.settings import ClientSettings

log = logging.getLogger(__name__)


class ConnectionReader:
    """
    Reads one connection, off the event loop; never raises what is wrong with it.

    :param ionq_conn_id: id of the Airflow connection.
    """

    def __init__(self, ionq_conn_id: str) -> None:
        self.ionq_conn_id = ionq_conn_id
        self.settings: ClientSettings | None = None
        self.error: IonQError = IonQConfigurationError("the connection was never read")
        self.reads = 0
        """How often it could be read."""
        self._tried_at: float | None = None

    def is_due(self, *, troubled: bool) -> bool:
        """Tell whether to read: the first time, and while there is trouble, once in a while."""
        if self._tried_at is None:
            return True
        return troubled and time.monotonic() - self._tried_at >= outage.REREAD_SECONDS

    async def read(self) -> bool:
        """Read the connection; keep what we have when it cannot be read. Return whether the settings are others now."""
        self._tried_at = time.monotonic()
        try:
            settings = await asyncio.to_thread(IonQHook(self.ionq_conn_id, max_retries=0).get_settings)
        except IonQError as error:
            self.error = error
        except Exception as error:  # a secrets backend may raise anything; it is an outage like another
            self.error = IonQConfigurationError(naming_connection(error, self.ionq_conn_id))
        else:
            self.reads += 1
            changed = settings != self.settings
            self.settings = settings
            return changed
        log.warning("The connection could not be read: %s", self.error)
        return False
