"""
Tell a wrong address of the API from an unknown session, without Airflow: both are answered 404.

Every IonQ API answers `/whoami`. Where that is answered 404 as well, the address is wrong, and not the session.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.error_mapping import id_text
from airflow_provider_ionq.api.errors import IonQAddressError, IonQError, IonQNotFoundError
from airflow_provider_ionq.api.settings import API_VERSION_PATH, PUBLIC_API_URL
from airflow_provider_ionq.api.transport import LARGEST_ANSWER, Transport

if TYPE_CHECKING:
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.api.transport import Response

WHOAMI = "/whoami"
CHECK_TIMEOUT_SECONDS = 5.0


class AddressCheckingTransport(Transport):
    """
    A transport that asks once for `/whoami` when a GET is answered 404, and blames the address if that is not there.

    For the calls of tasks and of the hook. The shared poll does without: a worker makes the call again that tells why.
    Requests that change something come with a GET, which is enough to ask: before a session is created, the sessions
    are listed; after it was told to end, it is read.

    :param settings: key, address, time-out and the rest.
    """

    def __init__(self, settings: ClientSettings) -> None:
        super().__init__(settings)
        self._api_is_there: bool | None = None

    def get(self, path: str, params: dict[str, str] | None = None, *, limit: int = LARGEST_ANSWER) -> Response:
        """
        Send a GET.

        :raises IonQAddressError: when the API is not at this address.
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
        """Return the message of a 404 that puts the address in doubt; None if nothing does."""
        base_url = self.settings.base_url
        if not self._api_is_there:
            return (
                f"GET {base_url}{path} answered 404: {error.message} - there is no IonQ API at {base_url}, where"
                f" GET {WHOAMI} is answered 404, too: check the API address (host) of the connection. The public"
                f" API is at {PUBLIC_API_URL} {id_text(error.request_id)}"
            )
        version = base_url.rpartition("/")[2]
        if re.fullmatch(r"v\d[\w.]*", version) and f"/{version}" != API_VERSION_PATH:
            return (
                f"{error} - or the API address (host) of the connection is wrong: it ends with {version}, but this"
                f" provider uses {API_VERSION_PATH[1:]} of the API"
            )
        return None

    def _answers_whoami(self) -> bool:
        """Tell whether `/whoami` is there; anything but a 404 counts as that."""
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
