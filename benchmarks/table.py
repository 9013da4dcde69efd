"""The tables: each measured value, its limit, and whether it is met."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.contestants import AIOHTTP, ASLEEP, HTTP_PROVIDER, IONQ_CORE, JOBS, OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.calls import Called
    from benchmarks.imports import Imported
    from benchmarks.waiting import Plan, Waited

COLUMNS = (ASLEEP, OURS, HTTP_PROVIDER, IONQ_CORE, AIOHTTP)
MAX_CONNECTIONS = 2
MAX_KIB_PER_TRIGGER = 20
MAX_TURN_SECONDS = 0.05
MAX_DETECTION_SECONDS = {1000: 0.3, 5000: 0.7, 10_000: 1.5}
"""Allowed time to detect a change, by the largest number of waits that it applies to."""
MAX_IMPORT_SECONDS = 0.018
MAX_DECORATOR_SECONDS = 0.030
MAX_CALL_RATIO = 1.15


@dataclass(frozen=True, slots=True)
class Row:
    """
    One row of a table.

    :param title: the measured quantity.
    :param cells: the measured values, by column.
    :param must: the limit for this provider.
    :param met: whether it is met; None if this provider was not measured.
    :param is_count: whether the quantity is a count, which decides the exit status; times depend on the machine.
    """

    title: str
    cells: Mapping[str, str]
    must: str
    met: bool | None
    is_count: bool = field(default=False, kw_only=True)


def waiting_rows(waited: Mapping[str, Sequence[Waited]], plan: Plan) -> list[Row]:
    """
    Return the rows of waits.

    :param waited: the result of each round, by contestant.
    :param plan: the plan of the measurement.
    """
    ours, asleep = waited.get(OURS, ()), waited.get(ASLEEP, ())
    at_once = plan.interval + detection_allowance(plan.waiting)

    def cells(value: Callable[[Waited], float], form: str) -> dict[str, str]:
        return {name: form.format(_median(map(value, rounds))) for name, rounds in waited.items() if rounds}

    def cpu(seen: Waited) -> float:
        return seen.cpu_seconds / seen.window_seconds * 60 * 1000 / plan.waiting

    def asked(seen: Waited) -> float:
        return seen.counts.requests / plan.intervals

    def connected(seen: Waited) -> float:
        return seen.counts.connections / seen.window_seconds * 30

    def fired(seen: Waited) -> float:
        return sum(count == 1 for count in Counter(trigger for trigger, _ in seen.events).values())

    ratio = (
        _median(cpu(one) / cpu(other) for one, other in zip(ours, asleep, strict=False)) if ours and asleep else None
    )
    return [
        Row(
            "requests per interval",
            cells(asked, "{:.4g}"),
            "1",
            _all(ours, lambda seen: seen.counts.requests == plan.intervals),
            is_count=True,
        ),
        Row(
            "new TCP connections in 30 s",
            cells(connected, "{:.0f}"),
            f"<= {MAX_CONNECTIONS}",
            _all(ours, lambda seen: connected(seen) <= MAX_CONNECTIONS),
            is_count=True,
        ),
        Row(
            "triggers that fired exactly once",
            cells(fired, "{:.0f}"),
            str(plan.waiting),
            _all(ours, fired_once_each),
            is_count=True,
        ),
        Row(
            "CPU s per 1,000 waits per minute",
            cells(cpu, "{:.2f}"),
            "<= asleep" + ("" if ratio is None else f" (ratio {ratio:.2f})"),
            None if ratio is None else ratio <= 1,
        ),
        Row(
            "memory per waiting trigger, KiB",
            cells(lambda seen: seen.bytes_per_trigger / 1024, "{:.1f}"),
            f"<= {MAX_KIB_PER_TRIGGER}",
            _median_at_most(ours, lambda seen: seen.bytes_per_trigger / 1024, MAX_KIB_PER_TRIGGER),
        ),
        _lateness_row("p99", ours, asleep, cells(_lateness_p99, "{:.1f}"), _lateness_p99),
        _lateness_row("max", ours, asleep, cells(_lateness_max, "{:.1f}"), _lateness_max),
        _lateness_row("max while all fire *", ours, asleep, cells(_firing_max, "{:.0f}"), _firing_max),
        Row(
            "longest hold of the event loop, ms",
            {
                name: f"{max(seen.longest_turn_seconds for seen in rounds) * 1000:.1f}"
                for name, rounds in waited.items()
                if rounds
            },
            f"<= {MAX_TURN_SECONDS * 1000:.0f}, always",
            _all(ours, lambda seen: seen.longest_turn_seconds <= MAX_TURN_SECONDS),
        ),
        Row(
            "change until every trigger has fired, s",
            {name: cell for name, cell in cells(_detection, "{:.2f}").items() if name != ASLEEP},
            f"<= {at_once:.1f}",
            _median_at_most(ours, _detection, at_once),
        ),
        Row(
            "wake-up until every trigger has fired, s *",
            {name: cell for name, cell in cells(_detection, "{:.2f}").items() if name == ASLEEP},
            "Airflow's own time",
            None,
        ),
    ]


def import_rows(imported: Mapping[str, Sequence[Imported]]) -> list[Row]:
    """
    Return the rows of the imports.

    :param imported: the result of each round, by contestant.
    """
    ours = imported[OURS]
    medians = {name: _median(one.seconds for one in rounds) for name, rounds in imported.items()}
    of_decorator = medians.pop(JOBS)
    return [
        Row(
            "import on top of airflow.sdk, ms",
            {name: f"{seconds * 1000:.0f}" for name, seconds in medians.items()},
            f"<= {MAX_IMPORT_SECONDS * 1000:.0f}",
            medians[OURS] <= MAX_IMPORT_SECONDS,
        ),
        Row(
            "import for @task.ionq_job on top of airflow.sdk, ms",
            {OURS: f"{of_decorator * 1000:.0f}"},
            f"<= {MAX_DECORATOR_SECONDS * 1000:.0f}",
            of_decorator <= MAX_DECORATOR_SECONDS,
        ),
        Row(
            "loaded HTTP libraries",
            {name: f"{max(len(one.http_libraries) for one in rounds)}" for name, rounds in imported.items()},
            "0",
            not any(one.http_libraries for one in (*ours, *imported[JOBS])),
            is_count=True,
        ),
    ]


def call_rows(called: Mapping[str, Called]) -> list[Row]:
    """
    Return the rows of the single calls.

    :param called: the result of each caller; the others are compared with `bare`.
    """
    ratios = {
        name: _median(one / bare for one, bare in zip(called[name].blocks, called["bare"].blocks, strict=True))
        for name in (OURS, HTTP_PROVIDER)
    }
    return [
        Row(
            "get_session, relative to a bare requests.Session",
            {name: f"{ratio:.2f} x" for name, ratio in ratios.items()},
            f"<= {MAX_CALL_RATIO} x",
            ratios[OURS] <= MAX_CALL_RATIO,
        ),
        Row(
            "new TCP connections per call",
            {name: f"{called[name].connections / called[name].calls:.4g}" for name in ratios},
            "0",
            called[OURS].connections == 0,
            is_count=True,
        ),
    ]


def fired_once_each(seen: Waited) -> bool:
    """
    Return whether every trigger fired exactly once, with the current JSON of its own session.

    :param seen: the result of a contestant with the events of this provider.
    """
    return fired_as_told(seen.events, seen.session_of_trigger)


def fired_as_told(events: Sequence[tuple[int, Any]], session_of_trigger: Mapping[int, str]) -> bool:
    """
    Return whether every trigger fired exactly once, with its own session in the status `started`.

    :param events: trigger and payload of each event.
    :param session_of_trigger: the session of each trigger that must fire.
    """
    fired = {
        trigger: payload["session"]["id"]
        for trigger, payload in events
        if (payload["session"] or {}).get("status") == "started" and payload["session_id"] == payload["session"]["id"]
    }
    return len(events) == len(session_of_trigger) and fired == session_of_trigger


def detection_allowance(waiting: int) -> float:
    """
    Return the longest time after the interval in which the last trigger must fire, in seconds.

    :param waiting: number of waits.
    """
    return next((seconds for most, seconds in MAX_DETECTION_SECONDS.items() if waiting <= most), 1.5e-4 * waiting)


def lines(rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> list[str]:
    """
    Return the lines of a table.

    :param rows: its rows.
    :param columns: names of its columns.
    """
    table: list[tuple[str, ...]] = [("", *columns, "limit", "")]
    for row in rows:
        verdict = {None: "", True: "met", False: "NOT met"}[row.met]
        table.append((row.title, *(row.cells.get(name, "-") for name in columns), row.must, verdict))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            # Text is left-aligned, figures are right-aligned.
            text.rjust(width) if 1 <= place <= len(columns) else text.ljust(width)
            for place, (text, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in table
    ]


def _lateness_row(
    title: str,
    ours: Sequence[Waited],
    asleep: Sequence[Waited],
    cells: dict[str, str],
    value: Callable[[Waited], float],
) -> Row:
    met = _median(map(value, ours)) <= 2 * _median(map(value, asleep)) if ours and asleep else None
    return Row(f"event-loop delay, {title}, ms", cells, "<= 2 x asleep", met)


def quantile_ms(seconds: Sequence[float], percent: int) -> float:
    """
    Return a percentile, in milliseconds.

    :param seconds: the values, in seconds.
    :param percent: the percentile, 1 to 99.
    """
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1000


def _lateness_p99(seen: Waited) -> float:
    return quantile_ms(seen.lateness, 99)


def _lateness_max(seen: Waited) -> float:
    return max(seen.lateness) * 1000


def _firing_max(seen: Waited) -> float:
    return max(seen.lateness_while_firing) * 1000


def _detection(seen: Waited) -> float:
    return seen.detection_seconds


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _median_at_most(rounds: Sequence[Waited], value: Callable[[Waited], float], limit: float) -> bool | None:
    return _median(map(value, rounds)) <= limit if rounds else None


def _all(rounds: Sequence[Waited], holds: Callable[[Waited], bool]) -> bool | None:
    return all(map(holds, rounds)) if rounds else None
