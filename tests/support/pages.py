"""The pages of the documentation, and the Python code that they show."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
FILE = re.compile(r"^`(\w+\.(?:json|qasm))`:\n\n```\w+\n(.*?)^```$", re.M | re.S)


class Snippet(NamedTuple):
    """
    A Python block of a page.

    :param page: name of the page.
    :param line: number of its first line.
    :param code: the block.
    :param files: the files that the page shows, by name.
    """

    page: str
    line: int
    code: str
    files: dict[str, str]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_dag(self) -> bool:
        """Whether it is a DAG file."""
        return "with DAG(" in self.code


def snippets() -> Iterator[Snippet]:
    """Find the Python blocks of all pages."""
    for page in PAGES:
        text = page.read_text()
        for match in re.finditer(r"^```python\n(.*?)^```$", text, re.M | re.S):
            yield Snippet(page.stem, text.count("\n", 0, match.start()) + 1, match[1], dict(FILE.findall(text)))


def first_dag_of_readme() -> str:
    """Return the code of the first DAG that a reader meets."""
    return next(snippet.code for snippet in snippets() if snippet.page == README.stem and snippet.is_dag)
