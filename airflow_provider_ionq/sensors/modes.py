"""Where a sensor waits: on a worker or in the triggerer. Decided from its arguments, when a DAG is parsed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_ionq.utils.tasks import is_rendered_later

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseSensorOperator

    from airflow_provider_ionq.sensors.polls import PollsItem

WORKER_ONLY = ("silent_fail", "exponential_backoff", "max_wait")
"""Arguments that have an effect only while a worker waits."""


def is_deferrable(
    sensor: BaseSensorOperator, deferrable: bool | None, *, start_from_trigger: bool, end_from_trigger: bool
) -> bool:
    """
    Return whether the sensor defers to the triggerer.

    :param sensor: the sensor, with the arguments of Airflow's own sensors.
    :param deferrable: the argument; None means `[operators] default_deferrable` unless only a worker can wait.
    :param start_from_trigger: the argument; implies `deferrable`.
    :param end_from_trigger: the argument; implies `deferrable`.
    :raises ValueError: naming the arguments that cannot be combined.
    """
    requested = {"start_from_trigger": start_from_trigger, "end_from_trigger": end_from_trigger}
    if without_worker := [name for name, wanted in requested.items() if wanted]:
        if deferrable is False:
            raise ValueError(f"{' and '.join(without_worker)} cannot be used with deferrable=False")
        deferrable = True
    worker_only = [name for name in WORKER_ONLY if getattr(sensor, name)]
    if deferrable and worker_only:
        raise ValueError(f"{', '.join(worker_only)} cannot be used with deferrable=True: only a worker can do that")
    if end_from_trigger and sensor.outlets:
        raise ValueError("end_from_trigger cannot be used with outlets: only a worker emits their asset events")
    if end_from_trigger and sensor.multiple_outputs:
        raise ValueError("end_from_trigger cannot be used with multiple_outputs: only a worker pushes them")
    if deferrable is None:
        return conf.getboolean("operators", "default_deferrable", fallback=False) and not worker_only
    return deferrable


def start_in_triggerer(sensor: PollsItem, trigger_arguments: dict[str, Any]) -> None:
    """
    Let the scheduler send the sensor's task to the triggerer.

    :param sensor: the sensor; :func:`start_blocker` must have found no reason against it.
    :param trigger_arguments: the trigger's arguments.
    """
    from airflow.triggers.base import StartTriggerArgs

    # Only on this instance: a mapped task would use those of the class, with wrong arguments.
    sensor.start_from_trigger = True
    sensor.start_trigger_args = StartTriggerArgs(
        trigger_cls=sensor.trigger_class_path,
        trigger_kwargs=trigger_arguments | {"timeout": sensor.timeout},
        next_method="execute_complete",
        timeout=timedelta(seconds=sensor.timeout),
    )


def start_blocker(sensor: PollsItem) -> str | None:
    """Return why the sensor's wait must begin on a worker; None if it is certain that it can begin in the triggerer."""
    from airflow_provider_ionq.utils.start_from_trigger import start_from_trigger_blocker

    templated = {sensor.resource.id_field: sensor.item_id, "ionq_conn_id": sensor.ionq_conn_id}
    if reason := start_from_trigger_blocker(templated, sensor.get_dag()):
        return reason
    if any(is_rendered_later(getattr(sensor, name)) for name in sensor.target_fields):
        return f"{' or '.join(sensor.target_fields)} is a template, which is checked only after rendering"
    if sensor.execution_timeout is not None:
        # Airflow would then cut the wait short, unlike after a deferral by a worker.
        return "execution_timeout is set"
    return None
