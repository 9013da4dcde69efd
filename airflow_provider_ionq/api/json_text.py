"""
Quote JSON values from responses in messages.

IonQ may send any JSON in any field. Nothing here raises, so that a message about a session always names the session.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard

QUOTED_CHARACTERS = 200


def json_text(value: object) -> str:
    """
    Return a value as quoted in messages: printable text unchanged, anything else as its repr, both cut if long.

    :param value: any JSON value.
    """
    try:
        text = value if isinstance(value, str) and value.isprintable() else repr(value)
    except Exception as error:  # nested too deeply, or a number of too many digits
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"
    return text if len(text) <= QUOTED_CHARACTERS else f"{text[:QUOTED_CHARACTERS]}..."


def quoted_value(value: object) -> str:
    """Return a value as text, with quotes only around strings."""
    return f"'{value}'" if isinstance(value, str) and value.isprintable() and len(value) < 50 else json_text(value)


def json_object(value: object) -> Mapping[str, Any]:
    """Return the value if it is a JSON object, else an empty object."""
    return value if isinstance(value, Mapping) else {}


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a finite number; `true` and `false` are not."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, int) or math.isfinite(value)


def json_time(value: object) -> datetime | None:
    """Return a time in UTC, a time without an offset unchanged, and None for anything that is not a time."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at if at is None or at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
