"""
Show a real Airflow waiting for a session of the local emulator: `python -m tests.system.demo`.

Exit code 0 only if the session's JSON came through XCom as the emulator served it.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import requests

from airflow_provider_ionq.emulator import Emulator
from tests.system import logs
from tests.system.stack import FINAL_RUN_STATES, AirflowStack, StackError

DAG_ID = "wait_for_session"
DAG_FILE = Path(__file__).parent / "dags" / f"{DAG_ID}.py"
DEFERRED_SECONDS = 6.0
"""How long the task is left waiting: a little more than its `poke_interval`, so that one look finds nothing."""
RUN_WITHIN_SECONDS = 120.0


class Timeline:
    """Print what happens, one line each: seconds since the start, who, what."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def say(self, who: str, what: str) -> None:
        """
        Print a line.

        :param who: what changed, in a word.
        :param what: how it changed.
        """
        print(f"{time.monotonic() - self._start:6.1f} s  {who:<9} {what}", flush=True)


class Story:
    """
    One run of the DAG, told as it happens.

    :param emulator: the IonQ API.
    :param stack: the Airflow.
    :param timeline: where it is told.
    """

    def __init__(self, emulator: Emulator, stack: AirflowStack, timeline: Timeline) -> None:
        self.emulator = emulator
        self.stack = stack
        self.timeline = timeline
        self.session = emulator.create_session(backend="qpu.forte-1", settings={"duration_limit_min": 60})
        self.session_id: str = self.session["id"]
        self.run_id = ""
        self._states: dict[str, str | None] = {}
        self._deferred_at: float | None = None

    def tell(self) -> bool:
        """Run the DAG to its end; return whether the JSON came through."""
        self.timeline.say("session", f"{self.session_id} created")
        self.run_id = self.stack.trigger_dag(DAG_ID, {"session_id": self.session_id})
        self.timeline.say("run", f"of DAG {DAG_ID} triggered")
        self.stack.wait_until(
            self._is_over,
            RUN_WITHIN_SECONDS,
            "the end of the run",
            lambda: logs.of_run(self.stack, DAG_ID, self.run_id),
        )
        self._look()
        self.stack.succeed(DAG_ID, self.run_id, RUN_WITHIN_SECONDS)
        self.timeline.say("run", "success")
        return self._compare()

    def _is_over(self) -> bool:
        self._look()
        return self.stack.run_state(DAG_ID, self.run_id) in FINAL_RUN_STATES

    def _look(self) -> None:
        for item in self.stack.task_instances(DAG_ID, self.run_id):
            before = self._states.get(item.task_id)
            if item.state not in (None, before):
                self._states[item.task_id] = item.state
                remark = "   the triggerer waits, no worker is held" if item.state == "deferred" else ""
                self.timeline.say("task", f"{item.task_id:<9} {before or '(new)':>9} -> {item.state}{remark}")
        if self._deferred_at is None and self._states.get("wait") == "deferred":
            self._deferred_at = time.monotonic()
        waited = self._deferred_at is not None and time.monotonic() - self._deferred_at > DEFERRED_SECONDS
        if waited and self.session["status"] == "created":
            self.emulator.start_session(self.session_id)
            self.session = self.emulator.session(self.session_id)
            self.timeline.say("session", f"{self.session_id} created -> started   as if its first job was submitted")

    def _compare(self) -> bool:
        served = self.emulator.session(self.session_id)
        self.timeline.say("emulator", f"answered {len(self.emulator.requests)} requests in all")
        self.timeline.say("task", f"describe  returned: {self._xcom('describe')}")
        waited, read = self._xcom("wait"), self._xcom("read")
        print("\nThe session's JSON as task `wait` handed it on, read back from XCom:\n")
        print(json.dumps(waited, indent=2), "\n")
        for task_id, value in {"wait": waited, "read": read}.items():
            if value != served:
                print(f"The XCom of task `{task_id}` is not what the emulator served: {value!r}, not {served!r}")
        return bool(waited == read == served)

    def _xcom(self, task_id: str) -> Any:
        return self.stack.xcom(DAG_ID, self.run_id, task_id)


def main() -> int:
    """Run the demo and return the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    timeline = Timeline()
    print("A real Airflow waits for an IonQ session, on this machine alone: the IonQ API is a local emulator.\n")
    came_through = False
    outcome = "FAILED"
    try:
        with Emulator(api_key="demo-key") as emulator:
            timeline.say("emulator", f"serves the IonQ API at {emulator.url}")
            stack = AirflowStack(
                [DAG_FILE],
                environment={"AIRFLOW_CONN_IONQ_DEFAULT": emulator.airflow_connection},
                metadata="sqlite",
                say=lambda line: timeline.say("airflow", line),
            )
            with stack:
                came_through = Story(emulator, stack, timeline).tell()
                timeline.say("airflow", "stopping")
    except (StackError, requests.RequestException) as error:
        print(f"\n{error}\n")
        outcome = f"FAILED: {str(error).splitlines()[0]}"
    except KeyboardInterrupt:
        outcome = "interrupted"
    outcome = "done" if came_through else outcome
    timeline.say("demo", f"{outcome}; everything was stopped, nothing is left running")
    return 0 if came_through else 1


if __name__ == "__main__":
    sys.exit(main())
