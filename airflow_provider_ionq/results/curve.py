"""
Curves of values, such as the energy of each iteration, as text for task logs.

Pure: no I/O, no library, no Airflow.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.results.histogram import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 60
_MOST_COLUMNS_PER_VALUE = 4
_HEIGHT = 10


def curve_text(values: Sequence[float], label: str = "value") -> str:
    """
    Return a chart of values in their order.

    Values that are not finite leave a gap. Of more than 60 values, each column shows the mean of its neighbours.

    :param values: the values.
    :param label: name of the values.
    """
    numbers = [float(value) for value in values]
    columns = _columns(numbers)
    shown = [value for value in columns if math.isfinite(value)]
    lines = [curve_summary(numbers, label)]
    if not shown:
        return lines[0]
    bottom, top = min(shown), max(shown)
    height = _HEIGHT if top > bottom else 1
    heights = [row / max(height - 1, 1) for row in range(height)]
    ticks = _aligned([bottom * (1 - share) + top * share for share in heights])
    rows = _drawn([_row(value, bottom, top, height) for value in columns], height)
    lines += [f"  {tick} ┤{''.join(row).rstrip()}" for tick, row in zip(ticks, rows, strict=True)][::-1]
    margin = " " * (len(ticks[0]) + 3)
    last = f"{len(numbers):,}".rjust(len(columns) - 1) if len(numbers) > 1 else ""
    return "\n".join([*lines, f"{margin}└{'─' * len(columns)}", f"{margin} 1{last}"])


def curve_summary(numbers: Sequence[float], label: str) -> str:
    """
    Return the number of values, the first, the last and the lowest one, in one line.

    :param numbers: the values.
    :param label: name of the values.
    """
    head = f"{json_text(label)}: {counted(len(numbers), 'value')}"
    finite = [(value, number) for number, value in enumerate(numbers, 1) if math.isfinite(value)]
    if not finite:
        return f"{head}, none of them finite" if numbers else head
    lowest, number = min(finite)
    return f"{head}, first {numbers[0]:.6g}, last {numbers[-1]:.6g}, lowest {lowest:.6g} (number {number:,})"


def _columns(values: Sequence[float]) -> list[float]:
    """Return the value of each column: of several values the mean of those that are finite, or NaN without one."""
    if len(values) <= _WIDTH:
        repeat = min(_MOST_COLUMNS_PER_VALUE, _WIDTH // max(len(values), 1))
        return [value for value in values for _ in range(repeat)]
    columns = []
    for column in range(_WIDTH):
        part = values[column * len(values) // _WIDTH : (column + 1) * len(values) // _WIDTH]
        finite = [value for value in part if math.isfinite(value)]
        columns.append(math.fsum(value / len(finite) for value in finite) if finite else math.nan)
    return columns


def _row(value: float, bottom: float, top: float, height: int) -> int | None:
    """Return the row of a value, 0 for the lowest; None if it is not finite."""
    if not math.isfinite(value):
        return None
    # The difference of two large numbers may be infinite; that of their halves is not.
    return round((value / 2 - bottom / 2) / (top / 2 - bottom / 2) * (height - 1)) if top > bottom else 0


def _drawn(points: Sequence[int | None], height: int) -> list[list[str]]:
    """Return the rows of a line through the points, the lowest row first."""
    rows = [[" "] * len(points) for _ in range(height)]
    before: int | None = None
    for column, point in enumerate(points):
        if point is not None and before is None:
            rows[point][column] = "•"
        elif point is not None and before is not None:
            for row in range(min(point, before) + 1, max(point, before)):
                rows[row][column] = "│"
            rows[before][column] = "╮" if before > point else "╯"
            rows[point][column] = "╰" if before > point else "╭" if before < point else "─"
        before = point
    return rows


def _aligned(ticks: Sequence[float]) -> list[str]:
    """Return numbers as text of one width, with enough digits to tell them apart."""
    span, largest = max(ticks) - min(ticks), max(map(abs, ticks))
    decimals = 2 - math.floor(math.log10(span)) if span and math.isfinite(span) else 3
    if largest < 1e12 and decimals <= 9:
        texts = [f"{tick:.{max(decimals, 0)}f}" for tick in ticks]
    else:
        digits = decimals + 1 + math.floor(math.log10(largest)) if span and math.isfinite(span) else 4
        texts = [f"{tick:.{min(digits, 17)}g}" for tick in ticks]
    width = max(map(len, texts))
    return [text.rjust(width) for text in texts]
