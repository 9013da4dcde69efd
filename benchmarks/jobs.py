"""Many jobs wait, beside as many sessions, and beside sessions that take as many requests."""

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
"""Ended sessions of an account in which the list is not worth its bytes, so that sessions are read one by one."""


def requests_per_interval(waiting: int) -> int:
    """
    Return how many lists show so many jobs.

    :param waiting: how many jobs.
    """
    return -(-waiting // JOBS_PER_LIST)


def plans(waiting: int, interval: float, intervals: int) -> Iterator[tuple[str, str, Plan]]:
    """
    Yield what to measure: its column, who waits, and how.

    :param waiting: how many jobs.
    :param interval: their interval, in seconds.
    :param intervals: how many intervals they are watched for.
    """
    yield "sessions", OURS, Plan(waiting, interval, intervals)
    yield "jobs", JOBS, Plan(waiting, interval, intervals)
    yield AS_MANY_REQUESTS, OURS, Plan(requests_per_interval(waiting), interval, intervals, HISTORY)


def measure(waiting: int, interval: float, intervals: int) -> dict[str, Waited]:
    """
    Let each wait once.

    :param waiting: how many jobs.
    :param interval: their interval, in seconds.
    :param intervals: how many intervals they are watched for.
    """
    return {column: wait(name, plan) for column, name, plan in plans(waiting, interval, intervals)}


def fired_once_each(seen: Waited) -> bool:
    """
    Tell whether the trigger of every job fired exactly once, and leaves it to the task to read the job.

    :param seen: what came of the jobs.
    """
    fired = Counter((trigger, payload["job_id"], payload["job"]) for trigger, payload in seen.events)
    return fired == Counter((trigger, job_id, None) for trigger, job_id in seen.session_of_trigger.items())


def rows(waited: Mapping[str, Sequence[Waited]], waiting: int, intervals: int) -> list[Row]:
    """
    Make the rows.

    :param waited: what was seen in each column, round by round.
    :param waiting: how many jobs.
    :param intervals: how many intervals they were watched for.
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
        at_most_twice("changed -> every trigger has fired, s", lambda seen: seen.detection_seconds, "{:.2f}"),
    ]
