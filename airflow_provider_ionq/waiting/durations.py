"""Durations as readable text."""

from __future__ import annotations

import math

_UNITS = (("day", 86400), ("h", 3600), ("min", 60))
"""Units and their seconds, largest first."""


def duration_text(seconds: float) -> str:
    """
    Return a duration as a whole number of its largest possible unit, or else in two units, such as `2 h 5 min`.

    Durations from 2 hours are rounded to minutes, from 2 days to hours.

    :param seconds: the duration in seconds.
    """
    if not math.isfinite(seconds) or seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    precision = 1 if seconds < 2 * 3600 else 60 if seconds < 2 * 86400 else 3600
    rounded = round(seconds / precision) * precision
    for unit, size in _UNITS:
        if rounded % size == 0:
            return _counted(rounded // size, unit)
        if rounded >= 2 * size:
            whole, rest = divmod(rounded, size)
            return f"{_counted(whole, unit)} {duration_text(rest)}"
    return f"{rounded} s"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}s" if unit == "day" and number != 1 else f"{number} {unit}"
