"""
Measure the cost of waiting, compared with common alternatives: `python -m benchmarks`.

The exit status is 0 if all counts are within their limits. Times depend on the machine: they do not affect it.
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
"""From this number of waits on, the alternatives cannot keep up: they are measured only if they are named."""

ROUNDS_OF_MANY = 3
PARTS = [*CONTESTANTS, *parts.OTHERS]


def main() -> int:
    """Run the measurements and print the tables; return the exit status."""
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
    print("All counts are within their limits." if not wrong else f"Counts beyond their limits: {'; '.join(wrong)}.")
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
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the cost of waiting.")
    parser.add_argument(
        "--waiting", type=int, nargs="+", help="number of waiting triggers in each table (default 1000 5000 10000)"
    )
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two polls (default %(default)s)")
    parser.add_argument("--intervals", type=int, default=3, help="number of measured intervals (default %(default)s)")
    parser.add_argument(
        "--rounds",
        type=int,
        help="rounds, of which the tables show the medians "
        f"(default 5; at most {ROUNDS_OF_MANY} from {ONLY_WHEN_NAMED_FROM} triggers on)",
    )
    parser.add_argument("--limited-seconds", type=float, help="seconds for which the API answers 429 (default 60)")
    parser.add_argument("--churn-minutes", type=float, help="minutes for which waiters come and go (default 10)")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        help=f"measure only these; from {ONLY_WHEN_NAMED_FROM} triggers on, alternatives only if they are named here",
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round, for a first impression in about 6 minutes"
    )
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
    """Give Airflow, which is imported after this, a temporary home and none of the caller's configuration."""
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
        f"'{OURS}' is this provider, compared with the others."
    )


if __name__ == "__main__":
    sys.exit(main())
