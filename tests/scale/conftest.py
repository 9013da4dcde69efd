"""All cases run in parallel, since they wait most of the time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.scale import cases

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def running() -> Iterator[dict[str, Future[Any]]]:
    """Begin all cases; each test waits for its own."""
    with ThreadPoolExecutor(len(cases.CASES)) as pool:
        yield {name: pool.submit(case) for name, case in cases.CASES.items()}
