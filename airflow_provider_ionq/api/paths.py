"""Ids and names as segments of a URL's path."""

from __future__ import annotations

from urllib.parse import quote

from airflow_provider_ionq.api.errors import IonQInvalidIdError


def path_segment(value: object, name: str) -> str:
    """
    Percent-encode an id so that it remains one path segment.

    :param value: the id.
    :param name: the argument's name, for the error.
    :raises IonQInvalidIdError: if it is not a string, or is `""`, `.` or `..`, which encoding does not protect.
    """
    if not isinstance(value, str):
        raise IonQInvalidIdError(f"{name} must be a string, not {type(value).__name__}")
    if value in ("", ".", ".."):
        raise IonQInvalidIdError(f"{name} must be an id or a name, not {value!r}")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise IonQInvalidIdError(f"{name} contains characters that cannot be encoded: {value!r}") from None
