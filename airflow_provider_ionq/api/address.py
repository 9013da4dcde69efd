"""
Distinguish a wrong API address from an unknown session, without Airflow: the response to both is 404.

Every IonQ API serves `/whoami`. If that is a 404 as well, the address is wrong, not the session.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.error_mapping import id_text
from airflow_provider_ionq.api.errors import IonQAddressError, IonQError, IonQNotFoundError
from airflow_provider_ionq.api.settings import API_VERSION_PATH, PUBLIC_API_URL
from airflow_provider_ionq.api.transport import LARGEST_ANSWER, Transport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.api.transport import Response

WHOAMI = "/whoami"
CHECK_TIMEOUT_SECONDS = 5.0


class AddressCheckingTransport(Transport):
    """
    A transport that requests `/whoami` once after a GET returns 404, and reports a wrong address if that is a 404 too.

    Tasks and the hook use it. The shared poll does not: the worker repeats the call and reports the cause. Checking GET
    requests is enough, because each change comes with one: the sessions are listed before one is created, and a session
    is read after the request to end it.

    :param settings: key, address, time-out and the rest.
    """

    def __init__(self, settings: ClientSettings) -> None:
        super().__init__(settings)
        self._api_is_there: bool | None = None

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, limit: int = LARGEST_ANSWER) -> Response:
        """
        Send a GET.

        :raises IonQAddressError: if the API is not at this address.
        :raises IonQError: see :mod:`airflow_provider_ionq.api.errors`.
        """
        try:
            answer = super().get(path, params, limit=limit)
        except IonQNotFoundError as error:
            if self._api_is_there is None:
                self._api_is_there = path != WHOAMI and self._answers_whoami()
            doubt = self._doubt(path, error)
            if doubt is None:
                raise
            raise IonQAddressError(doubt, status=404, message=error.message, request_id=error.request_id) from None
        self._api_is_there = True
        return answer

    def _doubt(self, path: str, error: IonQNotFoundError) -> str | None:
        """Return the error message if a 404 may be due to a wrong address, else None."""
        base_url = self.settings.base_url
        if not self._api_is_there:
            return (
                f"GET {base_url}{path} answered 404: {error.message} - there is no IonQ API at {base_url}:"
                f" GET {WHOAMI} also answered 404; check the API address (host) of the connection. The public API is"
                f" at {PUBLIC_API_URL} {id_text(error.request_id)}"
            )
        version = base_url.rpartition("/")[2]
        if re.fullmatch(r"v\d[\w.]*", version) and f"/{version}" != API_VERSION_PATH:
            return (
                f"{error} - or the API address (host) of the connection is wrong: it ends with {version}, but this"
                f" provider uses {API_VERSION_PATH[1:]} of the API"
            )
        return None

    def _answers_whoami(self) -> bool:
        """Return whether `/whoami` exists; any outcome but a 404 counts."""
        timeout = min(self.settings.timeout_seconds, CHECK_TIMEOUT_SECONDS)
        check = Transport(dataclasses.replace(self.settings, max_retries=0, timeout_seconds=timeout))
        try:
            check.get(WHOAMI)
        except IonQNotFoundError:
            return False
        except IonQError:
            return True
        finally:
            check.close()
        return True
