"""Measure one contestant once: a number of triggers wait for some intervals, and then all sessions change."""

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
    The plan of a measurement.

    :param waiting: number of waiting triggers.
    :param interval: interval of the triggers, in seconds.
    :param intervals: number of measured intervals.
    :param ended: number of ended sessions in the account.
    """

    waiting: int
    interval: float
    intervals: int
    ended: int = 0


@dataclass(frozen=True, slots=True)
class Waited:
    """
    The result of a measurement.

    :param counts: requests and connections in the measured time.
    :param connections_ever: number of connections from the first trigger to the last event.
    :param window_seconds: the measured time, in seconds.
    :param cpu_seconds: CPU time of all threads of the runner's process in the measured time, in seconds.
    :param bytes_per_trigger: memory of an additional waiting trigger, in bytes.
    :param lateness: delays with which a task that sleeps 10 ms woke, in seconds.
    :param longest_turn_seconds: longest time for which a trigger or the shared poll held the event loop, in seconds.
    :param detection_seconds: time from the change of all sessions until the last event, in seconds; for triggers that
        only sleep, from the moment at which all of them fire.
    :param lateness_while_firing: like `lateness`, from the change until every trigger has finished.
    :param session_of_trigger: the session that each trigger waited for.
    :param events: trigger and payload of each event.
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
    Measure a contestant in a separate process, with a fake API of its own.

    :param name: name of the contestant, or of the jobs.
    :param plan: the plan of the measurement.
    """
    with (
        tempfile.TemporaryDirectory(prefix="ionq-bench-") as folder,
        FakeApi(plan.waiting, plan.ended) as fake,
        Triggerer(Path(folder), connections(fake.port)) as triggerer,
    ):
        sessions: dict[int, str] = {}
        # The first triggers load the code and fill the caches, which additional triggers do not.
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
    # Triggers that poll by themselves do so at once; a shared poll may have made its request already.
    looks = 1 if name in (OURS, JOBS) else count
    triggerer.wait_until("every trigger has polled", lambda: fake.counts().requests >= looks, 60)


def _settle(triggerer: Triggerer, fake: FakeApi, name: str, plan: Plan) -> None:
    """Sleep until the middle between two shared polls, so that the measured time has a whole number of them."""
    if name in (OURS, JOBS):
        seen = fake.counts().requests
        triggerer.wait_until("the next poll", lambda: fake.counts().requests > seen, 3 * plan.interval)
        time.sleep(plan.interval / 2)


def _fired(triggerer: Triggerer, plan: Plan) -> list[float]:
    """Wait until every trigger has fired and finished; return the time at which each fired."""
    patience = 4 * plan.interval + 30 + plan.waiting / 50
    triggerer.wait_until("every trigger has fired", lambda: len(triggerer.events) >= plan.waiting, patience)
    triggerer.wait_until("every trigger is done", lambda: len(triggerer.finished) >= plan.waiting, patience)
    fired: list[float] = triggerer.read("fired")
    return fired
