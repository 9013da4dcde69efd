"""
Print what waiting costs, beside what people use today: `python -m tests.bench`.

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

from tests.bench import table
from tests.bench.contestants import CONTESTANTS, OURS, TODAY, connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.imports import Imported
    from tests.bench.waiting import Plan, Waited

IMPORTS = "imports"
CALLS = "calls"
CALLS_PER_BLOCK = 100
BLOCKS_PER_ROUND = 4


def main() -> int:
    """Measure, and print the table."""
    options = _options()
    began = time.monotonic()
    with _airflow_home():
        from tests.bench.waiting import Plan

        plan = Plan(options.waiting, options.interval, options.intervals)
        rows = _waiting_rows(plan, options.rounds, [name for name in CONTESTANTS if name in options.only])
        if IMPORTS in options.only:
            rows += _import_rows(options.rounds)
        if CALLS in options.only:
            rows += _call_rows(options.rounds)
    print(_heading(plan, options.rounds, time.monotonic() - began))
    print("\n".join(table.lines(rows)))
    return 0 if all(row.met is not False for row in rows if row.is_count) else 1


def _options() -> argparse.Namespace:
    parts = [*CONTESTANTS, IMPORTS, CALLS]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What waiting costs.")
    parser.add_argument("--waiting", type=int, default=1000, help="triggers that wait at once (default %(default)s)")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two looks (default %(default)s)")
    parser.add_argument("--intervals", type=int, default=3, help="intervals in the window (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; medians are printed (default %(default)s)")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, help="measure these only")
    parser.add_argument("--quick", action="store_true", help="one round: an impression, in about 3 minutes")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
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


def _waiting_rows(plan: Plan, rounds: int, names: list[str]) -> list[table.Row]:
    from tests.bench.waiting import wait

    waited: dict[str, list[Waited]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            _tell(f"round {number + 1} of {rounds}: {plan.waiting} waiting, {name}")
            try:
                waited[name].append(wait(name, plan))
            except TimeoutError as error:
                if name not in TODAY:
                    raise
                _tell(f"{name} did not come through: {str(error)[:200]}")
    return table.waiting_rows(waited, plan) if names else []


def _import_rows(rounds: int) -> list[table.Row]:
    from tests.bench.imports import MODULES, import_in_fresh_interpreter

    imported: dict[str, list[Imported]] = {name: [] for name in MODULES}
    for number in range(rounds):
        _tell(f"round {number + 1} of {rounds}: imports")
        for name, seen in imported.items():
            seen.append(import_in_fresh_interpreter(name))
    return table.import_rows(imported)


def _call_rows(rounds: int) -> list[table.Row]:
    from tests.bench.calls import call
    from tests.bench.fake import FakeApi

    _tell("single calls")
    with FakeApi(1) as fake:
        os.environ.update(connections(fake.port))
        return table.call_rows(call(fake, BLOCKS_PER_ROUND * rounds, CALLS_PER_BLOCK))


def _heading(plan: Plan, rounds: int, seconds: float) -> str:
    from airflow import __version__

    return (
        f"\n{plan.waiting} waiting, interval {plan.interval:g} s, window {plan.intervals * plan.interval:g} s, "
        f"medians of {rounds}; fake API on loopback; all but '{OURS}' is what it is compared with.\n"
        f"Airflow {__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}; took {seconds / 60:.1f} minutes.\n"
    )


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
