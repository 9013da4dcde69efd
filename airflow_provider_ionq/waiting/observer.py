"""Who learns from a shared poll without waiting for one item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from airflow_provider_ionq.waiting.fetcher import Snapshot
    from airflow_provider_ionq.waiting.waiter import Notification, Waiter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Interest(Generic[T]):
    """
    What an observer wants a poll to find out besides the awaited items.

    :param ids: items to read.
    :param matches: tells which items of a whole list to keep; None when no list is needed.
    :param waiters: how many waiters it speaks for.
    """

    ids: Collection[str] = ()
    matches: Callable[[T], bool] | None = None
    waiters: int = 0


class PollObserver(Protocol[T]):
    """Has waiters of its own, which it notifies by what each poll shows. The capacity queue is one."""

    def __len__(self) -> int:
        """Return how many waiters it has."""

    def __iter__(self) -> Iterator[Waiter[Any]]:
        """Iterate over its waiters."""

    def add(self, waiter: Any) -> bool:
        """Add a waiter; return whether :meth:`next_at` may be sooner now."""

    def remove(self, waiter: Any) -> None:
        """Remove a waiter, unless it has left by being notified."""

    def interest(self) -> Interest[T]:
        """Return what the next poll should find out."""

    def update(self, snapshot: Snapshot[T], now: float) -> None:
        """Learn from a poll that succeeded."""

    def next_at(self) -> float:
        """Return when a waiter is to be notified even if no poll shows anything until then; infinity for never."""

    def due(self, now: float) -> Iterable[Notification]:
        """Return the notifications that are due; their waiters have left."""
