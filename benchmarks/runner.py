"""
Airflow's `TriggerRunner` in a separate process, as the triggerer starts it, with gauges for the measurements.

Standard input is the socket to the supervisor. The first argument is the file descriptor of a socket on which
the gauges are read, one JSON line for each command: see :class:`Gauges`. The second argument is the log file.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import re
import socket
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.jobs.triggerer_job_runner import TriggerEventEntry, TriggerRunner
from airflow.sdk.execution_time.supervisor import _configure_logs_over_json_channel

from benchmarks.triggers import SleepingTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROBE_SECONDS = 0.01
_OWN_CODE = f"{os.sep}airflow_provider_ionq{os.sep}"


class GaugedRunner(TriggerRunner):
    """Airflow's runner with a probe of the event loop, which neither replaces nor wraps any part of the runner."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.events = self.timed_events = _TimedEvents()
        self.lateness: list[float] = []
        self.loop: asyncio.AbstractEventLoop
        self.runs = threading.Event()
        self._probe: asyncio.Task[None] | None = None

    async def init_comms(self) -> None:
        """Start the probe with the loop."""
        await super().init_comms()  # type: ignore[no-untyped-call]
        self.loop = asyncio.get_running_loop()
        self.runs.set()
        self._probe = asyncio.create_task(self._feel_delay(), name="probe")

    async def _feel_delay(self) -> None:
        while True:
            due = time.monotonic() + PROBE_SECONDS
            await asyncio.sleep(PROBE_SECONDS)
            self.lateness.append(time.monotonic() - due)


class _TimedEvents(deque[TriggerEventEntry]):
    """The runner's queue of fired events, with the time of each."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def append(self, entry: TriggerEventEntry) -> None:
        self.times.append(time.monotonic())
        super().append(entry)


class Turns:
    """
    The longest time for which a trigger, or a task of this provider, held the event loop.

    Pauses of the garbage collector do not count: any code may trigger them, and most objects are Airflow's.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._collecting = 0.0
        self._collecting_since = 0.0
        gc.callbacks.append(self._collector)
        self._time_handles()

    def _collector(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.perf_counter()
        else:
            self._collecting += time.perf_counter() - self._collecting_since

    def _time_handles(self) -> None:
        run: Callable[[asyncio.Handle], None] = asyncio.Handle._run
        clock = time.perf_counter

        def timed(handle: asyncio.Handle) -> None:
            collecting, began = self._collecting, clock()
            # Read before the run: a handle that is cancelled during its run loses its callback.
            callback = handle._callback  # type: ignore[attr-defined]
            run(handle)
            took = clock() - began - (self._collecting - collecting)
            if took > self.longest and _is_of_a_trigger(callback):
                self.longest = took

        asyncio.Handle._run = timed  # type: ignore[method-assign, assignment]


def _is_of_a_trigger(callback: Any) -> bool:
    task = getattr(callback, "__self__", None)
    if not isinstance(task, asyncio.Task):
        return False
    # The runner names the tasks of triggers `dag/run/task/map/try (ID n)`.
    if task.get_name().endswith(")") and "(ID " in task.get_name():
        return True
    return _is_of_our_code(task)


def _is_of_our_code(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and _OWN_CODE in code.co_filename


def _sockets() -> Iterator[str]:
    for entry in os.scandir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            if (target := os.readlink(entry.path)).startswith("socket:"):
                yield target


def _is_our_object(thing: object) -> bool:
    return str(type(thing).__module__).startswith("airflow_provider_ionq")


class Gauges:
    """
    Answers the commands of the measuring process, in a separate thread.

    :param runner: the measured runner.
    :param commands: socket of the commands.
    """

    def __init__(self, runner: GaugedRunner, commands: socket.socket) -> None:
        self._runner = runner
        self._commands = commands
        self._turns = Turns()

    def serve(self) -> None:
        """Answer until the other side closes the socket."""
        self._runner.runs.wait()
        # Closed when a gauge fails, so that the measuring process does not wait for the answer.
        with self._commands, self._commands.makefile("rw", encoding="utf-8") as lines:
            for line in lines:
                answer: object = getattr(self, "do_" + line.strip())()
                lines.write(json.dumps(answer) + "\n")
                lines.flush()

    def do_waiting(self) -> int:
        """Return the number of running triggers."""
        return len(self._runner.triggers)

    def do_polls(self) -> int:
        """Return the number of this provider's tasks that are not triggers."""
        return sum(_is_of_our_code(task) for task in asyncio.all_tasks(self._runner.loop))

    def do_memory(self) -> int:
        """Return the private memory of this process, in bytes."""
        gc.collect()
        text = Path("/proc/self/smaps_rollup").read_text()
        return 1024 * sum(int(kib) for kib in re.findall(r"^Private_(?:Clean|Dirty): +(\d+) kB", text, re.MULTILINE))

    def do_begin(self) -> dict[str, float]:
        """Begin a measurement."""
        self._runner.lateness = []
        self._turns.longest = 0.0
        return {"cpu": time.process_time(), "at": time.monotonic()}

    def do_end(self) -> dict[str, Any]:
        """Return the measurement so far, without ending it."""
        return {
            "cpu": time.process_time(),
            "at": time.monotonic(),
            "lateness": list(self._runner.lateness),
            "longest_turn": self._turns.longest,
        }

    def do_fire(self) -> float:
        """Let all sleeping triggers fire; return the time of that."""
        now = time.monotonic()
        self._runner.loop.call_soon_threadsafe(SleepingTrigger.fire_all)
        return now

    def do_held(self) -> dict[str, list[str]]:
        """Return the names of all resources of the process that could leak."""
        gc.collect()
        return {
            "tasks": sorted(task.get_name() for task in asyncio.all_tasks(self._runner.loop)),
            "threads": sorted(thread.name for thread in threading.enumerate()),
            "sockets": sorted(_sockets()),
            "objects": sorted(type(thing).__qualname__ for thing in gc.get_objects() if _is_our_object(thing)),
        }

    def do_fired(self) -> list[float]:
        """Return the time at which each event was fired, by the monotonic clock of this machine."""
        return list(self._runner.timed_events.times)


def main() -> None:
    """Run triggers until the supervisor stops this process."""
    _configure_logs_over_json_channel(os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    runner = GaugedRunner()
    gauges = Gauges(runner, socket.socket(fileno=int(sys.argv[1])))
    threading.Thread(target=gauges.serve, name="gauges", daemon=True).start()
    runner.run()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
