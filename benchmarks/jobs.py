"""Waits for many jobs, compared with as many sessions, and with sessions that take as many requests."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.contestants import JOBS, OURS
from benchmarks.table import Row, quantile_ms
from benchmarks.waiting import Plan, wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.waiting import Waited

JOBS_PER_LIST = 25
AS_MANY_REQUESTS = "sessions, as many requests"
COLUMNS = ("sessions", "jobs", AS_MANY_REQUESTS)
HISTORY = 20_000
"""Number of ended sessions that makes the list so long that sessions are read one by one."""


def requests_per_interval(waiting: int) -> int:
    """
    Return the number of lists that a poll needs.

    :param waiting: number of awaited jobs.
    """
    return -(-waiting // JOBS_PER_LIST)


def plans(waiting: int, interval: float, intervals: int) -> Iterator[tuple[str, str, Plan]]:
    """
    Yield the measurements: the column, the contestant and the plan of each.

    :param waiting: number of awaited jobs.
    :param interval: interval of the triggers, in seconds.
    :param intervals: number of measured intervals.
    """
    yield "sessions", OURS, Plan(waiting, interval, intervals)
    yield "jobs", JOBS, Plan(waiting, interval, intervals)
    yield AS_MANY_REQUESTS, OURS, Plan(requests_per_interval(waiting), interval, intervals, HISTORY)


def measure(waiting: int, interval: float, intervals: int) -> dict[str, Waited]:
    """
    Run each measurement once.

    :param waiting: number of awaited jobs.
    :param interval: interval of the triggers, in seconds.
    :param intervals: number of measured intervals.
    """
    return {column: wait(name, plan) for column, name, plan in plans(waiting, interval, intervals)}


def fired_once_each(seen: Waited) -> bool:
    """
    Return whether the trigger of every job fired exactly once, with an event without the job, which the task reads.

    :param seen: the result for the jobs.
    """
    fired = Counter((trigger, payload["job_id"], payload["job"]) for trigger, payload in seen.events)
    return fired == Counter((trigger, job_id, None) for trigger, job_id in seen.session_of_trigger.items())


def rows(waited: Mapping[str, Sequence[Waited]], waiting: int, intervals: int) -> list[Row]:
    """
    Return the rows of the table.

    :param waited: the result of each round, by column.
    :param waiting: number of awaited jobs.
    :param intervals: number of measured intervals.
    """

    def median(column: str, value: Callable[[Waited], float]) -> float:
        return statistics.median(map(value, waited[column]))

    def at_most_twice(title: str, value: Callable[[Waited], float], form: str) -> Row:
        seen = {column: median(column, value) for column in COLUMNS}
        limit = 2 * (seen["sessions"] + seen[AS_MANY_REQUESTS])
        cells = {column: form.format(number) for column, number in seen.items()}
        return Row(title, cells, f"<= {form.format(limit)}", seen["jobs"] <= limit)

    most = requests_per_interval(waiting)
    asked = {column: median(column, lambda seen: seen.counts.requests / intervals) for column in COLUMNS}
    return [
        Row(
            "requests per interval",
            {column: f"{number:.4g}" for column, number in asked.items()},
            f"<= {most} for jobs",
            all(seen.counts.requests <= most * intervals for seen in waited["jobs"]),
            is_count=True,
        ),
        Row(
            "triggers that fired exactly once",
            {"jobs": str(len(waited["jobs"][0].events))},
            str(waiting),
            all(map(fired_once_each, waited["jobs"])),
            is_count=True,
        ),
        at_most_twice("CPU s per minute", lambda seen: seen.cpu_seconds / seen.window_seconds * 60, "{:.1f}"),
        at_most_twice("event-loop delay, p99, ms", lambda seen: quantile_ms(seen.lateness, 99), "{:.1f}"),
        at_most_twice("event-loop delay, max, ms", lambda seen: max(seen.lateness) * 1000, "{:.1f}"),
        at_most_twice("change until every trigger has fired, s", lambda seen: seen.detection_seconds, "{:.2f}"),
    ]
