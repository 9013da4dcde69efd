"""What a message must say, without the words in which it says it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def facts(pinned: str) -> str:
    """
    Return a regular expression for a message that states all of some facts, in any order and in any words.

    :param pinned: the facts, separated by `` | ``, such as ``shots | 1 to 1000000 | 0``: an argument, a value, an id or
        the few words of a consequence or an instruction. Each is found as whole words: ``0`` is not found in ``10`` or
        ``0.5``.
    """
    return r"(?s)\A" + "".join(f"(?=.*{_whole_words(fact)})" for fact in pinned.split(" | "))


def stating(messages: Iterable[str], pinned: str) -> list[str]:
    """
    Return those messages, such as lines of a log, of which one alone states all of some facts.

    :param messages: the messages.
    :param pinned: the facts; see :func:`facts`.
    """
    return [message for message in messages if re.search(facts(pinned), message)]


def _whole_words(fact: str) -> str:
    """Return a regular expression that finds a fact where no word or number goes on before it or after it."""
    before = r"\b(?<!\d\.)" if fact[0].isdigit() else r"\b" if fact[0].isalpha() else ""
    after = r"\b(?!\.\d)" if fact[-1].isdigit() else r"\b" if fact[-1].isalpha() else ""
    return before + re.escape(fact).replace(r"\ ", " ") + after
