"""The JSON body and the query of a request, parsed as strictly as the API parses them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_ionq.emulator.state import is_number

if TYPE_CHECKING:
    from collections.abc import Iterable

# The API documents this limit for POST /jobs.
BODY_LIMIT_BYTES = 10 * 1024 * 1024
# Far above any real body, and far below the depth at which Python can decode a value but not encode it.
_DEPTH_LIMIT = 100
_REPEATABLE = frozenset({"ids"})


class BadBody(ValueError):
    """
    The body is not JSON, or holds a value that cannot be sent back as JSON.

    :param keys: paths of the invalid values; none for the whole body.
    """

    def __init__(self, message: str, *keys: str) -> None:
        super().__init__(message)
        self.keys = keys


class BadRequest(Exception):
    """
    The request is answered with 400.

    :param source: ``payload`` or ``query``.
    :param keys: the invalid keys.
    """

    def __init__(self, message: str, source: str, *keys: str) -> None:
        super().__init__(message)
        self.validation = {"source": source, "keys": list(keys)}


def json_value(body: bytes) -> Any:
    """
    Return the value of a JSON body.

    If a name occurs twice in an object, the last value counts. The returned value can be sent back as JSON: ``NaN``,
    ``Infinity``, numbers beyond the range of a float and very deep nesting are rejected.

    :raises BadBody: the body is rejected; the message gives the reason.
    """
    try:
        # Decoded here: json.loads would accept UTF-16 and UTF-32 too.
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise BadBody("The body is not JSON.") from None
    _check(value, "", 0)
    return value


def is_json(content_type: str) -> bool:
    """
    Return whether a body is parsed as JSON.

    :param content_type: value of the header; empty if there is none.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in ("", "application/json") or media_type.endswith("+json")


def query_values(parameters: Iterable[tuple[str, str]], allowed: frozenset[str]) -> dict[str, list[str]]:
    """
    Return the values of each query parameter; only ``ids`` may have more than one.

    :param parameters: names and values, in their order.
    :param allowed: the names that the route accepts.
    :raises BadRequest: an unknown name, an empty value, or a second value where only one is allowed.
    """
    values: dict[str, list[str]] = {}
    for name, value in parameters:
        if name not in allowed:
            raise BadRequest(f'"{name}" is not allowed', "query", name)
        if not value:
            raise BadRequest(f'"{name}" must not be empty', "query", name)
        if name in values and name not in _REPEATABLE:
            raise BadRequest(f'"{name}" must not be repeated', "query", name)
        values.setdefault(name, []).append(value)
    return values


def refuse(problems: dict[str, str]) -> None:
    """
    Raise if there are problems.

    :raises ValueError: there is at least one; the message names each key and its problem.
    """
    if problems:
        raise ValueError("; ".join(f"{key}: {problem}" for key, problem in problems.items()))


def unknown_names(payload: dict[Any, Any], known: frozenset[str], prefix: str = "") -> dict[str, str]:
    """Return a problem for each name in an object that is not known."""
    return {f"{prefix}{name}": "is not allowed" for name in payload if name not in known}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check(value: Any, path: str, depth: int) -> None:
    if depth > _DEPTH_LIMIT:
        raise BadBody("The body is nested too deeply.")
    if isinstance(value, dict):
        for name, item in value.items():
            _check(item, f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool) and not is_number(value):
        raise BadBody(f'"{path}" is out of range.', path)
