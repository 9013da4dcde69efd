"""The parts of the benchmark, each a table. Modules with Airflow are imported late: it reads the environment once."""

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

    :param heading: its heading.
    :param rows: its rows.
    :param columns: names of its columns.
    """

    heading: str
    rows: Sequence[table.Row]
    columns: Sequence[str] = table.COLUMNS


def waiting(count: int, interval: float, intervals: int, rounds: int, names: Sequence[str]) -> Part:
    """
    Measure many waits on one connection, which all end at the same time.

    :param count: number of triggers.
    :param interval: interval of the triggers, in seconds.
    :param intervals: number of measured intervals.
    :param rounds: number of rounds for each contestant.
    :param names: the contestants.
    """
    from benchmarks.waiting import Plan, wait

    plan = Plan(count, interval, intervals)
    waited: dict[str, list[Waited]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            _tell(f"round {number + 1} of {rounds}: {count} waits, {name}")
            try:
                waited[name].append(wait(name, plan))
            except TimeoutError as error:
                if name not in TODAY:
                    raise
                _tell(f"{name} did not finish: {str(error)[:200]}")
    return Part(
        f"{count} waits, interval {interval:g} s, measured for {intervals * interval:g} s, medians of {rounds}.\n"
        "* The triggers that only sleep all fire at one moment: the time that Airflow takes to handle so many events.",
        table.waiting_rows(waited, plan),
    )


def jobs(count: int, interval: float, intervals: int, rounds: int) -> Part:
    """
    Measure waits for many jobs on one connection.

    :param count: number of jobs.
    :param interval: interval of the triggers, in seconds.
    :param intervals: number of measured intervals.
    :param rounds: number of rounds.
    """
    from benchmarks.jobs import COLUMNS, measure, rows

    waited: dict[str, list[Waited]] = {column: [] for column in COLUMNS}
    for number in range(rounds):
        _tell(f"round {number + 1} of {rounds}: waits for {count} jobs")
        for column, seen in measure(count, interval, intervals).items():
            waited[column].append(seen)
    heading = (
        f"Waits for {count} jobs, interval {interval:g} s, measured for {intervals * interval:g} s,"
        f" medians of {rounds}.\n"
        "The limit for jobs is twice the sum of the other two columns."
    )
    return Part(heading, rows(waited, count, intervals), COLUMNS)


def imports(rounds: int) -> Part:
    """
    Measure the imports of each contestant in a fresh interpreter.

    :param rounds: number of rounds.
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
    Measure single calls.

    :param rounds: number of rounds, each of some blocks of calls.
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
    Measure waits while the API answers 429.

    :param interval: interval of the triggers, in seconds.
    :param limited_seconds: time for which the API answers 429, in seconds.
    """
    from benchmarks.limits import LimitPlan, limit, rows

    plan = LimitPlan(interval=interval, limited_seconds=limited_seconds, retry_after=max(1, int(limited_seconds / 3)))
    limited: dict[str, Limited] = {}
    for column in ("no Retry-After", f"Retry-After: {plan.retry_after}"):
        _tell(f"the API answers 429 for {limited_seconds:g} s, {column}")
        limited[column] = limit(plan, with_retry_after=bool(limited))
    heading = f"{plan.waiting} waits, interval {interval:g} s; the API answers 429 for {limited_seconds:g} s."
    return Part(heading, rows(limited, plan), tuple(limited))


def history(interval: float, intervals: int) -> Part:
    """
    Measure waits in an account with many ended sessions.

    :param interval: interval of the triggers, in seconds.
    :param intervals: number of measured intervals.
    """
    from benchmarks.history import HistoryPlan, column, rows, watch

    watched = {}
    for waiting, ended in HISTORIES:
        _tell(f"{waiting} waits, {ended} ended sessions in the account")
        plan = HistoryPlan(waiting, ended, interval, intervals)
        watched[plan] = watch(plan)
    heading = (
        f"Waits + ended sessions in the account, interval {interval:g} s, measured for {intervals * interval:g} s."
    )
    return Part(heading, rows(watched), [column(plan) for plan in watched])


def churn(seconds: float) -> Part:
    """
    Measure waiters that come and go.

    :param seconds: duration, in seconds.
    """
    from benchmarks.churn import ChurnPlan, churn, rows

    plan = ChurnPlan(seconds=seconds, busy_seconds=min(45.0, seconds / 3))
    _tell(f"triggers come and go for {seconds / 60:g} minutes")
    heading = (
        f"Triggers come and go for {seconds / 60:g} minutes on two connections, in groups of up to {plan.group}, "
        f"with intervals of {' '.join(f'{one:g}' for one in plan.intervals)} s, and gaps without a waiter."
    )
    return Part(heading, rows(churn(plan)), (OURS,))


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
