"""The interface of a target: the awaited state of an item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from airflow_provider_ionq.waiting.decision import Decision

T_contra = TypeVar("T_contra", contravariant=True)


class Target(Protocol[T_contra]):
    """
    The awaited state of an item. Implementations are pure: the same item always gives the same decision.

    `str(target)` completes the sentence "waiting for session X to have ...".
    """

    def decide(self, item: T_contra) -> Decision:
        """Return the decision for an item."""

    def hint(self, item: T_contra) -> str | None:
        """Return a warning for a waiter whose first poll returned this item, or None."""
