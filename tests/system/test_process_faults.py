"""Airflow's processes die, are doubled or lose their database while a session is awaited, and the task goes on."""

from __future__ import annotations

import importlib.util
import logging
import signal
import time
from collections import Counter
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.facts import stating
from tests.system import logs
from tests.system.modes import IN_TRIGGERER, MODES
from tests.system.triggerers import HEALTHY_WITHIN_SECONDS, STOPS_WITHIN_SECONDS, share, two_triggerers
from tests.system.waits import LIST, Wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.emulator import Emulator
    from tests.system.stack import AirflowStack

log = logging.getLogger(__name__)

ENDED_WITHIN_SECONDS = 180.0
DATABASE_AWAY_SECONDS = 10.0


def wait_until_healthy(stack: AirflowStack) -> list[str]:
    """Wait until every component reports itself healthy, starting again what ended; return what that was."""
    revived: list[str] = []

    def healthy() -> bool:
        revived.extend(stack.revive())
        return stack.is_healthy()

    stack.wait_until(healthy, HEALTHY_WITHIN_SECONDS, "every component to be healthy again")
    return revived


@pytest.fixture(autouse=True)
def _healed(stack: AirflowStack, emulator: Emulator) -> Iterator[None]:
    """Leave the stack as it was found, whatever became of the test, and nobody waiting."""
    yield
    for session in emulator.sessions():
        if session["ended_at"] is None:
            emulator.end_session(session["id"])
    if stack.database is not None and stack.database.component.exit_code() is not None:
        stack.database.start()
    for component in stack.components.values():
        if component.environment != stack.environment:
            component.stop(STOPS_WITHIN_SECONDS)
    wait_until_healthy(stack)


def begin(stack: AirflowStack, emulator: Emulator, modes: list[str], pace: str = "quick") -> list[Wait]:
    """Start a wait in each mode; return when all of them wait."""
    waits = [Wait(stack, emulator, mode, pace) for mode in modes]
    for wait in waits:
        wait.until_it_waits()
    return waits


def finish(waits: list[Wait]) -> None:
    """Start the sessions; check that every wait ends as if nothing had happened."""
    for wait in waits:
        wait.emulator.start_session(wait.session_id)
    for wait in waits:
        wait.ends_as_if_nothing_had_happened()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_triggerer_ends_and_is_started_again(stack: AirflowStack, emulator: Emulator, how: signal.Signals) -> None:
    waits = begin(stack, emulator, IN_TRIGGERER)
    triggerer = stack.components["triggerer"]
    if how is signal.SIGKILL:
        triggerer.kill()
    else:
        triggerer.stop(STOPS_WITHIN_SECONDS)
    looks = [wait.looks for wait in waits]
    stack.start_component("triggerer")
    for wait, before in zip(waits, looks, strict=True):
        stack.wait_until(lambda w=wait, b=before: w.looks > b, 90, "the new triggerer to look", wait.evidence)  # type: ignore[misc]
    finish(waits)
    for wait in waits:
        assert wait.looks <= wait.most_looks()


def test_two_triggerers_end_every_task_once(stack: AirflowStack, emulator: Emulator) -> None:
    half = 6
    # With no more than that each of them gets its share.
    with two_triggerers(stack, half):
        waits = [Wait(stack, emulator, mode) for mode in islice(cycle(IN_TRIGGERER), 2 * half)]
        for wait in waits:
            wait.until_it_waits()
        stack.wait_until(lambda: share(stack, half), 60, "the triggerers to share")
        waits[0].until_more_looks(4)
        polls = Counter(request.peer for request in emulator.requests if request.route == LIST)
        assert len(polls) == 2, polls
        finish(waits)
    ends = "SELECT count(*) AS n FROM log WHERE dag_id = :dag AND run_id = :run AND event = 'success'"
    for wait in waits:
        # What a triggerer ends is not in that table.
        assert stack.query(ends, dag=wait.dag_id, run=wait.run_id) == [{"n": int(MODES[wait.mode].ends_on_worker)}]
        assert wait.looks <= 2 * wait.most_looks()


def test_triggerer_is_down_for_longer_than_the_timeout(stack: AirflowStack, emulator: Emulator) -> None:
    stack.components["triggerer"].stop(STOPS_WITHIN_SECONDS)
    reached = [Wait(stack, emulator, mode, "brief") for mode in IN_TRIGGERER]
    missed = [Wait(stack, emulator, mode, "brief") for mode in IN_TRIGGERER]
    for wait in [*reached, *missed]:
        stack.wait_until(lambda w=wait: w.task()["state"] == "deferred", 90, "the task to be deferred", wait.evidence)  # type: ignore[misc]
    finish(reached)
    for wait in missed:
        wait.until_it_ends()
        assert wait.task() == {"state": "failed", "try_number": 1}, wait.evidence()
        assert "AirflowSensorTimeout" in wait.log()
        assert stating(wait.log().splitlines(), "20 s | 'created'")
    for wait in [*reached, *missed]:
        # A worker's first, and the last.
        assert wait.looks == MODES[wait.mode].starts_on_worker + 1


def test_scheduler_is_restarted(stack: AirflowStack, emulator: Emulator) -> None:
    waits = begin(stack, emulator, list(MODES))
    scheduler = stack.components["scheduler"]
    # It waits for the tasks of its own workers, as the LocalExecutor has them.
    scheduler.terminate()
    for wait in waits:
        emulator.start_session(wait.session_id)
    stack.wait_until(lambda: scheduler.exit_code() is not None, STOPS_WITHIN_SECONDS, "the scheduler to stop")
    stack.start_component("scheduler")
    finish(waits)
    for wait in waits:
        assert wait.looks <= wait.most_looks()


def test_metadata_database_is_away_for_ten_seconds(stack: AirflowStack, emulator: Emulator) -> None:
    assert stack.database is not None
    waits = begin(stack, emulator, list(MODES))
    stack.database.stop()
    time.sleep(DATABASE_AWAY_SECONDS)
    stack.database.start()
    looks = [wait.looks for wait in waits]

    revived: list[str] = []

    def looked() -> bool:
        revived.extend(stack.revive())
        pairs = zip(waits, looks, strict=True)
        return all(wait.looks > before for wait, before in pairs if wait.mode != "reschedule")

    stack.wait_until(looked, HEALTHY_WITHIN_SECONDS, "the waits to go on")
    for wait in waits:
        emulator.start_session(wait.session_id)

    def ended() -> bool:
        revived.extend(stack.revive())
        return all(wait.ended() for wait in waits)

    # A scheduler that gives up first waits for the tasks of its own workers, and is started again only then.
    stack.wait_until(ended, ENDED_WITHIN_SECONDS, "the waits to end", lambda: logs.of_components(stack))
    log.info("without their database these ended and were started again: %s", revived)
    for wait in waits:
        wait.ends_as_if_nothing_had_happened()
        assert wait.looks <= wait.most_looks()


@pytest.mark.parametrize("shift", [3600, -3600], ids=["ahead", "behind"])
def test_clock_of_the_workers_is_an_hour_off(stack: AirflowStack, emulator: Emulator, shift: int) -> None:
    library = clock_library()
    environment = {
        "FAKETIME": "+0s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
        "IONQ_TEST_CHILDREN_FAKETIME": f"{shift:+d}s",
        "LD_PRELOAD": str(library),
    }
    stack.components["scheduler"].stop(STOPS_WITHIN_SECONDS)
    stack.start_component("scheduler", environment=environment)
    # Airflow takes the date of the next look of any sensor from the worker's clock: with one that is ahead it comes an
    # hour late, with one that is behind at once, before the worker is done, which costs a try.
    modes = [mode for mode in MODES if mode != "reschedule"]
    waits = begin(stack, emulator, modes)
    for wait in waits:
        if MODES[wait.mode].starts_on_worker:
            ran = "SELECT extract(epoch FROM start_date - now()) AS off FROM task_instance WHERE run_id = :run"
            assert abs(float(stack.query(ran, run=wait.run_id)[0]["off"]) - shift) < 300
        wait.until_more_looks(2)
    finish(waits)
    for wait in waits:
        assert wait.looks <= wait.most_looks()


def clock_library() -> Path:
    """Return what is preloaded to shift a clock."""
    spec = importlib.util.find_spec("libfaketime")
    if spec is None or spec.origin is None:
        raise ImportError("the workers' clock is shifted by the package libfaketime: install the group system")
    return next(Path(spec.origin).parent.glob("vendor/**/libfaketime.so.1"))
