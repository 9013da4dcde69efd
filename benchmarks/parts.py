"""The parts of the benchmark, each a table. What needs Airflow is imported late: it reads its environment once."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import table
from benchmarks.contestants import OURS, TODAY, connections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.imports import Imported
    from benchmarks.limits import Limited
    from benchmarks.waiting import Waited

IMPORTS = "imports"
CALLS = "calls"
LIMITS = "limits"
HISTORY = "history"
CHURN = "churn"
JOBS = "jobs"
OTHERS = (IMPORTS, CALLS, LIMITS, HISTORY, CHURN, JOBS)
CALLS_PER_BLOCK = 100
BLOCKS_PER_ROUND = 4
HISTORIES = ((10, 0), (10, 20_000), (700, 0), (700, 20_000))


@dataclass(frozen=True, slots=True)
class Part:
    """
    One table.

    :param heading: what it shows.
    :param rows: its rows.
    :param columns: its columns.
    """

    heading: str
    rows: Sequence[table.Row]
    columns: Sequence[str] = table.COLUMNS


def waiting(count: int, interval: float, intervals: int, rounds: int, names: Sequence[str]) -> Part:
    """
    Let many wait on one connection, be watched, and fire all at once.

    :param count: how many triggers.
    :param interval: their interval, in seconds.
    :param intervals: how many intervals they are watched for.
    :param rounds: how often each contestant has its turn.
    :param names: the contestants.
    """
    from benchmarks.waiting import Plan, wait

    plan = Plan(count, interval, intervals)
    waited: dict[str, list[Waited]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            _tell(f"round {number + 1} of {rounds}: {count} waiting, {name}")
            try:
                waited[name].append(wait(name, plan))
            except TimeoutError as error:
                if name not in TODAY:
                    raise
                _tell(f"{name} did not come through: {str(error)[:200]}")
    return Part(
        f"{count} waiting, interval {interval:g} s, window {intervals * interval:g} s, medians of {rounds}.\n"
        "* Those asleep are told to fire at one moment: what Airflow's own handling of so many events takes.",
        table.waiting_rows(waited, plan),
    )


def jobs(count: int, interval: float, intervals: int, rounds: int) -> Part:
    """
    Let many jobs wait on one connection.

    :param count: how many jobs.
    :param interval: their interval, in seconds.
    :param intervals: how many intervals they are watched for.
    :param rounds: how often.
    """
    from benchmarks.jobs import COLUMNS, measure, rows

    waited: dict[str, list[Waited]] = {column: [] for column in COLUMNS}
    for number in range(rounds):
        _tell(f"round {number + 1} of {rounds}: {count} jobs waiting")
        for column, seen in measure(count, interval, intervals).items():
            waited[column].append(seen)
    heading = (
        f"{count} jobs waiting, interval {interval:g} s, window {intervals * interval:g} s, medians of {rounds}.\n"
        "Jobs may take twice what as many sessions and as many requests for sessions take together."
    )
    return Part(heading, rows(waited, count, intervals), COLUMNS)


def imports(rounds: int) -> Part:
    """
    Import each in a fresh interpreter.

    :param rounds: how often.
    """
    from benchmarks.imports import MODULES, import_in_fresh_interpreter

    imported: dict[str, list[Imported]] = {name: [] for name in MODULES}
    with tempfile.TemporaryDirectory(prefix="ionq-bench-") as bytecode:
        _tell("compiling")
        for name in imported:
            import_in_fresh_interpreter(name, bytecode)
        for number in range(rounds):
            _tell(f"round {number + 1} of {rounds}: imports")
            for name, seen in imported.items():
                seen.append(import_in_fresh_interpreter(name, bytecode))
    return Part(f"Imports of compiled code, medians of {rounds}.", table.import_rows(imported))


def calls(rounds: int) -> Part:
    """
    Make single calls.

    :param rounds: of some blocks of calls.
    """
    from benchmarks.calls import call
    from benchmarks.fake import FakeApi

    _tell("single calls")
    with FakeApi(1) as fake:
        os.environ.update(connections(fake.port))
        rows = table.call_rows(call(fake, BLOCKS_PER_ROUND * rounds, CALLS_PER_BLOCK))
    return Part(f"Single calls, medians of {BLOCKS_PER_ROUND * rounds} blocks of {CALLS_PER_BLOCK}.", rows)


def limits(interval: float, limited_seconds: float) -> Part:
    """
    Let some wait while the API answers 429.

    :param interval: their interval, in seconds.
    :param limited_seconds: how long.
    """
    from benchmarks.limits import LimitPlan, limit, rows

    plan = LimitPlan(interval=interval, limited_seconds=limited_seconds, retry_after=max(1, int(limited_seconds / 3)))
    limited: dict[str, Limited] = {}
    for column in ("no Retry-After", f"Retry-After: {plan.retry_after}"):
        _tell(f"the API answers 429 for {limited_seconds:g} s, {column}")
        limited[column] = limit(plan, with_retry_after=bool(limited))
    heading = f"{plan.waiting} waiting, interval {interval:g} s; the API answers 429 for {limited_seconds:g} s."
    return Part(heading, rows(limited, plan), tuple(limited))


def history(interval: float, intervals: int) -> Part:
    """
    Let some wait on an account with many ended sessions.

    :param interval: their interval, in seconds.
    :param intervals: how many intervals they are watched for.
    """
    from benchmarks.history import HistoryPlan, column, rows, watch

    watched = {}
    for waiting, ended in HISTORIES:
        _tell(f"{waiting} waiting, {ended} ended sessions in the account")
        plan = HistoryPlan(waiting, ended, interval, intervals)
        watched[plan] = watch(plan)
    heading = f"Waiting + ended sessions in the account, interval {interval:g} s, window {intervals * interval:g} s."
    return Part(heading, rows(watched), [column(plan) for plan in watched])


def churn(seconds: float) -> Part:
    """
    Let triggers come and go.

    :param seconds: for how long.
    """
    from benchmarks.churn import ChurnPlan, churn, rows

    plan = ChurnPlan(seconds=seconds, busy_seconds=min(45.0, seconds / 3))
    _tell(f"triggers come and go for {seconds / 60:g} minutes")
    heading = (
        f"Triggers come and go for {seconds / 60:g} minutes on two connections, in groups of up to {plan.group}, "
        f"intervals of {' '.join(f'{one:g}' for one in plan.intervals)} s, and gaps without any."
    )
    return Part(heading, rows(churn(plan)), (OURS,))


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
