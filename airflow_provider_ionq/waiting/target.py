"""What is waited for, as the waiting code sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from airflow_provider_ionq.waiting.decision import Decision

T_contra = TypeVar("T_contra", contravariant=True)


class Target(Protocol[T_contra]):
    """
    What is waited for. Implementations are pure: the same item always gives the same answer.

    Its text, `str(target)`, completes the sentence "waiting for session X to have ...".
    """

    def decide(self, item: T_contra) -> Decision:
        """Decide what an item means for a waiter."""

    def hint(self, item: T_contra) -> str | None:
        """Return a warning for a waiter whose first poll shows this item; None when there is nothing to say."""
