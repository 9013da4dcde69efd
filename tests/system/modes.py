"""The modes of waiting, for DAG files and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Pace:
    """How often a sensor looks, and for how long; both in seconds."""

    poke_interval: float
    timeout: float


PACES = {"quick": Pace(3, 600), "calm": Pace(12, 600), "brief": Pace(3, 20)}
"""There is a DAG `wait_MODE_PACE` for each."""


@dataclass(frozen=True)
class Mode:
    """
    One way to wait.

    :param arguments: what the sensor is given.
    :param waiting: the states of a task that waits in this way.
    :param looks: after how many looks at its session a task is surely where it waits.
    :param in_triggerer: whether it waits in the triggerer.
    :param starts_on_worker: whether a worker looks first.
    :param ends_on_worker: whether a worker ends it, and pushes the session as an XCom.
    """

    arguments: dict[str, Any]
    waiting: tuple[str, ...]
    looks: int
    in_triggerer: bool = False
    starts_on_worker: bool = True
    ends_on_worker: bool = True


MODES = {
    "poke": Mode({"mode": "poke"}, ("running",), looks=1),
    "reschedule": Mode({"mode": "reschedule"}, ("running", "up_for_reschedule", "scheduled", "queued"), looks=1),
    "deferrable": Mode({"deferrable": True}, ("deferred",), looks=2, in_triggerer=True),
    # Two looks, for the first is special in every mode.
    "start_from_trigger": Mode(
        {"start_from_trigger": True}, ("deferred",), looks=2, in_triggerer=True, starts_on_worker=False
    ),
    "start_and_end_from_trigger": Mode(
        {"start_from_trigger": True, "end_from_trigger": True},
        ("deferred",),
        looks=2,
        in_triggerer=True,
        starts_on_worker=False,
        ends_on_worker=False,
    ),
}
IN_TRIGGERER = [name for name, mode in MODES.items() if mode.in_triggerer]
