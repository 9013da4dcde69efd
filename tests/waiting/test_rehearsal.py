"""A sensor in a rehearsal, where there is no session to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.emulated import requests
from tests.waiting.modes import MODES, run_sensor

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

REHEARSAL = "rehearsal:qpu.forte-1"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("target", "status", "active"),
    [
        ({"status": "created"}, "created", False),
        ({"status": "started"}, "started", True),
        ({"status": ["started", "ended"]}, "started", True),
        ({"status": "ended"}, "ended", False),
        ({"active": True}, "started", True),
        ({"active": False}, "started", False),
        ({"status": "ended", "active": True}, "ended", True),
    ],
)
def test_sensor_succeeds_at_once_with_the_awaited_state(
    ionq_emulator: Emulator, mode: str, target: dict[str, Any], status: str, active: bool
) -> None:
    ending = run_sensor(mode, session_id=REHEARSAL, poke_interval=0.05, timeout=20, **target)
    assert ending.state == "success"
    assert (ending.value["id"], ending.value["status"], ending.value["active"]) == (REHEARSAL, status, active)
    if mode != "start_from_trigger":
        assert requests(ionq_emulator) == []
