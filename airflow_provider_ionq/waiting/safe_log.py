"""A task logger that never raises."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


class SafeLog:
    """
    Write to a logger, and ignore its exceptions.

    A task whose supervisor is gone gets a `BrokenPipeError` for every line. That must not prevent it from ending a
    session whose id no other process knows.

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
