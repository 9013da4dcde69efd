"""The helper that finds facts in a message finds all of them, and only whole ones."""

from __future__ import annotations

import re

import pytest

from tests.support.facts import facts, stating

MESSAGE = "Task 'run': shots must be a whole number from 1 to 1000000, not 0.\nSet circuit[0] of job j-1 (0.25 USD)."


@pytest.mark.parametrize(
    "pinned", ["shots", "0 | shots", "1 to 1000000", "circuit[0] | 'run'", "j-1 | 0.25 USD", "number from 1 | Task"]
)
def test_message_with_all_facts_is_found(pinned: str) -> None:
    assert re.search(facts(pinned), MESSAGE)


@pytest.mark.parametrize(
    "pinned",
    ["shot", "shots | 2", "25", "1000", "circuit[1]", "run 0", "number | Whole", "000000", "0.2", "1 to 1000000 | no"],
)
def test_message_without_one_of_the_facts_is_not_found(pinned: str) -> None:
    assert not re.search(facts(pinned), MESSAGE)


def test_facts_of_two_lines_of_a_log_are_not_those_of_one() -> None:
    lines = MESSAGE.splitlines()
    assert stating(lines, "shots | 0") == lines[:1]
    assert stating(lines, "shots | j-1") == []
