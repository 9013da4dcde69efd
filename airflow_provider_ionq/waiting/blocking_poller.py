"""How a worker looks at a session again and again, through outages and changes of the connection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQConfigurationError, IonQError, naming_connection
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.utils.tasks import look_at_session
from airflow_provider_ionq.waiting import outage

if TYPE_CHECKING:
    from airflow_provider_ionq.api.models import Session


class Lookout:
    """
    Looks at one session, one request each time, and knows what can be waited out.

    :param ionq_conn_id: id of the Airflow connection.
    :param log: the task's logger.
    """

    def __init__(self, ionq_conn_id: str, log: Any) -> None:
        self.ionq_conn_id = ionq_conn_id
        self.outage = outage.Outage()
        self.failure: IonQError | None = None
        """Why the last look that failed did so."""
        self._log = log
        self._hook: IonQHook | None = None
        self._connection_reads = 0
        self._connection_read_at = 0.0

    def look(self, session_id: object, *, first: bool = False, refused_before: bool = False) -> Session | None:
        """
        Look once; return None if the API could not be asked and that may pass.

        :param session_id: the rendered argument.
        :param first: whether it is the first look, at which what can only be a mistake is believed.
        :param refused_before: whether a refusal is the second in a row, and so is believed.
        :raises IonQFailException: for a mistake, and for a refusal that is believed.
        """
        try:
            session = look_at_session(self._fresh_hook(), session_id)
        except IonQFailException as error:
            reason = error.reason
            if first or reason is None:
                raise
            failure = reason if isinstance(reason, IonQError) else IonQConfigurationError(str(reason))
            self._note_failure(failure)
            if self.outage.final or (refused_before and outage.is_refusal(failure)):
                raise
        except IonQError as error:
            self._note_failure(error)
        else:
            if self.outage.passed():
                self._log.info("The IonQ API answers again; waiting on.")
            return session
        return None

    def _fresh_hook(self) -> IonQHook:
        """Return the hook; after a failed look one that reads the connection again, at most once a minute."""
        stale = self.outage.failures and time.monotonic() - self._connection_read_at >= outage.REREAD_SECONDS
        if self._hook is None or stale:
            self._connection_read_at = time.monotonic()
            hook = IonQHook(self.ionq_conn_id, max_retries=0)
            try:
                hook.get_conn()
            except Exception as error:
                if self._hook is None:
                    # `look_at_session` reads it again and tells what is wrong.
                    return hook
                self._log.warning(
                    "The connection cannot be read again now, so the settings that were read last are used: %s",
                    naming_connection(error, self.ionq_conn_id),
                )
            else:
                self._hook = hook
                self._connection_reads += 1
        return self._hook

    def read_connection_again(self) -> None:
        """Have the next look read the connection, however short ago it was read."""
        self._hook = None

    def _note_failure(self, error: IonQError) -> None:
        self.failure = error
        if self.outage.failed(error, self._connection_reads):
            self._log.warning("The IonQ API cannot be asked; waiting on until it can. %s", error)
