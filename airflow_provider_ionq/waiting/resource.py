"""The kind of thing that is waited for, as the waiting code sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.waiting.observer import PollObserver

T = TypeVar("T")


class Resource(Protocol[T]):
    """
    A kind of thing that the API serves under an id, such as a session.

    :ivar name: what messages call it: `session`.
    :ivar id_field: the argument that takes its id: `session_id`.
    """

    name: str
    id_field: str

    def get(self, client: IonQClient, item_id: str) -> T:
        """
        Read one item.

        :raises IonQError: see :mod:`airflow_provider_ionq.api.errors`.
        """

    def list_many(self, client: IonQClient, ids: Sequence[str]) -> Iterator[T] | None:
        """
        Read many items at once; others may be among them.

        :param ids: the items that are asked for.
        :return: the items as they are decoded; None when the API offers no way but to read them one by one.
        :raises IonQError: also while the items are iterated over.
        """

    def id_of(self, item: T) -> str:
        """Return an item's id."""

    def is_final(self, item: T) -> bool:
        """Tell whether an item will never change again."""

    def new_observer(self) -> PollObserver[T] | None:
        """Return an observer of the polls of this resource; None when only the waiters of single items matter."""
