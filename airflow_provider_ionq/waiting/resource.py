"""The interface of a resource: a kind of item that can be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.waiting.observer import PollObserver

T = TypeVar("T")


class Resource(Protocol[T]):
    """
    A kind of item that the API serves by id, such as a session.

    :ivar name: its name in messages: `session`.
    :ivar id_field: the name of the argument for its id: `session_id`.
    :ivar lists_whole_items: whether an item in a list is the same JSON as the item alone.
    """

    name: str
    id_field: str
    lists_whole_items: bool

    @property
    def ids_per_list(self) -> int | None:
        """How many requested items one list request returns; None if it returns all items there are."""

    def get(self, client: IonQClient, item_id: str) -> T:
        """
        Read one item.

        :raises IonQError: see :mod:`airflow_provider_ionq.api.errors`.
        """

    def list_many(self, client: IonQClient, ids: Sequence[str]) -> Iterator[T] | None:
        """
        Read many items with a list request; the result may contain other items.

        :param ids: ids of the requested items, at most `ids_per_list`.
        :return: the items as they are decoded; None if the API can only read them one by one.
        :raises IonQError: also during iteration.
        """

    def id_of(self, item: T) -> str:
        """Return an item's id."""

    def is_final(self, item: T) -> bool:
        """Return whether an item will never change again."""

    def new_observer(self) -> PollObserver[T] | None:
        """Return a new observer of the polls of this resource, or None if it needs none."""
