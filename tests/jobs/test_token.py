"""The token of a job."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.jobs.token import (
    TOKEN_KEY,
    Token,
    metadata_without_token,
    place_identity,
    task_identity,
    unique_identity,
)

pytestmark = pytest.mark.one_airflow

IDENTITY = task_identity("dag", "run", "task", -1)
TOKEN = Token(IDENTITY, 0, 1, "f" * 32)


@given(st.integers(0, 10**9 - 1), st.one_of(st.none(), st.integers(1, 10**9 - 1)), st.binary(min_size=16, max_size=16))
def test_token_is_read_back_from_its_text(generation: int, number: int | None, fingerprint: bytes) -> None:
    token = Token(IDENTITY, generation, number, fingerprint.hex())
    assert Token.of_text(str(token)) == token
    assert Token.of_job({"metadata": {"other": "x", TOKEN_KEY: str(token)}}) == token
    assert len(str(token)) <= 100


NAMES = st.text(max_size=5)


@given(st.tuples(NAMES, NAMES, NAMES, st.integers(-1, 99)), st.tuples(NAMES, NAMES, NAMES, st.integers(-1, 99)))
def test_two_task_instances_have_two_identities(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert (task_identity(*one) == task_identity(*other)) == (one == other)


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        7,
        f"{TOKEN} ",
        f" {TOKEN}",
        f"{TOKEN}\n",
        str(TOKEN).upper(),
        str(TOKEN).replace("1:", "2:", 1),
        f"1:{IDENTITY}:0:1",
        f"1:{IDENTITY}:-1:1:{'f' * 32}",
        f"1:{IDENTITY}:0:wet:{'f' * 32}",
        f"1:{IDENTITY}:0:٣:{'f' * 32}",
        f"1:{IDENTITY[:-1]}:0:1:{'f' * 32}",
    ],
)
def test_any_other_text_is_no_token(value: Any) -> None:
    assert Token.of_text(value) is None
    assert Token.of_job({"metadata": {TOKEN_KEY: value}}) is None


@pytest.mark.parametrize("job", [{}, {"metadata": None}, {"metadata": []}, {"metadata": {}}, {"metadata": "x"}])
def test_job_without_metadata_has_no_token(job: dict[str, Any]) -> None:
    assert Token.of_job(job) is None
    assert metadata_without_token(job) == {}


def test_dry_run_has_no_number_and_another_text() -> None:
    dry = TOKEN.numbered(None)
    assert dry.number is None
    assert ":dry:" in str(dry)
    assert Token.of_text(str(dry)) == dry


def test_metadata_of_the_user_is_kept_without_the_token() -> None:
    assert metadata_without_token({"metadata": {"a": "b", TOKEN_KEY: str(TOKEN)}}) == {"a": "b"}


def test_unique_identity_is_an_identity_and_unique() -> None:
    assert unique_identity() != unique_identity()
    assert Token.of_text(f"1:{unique_identity()}:0:1:{'0' * 32}") is not None


def test_each_place_of_each_loop_has_an_identity_of_its_own() -> None:
    other = task_identity("dag", "run", "task", 0)
    loops = [
        (task, loop, place) for task in (IDENTITY, other) for loop in (1, "1", 2, "energy") for place in (1, 2, 12)
    ]
    identities = {place_identity(*loop) for loop in loops}
    assert len(identities) == len(loops)
    assert not identities & {IDENTITY, other}
    assert place_identity(IDENTITY, "energy", 1) == place_identity(IDENTITY, "energy", 1)
    assert Token.of_text(str(Token(min(identities), 0, 1, "f" * 32))) is not None
