"""A few waits in an account whose list is full of sessions that ended long ago."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contestants import CONTESTANTS, OURS, connections
from benchmarks.fake import Counts, FakeApi, session_id
from benchmarks.table import Row, fired_as_told, quantile_ms
from benchmarks.triggerer import Triggerer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BYTES_PER_SESSION = 16 * 1024
"""A list with more bytes than this for each awaited session must not be requested in every poll."""


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """
    A number of waits, and the history of the account.

    :param waiting: number of waiting triggers.
    :param ended: number of ended sessions in the list.
    :param interval: interval of the triggers, in seconds.
    :param intervals: number of measured intervals.
    """

    waiting: int = 10
    ended: int = 20_000
    interval: float = 5.0
    intervals: int = 6


@dataclass(frozen=True, slots=True)
class Watched:
    """
    The result.

    :param counts: counts of the API in the measured time.
    :param lists_ever: number of requests for the list, from the first trigger to the last event.
    :param lateness: delays with which a task that sleeps 10 ms woke in the measured time, in seconds.
    :param longest_turn_seconds: longest time for which a trigger or the shared poll held the event loop, in seconds.
    :param cpu_seconds: CPU time of the runner's process in the measured time.
    :param fired_as_told: whether every trigger fired exactly once, with the current JSON of its session.
    """

    counts: Counts
    lists_ever: int
    lateness: Sequence[float]
    longest_turn_seconds: float
    cpu_seconds: float
    fired_as_told: bool


def watch(plan: HistoryPlan) -> Watched:
    """
    Let triggers wait in an account with a history; return the result.

    :param plan: the number of triggers and the history.
    """
    with (
        tempfile.TemporaryDirectory(prefix="ionq-bench-") as folder,
        FakeApi(plan.waiting, plan.ended) as fake,
        Triggerer(Path(folder), connections(fake.port)) as triggerer,
    ):
        ours = CONTESTANTS[OURS]
        sessions = {
            triggerer.create(ours.classpath, ours.kwargs(session_id(number), plan.interval)): session_id(number)
            for number in range(plan.waiting)
        }
        triggerer.wait_until("all run", lambda: triggerer.read("waiting") == plan.waiting, 60)
        # The first poll may request the list to learn its size; the second knows the size.
        _wait_for_poll(triggerer, fake, plan)
        _wait_for_poll(triggerer, fake, plan)
        time.sleep(plan.interval / 2)
        began, counts = triggerer.read("begin"), fake.counts()
        time.sleep(plan.interval * plan.intervals)
        ended, counts = triggerer.read("end"), fake.counts() - counts
        fake.start(range(plan.waiting))
        triggerer.wait_until("all are done", lambda: len(triggerer.finished) >= plan.waiting, 4 * plan.interval + 30)
        return Watched(
            counts,
            sum(request.path.endswith("/sessions") for request in fake.log()),
            ended["lateness"],
            triggerer.read("end")["longest_turn"],
            ended["cpu"] - began["cpu"],
            fired_as_told(triggerer.events, sessions),
        )


def _wait_for_poll(triggerer: Triggerer, fake: FakeApi, plan: HistoryPlan) -> None:
    seen = fake.counts().requests
    triggerer.wait_until("the next poll", lambda: fake.counts().requests > seen, 3 * plan.interval + 30)
    # All of its requests: a poll by id has several.
    last = -1
    while last != (last := fake.counts().requests):
        time.sleep(min(0.3, plan.interval / 4))


def rows(watched: Mapping[HistoryPlan, Watched]) -> list[Row]:
    """
    Return the rows of the table.

    :param watched: the result of each plan; for each number of waits, there is one without a history.
    """

    def cells(form: str, value: Callable[[HistoryPlan, Watched], Any]) -> dict[str, str]:
        return {column(plan): form.format(value(plan, seen)) for plan, seen in watched.items()}

    bare = {plan.waiting: seen for plan, seen in watched.items() if not plan.ended}
    beside_history = {plan: seen for plan, seen in watched.items() if plan.ended}
    return [
        Row(
            "KiB per interval",
            cells("{:,.0f}", lambda plan, seen: seen.counts.body_bytes / plan.intervals / 1024),
            f"<= {BYTES_PER_SESSION // 1024} per wait",
            all(is_within_bytes(plan, seen) for plan, seen in watched.items()),
            is_count=True,
        ),
        Row(
            "requests per interval",
            cells("{:.4g}", lambda plan, seen: seen.counts.requests / plan.intervals),
            "<= waits",
            all(seen.counts.requests <= plan.waiting * plan.intervals for plan, seen in watched.items()),
            is_count=True,
        ),
        Row(
            "triggers that fired once, correctly",
            cells("{}", lambda _, seen: "all" if seen.fired_as_told else "NOT all"),
            "all",
            all(seen.fired_as_told for seen in watched.values()),
            is_count=True,
        ),
        Row(
            "CPU s per minute",
            cells("{:.2f}", lambda plan, seen: seen.cpu_seconds * 60 / (plan.interval * plan.intervals)),
            "",
            None,
        ),
        Row(
            "event-loop delay, p99, ms",
            cells("{:.1f}", lambda _, seen: quantile_ms(seen.lateness, 99)),
            "<= 2 x no history",
            all(
                quantile_ms(seen.lateness, 99) <= 2 * quantile_ms(bare[plan.waiting].lateness, 99)
                for plan, seen in beside_history.items()
                if plan.waiting in bare
            ),
        ),
        Row("event-loop delay, max, ms", cells("{:.1f}", lambda _, seen: max(seen.lateness) * 1000), "", None),
        Row(
            "longest hold of the event loop, ms",
            cells("{:.1f}", lambda _, seen: seen.longest_turn_seconds * 1000),
            "<= 50, always",
            all(seen.longest_turn_seconds <= 0.05 for seen in watched.values()),
        ),
    ]


def is_within_bytes(plan: HistoryPlan, seen: Watched) -> bool:
    """
    Return whether the polls took at most `BYTES_PER_SESSION` for each awaited session and interval.

    :param plan: the number of waits and intervals.
    :param seen: their result.
    """
    return 0 < seen.counts.body_bytes <= BYTES_PER_SESSION * plan.waiting * plan.intervals


def column(plan: HistoryPlan) -> str:
    """Return the name of the column for a plan."""
    return f"{plan.waiting} + {plan.ended:,}"
