"""
Ask the API for many sessions in the cheapest way: by one list, or by id, a few at a time.

Blocks: the poll runs it in a thread.
"""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.errors import (
    IonQAuthenticationError,
    IonQError,
    IonQInvalidIdError,
    IonQNotFoundError,
    IonQRateLimitError,
    IonQResponseError,
    IonQServerError,
)
from airflow_provider_ionq.sessions.capacity_queue import CapacityWatch
from airflow_provider_ionq.sessions.target import is_ended

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.api.settings import ClientSettings

BY_ID_AT_MOST = 3
"""Up to so many sessions are asked for by id, one after the other; more by one list, where that is cheaper."""

LIST_BYTES_PER_SESSION = 16 * 1024
"""The list is cheaper than asking by id while it costs fewer bytes than this for each session asked for, and waiter."""

LIST_REST_SECONDS = 600.0
"""A list that fails while single sessions can be read is left alone for so long."""

OWN_SERVER_ERRORS = 3
"""Up to so many 5xx in one look are taken for those sessions' own, once another session could be read."""

DECODED_AT_ONCE = 100
BREATH_SECONDS = 0.0005
"""Between so many sessions of a list the thread that decodes them sleeps for so long."""

LANES = 4
"""Requests in flight at once when many sessions are asked for by id."""

NOTHING_WATCHED = CapacityWatch()


@dataclass(slots=True)
class Look:
    """
    What one look at many sessions saw.

    :param sessions: those that could be read, by id.
    :param errors: those that alone could not be read, by id.
    :param opened: sessions of the watched backends that have not ended, with their backend, as a whole list showed
        them; without a list none.
    :param over: those of the watched sessions that have ended, or of which the API says that they are not there. That
        the list does not show one is not enough: it is then asked for by id.
    :param failure: why the look ended before all were asked for; None when it did not.
    """

    sessions: dict[str, Session] = field(default_factory=dict)
    errors: dict[str, IonQError] = field(default_factory=dict)
    opened: dict[str, str] = field(default_factory=dict)
    over: list[str] = field(default_factory=list)
    failure: IonQError | None = None

    def is_over(self, session_id: str) -> bool:
        """Tell whether a session was seen to have ended, or not to be there."""
        if (session := self.sessions.get(session_id)) is not None:
            return is_ended(session)
        return isinstance(self.errors.get(session_id), IonQNotFoundError)


class Asker:
    """
    Asks one API, over one connection for the list and up to four for single sessions, all kept open.

    :param settings: how to reach the API.
    :param wanted: tells whether anybody still wants an answer; asked before each request.
    """

    def __init__(self, settings: ClientSettings, wanted: Callable[[], bool]) -> None:
        self._settings = settings
        self._wanted = wanted
        self._clients: list[IonQClient] = []
        self._list_bytes = 0
        self._list_rests_until = 0.0

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    def look(self, ids: list[str], failures: int, watch: CapacityWatch = NOTHING_WATCHED) -> Look:
        """
        Ask for sessions; never raises what the API says.

        :param ids: their ids, those that are likely to fail last.
        :param failures: how many looks in a row have failed before this one.
        :param watch: what else to find out: sessions to ask for too, and backends whose open sessions are to be found
            if the list is worth it.
        """
        look = Look()
        if watch.open_ids:
            ids = list(dict.fromkeys([*watch.open_ids, *ids]))
        if (watch.backends or len(ids) > BY_ID_AT_MOST) and self._list_is_worth_it(len(ids) + watch.waiters):
            self._by_list(look, ids, failures, watch.backends)
            ids = [session_id for session_id in ids if session_id not in look.sessions]
        if look.failure is None:
            self._by_id(look, ids, failures)
        look.over = [session_id for session_id in watch.open_ids if look.is_over(session_id)]
        return look

    def _list_is_worth_it(self, asking: int) -> bool:
        return self._list_bytes <= LIST_BYTES_PER_SESSION * asking and time.monotonic() >= self._list_rests_until

    def _by_list(self, look: Look, ids: list[str], failures: int, backends: Collection[str]) -> None:
        from airflow_provider_ionq.api.client import is_session

        client = self._lane(0)
        wanted = set(ids)
        found: dict[str, Session] = {}
        opened: dict[str, str] = {}
        bytes_before = client.body_bytes_read
        try:
            # Not with `?active=true`: nobody documents that it shows sessions that were created and not started.
            for number, item in enumerate(client.iter_sessions()):
                if is_session(item):
                    if item["id"] in wanted:
                        found[item["id"]] = item
                    if (backend := item.get("backend")) in backends and not is_ended(item):
                        opened[item["id"]] = str(backend)
                if number % DECODED_AT_ONCE == 0:
                    # Lets go of the interpreter: else the event loop gets it back every 5 ms only.
                    time.sleep(BREATH_SECONDS)
        except IonQError as error:
            if failures and not isinstance(error, (IonQAuthenticationError, IonQRateLimitError)):
                # A list may fail alone, as when it is too long for a gateway: one session tells.
                self._ask(look, client, iter(ids[:1]))
            if look.sessions:
                self._list_rests_until = time.monotonic() + LIST_REST_SECONDS
            else:
                look.failure = error
            return
        self._list_bytes = client.body_bytes_read - bytes_before
        look.sessions.update(found)
        look.opened = opened

    def _by_id(self, look: Look, ids: list[str], failures: int) -> None:
        # In an outage another session is asked for first each time: one that alone fails does not hide the others.
        first = failures % len(ids) if ids else 0
        pending = iter(ids[first:] + ids[:first])
        if len(ids) <= BY_ID_AT_MOST:
            self._ask(look, self._lane(0), pending)
            return
        self._ask(look, self._lane(0), itertools.islice(pending, 1))
        if look.failure is not None:
            return
        clients = [self._lane(number) for number in range(LANES)]
        with ThreadPoolExecutor(LANES, thread_name_prefix="ionq-poll") as pool:
            for done in [pool.submit(self._ask, look, client, pending) for client in clients]:
                done.result()

    def _ask(self, look: Look, client: IonQClient, pending: Iterator[str]) -> None:
        """Ask for one session after the other, until an error concerns all of them."""
        while look.failure is None and self._wanted():
            # The iterator is shared with other threads, which a list's iterator bears and a generator does not.
            if (session_id := next(pending, None)) is None:
                return
            try:
                look.sessions[session_id] = client.get_session(session_id)
            except IonQError as error:
                if self._is_own(error, look):
                    look.errors[session_id] = error
                else:
                    look.failure = error

    def _is_own(self, error: IonQError, look: Look) -> bool:
        """Tell whether an error concerns its session alone, and the others may be asked for."""
        if isinstance(error, IonQServerError):
            # A copy: other threads add to it.
            own = [known for known in list(look.errors.values()) if isinstance(known, IonQServerError)]
            return bool(look.sessions) and error.retry_after_seconds is None and len(own) < OWN_SERVER_ERRORS
        return isinstance(error, (IonQNotFoundError, IonQInvalidIdError)) or (
            isinstance(error, IonQResponseError) and bool(look.sessions)
        )

    def _lane(self, number: int) -> IonQClient:
        from airflow_provider_ionq.api.client import IonQClient

        while len(self._clients) <= number:
            self._clients.append(IonQClient(self._settings))
        return self._clients[number]
