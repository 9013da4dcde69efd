"""What a task stores for its own next try, in the task state store of Airflow 3.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class TaskMemory:
    """
    The id of what a task has created, and the intent of its last request.

    Before 3.3 nothing outlives a process: a later try must assume that the previous one sent a request.

    :param context: the task's context.
    :param prefix: beginning of the keys in the store.
    :param resumed: whether this process continues a deferred try, and so knows the outcome of its request.
    """

    def __init__(self, context: Context, prefix: str, *, resumed: bool = False) -> None:
        self._store: Any = context.get("task_state_store")
        self._id_key = f"{prefix}_id"
        self._intent_key = f"{prefix}_intent"
        ti: Any = context["ti"]
        self._outcome_unknown = self._store is None and ti.try_number > 1 and not resumed

    @property
    def outcome_unknown(self) -> bool:
        """Whether an earlier try may have sent a request that is not stored."""
        return self._outcome_unknown

    def item_id(self) -> str | None:
        """Return the id that an earlier process of this task stored; None if it is unknown."""
        value = None if self._store is None else self._store.get(self._id_key)
        return value if isinstance(value, str) else None

    def intent_json(self) -> dict[str, Any] | None:
        """Return the intent that an earlier process of this task stored before its last request, or None."""
        value = None if self._store is None else self._store.get(self._intent_key)
        return value if isinstance(value, dict) else None

    def store_id(self, item_id: str) -> None:
        """Store the id of what was created for a later try."""
        if self._store is not None:
            self._store.set(self._id_key, item_id)

    def store_intent_json(self, intent: dict[str, Any]) -> None:
        """Store the intent before the request is sent."""
        if self._store is not None:
            self._store.set(self._intent_key, intent)

    def forget(self) -> None:
        """Delete the stored id and intent: nothing is left of an earlier request."""
        self._outcome_unknown = False
        if self._store is not None:
            self._store.delete(self._id_key)
            self._store.delete(self._intent_key)
