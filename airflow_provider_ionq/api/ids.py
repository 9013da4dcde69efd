"""The id of a session or job, in the forms in which tasks pass it on. Pure: no Airflow."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping


def id_of(value: object) -> object:
    """
    Return the id if the value is the JSON of a session or job; return any other value unchanged.

    `create.output` is the whole JSON of a session, which a template renders to text.

    :param value: an id, an item's JSON, or its text as JSON or as a Python literal.
    """
    given = parsed(value)
    item_id = given.get("id") if isinstance(given, Mapping) else None
    return item_id if isinstance(item_id, str) else value


def parsed(value: object) -> object:
    """
    Return the object or list that a text represents; return any other value unchanged.

    :param value: anything.
    """
    if not isinstance(value, str) or not value.strip().startswith(("{", "[")):
        return value
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(value.strip())
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return value
