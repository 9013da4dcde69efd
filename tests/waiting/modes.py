"""
Run a sensor in a mode as Airflow does, in this process.

Each reschedule and each resume uses a fresh copy of the sensor; triggers and events are serialised to JSON.
"""

from __future__ import annotations

import asyncio
import copy
import datetime
import importlib
import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, get_base_airflow_version_tuple

from airflow_provider_ionq.sensors.session import IonQSessionSensor
from tests.support.tracebacks import assert_one_traceback

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.triggers.base import TriggerEvent

    from airflow_provider_ionq.sensors.base import IonQResourceSensor
    from airflow_provider_ionq.triggers.base import IonQResourceTrigger

STARTS_IN_TRIGGERER = get_base_airflow_version_tuple() >= (3, 3, 0)
MODES = ("poke", "reschedule", "deferrable", *(["start_from_trigger"] if STARTS_IN_TRIGGERER else []))


@dataclass(frozen=True)
class Ending:
    """How a task ended: its state, whether Airflow would retry it, the exception and the value for XCom."""

    state: str
    error: type[BaseException] | None
    message: str
    value: Any


def run_sensor(mode: str, sensor_class: type[IonQResourceSensor] = IonQSessionSensor, /, **arguments: Any) -> Ending:
    """Make a sensor and run it to its end in a mode."""
    arguments = {"task_id": "wait", "poke_interval": 0.05, "timeout": 30, **arguments}
    if mode in ("deferrable", "start_from_trigger"):
        arguments |= {mode: True}
    else:
        arguments |= {"deferrable": False, "mode": mode}
    sensor = sensor_class(**arguments)
    sensor.dag = DAG("modes", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    try:
        return Ending("success", None, "", _WAYS[mode](sensor))
    except AirflowSkipException as error:
        return Ending("skipped", type(error), _whole_message(error), None)
    except (AirflowFailException, AirflowSensorTimeout) as error:
        assert_one_traceback(error)
        return Ending("failed", type(error), _whole_message(error), None)
    except Exception as error:
        assert_one_traceback(error)
        return Ending("up_for_retry", type(error), _whole_message(error), None)


def _whole_message(error: BaseException) -> str:
    return f"{error} {_whole_message(error.__cause__)}" if error.__cause__ else str(error)


def _poke(sensor: IonQResourceSensor) -> Any:
    context: Any = {"ti": object()}
    return sensor.execute(context)


def _reschedule(sensor: IonQResourceSensor) -> Any:
    task_instance = _TaskInstance() if AIRFLOW_V_3_0_PLUS else _airflow_2_task_instance(sensor)
    for count in range(10_000):
        context: Any = {"ti": task_instance}
        if AIRFLOW_V_3_0_PLUS:
            context["task_reschedule_count"] = count
        began = datetime.datetime.now(datetime.UTC)
        try:
            return copy.deepcopy(sensor).execute(context)
        except AirflowRescheduleException as rescheduled:
            _note_reschedule(task_instance, began, rescheduled.reschedule_date)
            pause = rescheduled.reschedule_date - datetime.datetime.now(datetime.UTC)
            time.sleep(max(pause.total_seconds(), 0))
    raise AssertionError("rescheduled without end")


def _deferrable(sensor: IonQResourceSensor) -> Any:
    return _to_the_end(sensor, copy.deepcopy(sensor).execute)


def _start_from_trigger(sensor: IonQResourceSensor) -> Any:
    if not sensor.start_from_trigger:
        return _deferrable(sensor)
    start = sensor.start_trigger_args
    assert start is not None
    assert start.timeout is not None
    trigger = trigger_of(start.trigger_cls, start.trigger_kwargs)
    return _to_the_end(sensor, _resume(sensor, trigger, start.timeout, start.next_method, start.next_kwargs))


def _to_the_end(sensor: IonQResourceSensor, step: Callable[[Any], Any]) -> Any:
    while True:
        try:
            return step({"ti": object()})
        except TaskDeferred as deferred:
            trigger = trigger_of(*deferred.trigger.serialize())
            timeout = deferred.timeout or datetime.timedelta(0)
            step = _resume(sensor, trigger, timeout, deferred.method_name, deferred.kwargs)


def trigger_of(class_path: str, arguments: dict[str, Any] | None) -> IonQResourceTrigger:
    """Return the trigger that the triggerer makes of what is in the database."""
    module, _, name = class_path.rpartition(".")
    trigger: IonQResourceTrigger = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(arguments)))
    return trigger


def _resume(
    sensor: IonQResourceSensor,
    trigger: IonQResourceTrigger,
    timeout: datetime.timedelta,
    method: str,
    kwargs: dict[str, Any] | None,
) -> Callable[[Any], Any]:
    """Run a trigger to its end; return what the worker then does, with a fresh copy of the sensor."""
    resumed = copy.deepcopy(sensor)
    if AIRFLOW_V_3_0_PLUS:
        vars(trigger)["timeout_after"] = datetime.datetime.now(datetime.UTC) + timeout
    try:
        event = asyncio.run(asyncio.wait_for(first_event(trigger), timeout.total_seconds()))
    except TimeoutError:
        said = "Trigger timeout" if AIRFLOW_V_3_0_PLUS else "Trigger/execution timeout"
        return lambda context: resumed.resume_execution("__fail__", {"error": said}, context)
    kwargs = {**(kwargs or {}), "event": json.loads(json.dumps(event.payload))}
    return lambda context: resumed.resume_execution(method, kwargs, context)


async def first_event(trigger: IonQResourceTrigger) -> TriggerEvent:
    """Run a trigger to its event, and to its end."""
    events = [event async for event in trigger.run()]
    assert len(events) == 1
    return events[0]


_WAYS = {
    "poke": _poke,
    "reschedule": _reschedule,
    "deferrable": _deferrable,
    "start_from_trigger": _start_from_trigger,
}


class _TaskInstance:
    """What Airflow 3's sensors ask of a task instance."""

    first_reschedule_date: datetime.datetime | None = None

    def get_first_reschedule_date(self, context: Any) -> datetime.datetime | None:
        return self.first_reschedule_date


def _note_reschedule(task_instance: Any, began: datetime.datetime, reschedule_date: datetime.datetime) -> None:
    if AIRFLOW_V_3_0_PLUS:
        task_instance.first_reschedule_date = task_instance.first_reschedule_date or began
        return
    from airflow.models.taskreschedule import TaskReschedule
    from airflow.utils.session import create_session

    ti = task_instance
    row: Any = (ti.task_id, ti.dag_id, ti.run_id, ti.try_number, began, began, reschedule_date, ti.map_index)
    with create_session() as session:
        session.add(TaskReschedule(*row))


def _airflow_2_task_instance(sensor: IonQResourceSensor) -> Any:
    from airflow.utils.types import DagRunType

    now = datetime.datetime.now(datetime.UTC)
    dag: Any = sensor.dag
    dag.sync_to_db()
    run = dag.create_dagrun(
        run_id=uuid.uuid4().hex,
        run_type=DagRunType.MANUAL,
        state="running",
        execution_date=now,
        data_interval=(now, now),
    )
    task_instance = run.get_task_instance(sensor.task_id)
    task_instance.task = sensor
    task_instance.try_number = 1
    return task_instance
