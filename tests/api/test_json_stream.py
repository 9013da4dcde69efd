"""Decoding an array item by item has the same result and the same errors as `json.loads`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.api.json_stream import items_of

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(
    items=st.lists(ANY_JSON, max_size=6),
    others=st.dictionaries(st.text(max_size=5).filter(lambda key: key != "sessions"), ANY_JSON, max_size=3),
    first=st.booleans(),
    indent=st.sampled_from([None, 0, 2]),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_items_are_those_of_the_array(
    items: list[Any], others: dict[str, Any], first: bool, indent: int | None, encoding: str
) -> None:
    answer = {"sessions": items, **others} if first else {**others, "sessions": items}
    text = json.dumps(answer, indent=indent)
    assert list(items_of(f" {text}\n".encode(encoding), "sessions")) == items


@given(text=st.text(alphabet='{}[]:,"ab1 ', max_size=30))
def test_invalid_json_is_rejected(text: str) -> None:
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    # There is no array of that name: the rest is decoded all the same.
    with pytest.raises(KeyError if isinstance(whole, dict) else ValueError):
        list(items_of(text.encode(), "sessions"))


@pytest.mark.parametrize("length", range(1, len('{"a": [1], "sessions": [{"id": "x"}, 2]}')))
def test_every_cut_is_noticed(length: int) -> None:
    body = b'{"a": [1], "sessions": [{"id": "x"}, 2]}'
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        list(items_of(body[:length], "sessions"))


@pytest.mark.parametrize("body", ["{}", '{"sessions": null}', '{"sessions": {}}', '{"other": [1]}'])
def test_an_array_that_is_not_there_is_a_key_error(body: str) -> None:
    with pytest.raises(KeyError):
        list(items_of(body.encode(), "sessions"))


@pytest.mark.parametrize("body", ['{"sessions": [1]} x', '{"sessions": [1],}', '{"sessions": [1,]}', "[1]", "{1: [1]}"])
def test_body_that_is_not_a_json_object_is_a_value_error(body: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        list(items_of(body.encode(), "sessions"))


def test_a_nesting_too_deep_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested"):
        list(items_of(b'{"sessions": [' + b"[" * 200_000, "sessions"))


def test_items_come_before_the_whole_is_decoded() -> None:
    items = items_of(b'{"sessions": [1, 2, !', "sessions")
    assert next(items) == 1
    assert next(items) == 2
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        next(items)
