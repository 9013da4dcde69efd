"""
Histograms and curves as PNG or SVG files.

They need matplotlib, in the extra `plot`. It is imported only where a picture is drawn, without its `pyplot`, which
keeps global state and looks for a display.
"""

from __future__ import annotations

import importlib.util
import math
import os
import textwrap
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_ionq.results.curve import curve_summary
from airflow_provider_ionq.results.histogram import MOST_SHOWN, Histogram, circuits_of, common_description, counted
from airflow_provider_ionq.results.paths import check_location

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from airflow_provider_ionq.results.histogram import Results

FORMATS = (".png", ".svg")

WriteBytes: TypeAlias = Callable[[str, bytes], object]
"""Writes the content of a file, given its path."""

_STATES_PER_PANEL = 8
_PANELS_PER_ROW = 4
_CHARACTERS_PER_PANEL = 50
_COLOR = "#f26b21"
_POINTS_WITH_MARKERS = 60


def check_picture_path(name: str, path: object) -> None:
    """
    Check the path of a picture, without matplotlib.

    :param name: name of the argument, for the error.
    :param path: the path or URL.
    :raises ValueError: if it does not end in `.png` or `.svg`, or is relative.
    """
    _check_suffix(name, path)
    check_location(name, path)


def check_matplotlib() -> None:
    """
    Check that pictures can be drawn here, without importing matplotlib.

    :raises ImportError: naming the extra, if matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError("Pictures need matplotlib: pip install 'airflow-provider-ionq[plot]'")


def save_histogram(results: Results, path: str | os.PathLike[str], *, write: WriteBytes) -> None:
    """
    Draw a histogram of one circuit, or small histograms of the first 16 of several circuits, and write the picture.

    :param results: the result of a circuit, a list of them, or the results of a job.
    :param path: where to write it; ends in `.png` or `.svg`.
    :param write: writes it; its errors are not caught.
    :raises ValueError: if the path has another ending.
    :raises ImportError: if matplotlib is not installed.
    """
    _check_suffix("path", path)
    figure_class = _figure_class()
    histograms = [Histogram.of(circuit) for circuit in circuits_of(results)]
    if len(histograms) == 1:
        states = histograms[0].states(MOST_SHOWN)
        size = 7.0 + _label_width(states), 1.4 + 0.3 * max(len(states), 2)
        figure = figure_class(figsize=size, layout="constrained")
        notes = [histograms[0].description, histograms[0].rest(states)]
        _draw_histogram(figure.subplots(), histograms[0], histograms[0].title, states, notes, columns=2)
    else:
        figure = _panels(figure_class, histograms)
    _write(figure, path, write)


def save_curves(curves: Mapping[str, Sequence[float]], path: str | os.PathLike[str], *, write: WriteBytes) -> None:
    """
    Draw values in their order, such as the energy of each iteration, and write the picture.

    Each curve has its own panel. Values that are not finite leave a gap.

    :param curves: the values of each curve, by its name.
    :param path: where to write it; ends in `.png` or `.svg`.
    :param write: writes it; its errors are not caught.
    :raises ValueError: if the path has another ending.
    :raises ImportError: if matplotlib is not installed.
    """
    _check_suffix("path", path)
    figure = _figure_class()(figsize=(7.5, 0.6 + 3.2 * max(len(curves), 1)), layout="constrained")
    panels = figure.subplots(max(len(curves), 1), squeeze=False)
    for (axes,), (label, values) in zip(panels, curves.items(), strict=False):
        _draw_curve(axes, label, [float(value) for value in values])
    _write(figure, path, write)


def _figure_class() -> type[Figure]:
    check_matplotlib()
    from matplotlib.figure import Figure

    return Figure


def _write(figure: Figure, path: str | os.PathLike[str], write: WriteBytes) -> None:
    text, data = os.fspath(path), BytesIO()
    ending = text.lower()[-3:]
    # Without a date, so that the same results give the same file.
    figure.savefig(data, format=ending, dpi=150, metadata={"Date": None} if ending == "svg" else None)
    write(text, data.getvalue())


def _panels(figure_class: type[Figure], histograms: Sequence[Histogram]) -> Figure:
    """Return a figure with a panel for each of the first circuits, all to the same scale."""
    shown = histograms[:MOST_SHOWN]
    columns = min(_PANELS_PER_ROW, max(math.ceil(math.sqrt(len(shown))), 1))
    rows = max(math.ceil(len(shown) / columns), 1)
    states = [histogram.states(_STATES_PER_PANEL) for histogram in shown]
    width = 3.2 + max(map(_label_width, states), default=0)
    figure = figure_class(figsize=(width * columns, 0.7 + 2.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).flatten()
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    common = common_description(histograms)
    for number, histogram in enumerate(shown):
        notes = [histogram.description if histogram.description != common else "", histogram.rest(states[number])]
        _draw_histogram(panels[number], histogram, histogram.name or f"circuits[{number}]", states[number], notes)
    first = f"The first {len(shown)} of " if len(shown) < len(histograms) else ""
    title = f"{first}{counted(len(histograms), 'circuit')}"
    figure.suptitle(_wrapped(f"{title}, {common}" if common else title, columns))
    return figure


def _draw_histogram(
    axes: Axes, histogram: Histogram, title: str, states: Sequence[str], notes: Sequence[str], columns: int = 1
) -> None:
    """Draw a bar for each state, the first at the top."""
    axes.set_title(_plain(title), loc="left", fontsize=10, fontweight="bold")
    axes.set_xlabel("\n".join(_wrapped(note, columns) for note in notes if note), fontsize=8, loc="left")
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.xaxis.set_ticks([])
    axes.set_yticks(range(len(states)), [_plain(state) for state in states], family="monospace")
    axes.tick_params(axis="y", length=0)
    if not states:
        return
    shares = [histogram.values[state] / histogram.total for state in states]
    bars = axes.barh(range(len(states)), shares, color=_COLOR, height=0.75)
    axes.bar_label(bars, [_value_text(histogram, state) for state in states], padding=3, fontsize=8)
    axes.margins(x=0.3, y=0.02)
    axes.invert_yaxis()


def _label_width(states: Sequence[str]) -> float:
    """Return the width of the longest state in inches."""
    return 0.09 * max(map(len, states), default=0)


def _value_text(histogram: Histogram, state: str) -> str:
    value = histogram.values[state]
    return histogram.percent(state) + (f"  ({value:,})" if isinstance(value, int) else "")


def _draw_curve(axes: Axes, label: str, values: Sequence[float]) -> None:
    finite = [value if math.isfinite(value) else math.nan for value in values]
    marker = "o" if len(values) <= _POINTS_WITH_MARKERS else ""
    axes.plot(range(1, len(values) + 1), finite, color=_COLOR, marker=marker, markersize=4)
    axes.set_title(_plain(curve_summary(values, label)), loc="left", fontsize=10)
    axes.set_ylabel(_plain(label))
    axes.set_xlabel("iteration")
    axes.locator_params(axis="x", integer=True)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _wrapped(text: str, columns: int) -> str:
    """Return a text that is wrapped to the width of some panels."""
    return _plain(textwrap.fill(text, _CHARACTERS_PER_PANEL * columns))


def _plain(text: str) -> str:
    """Return a text that matplotlib does not interpret as a formula."""
    return text.replace("$", r"\$")


def _check_suffix(name: str, path: object) -> None:
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path).lower().endswith(FORMATS):
        raise ValueError(f"{name} must be a path that ends in {' or '.join(FORMATS)}, not {path!r}")
