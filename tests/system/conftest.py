"""One Airflow on PostgreSQL and one emulator for all end-to-end tests."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.emulator import Emulator
from tests.system.stack import AirflowStack
from tests.system.units import UnitScheduling, rank_of

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "example_dags"

# What is encoded in a URL, in JSON or in HTML differs from what it was.
API_KEY = 'ACCEPTED/key+5c9e%2Fd1&<"q7'
REFUSED_KEY = 'REFUSED/key+8b30%2Fe4&<"x2'
PARALLELISM = 8
"""Workers of an Airflow: many rows of a table hold one and wait, so that more of them than processors keep it busy."""
EXAMPLE_INTERVAL_SECONDS = 3


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and bring them into their order."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.system)
    items.sort(key=lambda item: rank_of(item.nodeid) if HERE in item.path.parents else -1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> UnitScheduling:
    """Return what gives the tests to the Airflows that run side by side; called by pytest-xdist."""
    return UnitScheduling(config, log)


@pytest.fixture(scope="session")
def _emulator() -> Iterator[Emulator]:
    with Emulator(api_key=API_KEY) as emulator:
        yield emulator


@pytest.fixture
def emulator(_emulator: Emulator) -> Emulator:
    """Return the emulator with an empty request log and without faults."""
    _emulator.clear_requests()
    _emulator.clear_faults()
    return _emulator


@pytest.fixture(scope="session")
def names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that stands for the DNS zone `ionq.test`: whatever has a file there can be resolved."""
    return tmp_path_factory.mktemp("names")


@pytest.fixture(scope="session", autouse=True)
def _stopped_by_a_signal() -> None:
    """Have a cancelled run stop its processes too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def stack(_emulator: Emulator, names: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowStack]:
    """Return an Airflow that knows the emulator by an accepted and by a refused key."""
    refused = {**json.loads(_emulator.airflow_connection), "password": REFUSED_KEY}
    variables = {
        "AIRFLOW_CONN_IONQ_DEFAULT": _emulator.airflow_connection,
        "AIRFLOW_CONN_IONQ_REFUSED": json.dumps(refused),
        "IONQ_TEST_NAMES": str(names),
        "PYTHONPATH": f"{HERE / 'preload'}:{HERE.parent.parent}",
    }
    dags = [*(HERE / "dags").glob("*.py"), *_quick_examples(tmp_path_factory.mktemp("examples"))]
    with AirflowStack(dags, environment=variables, parallelism=PARALLELISM) as stack:
        yield stack


def _quick_examples(folder: Path) -> list[Path]:
    """Copy the example DAGs, with nothing changed but the interval, for which no test has the time."""
    copies = []
    for example in sorted(EXAMPLES.glob("*.py")):
        source = example.read_text()
        copies.append(folder / example.name)
        copies[-1].write_text(re.sub(r"\bpoke_interval=\d+", f"poke_interval={EXAMPLE_INTERVAL_SECONDS}", source))
    return copies
