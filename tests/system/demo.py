"""
Run a real Airflow with sessions of the local emulator: `python -m tests.system.demo`.

The exit code is 0 only if both runs ended as expected and no session is open.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from airflow_provider_ionq.emulator import Emulator
from tests.system import logs
from tests.system.stack import FINAL_RUN_STATES, AirflowStack, StackError

if TYPE_CHECKING:
    from collections.abc import Callable

BACKEND = "qpu.forte-1"
DAG_ID = "work_in_session"
DAG_FILE = Path(__file__).parent / "dags" / f"{DAG_ID}.py"
CREATE, WAIT, END = "session.create_session", "session.wait", "session.end_session"
DEFERRED_SECONDS = 4.0
"""How long a task is left waiting: a little more than its `poke_interval`, so that one look finds nothing."""
RUN_WITHIN_SECONDS = 180.0


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


class Run:
    """
    One run of the DAG, told as it happens.

    :param emulator: the IonQ API.
    :param stack: the Airflow.
    :param timeline: where it is told.
    :param conf: the run's configuration.
    """

    def __init__(self, emulator: Emulator, stack: AirflowStack, timeline: Timeline, conf: dict[str, Any]) -> None:
        self.emulator = emulator
        self.stack = stack
        self.timeline = timeline
        self.run_id = stack.trigger_dag(DAG_ID, conf)
        self._states: dict[str, str | None] = {}
        self._sessions: dict[str, str] = {session["id"]: session["status"] for session in emulator.sessions()}
        self._deferred_at: dict[str, float] = {}

    def tell(self, meanwhile: dict[str, Callable[[], object]]) -> str:
        """
        Follow the run to its end; return its state.

        :param meanwhile: what happens outside while a task is deferred, by task.
        """
        todo = dict(meanwhile)

        def over() -> bool:
            self._look()
            for task_id, at in self._deferred_at.items():
                if task_id in todo and time.monotonic() - at > DEFERRED_SECONDS:
                    todo.pop(task_id)()
                    self._look_at_sessions()
            return self.stack.run_state(DAG_ID, self.run_id) in FINAL_RUN_STATES

        self.stack.wait_until(
            over, RUN_WITHIN_SECONDS, "the end of the run", lambda: logs.of_run(self.stack, DAG_ID, self.run_id)
        )
        self._look()
        state = self.stack.run_state(DAG_ID, self.run_id)
        self.timeline.say("run", state)
        return state

    def _look(self) -> None:
        self._look_at_sessions()
        for item in self.stack.task_instances(DAG_ID, self.run_id):
            before = self._states.get(item.task_id)
            if item.state not in (None, before):
                self._states[item.task_id] = item.state
                remark = "   the triggerer waits, no worker is held" if item.state == "deferred" else ""
                self.timeline.say("task", f"{item.task_id:<23} {before or '(new)':>9} -> {item.state}{remark}")
                if item.state == "deferred":
                    self._deferred_at.setdefault(item.task_id, time.monotonic())

    def _look_at_sessions(self) -> None:
        for session in self.emulator.sessions():
            before = self._sessions.get(session["id"])
            if session["status"] != before:
                self._sessions[session["id"]] = session["status"]
                self.timeline.say("session", f"{session['id']} {before or '(new)'} -> {session['status']}")

    def xcom(self, task_id: str) -> Any:
        """Return what a task pushed."""
        return self.stack.xcom(DAG_ID, self.run_id, task_id)


def tell(emulator: Emulator, stack: AirflowStack, timeline: Timeline) -> bool:
    """Tell both runs; return whether all came as it should."""

    def newest() -> str:
        return str(emulator.sessions()[-1]["id"])

    def somebody_elses_ends() -> None:
        timeline.say("session", "the colleague's session ends: its device has capacity again")
        emulator.end_session(others)

    def submit_a_job() -> None:
        timeline.say("job", "is submitted to the session, as your code would do: IonQ starts the session")
        emulator.submit_job(newest())

    print("\nFirst run. A colleague's session takes the device's only place: ours waits for it.\n")
    others = emulator.create_session(BACKEND)["id"]
    timeline.say("session", f"{others} of a colleague is open on {BACKEND}")
    first = Run(emulator, stack, timeline, {})
    state = first.tell({CREATE: somebody_elses_ends, WAIT: submit_a_job})
    served = emulator.session(newest())
    handed_on = first.xcom(END)
    print("\nThe session's JSON as the task `end_session` handed it on, read back from XCom:\n")
    print(json.dumps(handed_on, indent=2))
    timeline.say("task", f"work returned: {first.xcom('session.work')}")

    print("\nSecond run. The work fails: the session is ended all the same.\n")
    failed = Run(emulator, stack, timeline, {"fail": True}).tell({WAIT: submit_a_job})

    sessions = emulator.sessions()
    still_open = [session["id"] for session in sessions if session["ended_at"] is None]
    print()
    timeline.say("emulator", f"answered {len(emulator.requests)} requests in all; of {len(sessions)} sessions"
                 f" {len(still_open)} are open")  # fmt: skip
    if handed_on != served:
        print(f"The XCom is not what the emulator served: {handed_on!r}, not {served!r}")
    return (state, failed, still_open, len(sessions), handed_on) == ("success", "failed", [], 3, served)


def main() -> int:
    """Run the demo and return the exit code."""
    # Also the first, which a shell makes its background jobs ignore.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    timeline = Timeline()
    print(
        "A real Airflow opens, awaits and ends IonQ sessions, on this machine alone: the IonQ API is a local emulator."
    )
    as_it_should = False
    outcome = "FAILED"
    try:
        with Emulator(api_key="demo-key", capacity={BACKEND: 1}) as emulator:
            timeline.say("emulator", f"serves the IonQ API at {emulator.url}")
            stack = AirflowStack(
                [DAG_FILE],
                environment={"AIRFLOW_CONN_IONQ_DEFAULT": emulator.airflow_connection},
                metadata="sqlite",
                say=lambda line: timeline.say("airflow", line),
            )
            with stack:
                as_it_should = tell(emulator, stack, timeline)
                timeline.say("airflow", "stopping")
    except (StackError, requests.RequestException) as error:
        print(f"\n{error}\n")
        outcome = f"FAILED: {str(error).splitlines()[0]}"
    except KeyboardInterrupt:
        outcome = "interrupted"
    outcome = "done" if as_it_should else outcome
    timeline.say("demo", f"{outcome}; everything was stopped, nothing is left running")
    return 0 if as_it_should else 1


if __name__ == "__main__":
    sys.exit(main())
