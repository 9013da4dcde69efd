"""A task's log that is written where it can be."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


class SafeLog:
    """
    Write to a logger, and go on if it raises.

    A task whose supervisor is gone gets a `BrokenPipeError` for every line. While it alone knows the id of an open
    session, that must not keep it from ending the session.

    :param log: the logger to write to.
    """

    def __init__(self, log: Any) -> None:
        self._log = log

    def info(self, message: str, *args: object) -> None:
        """Write an informational line."""
        with suppress(Exception):
            self._log.info(message, *args)

    def warning(self, message: str, *args: object) -> None:
        """Write a warning."""
        with suppress(Exception):
            self._log.warning(message, *args)

    def error(self, message: str, *args: object) -> None:
        """Write an error."""
        with suppress(Exception):
            self._log.error(message, *args)
