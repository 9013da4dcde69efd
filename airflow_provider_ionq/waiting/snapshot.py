"""What one poll of many items has read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.errors import IonQError

T = TypeVar("T")


def keep_all(_item_id: str, _item: object) -> bool:
    """Keep every item of a poll."""
    return True


@dataclass(slots=True)
class Snapshot(Generic[T]):
    """
    The result of one poll of many items.

    :param is_kept: returns whether an item, which it is given after its id, is kept. The decoded JSON of thousands of
        items takes megabytes, and nearly all of it tells their waiters nothing new.
    :param items: the items that were read, by id; None for an item that was not kept.
    :param errors: errors that concern a single item, by its id.
    :param matched: the items of a complete list that match an observer's interest; empty without a list.
    :param final: ids of an observer's interest whose items will never change again, or do not exist: the API returns
        404. An item that is missing from a list is read by its id.
    :param failure: the error that ended the poll before all items were read; None if the poll was complete.
    """

    is_kept: Callable[[str, T], bool] = keep_all
    items: dict[str, T | None] = field(default_factory=dict)
    errors: dict[str, IonQError] = field(default_factory=dict)
    matched: list[T] = field(default_factory=list)
    final: list[str] = field(default_factory=list)
    failure: IonQError | None = None

    def kept(self, item_id: str, item: T) -> T | None:
        """Return an item that is kept, and None for any other."""
        return item if self.is_kept(item_id, item) else None
