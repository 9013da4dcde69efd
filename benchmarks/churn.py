"""Waiters join and leave all the time: mixed intervals, two connections, bursts, and gaps without a waiter."""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contestants import CONTESTANTS, OURS, ionq_connection, waiting_on
from benchmarks.fake import FakeApi, session_id
from benchmarks.presence import Presence, looks, too_close, without_waiter
from benchmarks.table import Row, fired_as_told
from benchmarks.triggerer import Triggerer

if TYPE_CHECKING:
    from benchmarks.fake import Asked

CONNECTIONS = ("ionq_default", "ionq_other")
SESSIONS = 1000
"""Number of sessions in each account: a list of them pays off for large groups of waiters, and not for small ones."""


MAX_GROWTH_MIB = 10


@dataclass(frozen=True, slots=True)
class ChurnPlan:
    """
    How waiters come and go.

    :param seconds: duration, in seconds.
    :param intervals: the intervals of the waiters, in seconds.
    :param group: largest number of waiters that come or go together.
    :param busy_seconds: longest time between two gaps without a waiter, in seconds.
    :param seed: seed of the random choices.
    """

    seconds: float = 600.0
    intervals: tuple[float, ...] = (2.0, 3.0, 5.0, 10.0)
    group: int = 40
    busy_seconds: float = 45.0
    seed: int = 20260102


@dataclass(slots=True)
class Group:
    """
    Waiters with the same interval that come and go together.

    :param conn_id: id of their connection.
    :param numbers: numbers of their sessions.
    :param presence: the time of their wait, and their interval.
    :param triggers: the session that each trigger waits for.
    :param settled: whether they left because their sessions were started; otherwise they were cancelled.
    """

    conn_id: str
    numbers: range
    presence: Presence
    triggers: dict[int, str] = field(default_factory=dict)
    settled: bool = False


@dataclass(slots=True)
class Churned:
    """
    The result.

    :param asked: the requests, by connection.
    :param presences: the times of the waits, by connection.
    :param groups: number of groups that came and went.
    :param waiters: number of their triggers.
    :param gaps: number of gaps without a waiter.
    :param most_polls: largest number of polls that ran at once.
    :param fired_as_told: whether each trigger whose session was started fired once, and no other fired.
    :param held_before: resources of the runner in the first gap.
    :param held_after: resources of the runner in the last gap.
    :param memory_growth: growth of memory from the first gap to the last, in bytes.
    :param failures: the failures.
    """

    asked: dict[str, list[Asked]]
    presences: dict[str, list[Presence]]
    groups: int
    waiters: int
    gaps: int
    most_polls: int
    fired_as_told: bool
    held_before: dict[str, list[str]]
    held_after: dict[str, list[str]]
    memory_growth: int
    failures: list[tuple[int, str]]

    def leaked(self, kind: str) -> list[str]:
        """
        Return the resources that are held at the end and were not at the beginning.

        :param kind: `tasks`, `threads`, `sockets` or `objects`.
        """
        more = Counter(self.held_after[kind]) - Counter(self.held_before[kind])
        # The event loop's own thread pool grows on demand and never shrinks; its size is bounded.
        return [name for name in more.elements() if not name.startswith("asyncio_")]

    @property
    def looks_without_waiter(self) -> int:
        """Number of polls without a waiter."""
        return sum(without_waiter(looks(self.asked[name]), seen) for name, seen in self.presences.items())

    @property
    def looks_too_close(self) -> int:
        """Number of polls that followed another sooner than the shortest interval."""
        return sum(too_close(looks(self.asked[name]), seen) for name, seen in self.presences.items())


def churn(plan: ChurnPlan) -> Churned:
    """
    Let triggers come and go; return the result.

    :param plan: how they come and go.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ionq-bench-")))
        fakes = {conn_id: stack.enter_context(FakeApi(SESSIONS)) for conn_id in CONNECTIONS}
        environment: dict[str, str] = {}
        for conn_id, fake in fakes.items():
            environment |= ionq_connection(conn_id, fake.port)
        return _Churn(plan, fakes, stack.enter_context(Triggerer(folder, environment))).run()


def rows(seen: Churned) -> list[Row]:
    """
    Return the rows of the table.

    :param seen: the result.
    """

    def count(title: str, value: int, must: int = 0) -> Row:
        return Row(title, {OURS: f"{value}"}, f"<= {must}", value <= must, is_count=True)

    asked = sum(len(looks(log)) for log in seen.asked.values())
    came = f"{seen.waiters}, {seen.groups}, {seen.gaps}"
    return [
        Row(
            "triggers that came and went, groups, gaps",
            {OURS: came},
            "",
            None,
        ),
        Row("polls", {OURS: f"{asked}"}, "", None),
        count("polls sooner than the shortest interval", seen.looks_too_close),
        count("polls without a waiter", seen.looks_without_waiter),
        count("pollers at once", seen.most_polls, len(CONNECTIONS)),
        Row(
            "exactly the triggers whose session was started fired",
            {OURS: "yes" if seen.fired_as_told else "NO"},
            "yes",
            seen.fired_as_told and not seen.failures,
            is_count=True,
        ),
        *(count(f"leaked {kind}", len(seen.leaked(kind))) for kind in seen.held_after),
        Row(
            "growth of memory, MiB",
            {OURS: f"{seen.memory_growth / 2**20:.1f}"},
            f"<= {MAX_GROWTH_MIB}",
            seen.memory_growth <= MAX_GROWTH_MIB * 2**20,
        ),
    ]


class _Churn:
    def __init__(self, plan: ChurnPlan, fakes: dict[str, FakeApi], triggerer: Triggerer) -> None:
        self._plan = plan
        self._fakes = fakes
        self._triggerer = triggerer
        self._random = random.Random(plan.seed)
        self._here: list[Group] = []
        self._leaving: list[Group] = []
        self._gone: list[Group] = []
        self._next_number = 0
        self._most_polls = 0

    def run(self) -> Churned:
        """Let the waiters come and go; return the result."""
        gaps = 1
        # The first busy period loads the code and fills the caches and pools.
        self._be_busy(self._plan.busy_seconds / 2)
        self._leave_nobody()
        held, memory = self._held(), self._triggerer.read("memory")
        deadline = time.monotonic() + self._plan.seconds
        while time.monotonic() < deadline:
            self._be_busy(min(self._plan.busy_seconds, deadline - time.monotonic()))
            self._leave_nobody()
            gaps += 1
        growth = self._triggerer.read("memory") - memory
        settled = {trigger: name for group in self._gone if group.settled for trigger, name in group.triggers.items()}
        return Churned(
            asked={conn_id: fake.log() for conn_id, fake in self._fakes.items()},
            presences={
                conn_id: [group.presence for group in self._gone if group.conn_id == conn_id] for conn_id in self._fakes
            },
            groups=len(self._gone),
            waiters=sum(len(group.triggers) for group in self._gone),
            gaps=gaps,
            most_polls=self._most_polls,
            fired_as_told=fired_as_told(self._triggerer.events, settled),
            held_before=held,
            held_after=self._held(),
            memory_growth=growth,
            failures=list(self._triggerer.failures),
        )

    def _held(self) -> dict[str, list[str]]:
        """Return the resources of the runner, without those that it holds only for a moment."""
        held = {kind: Counter(names) for kind, names in self._triggerer.read("held").items()}
        for _ in range(2):
            self._pause(0.3)
            held = {kind: held[kind] & Counter(names) for kind, names in self._triggerer.read("held").items()}
        return {kind: sorted(names.elements()) for kind, names in held.items()}

    def _be_busy(self, seconds: float) -> None:
        """Let groups come and go, a few times a second."""
        until = time.monotonic() + seconds
        for conn_id in self._fakes:
            for _ in range(2):
                self._join(conn_id)
        while time.monotonic() < until:
            self._pause(self._random.uniform(0.1, 1.0))
            # Read twice: a cancelled poller exists until the next iteration of the event loop.
            self._most_polls = max(self._most_polls, min(self._triggerer.read("polls") for _ in range(2)))
            if self._random.random() < 0.5 and len(self._here) < 12:
                self._join(self._random.choice(CONNECTIONS))
            elif self._here:
                group = self._random.choice(self._here)
                self._leave(group, settle=self._random.random() < 0.5)

    def _leave_nobody(self) -> None:
        """Let all waiters leave, some because their session is started, and wait for a gap."""
        for group in list(self._here):
            self._leave(group, settle=self._random.random() < 0.5)
        self._triggerer.wait_until("all have left", self._all_have_left, 3 * max(self._plan.intervals) + 30)
        self._pause(1.5 * min(self._plan.intervals))

    def _join(self, conn_id: str) -> None:
        size = self._random.randint(1, self._plan.group)
        numbers = self._free_numbers(size)
        interval = self._random.choice(self._plan.intervals)
        group = Group(conn_id, numbers, Presence(interval, time.monotonic()))
        for number in numbers:
            arguments = waiting_on(conn_id, session_id(number), interval)
            group.triggers[self._triggerer.create(CONTESTANTS[OURS].classpath, arguments)] = session_id(number)
        self._here.append(group)

    def _free_numbers(self, size: int) -> range:
        """Return the next sessions, without those that have a waiter."""
        while True:
            if self._next_number + size > SESSIONS:
                self._next_number = 0
            numbers = range(self._next_number, self._next_number + size)
            taken = [group.numbers for group in self._here + self._leaving]
            if not any(numbers.start < other.stop and other.start < numbers.stop for other in taken):
                self._next_number = numbers.stop
                return numbers
            self._next_number += 1

    def _leave(self, group: Group, *, settle: bool) -> None:
        self._here.remove(group)
        self._leaving.append(group)
        group.settled = settle
        if settle:
            self._fakes[group.conn_id].start(group.numbers)
        else:
            for trigger in group.triggers:
                self._triggerer.cancel(trigger)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._triggerer.wait_until("the pause is over", lambda: self._is_later_than(until), seconds + 30)

    def _is_later_than(self, moment: float) -> bool:
        self._all_have_left()
        return time.monotonic() > moment

    def _all_have_left(self) -> bool:
        """Record the groups that have left; return whether no group is still leaving."""
        for group in list(self._leaving):
            if group.triggers.keys() <= self._triggerer.finished:
                group.presence.until = time.monotonic()
                self._leaving.remove(group)
                self._gone.append(group)
                if group.settled:
                    self._fakes[group.conn_id].reset(group.numbers)
        return not self._leaving
