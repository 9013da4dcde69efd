"""Timeouts: their messages in every mode, and the end of a wait that no triggerer ends."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowTaskTimeout, TaskDeferred

from airflow_provider_ionq.exceptions import IonQCapacityTimeoutException
from airflow_provider_ionq.sensors.session import IonQSessionSensor
from airflow_provider_ionq.triggers.capacity import IonQCapacityTrigger
from airflow_provider_ionq.triggers.session import IonQSessionTrigger
from tests.support.dag_runs import run_in_process
from tests.support.facts import facts
from tests.waiting.modes import MODES, first_event, run_sensor
from tests.waiting.test_poller import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

BACKEND = "qpu.forte-1"

# What a time-out says.


@pytest.mark.parametrize(("outage", "ending"), [(False, ""), (False, "soft_fail"), (False, "never_fail"), (True, "")])
@pytest.mark.parametrize("mode", MODES)
def test_a_timeout_names_session_target_and_last_status(
    ionq_emulator: Emulator, task_log: Callable[[], list[str]], mode: str, outage: bool, ending: str
) -> None:
    session_id = ionq_emulator.create_session(BACKEND)["id"]
    if outage:
        ionq_emulator.fail(503, seconds=60)
    arguments = {ending: True} if ending else {}
    ended = run_sensor(mode, session_id=session_id, status="ended", active=False, timeout=0.3, **arguments)
    assert ended.state == ("skipped" if ending else "failed")
    last = "could not be read | GET" if outage else "'created' | active"
    assert re.search(facts(f"{session_id} | status ended and active false | 0.3 s | {last}"), ended.message)


@pytest.mark.parametrize(("timeout", "said"), [(21600, "6 h"), (90, "90 s"), (5400, "90 min"), (86400, "1 day")])
def test_timeout_is_given_in_readable_units(ionq_emulator: Emulator, timeout: int, said: str) -> None:
    session_id = ionq_emulator.create_session(BACKEND)["id"]
    waiting = IonQSessionSensor(task_id="wait", session_id=session_id, status="started", timeout=timeout)
    context: Any = {"ti": object()}
    event = {"session_id": session_id, "session": None}
    with pytest.raises(AirflowSensorTimeout, match=facts(f"{said} | last poll | 'created'")):
        waiting.execute_complete(context, event, deadline=time.time() - 1)


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_execution_timeout_names_session_target_and_last_status(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    session_id = ionq_emulator.create_session(BACKEND)["id"]
    waiting = IonQSessionSensor(
        task_id="wait", session_id=session_id, status="started", execution_timeout=timedelta(hours=1)
    )
    context: Any = {"ti": object()}

    def interrupted(seconds: float) -> None:
        raise AirflowTaskTimeout("Timeout, PID: 1")

    monkeypatch.setattr(time, "sleep", interrupted)
    with pytest.raises(AirflowTaskTimeout, match=f"{session_id} did not have status started within its execution_time"):
        waiting.execute(context)


def test_rejection_at_the_timeout_does_not_count_as_a_second_rejection(ionq_emulator: Emulator) -> None:
    session_id = ionq_emulator.create_session(BACKEND)["id"]
    ionq_emulator.delete_session(session_id)
    waiting = IonQSessionSensor(task_id="wait", session_id=session_id, status="started")
    context: Any = {"ti": object()}
    event = {"session_id": session_id, "session": None, "first_look": False, "remaining": -0.1}
    with pytest.raises(AirflowSensorTimeout, match="could not be read: .*404"):
        waiting.execute_complete(context, event)


# Where no triggerer ends a wait.


def waits(session_id: str, remaining: float | None) -> list[Any]:
    return [
        IonQSessionTrigger(session_id, "ionq_default", "started", None, 0.1, remaining=remaining),
        IonQCapacityTrigger(BACKEND, "ionq_default", [session_id], time.time(), 0.1, 600.0, remaining=remaining),
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_a_trigger_that_no_triggerer_runs_ends_its_wait_in_time(ionq_emulator: Emulator, which: int) -> None:
    session_id = ionq_emulator.create_session(BACKEND)["id"]
    began = time.monotonic()
    event = run(first_event(waits(session_id, 0.5)[which]))
    assert 0.5 <= time.monotonic() - began < 10
    assert event.payload.get("session") is None
    assert event.payload["remaining"] <= 0


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("runner", ["triggerer", "triggerer that tells the time-out", "trigger of an older version"])
def test_a_trigger_leaves_its_timeout_to_the_triggerer(ionq_emulator: Emulator, runner: str, which: int) -> None:
    from datetime import UTC, datetime

    session_id = ionq_emulator.create_session(BACKEND)["id"]
    trigger = waits(session_id, None if runner.endswith("older version") else 0.2)[which]
    if runner.startswith("triggerer"):
        trigger.trigger_id = 1
    if runner.endswith("time-out"):
        vars(trigger)["timeout_after"] = datetime.now(UTC) + timedelta(seconds=0.2)

    async def scenario() -> None:
        await asyncio.wait_for(first_event(trigger), 1.0)

    with pytest.raises(TimeoutError):
        run(scenario())


def test_a_wait_for_capacity_keeps_its_timeout_where_airflow_drops_the_arguments(ionq_emulator: Emulator) -> None:
    """As `dag.test()` does, which hands on the event alone."""
    from tests.sessions.tasks import Task

    ionq_emulator.fail(409, route="POST /sessions", seconds=60)
    task = Task(None, timeout=60, poke_interval=1)
    with pytest.raises(TaskDeferred) as deferred:
        task.try_once()
    left = deferred.value.trigger.serialize()[1]["remaining"]
    assert 50 < left <= 60
    task.operator = task.make()
    with pytest.raises(TaskDeferred) as again:
        task.operator.execute_complete(task.context, {"backend": BACKEND, "session_id": None, "remaining": 7.0})
    assert again.value.trigger.serialize()[1]["remaining"] <= 7.0


@pytest.mark.parametrize(
    ("limit", "error", "words"),
    [
        (None, IonQCapacityTimeoutException, "within 1 min"),
        (timedelta(seconds=100), IonQCapacityTimeoutException, "within 1 min"),
        (timedelta(seconds=20), AirflowTaskTimeout, "its execution_timeout of 20 s"),
    ],
)
def test_a_wait_for_capacity_names_the_limit_that_ended_it_on_airflow_2(
    ionq_emulator: Emulator, limit: timedelta | None, error: type[Exception], words: str
) -> None:
    from tests.sessions.tasks import Task

    ionq_emulator.fail(409, route="POST /sessions", seconds=60)
    operator = Task(None, timeout=60, execution_timeout=limit).operator
    with pytest.raises(error, match=words):
        operator.resume_execution("__fail__", {"error": "Trigger/execution timeout"}, Task(None).context)


DAG_FILE = """
import datetime
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.exceptions import IonQCapacityTimeoutException
from airflow_provider_ionq.sensors.session import IonQSessionSensor

with DAG("time_out", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as dag:
    IonQSessionSensor(
        task_id="wait", session_id={session_id!r}, status="started", deferrable=True, timeout=2, poke_interval=1
    )
    IonQCreateSessionOperator(task_id="create", backend="qpu.forte-1", duration_limit_min=5, timeout=2, poke_interval=1)
"""


def test_dag_test_ends_at_the_timeout(ionq_emulator: Emulator) -> None:
    session_id = ionq_emulator.create_session(BACKEND)["id"]
    ionq_emulator.fail(409, route="POST /sessions", seconds=600)
    states = run_dag("time_out", DAG_FILE.format(session_id=session_id))
    assert {task_id: state for (task_id, _), state in states.items()} == {"wait": "failed", "create": "failed"}


def run_dag(name: str, source: str) -> dict[tuple[str, int], str]:
    """Run a DAG by `dag.test()`; return the states of its task instances by task and map index."""
    import importlib.util

    from airflow.configuration import conf
    from airflow.utils.db import initdb

    initdb()
    folder = Path(conf.get_mandatory_value("core", "dags_folder"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dag_run = run_in_process(module.dag)
    return {
        (ti.task_id, ti.map_index): str(getattr(ti.state, "value", ti.state)) for ti in dag_run.get_task_instances()
    }
