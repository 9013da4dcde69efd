"""Checks that sessions and jobs in responses share: each is an object with an id and a status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from airflow_provider_ionq.api.errors import IonQInvalidIdError
from airflow_provider_ionq.api.paths import path_segment

if TYPE_CHECKING:
    from airflow_provider_ionq.api.transport import Response, Transport


def is_item(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a JSON value has the required keys of a session or job: an id and a status."""
    return isinstance(value, dict) and isinstance(value.get("id"), str) and "status" in value


def item_of(transport: Transport, answer: Response, kind: str, item_id: str | None = None) -> dict[str, Any]:
    """
    Return the session or job that a response describes.

    :param transport: the transport of the response.
    :param answer: the response.
    :param kind: `session` or `job`, for the error.
    :param item_id: the requested id; None if the request creates the item.
    :raises IonQResponseError: if a required key is missing, the id cannot name an item, or it is another item.
    """
    item = transport.decoded(answer)
    if not is_item(item):
        raise transport.unreadable(answer, "is not an object with an id and a status")
    try:
        path_segment(item["id"], "id")
    except IonQInvalidIdError:
        raise transport.unreadable(answer, f"has an id that cannot name a {kind}") from None
    if item_id is not None and item["id"] != item_id:
        raise transport.unreadable(answer, f"describes another {kind} than {item_id!r}")
    return item
