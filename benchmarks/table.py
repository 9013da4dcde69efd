"""The table: what was seen, what must be, and whether it is."""

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
"""By how many wait at most."""
MAX_IMPORT_SECONDS = 0.018
MAX_DECORATOR_SECONDS = 0.030
MAX_CALL_RATIO = 1.15


@dataclass(frozen=True, slots=True)
class Row:
    """
    One line of the table.

    :param title: what was measured.
    :param cells: what was seen, by column.
    :param must: what is asked of ours.
    :param met: whether it is so; None when ours was not measured.
    :param is_count: whether it is a count, which decides the exit code; times depend on the machine.
    """

    title: str
    cells: Mapping[str, str]
    must: str
    met: bool | None
    is_count: bool = field(default=False, kw_only=True)


def waiting_rows(waited: Mapping[str, Sequence[Waited]], plan: Plan) -> list[Row]:
    """
    Make the rows of those that waited.

    :param waited: what was seen of each contestant, round by round.
    :param plan: how they were watched.
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
            "CPU s per 1,000 waiting per minute",
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
            "longest turn of a trigger or its poll, ms",
            {
                name: f"{max(seen.longest_turn_seconds for seen in rounds) * 1000:.1f}"
                for name, rounds in waited.items()
                if rounds
            },
            f"<= {MAX_TURN_SECONDS * 1000:.0f}, always",
            _all(ours, lambda seen: seen.longest_turn_seconds <= MAX_TURN_SECONDS),
        ),
        Row(
            "session changed -> every trigger has fired, s",
            {name: cell for name, cell in cells(_detection, "{:.2f}").items() if name != ASLEEP},
            f"<= {at_once:.1f}",
            _median_at_most(ours, _detection, at_once),
        ),
        Row(
            "told to fire -> every trigger has fired, s *",
            {name: cell for name, cell in cells(_detection, "{:.2f}").items() if name == ASLEEP},
            "what Airflow takes",
            None,
        ),
    ]


def import_rows(imported: Mapping[str, Sequence[Imported]]) -> list[Row]:
    """
    Make the rows of the imports.

    :param imported: what was seen of each contestant, round by round.
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
            "HTTP libraries that it loads",
            {name: f"{max(len(one.http_libraries) for one in rounds)}" for name, rounds in imported.items()},
            "0",
            not any(one.http_libraries for one in (*ours, *imported[JOBS])),
            is_count=True,
        ),
    ]


def call_rows(called: Mapping[str, Called]) -> list[Row]:
    """
    Make the rows of the single calls.

    :param called: what was seen of each caller; `bare` is what the others are compared with.
    """
    ratios = {
        name: _median(one / bare for one, bare in zip(called[name].blocks, called["bare"].blocks, strict=True))
        for name in (OURS, HTTP_PROVIDER)
    }
    return [
        Row(
            "get_session against a bare requests.Session",
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
    Tell whether every trigger fired exactly once, with its own session as it is now.

    :param seen: what came of one contestant, whose events are like ours.
    """
    return fired_as_told(seen.events, seen.session_of_trigger)


def fired_as_told(events: Sequence[tuple[int, Any]], session_of_trigger: Mapping[int, str]) -> bool:
    """
    Tell whether every trigger fired exactly once, with its own session, which is started.

    :param events: what came out, as trigger and payload.
    :param session_of_trigger: who was to fire.
    """
    fired = {
        trigger: payload["session"]["id"]
        for trigger, payload in events
        if (payload["session"] or {}).get("status") == "started" and payload["session_id"] == payload["session"]["id"]
    }
    return len(events) == len(session_of_trigger) and fired == session_of_trigger


def detection_allowance(waiting: int) -> float:
    """
    Return how long after the interval the last trigger may have fired, in seconds.

    :param waiting: how many wait.
    """
    return next((seconds for most, seconds in MAX_DETECTION_SECONDS.items() if waiting <= most), 1.5e-4 * waiting)


def lines(rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> list[str]:
    """
    Lay the table out.

    :param rows: its rows.
    :param columns: its columns.
    """
    table: list[tuple[str, ...]] = [("", *columns, "must", "")]
    for row in rows:
        verdict = {None: "", True: "met", False: "NOT met"}[row.met]
        table.append((row.title, *(row.cells.get(name, "-") for name in columns), row.must, verdict))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            # Text to the left, figures to the right.
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

    :param seconds: what was seen.
    :param percent: which.
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
