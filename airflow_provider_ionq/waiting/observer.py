"""Observers of a shared poll, whose waiters do not wait for a single item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from airflow_provider_ionq.waiting.snapshot import Snapshot
    from airflow_provider_ionq.waiting.waiter import Notification, Waiter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Interest(Generic[T]):
    """
    The items that an observer needs from a poll, besides the awaited ones.

    :param ids: ids of items to read.
    :param matches: returns whether to keep an item of a complete list; None if no list is needed.
    :param waiters: number of the observer's waiters that share the cost of a list.
    """

    ids: Collection[str] = ()
    matches: Callable[[T], bool] | None = None
    waiters: int = 0


class PollObserver(Protocol[T]):
    """Has its own waiters, and notifies them according to each poll. The capacity queue is an observer."""

    def __len__(self) -> int:
        """Return the number of its waiters."""

    def __iter__(self) -> Iterator[Waiter[Any]]:
        """Iterate over its waiters."""

    def add(self, waiter: Any) -> bool:
        """Add a waiter; return whether :meth:`next_at` may now be earlier."""

    def remove(self, waiter: Any) -> None:
        """Remove a waiter, unless its notification has already removed it."""

    def interest(self) -> Interest[T]:
        """Return the items that the next poll should include."""

    def update(self, snapshot: Snapshot[T], now: float) -> None:
        """Process the snapshot of a successful poll."""

    def next_at(self) -> float:
        """Return when the next notification is due without a poll, by `time.monotonic()`; infinity for never."""

    def due(self, now: float) -> Iterable[Notification]:
        """Return the notifications that are due, and remove their waiters."""
