"""One contestant, once: so many triggers wait, are watched for a while, and then all see their session change."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contestants import ASLEEP, CONTESTANTS, JOB_CONTESTANT, JOBS, OURS, connections
from benchmarks.fake import Counts, FakeApi, session_id
from benchmarks.triggerer import Triggerer

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How a contestant is watched.

    :param waiting: how many triggers.
    :param interval: their interval, in seconds.
    :param intervals: how many intervals they are watched for.
    :param ended: how many ended sessions the account has.
    """

    waiting: int
    interval: float
    intervals: int
    ended: int = 0


@dataclass(frozen=True, slots=True)
class Waited:
    """
    What was seen.

    :param counts: requests and connections in the window.
    :param connections_ever: connections from the first trigger to the last event.
    :param window_seconds: the window's length.
    :param cpu_seconds: CPU time of the runner's process in the window, all its threads.
    :param bytes_per_trigger: memory that another waiting trigger takes.
    :param lateness: how late a task that sleeps 10 ms woke, in seconds, each time.
    :param longest_turn_seconds: of a trigger, or of the shared poll.
    :param detection_seconds: from the change of all sessions until the last event; for those asleep, who are told to
        fire at one moment, this is Airflow's part of it.
    :param lateness_while_firing: like `lateness`, from the change until every trigger is done.
    :param session_of_trigger: the session that each trigger was to wait for.
    :param events: what came out, as trigger and payload.
    """

    counts: Counts
    connections_ever: int
    window_seconds: float
    cpu_seconds: float
    bytes_per_trigger: float
    lateness: Sequence[float]
    longest_turn_seconds: float
    detection_seconds: float
    lateness_while_firing: Sequence[float]
    session_of_trigger: dict[int, str]
    events: list[tuple[int, Any]]


def wait(name: str, plan: Plan) -> Waited:
    """
    Let a contestant wait, in a process of its own, on a fake of its own.

    :param name: which contestant, or jobs.
    :param plan: how it is watched.
    """
    with (
        tempfile.TemporaryDirectory(prefix="ionq-bench-") as folder,
        FakeApi(plan.waiting, plan.ended) as fake,
        Triggerer(Path(folder), connections(fake.port)) as triggerer,
    ):
        sessions: dict[int, str] = {}
        # The first few load the code and fill the caches, which is not the price of one more trigger.
        first = max(1, plan.waiting // 10)
        _create(triggerer, name, plan, sessions, range(first))
        _wait_for_first_looks(triggerer, fake, name, first)
        memory_before = triggerer.read("memory")
        _create(triggerer, name, plan, sessions, range(first, plan.waiting))
        _wait_for_first_looks(triggerer, fake, name, plan.waiting)
        _settle(triggerer, fake, name, plan)
        began, counts = triggerer.read("begin"), fake.counts()
        time.sleep(plan.interval * plan.intervals)
        ended, counts = triggerer.read("end"), fake.counts() - counts
        memory = triggerer.read("memory") - memory_before
        triggerer.read("begin")
        changed_at = triggerer.read("fire") if name == ASLEEP else fake.start_sessions_after_next_answer()
        fired = _fired(triggerer, plan)
        firing = triggerer.read("end")
        return Waited(
            counts=counts,
            connections_ever=fake.counts().connections,
            window_seconds=ended["at"] - began["at"],
            cpu_seconds=ended["cpu"] - began["cpu"],
            bytes_per_trigger=memory / (plan.waiting - first),
            lateness=ended["lateness"],
            longest_turn_seconds=max(ended["longest_turn"], firing["longest_turn"]),
            detection_seconds=max(fired) - changed_at,
            lateness_while_firing=firing["lateness"],
            session_of_trigger=sessions,
            events=list(triggerer.events),
        )


def _create(triggerer: Triggerer, name: str, plan: Plan, sessions: dict[int, str], numbers: range) -> None:
    contestant = JOB_CONTESTANT if name == JOBS else CONTESTANTS[name]
    for number in numbers:
        session = session_id(number)
        sessions[triggerer.create(contestant.classpath, contestant.kwargs(session, plan.interval))] = session


def _wait_for_first_looks(triggerer: Triggerer, fake: FakeApi, name: str, count: int) -> None:
    triggerer.wait_until(f"{count} triggers run", lambda: triggerer.read("waiting") == count, 60 + count / 50)
    if name == ASLEEP:
        return
    # Those that ask for themselves do so at once; a shared poll may have answered already.
    looks = 1 if name in (OURS, JOBS) else count
    triggerer.wait_until("everybody has looked", lambda: fake.counts().requests >= looks, 60)


def _settle(triggerer: Triggerer, fake: FakeApi, name: str, plan: Plan) -> None:
    """Come to the middle between two shared polls, so that the window holds a whole number of them."""
    if name in (OURS, JOBS):
        seen = fake.counts().requests
        triggerer.wait_until("the next poll", lambda: fake.counts().requests > seen, 3 * plan.interval)
        time.sleep(plan.interval / 2)


def _fired(triggerer: Triggerer, plan: Plan) -> list[float]:
    """Wait until every trigger has fired and is done; return when each fired."""
    patience = 4 * plan.interval + 30 + plan.waiting / 50
    triggerer.wait_until("every trigger has fired", lambda: len(triggerer.events) >= plan.waiting, patience)
    triggerer.wait_until("every trigger is done", lambda: len(triggerer.finished) >= plan.waiting, patience)
    fired: list[float] = triggerer.read("fired")
    return fired
