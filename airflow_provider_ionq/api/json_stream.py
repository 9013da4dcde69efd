"""
Decode a long JSON array item by item.

`json.loads` blocks every other thread of the process, including a triggerer's event loop: for 10 MB about a tenth of a
second.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

_decode = json.JSONDecoder().raw_decode
_space = re.compile(r"[ \t\n\r]*")


def items_of(body: bytes | bytearray, name: str) -> Generator[Any, None, None]:
    """
    Yield the items of an array in a JSON object, one at a time.

    :param body: the object's JSON.
    :param name: the array's key.
    :raises KeyError: if there is no array under this key; no item has been yielded.
    :raises ValueError: if the body is not a JSON object; some items may have been yielded.
    """
    text = body.decode(json.detect_encoding(body))
    try:
        at = _after(text, 0, "{")
        found, first = False, True
        while not text.startswith("}", at):
            if not first:
                at = _after(text, at, ",")
            first = False
            key, at = _decode(text, at)
            if not isinstance(key, str):
                raise ValueError(f"a key is not a string: {key!r}")
            at = _after(text, at, ":")
            if key == name and text.startswith("[", at):
                found = True
                at = yield from _items(text, at)
            else:
                _, at = _decode(text, at)
            at = _skip(text, at)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    if _skip(text, at + 1) != len(text):
        raise ValueError(f"there is extra data after the JSON object, from character {at + 1}")
    if not found:
        raise KeyError(name)


def _items(text: str, at: int) -> Generator[Any, None, int]:
    at = _skip(text, at + 1)
    if text.startswith("]", at):
        return at + 1
    while True:
        item, at = _decode(text, at)
        yield item
        at = _skip(text, at)
        if text.startswith("]", at):
            return at + 1
        at = _after(text, at, ",")


def _after(text: str, at: int, mark: str) -> int:
    """Return the position after a mark and the white space around it."""
    at = _skip(text, at)
    if not text.startswith(mark, at):
        raise ValueError(f"{mark!r} is missing at character {at}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _space.match(text, at)
    return at if found is None else found.end()
