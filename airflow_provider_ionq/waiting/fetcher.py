"""
Read many items in the cheapest way: with list requests, or one by one; a few requests are sent in parallel.

A list either shows all items there are, or a limited number of requested ones; the resource tells which. Blocking: the
poller runs it in a thread.
"""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_ionq.api.errors import (
    IonQAuthenticationError,
    IonQError,
    IonQInvalidIdError,
    IonQNotFoundError,
    IonQRateLimitError,
    IonQResponseError,
    IonQServerError,
    IonQUnreachableError,
)
from airflow_provider_ionq.waiting.observer import Interest
from airflow_provider_ionq.waiting.snapshot import Snapshot, keep_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.waiting.resource import Resource

T = TypeVar("T")
Work = TypeVar("Work")

BY_ID_AT_MOST = 3
"""Up to this many items are read one by one rather than with a list of all items."""

LIST_BYTES_PER_ITEM = 16 * 1024
"""A list of all items is cheaper than single reads up to this many bytes per awaited item and observer's waiter."""

LIST_REST_SECONDS = 600.0
"""After a list request fails while single items can be read, no list is requested for this time."""

USELESS_LISTS = 3
"""After this many lists of requested items in a row fail or show none of them, no list is requested for that time."""

OWN_SERVER_ERRORS = 3
"""Up to this many 5xx errors in one poll count as failures of single items, once another item was read."""

DECODED_AT_ONCE = 100
BREATH_SECONDS = 0.0005
"""The decoding thread sleeps this long after each batch of `DECODED_AT_ONCE` items."""

LANES = 4
"""Parallel requests when many items are read one by one, or with several lists."""

NO_INTEREST: Interest[Any] = Interest()


class Fetcher(Generic[T]):
    """
    Reads items of one resource. Keeps its connections open, up to four.

    :param resource: the resource to read.
    :param settings: the client's settings.
    :param wanted: returns whether a result is still wanted; called before each request.
    """

    def __init__(self, resource: Resource[T], settings: ClientSettings, wanted: Callable[[], bool]) -> None:
        self._resource = resource
        self._settings = settings
        self._wanted = wanted
        self._clients: list[IonQClient] = []
        self._list_bytes = 0
        self._list_rests_until = 0.0
        self._useless_lists = 0

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    def fetch(
        self,
        ids: list[str],
        failures: int,
        interest: Interest[T] = NO_INTEREST,
        is_kept: Callable[[str, T], bool] = keep_all,
    ) -> Snapshot[T]:
        """
        Read items; errors of the API are returned, never raised.

        :param ids: ids of the items, those likely to fail last.
        :param failures: number of consecutive failed polls before this one.
        :param interest: the observer's interest, whose items are kept.
        :param is_kept: see :class:`~airflow_provider_ionq.waiting.snapshot.Snapshot`; called in several threads.
        """
        snapshot: Snapshot[T] = Snapshot(lambda item_id, item: item_id in interest.ids or is_kept(item_id, item))
        if interest.ids:
            ids = list(dict.fromkeys([*interest.ids, *ids]))
        if self._resource.ids_per_list is not None:
            self._by_lists_of_some(snapshot, ids, failures, self._resource.ids_per_list)
        elif interest.matches is not None or len(ids) > BY_ID_AT_MOST:
            self._by_list_of_all(snapshot, ids, failures, interest)
        if snapshot.failure is None:
            known = snapshot.items.keys() | snapshot.errors.keys()
            self._by_id(snapshot, [item_id for item_id in ids if item_id not in known], failures)
        snapshot.final = [item_id for item_id in interest.ids if self._is_final(snapshot, item_id)]
        return snapshot

    def _is_final(self, snapshot: Snapshot[T], item_id: str) -> bool:
        if (item := snapshot.items.get(item_id)) is not None:
            return self._resource.is_final(item)
        return isinstance(snapshot.errors.get(item_id), IonQNotFoundError)

    def _by_list_of_all(self, snapshot: Snapshot[T], ids: list[str], failures: int, interest: Interest[T]) -> None:
        is_cheap = self._list_bytes <= LIST_BYTES_PER_ITEM * (len(ids) + interest.waiters)
        if not is_cheap or self._lists_rest():
            return
        client = self._lane(0)
        wanted = set(ids)
        found: dict[str, T | None] = {}
        matched: list[T] = []
        bytes_before = client.body_bytes_read
        try:
            items = self._resource.list_many(client, ids)
            if items is None:
                return
            for number, item in enumerate(items):
                if (item_id := self._resource.id_of(item)) in wanted:
                    found[item_id] = snapshot.kept(item_id, item)
                if interest.matches is not None and interest.matches(item):
                    matched.append(item)
                if number % DECODED_AT_ONCE == 0:
                    # Releases the GIL: otherwise the event loop gets it only every 5 ms.
                    time.sleep(BREATH_SECONDS)
        except IonQError as error:
            if failures and not isinstance(error, (IonQAuthenticationError, IonQRateLimitError)):
                # Only the list may fail, for example if it is too long for a gateway. One item is read to find out.
                self._read(snapshot, client, iter(ids[:1]))
            if snapshot.items:
                self._let_lists_rest()
            else:
                snapshot.failure = error
            return
        self._list_bytes = client.body_bytes_read - bytes_before
        snapshot.items.update(found)
        snapshot.matched = matched

    def _by_lists_of_some(self, snapshot: Snapshot[T], ids: list[str], failures: int, size: int) -> None:
        if len(ids) > 1:
            parts = [ids[begin : begin + size] for begin in range(0, len(ids), size)]
            self._in_lanes(snapshot, self._read_lists, parts, failures)

    def _by_id(self, snapshot: Snapshot[T], ids: list[str], failures: int) -> None:
        self._in_lanes(snapshot, self._read, ids, failures)

    def _in_lanes(
        self,
        snapshot: Snapshot[T],
        read: Callable[[Snapshot[T], IonQClient, Iterator[Work]], None],
        work: Sequence[Work],
        failures: int,
    ) -> None:
        """Read in parallel once the first read shows that the API responds."""
        # In an outage each poll begins with another item, so that a permanently failing one does not hide the others.
        first = failures % len(work) if work else 0
        pending = iter([*work[first:], *work[:first]])
        if len(work) <= BY_ID_AT_MOST:
            read(snapshot, self._lane(0), pending)
            return
        read(snapshot, self._lane(0), itertools.islice(pending, 1))
        if snapshot.failure is not None:
            return
        clients = [self._lane(number) for number in range(LANES)]
        with ThreadPoolExecutor(LANES, thread_name_prefix="ionq-poll") as pool:
            for done in [pool.submit(read, snapshot, client, pending) for client in clients]:
                done.result()

    def _read_lists(self, snapshot: Snapshot[T], client: IonQClient, pending: Iterator[list[str]]) -> None:
        """Read the items of one list after another, until an error concerns all of them."""
        while snapshot.failure is None and self._wanted() and not self._lists_rest():
            if (ids := next(pending, None)) is None:
                return
            wanted = set(ids)
            try:
                listed = ((self._resource.id_of(item), item) for item in self._resource.list_many(client, ids) or ())
                found = {item_id: snapshot.kept(item_id, item) for item_id, item in listed if item_id in wanted}
            except IonQError as error:
                if _concerns_all(error):
                    snapshot.failure = error
                    return
                # Only this list may fail. Reading its items shows whether the API responds at all.
                found = {}
                self._read(snapshot, client, iter(ids))
            snapshot.items.update(found)
            self._useless_lists = 0 if found else self._useless_lists + 1
            if self._useless_lists == USELESS_LISTS and snapshot.failure is None:
                self._let_lists_rest()

    def _read(self, snapshot: Snapshot[T], client: IonQClient, pending: Iterator[str]) -> None:
        """Read items one by one, until an error concerns all of them."""
        while snapshot.failure is None and self._wanted():
            # Several threads share the iterator, which a list's iterator permits and a generator does not.
            if (item_id := next(pending, None)) is None:
                return
            try:
                snapshot.items[item_id] = snapshot.kept(item_id, self._resource.get(client, item_id))
            except IonQError as error:
                if self._is_own(error, snapshot):
                    snapshot.errors[item_id] = error
                else:
                    snapshot.failure = error

    def _is_own(self, error: IonQError, snapshot: Snapshot[T]) -> bool:
        """Return whether an error concerns only its item, so that the others can still be read."""
        if isinstance(error, IonQServerError):
            # A copy, because other threads add to it.
            own = [known for known in list(snapshot.errors.values()) if isinstance(known, IonQServerError)]
            return bool(snapshot.items) and error.retry_after_seconds is None and len(own) < OWN_SERVER_ERRORS
        return isinstance(error, (IonQNotFoundError, IonQInvalidIdError)) or (
            isinstance(error, IonQResponseError) and bool(snapshot.items)
        )

    def _lists_rest(self) -> bool:
        return time.monotonic() < self._list_rests_until

    def _let_lists_rest(self) -> None:
        self._list_rests_until = time.monotonic() + LIST_REST_SECONDS
        self._useless_lists = 0

    def _lane(self, number: int) -> IonQClient:
        from airflow_provider_ionq.api.client import IonQClient

        while len(self._clients) <= number:
            self._clients.append(IonQClient(self._settings))
        return self._clients[number]


def _concerns_all(error: IonQError) -> bool:
    """Return whether an error of one list would meet every other request, too."""
    everywhere = (IonQAuthenticationError, IonQRateLimitError, IonQUnreachableError)
    return isinstance(error, everywhere) or error.retry_after_seconds is not None
