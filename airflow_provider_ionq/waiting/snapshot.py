"""What one poll of many items has read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from airflow_provider_ionq.api.errors import IonQError

T = TypeVar("T")


@dataclass(slots=True)
class Snapshot(Generic[T]):
    """
    The result of one poll of many items.

    :param items: the items that were read, by id.
    :param errors: errors that concern a single item, by its id.
    :param matched: the items of a complete list that match an observer's interest; empty without a list.
    :param final: ids of an observer's interest whose items will never change again, or do not exist: the API returns
        404. An item that is missing from a list is read by its id.
    :param failure: the error that ended the poll before all items were read; None if the poll was complete.
    """

    items: dict[str, T] = field(default_factory=dict)
    errors: dict[str, IonQError] = field(default_factory=dict)
    matched: list[T] = field(default_factory=list)
    final: list[str] = field(default_factory=list)
    failure: IonQError | None = None
