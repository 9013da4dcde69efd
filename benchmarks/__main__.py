"""
Print what waiting costs, beside what people use today: `python -m benchmarks`.

The exit code is 0 when the counts are as they must be. Times depend on the machine: they are printed, not gated.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks import parts, table
from benchmarks.contestants import ASLEEP, CONTESTANTS, OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

ONLY_WHEN_NAMED_FROM = 5000
"""From so many waiting on, those of today no longer keep up: they take part when they are named."""

ROUNDS_OF_MANY = 3
PARTS = [*CONTESTANTS, *parts.OTHERS]


def main() -> int:
    """Measure, and print the tables."""
    options = _options()
    began = time.monotonic()
    rows: list[table.Row] = []
    with _airflow_home():
        print(_heading(), flush=True)
        for part in _chosen(options):
            print(f"\n{part.heading}\n" + "\n".join(table.lines(part.rows, part.columns)), flush=True)
            rows += part.rows
    print(f"\nTook {(time.monotonic() - began) / 60:.1f} minutes.")
    wrong = [row.title for row in rows if row.is_count and row.met is False]
    print("All counts are as they must be." if not wrong else f"Counts NOT as they must be: {'; '.join(wrong)}.")
    return 1 if wrong else 0


def _chosen(options: argparse.Namespace) -> Iterator[parts.Part]:
    only: list[str] = options.only or PARTS
    for waiting in options.waiting:
        many = waiting >= ONLY_WHEN_NAMED_FROM
        names = [
            name
            for name in CONTESTANTS
            if name in only and (options.only or name in (ASLEEP, OURS) or not (many or options.quick))
        ]
        rounds = min(options.rounds, ROUNDS_OF_MANY) if many else options.rounds
        if names:
            yield parts.waiting(waiting, options.interval, options.intervals, rounds, names)
    if parts.IMPORTS in only:
        yield parts.imports(options.rounds)
    if parts.CALLS in only:
        yield parts.calls(options.rounds)
    if parts.LIMITS in only:
        yield parts.limits(options.interval, options.limited_seconds)
    if parts.HISTORY in only:
        yield parts.history(options.interval, 3 if options.quick else 6)
    if parts.JOBS in only:
        for waiting in (1000, 5000):
            yield parts.jobs(waiting, options.interval, options.intervals, 1 if options.quick else ROUNDS_OF_MANY)
    if parts.CHURN in only:
        yield parts.churn(60 * options.churn_minutes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What waiting costs.")
    parser.add_argument(
        "--waiting", type=int, nargs="+", help="triggers that wait at once, table by table (default 1000 5000 10000)"
    )
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two looks (default %(default)s)")
    parser.add_argument("--intervals", type=int, default=3, help="intervals in the window (default %(default)s)")
    parser.add_argument(
        "--rounds",
        type=int,
        help=f"rounds; medians count (default 5; from {ONLY_WHEN_NAMED_FROM} waiting on at most {ROUNDS_OF_MANY})",
    )
    parser.add_argument("--limited-seconds", type=float, help="how long the API answers 429 (default 60)")
    parser.add_argument("--churn-minutes", type=float, help="how long waiters come and go (default 10)")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        help=f"measure these only; from {ONLY_WHEN_NAMED_FROM} waiting on, those of today take part only if named here",
    )
    parser.add_argument("--quick", action="store_true", help="one round of less: an impression, in about 6 minutes")
    options = parser.parse_args()
    usual, quick = ([1000, 5000, 10_000], 5, 60.0, 10.0), ([1000, 5000], 1, 20.0, 0.5)
    for name, value in zip(
        ("waiting", "rounds", "limited_seconds", "churn_minutes"), quick if options.quick else usual, strict=True
    ):
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


@contextmanager
def _airflow_home() -> Iterator[None]:
    """Give Airflow, which is imported after this, a temporary home and nothing of the caller's."""
    from cryptography.fernet import Fernet

    for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="ionq-bench-") as home:
        os.environ.update(
            AIRFLOW_HOME=home,
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__CORE__FERNET_KEY=Fernet.generate_key().decode(),
            AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        )
        yield


def _heading() -> str:
    from airflow import __version__

    return (
        f"Airflow {__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}; fake API on loopback; "
        f"all but '{OURS}' is what it is compared with."
    )


if __name__ == "__main__":
    sys.exit(main())
