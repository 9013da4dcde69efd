"""Deferral of signals."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def defer_signals(*signals: signal.Signals) -> Iterator[None]:
    """
    Run the handlers of signals after the block, not within it.

    Outside the main thread, where no handler runs, this does nothing.
    """
    arrived: list[tuple[int, Any]] = []
    before: dict[int, Any] = {}
    try:
        for held in signals:
            before[held] = signal.signal(held, lambda *args: arrived.append(args))
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number, frame in arrived:
            if callable(handler := before[number]):
                handler(number, frame)
            elif handler is signal.SIG_DFL:
                signal.raise_signal(number)
