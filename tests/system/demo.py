"""
Run a real Airflow with sessions and jobs of the local emulator: `python -m tests.system.demo`.

The exit code is 0 only if all runs ended as expected and no session is open.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from airflow_provider_ionq.emulator import Emulator
from airflow_provider_ionq.results.histogram import histogram_text
from tests.support.pages import first_dag_of_readme
from tests.system import logs
from tests.system.stack import FINAL_RUN_STATES, AirflowStack, StackError

if TYPE_CHECKING:
    from collections.abc import Callable

BACKEND = "qpu.forte-1"
README_DAG_ID, DAG_ID = "work_in_a_session", "work_in_session"
DAG_FILE = Path(__file__).parent / "dags" / f"{DAG_ID}.py"
CREATE, END = "session.create_session", "session.end_session"
JOB_SECONDS = 6.0
"""How long a job of the second run takes: more than its `poke_interval`, so that the task waits for it."""
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
    :param dag_id: id of the DAG.
    """

    def __init__(self, emulator: Emulator, stack: AirflowStack, timeline: Timeline, dag_id: str) -> None:
        self.emulator = emulator
        self.stack = stack
        self.timeline = timeline
        self.dag_id = dag_id
        self.run_id = stack.trigger_dag(dag_id)
        self._states: dict[str, str | None] = {}
        self._seen: dict[str, str] = {item["id"]: item["status"] for item in (*emulator.sessions(), *emulator.jobs())}
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
                    self._look_at_ionq()
            return self.stack.run_state(self.dag_id, self.run_id) in FINAL_RUN_STATES

        self.stack.wait_until(
            over, RUN_WITHIN_SECONDS, "the end of the run", lambda: logs.of_run(self.stack, self.dag_id, self.run_id)
        )
        self._look()
        state = self.stack.run_state(self.dag_id, self.run_id)
        self.timeline.say("run", state)
        return state

    def _look(self) -> None:
        self._look_at_ionq()
        for item in self.stack.task_instances(self.dag_id, self.run_id):
            before = self._states.get(item.task_id)
            if item.state not in (None, before):
                self._states[item.task_id] = item.state
                remark = "   the triggerer waits, no worker is held" if item.state == "deferred" else ""
                self.timeline.say("task", f"{item.task_id:<23} {before or '(new)':>9} -> {item.state}{remark}")
                if item.state == "deferred":
                    self._deferred_at.setdefault(item.task_id, time.monotonic())

    def _look_at_ionq(self) -> None:
        for kind, items in (("session", self.emulator.sessions()), ("job", self.emulator.jobs())):
            for item in items:
                before = self._seen.get(item["id"])
                if item["status"] != before:
                    self._seen[item["id"]] = item["status"]
                    self.timeline.say(kind, f"{item['id']} {before or '(new)'} -> {item['status']}")

    def xcom(self, task_id: str) -> Any:
        """Return what a task pushed."""
        return self.stack.xcom(self.dag_id, self.run_id, task_id)


def tell(emulator: Emulator, stack: AirflowStack, timeline: Timeline) -> bool:
    """Tell all runs; return whether all came as it should."""

    def newest() -> str:
        return str(emulator.sessions()[-1]["id"])

    def somebody_elses_ends() -> None:
        timeline.say("session", "the colleague's session ends: its device has capacity again")
        emulator.end_session(others)

    print("\nFirst run: the first DAG of README.md. It creates a session, runs a job in it, and ends it.\n")
    first = Run(emulator, stack, timeline, README_DAG_ID)
    readme = first.tell({})

    print("\nSecond run. A colleague's session takes the device's only place: ours waits for it, then for its job.\n")
    emulator.job_seconds = JOB_SECONDS
    others = emulator.create_session(BACKEND)["id"]
    timeline.say("session", f"{others} of a colleague is open on {BACKEND}")
    second = Run(emulator, stack, timeline, DAG_ID)
    state = second.tell({CREATE: somebody_elses_ends})
    served = emulator.session(newest())
    handed_on = second.xcom(END)
    print("\nThe session's JSON as the task `end_session` handed it on, read back from XCom:\n")
    print(json.dumps(handed_on, indent=2))
    timeline.say("task", f"report returned: {second.xcom('session.report')}")

    print("\nThird run. IonQ refuses the job: the session is ended all the same.\n")
    emulator.fail_next_job("InvalidInput", "refused by the demo")
    failed = Run(emulator, stack, timeline, DAG_ID).tell({})

    sessions, jobs = emulator.sessions(), emulator.jobs()
    still_open = [session["id"] for session in sessions if session["ended_at"] is None]
    print()
    timeline.say("emulator", f"answered {len(emulator.requests)} requests in all; of {len(sessions)} sessions"
                 f" {len(still_open)} are open")  # fmt: skip
    counts = show_histogram(first)
    if handed_on != served:
        print(f"The XCom is not what the emulator served: {handed_on!r}, not {served!r}")
    statuses = [job["status"] for job in jobs]
    return (readme, state, failed, still_open, len(sessions), statuses, handed_on, sorted(counts)) == (
        "success",
        "success",
        "failed",
        [],
        4,
        ["completed", "completed", "failed"],
        served,
        ["00", "11"],
    )


def show_histogram(run: Run) -> dict[str, int]:
    """Print what a Bell pair has measured; return the counts."""
    results = run.xcom("bell.run")["job_results"]
    print("\nWhat the Bell pair of the first run has measured, as in the log of its task:\n")
    print(histogram_text(results), end="\n\n")
    counts: dict[str, int] = results["circuits"][0]["counts"]
    return counts


def main() -> int:
    """Run the demo and return the exit code."""
    # Also the first, which a shell makes its background jobs ignore.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    timeline = Timeline()
    print(
        "A real Airflow creates and ends IonQ sessions and runs jobs in them, on this machine alone: the IonQ API is a"
        " local emulator."
    )
    as_it_should = False
    outcome = "FAILED"
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            Emulator(api_key="demo-key", capacity={BACKEND: 1}, job_seconds=0) as emulator,
        ):
            timeline.say("emulator", f"serves the IonQ API at {emulator.url}")
            readme_dag = Path(folder) / f"{README_DAG_ID}.py"
            readme_dag.write_text(first_dag_of_readme())
            stack = AirflowStack(
                [readme_dag, DAG_FILE],
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
