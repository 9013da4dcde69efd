"""What happens at the API while a task runs in the test's own thread."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Story = Iterator[Callable[[], bool]]

WITHIN_SECONDS = 60.0


@contextmanager
def played(story: Story) -> Iterator[None]:
    """
    Play a story in a thread while the block runs.

    :param story: a generator that yields a condition before each event: it goes on when the condition holds.
    :raises AssertionError: if a condition did not come to hold in the block or within a minute after its end.
    """
    failures: list[BaseException] = []

    def play() -> None:
        try:
            deadline = time.monotonic() + WITHIN_SECONDS
            for condition in story:
                while not condition():
                    assert time.monotonic() < deadline, "the story waits for a condition that does not come to hold"
                    time.sleep(0.01)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if failures:
        raise AssertionError("The story did not come to its end") from failures[0]
