"""What :class:`~airflow_provider_ionq.waiting.create_once.CreateOnce` needs to know about a resource."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from airflow_provider_ionq.api.errors import IonQError

ItemT = TypeVar("ItemT", bound=Mapping[str, Any])
"""An item's JSON; its id is under the key `id`."""

IntentT = TypeVar("IntentT")
"""What is stored about a request before it is sent."""


class Memory(Protocol[IntentT]):
    """Storage that outlives the process of a task, for its next try and for other tasks."""

    def item_id(self) -> str | None:
        """Return the id of the item that an earlier process created; None if it is unknown."""

    def intent(self) -> IntentT | None:
        """Return the intent of the last request if it created an item or its outcome is unknown, else None."""

    def publish_id(self, item_id: str) -> None:
        """Report the id to the tasks that need it even if this task dies."""

    def store_id(self, item_id: str) -> None:
        """Store the id for a later try."""

    def store_intent(self, intent: IntentT) -> None:
        """Store the intent, before its request."""

    def forget(self) -> None:
        """Remove the id and the intent."""


class Reuse(Enum):
    """The decision about the item of an earlier try."""

    CONTINUE = auto()
    """Continue with it."""

    REPLACE = auto()
    """Create another; it needs no end."""

    END_AND_REPLACE = auto()
    """End it, and create another."""


@dataclass(frozen=True, slots=True)
class Wording:
    """
    How messages name an item and its end.

    :param item: such as "session".
    :param end: such as "end".
    :param ending: such as "ending".
    :param ended: such as "ended".
    """

    item: str
    end: str
    ending: str
    ended: str

    def named(self, item_id: str) -> str:
        """Return the name of an item inside a sentence, such as "session 1"."""
        return f"{self.item} {item_id}"

    def titled(self, item_id: str) -> str:
        """Return the name of an item at the beginning of a sentence, such as "Session 1"."""
        return f"{self.item.capitalize()} {item_id}"


class Creation(ABC, Generic[ItemT, IntentT]):
    """
    The creation of one item: how it is requested, found again and ended, and whether it may be used.

    :cvar wording: names in messages.
    """

    wording: ClassVar[Wording]

    needs_hand_on: ClassVar[bool] = True
    """Whether an item that cannot be handed on is ended. False if a later try of the task finds it anyway."""

    @abstractmethod
    def describe(self, intent: IntentT | None = None) -> str:
        """
        Describe a request, to follow "created on".

        :param intent: the intent of an earlier request; None for the current request.
        """

    def without_request(self) -> ItemT | None:
        """Return an item for which no request is needed, because it exists nowhere else; None to send the request."""
        return None

    @abstractmethod
    def next_intent(self) -> IntentT:
        """
        Return the intent of the request to send next.

        :raises Exception: when there must be no request, or when that cannot be determined.
        """

    @abstractmethod
    def send(self, intent: IntentT) -> ItemT:
        """Send the create request, once. Signals are deferred meanwhile."""

    @abstractmethod
    def read(self, item_id: str, intent: IntentT | None = None) -> ItemT:
        """
        Read an item once.

        :param item_id: id of the item.
        :param intent: the intent of an earlier request; None for the current request.
        """

    @abstractmethod
    def search(self, intent: IntentT) -> list[ItemT]:
        """Return the candidates for the item of a request whose outcome is unknown."""

    @abstractmethod
    def choose(self, found: list[ItemT], intent: IntentT, lost: IonQError | None) -> ItemT | None:
        """
        Return the candidate to continue with; None to create another.

        :param found: the result of :meth:`search`.
        :param intent: the intent of the request.
        :param lost: the request's error; None if it is unknown because the process died.
        :raises Exception: when neither is safe.
        """

    @abstractmethod
    def judge(self, item: ItemT, intent: IntentT | None) -> tuple[Reuse, str]:
        """
        Return what to do with the item of an earlier try whose id is stored, and why.

        :param item: its JSON.
        :param intent: the intent of its request; None if it is unknown.
        :return: for `REPLACE` the reason follows the item's name, such as "has ended"; for `END_AND_REPLACE` it is a
            clause of its own, such as "it is on another backend"; it is empty for `CONTINUE`.
        """

    @abstractmethod
    def end(self, item_id: str, intent: IntentT | None = None) -> None:
        """
        End an item and confirm its end.

        :param item_id: id of the item.
        :param intent: the intent of an earlier request; None for the current request.
        :raises IonQNotEndedError: when its end is not confirmed.
        """

    def reason_to_keep(self) -> str | None:
        """Return why an item does not end with its task; None if it ends."""
        return None

    @abstractmethod
    def request_end(self, item_id: str, seconds: float) -> bool:
        """
        Request the end of an item that this process created, without confirmation.

        Needs a client of its own: a signal may have interrupted the other one in the middle of a request.

        :param item_id: id of the item.
        :param seconds: how long that may take.
        :return: False if it had ended, so that no end was requested.
        """

    def missing_end_reason(self) -> str | None:
        """
        Return why no task would end an item that is created now; None when one will still run, or none is needed.

        :raises IonQNoEndTaskError: retryable, when that cannot be determined.
        """
        return None

    def is_refused_for_now(self, error: IonQError) -> bool:
        """Tell whether a request was refused because there is no capacity, for which the caller waits."""
        return False

    def details(self, item: ItemT) -> str:
        """Return what the log says about a new item, after its id and request."""
        return ""

    def confirm(self, item: ItemT) -> None:
        """
        Check an item that exists, just created or of an earlier try, before it is handed on.

        :raises IonQError: if it must not continue; the caller ends it.
        """

    def hand_on(self, item: ItemT) -> None:
        """Hand the item to the downstream tasks; may be called more than once."""
