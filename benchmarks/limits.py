"""The API answers 429 for a time, with and without `Retry-After`, and the sessions change in the middle of it."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contestants import CONTESTANTS, OURS, ionq_connection, waiting_on
from benchmarks.fake import FakeApi, session_id
from benchmarks.table import Row, fired_as_told
from benchmarks.triggerer import Triggerer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.fake import Asked

SLACK_SECONDS = 0.2
"""The poller measures the pause where a poll begins, and the fake API where it arrives."""

LONGEST_PAUSE_INTERVALS = 8
"""In an outage the pauses grow to this number of intervals, also with a shorter `Retry-After`."""


@dataclass(frozen=True, slots=True)
class LimitPlan:
    """
    The waits, and the time of the refusals.

    :param waiting: number of waiting triggers.
    :param interval: interval of the triggers, in seconds.
    :param limited_seconds: time for which every answer is a 429, in seconds.
    :param retry_after: value of `Retry-After` in half of the cases, in seconds.
    """

    waiting: int = 10
    interval: float = 5.0
    limited_seconds: float = 60.0
    retry_after: int = 20

    @property
    def longest_pause(self) -> float:
        """The longest pause in an outage, in seconds."""
        return LONGEST_PAUSE_INTERVALS * self.interval


@dataclass(frozen=True, slots=True)
class Limited:
    """
    The result for one connection.

    :param asked: the requests from the first 429 on.
    :param ends_at: the time from which the API answers again.
    :param last_event_at: the time at which the supervisor received the last event.
    :param session_of_trigger: the session that each trigger waited for.
    :param events: trigger and payload of each event.
    :param failures: the failures.
    """

    asked: Sequence[Asked]
    ends_at: float
    last_event_at: float
    session_of_trigger: dict[int, str]
    events: list[tuple[int, Any]]
    failures: list[tuple[int, str]]

    @property
    def refused(self) -> int:
        """Number of requests that were answered with 429."""
        return sum(request.status == 429 for request in self.asked)

    @property
    def shortest_pause(self) -> float:
        """The shortest time between a 429 and the next request, in seconds."""
        pairs = itertools.pairwise(self.asked)
        return min((later.at - one.at for one, later in pairs if one.status == 429), default=0.0)

    @property
    def fired_as_told(self) -> bool:
        """Whether nothing failed, and every trigger fired exactly once, with the current JSON of its session."""
        return not self.failures and fired_as_told(self.events, self.session_of_trigger)


def limit(plan: LimitPlan, *, with_retry_after: bool) -> Limited:
    """
    Let triggers wait while the API answers 429; return the result.

    :param plan: the waits, and the time of the refusals.
    :param with_retry_after: whether the answers have a `Retry-After` header.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ionq-bench-"))
        fake = stack.enter_context(FakeApi(plan.waiting))
        environment = ionq_connection("ionq_default", fake.port)
        triggerer = stack.enter_context(Triggerer(Path(folder), environment))
        sessions = {
            triggerer.create(
                CONTESTANTS[OURS].classpath, waiting_on("ionq_default", session_id(number), plan.interval)
            ): session_id(number)
            for number in range(plan.waiting)
        }
        triggerer.wait_until("all run", lambda: triggerer.read("waiting") == plan.waiting, 60)
        triggerer.wait_until("the first poll", lambda: fake.counts().requests > 0, 30 + plan.interval)
        before = fake.counts().requests
        ends_at = fake.limit(plan.limited_seconds, plan.retry_after if with_retry_after else None)
        triggerer.wait_until(
            "half of the time is over",
            lambda: time.monotonic() > ends_at - plan.limited_seconds / 2,
            plan.limited_seconds,
        )
        fake.start(range(plan.waiting))
        triggerer.wait_until(
            "every trigger has fired",
            lambda: len(triggerer.events) >= plan.waiting,
            ends_at - time.monotonic() + max(plan.longest_pause, plan.retry_after) + 30,
        )
        last_event_at = time.monotonic()
        triggerer.wait_until("all are done", lambda: len(triggerer.finished) >= plan.waiting, 30)
        return Limited(
            fake.log()[before:], ends_at, last_event_at, sessions, list(triggerer.events), list(triggerer.failures)
        )


def rows(limited: Mapping[str, Limited], plan: LimitPlan) -> list[Row]:
    """
    Return the rows of the table.

    :param limited: the results without and with `Retry-After`, in this order.
    :param plan: the plan of both.
    """
    without, with_it = limited
    most = int(plan.limited_seconds // plan.interval) + 1
    back_within = {without: plan.longest_pause, with_it: max(plan.longest_pause, float(plan.retry_after))}
    pauses = {without: plan.interval, with_it: float(plan.retry_after)}

    def cells(form: str, value: Any) -> dict[str, str]:
        return {name: form.format(value(limited[name])) for name in limited}

    return [
        Row(
            "requests answered with 429",
            cells("{}", lambda seen: seen.refused),
            f">= 1, <= {most}",
            all(1 <= seen.refused <= most for seen in limited.values()),
            is_count=True,
        ),
        Row(
            "shortest pause after a 429, s",
            cells("{:.2f}", lambda seen: seen.shortest_pause),
            f">= {plan.interval:g} / {plan.retry_after}",
            all(seen.shortest_pause >= pauses[name] - SLACK_SECONDS for name, seen in limited.items()),
            is_count=True,
        ),
        Row(
            "triggers that fired once, correctly",
            cells("{}", lambda seen: len(seen.events)),
            str(plan.waiting),
            all(seen.fired_as_told for seen in limited.values()),
            is_count=True,
        ),
        Row(
            "end of the 429s until every trigger has fired, s",
            cells("{:.2f}", lambda seen: seen.last_event_at - seen.ends_at),
            f"<= {back_within[without]:g} / {back_within[with_it]:g}, + 2",
            all(seen.last_event_at - seen.ends_at <= back_within[name] + 2 for name, seen in limited.items()),
        ),
    ]
