"""The API key is found only where connections are stored."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.system import leaks, logs
from tests.system.conftest import API_KEY, REFUSED_KEY

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator
    from tests.system.stack import AirflowStack

pytestmark = pytest.mark.core

PLANTED = 'PLANTED/key+2d71%2Fa9&<"z8'
SECRETS = {"accepted": API_KEY, "refused": REFUSED_KEY}


@pytest.fixture(scope="module")
def used(stack: AirflowStack, _emulator: Emulator) -> None:
    """Use both keys in every way: waits that succeed, an outage in mid-wait, refusals."""
    _emulator.clear_faults()
    session_id = _emulator.create_session()["id"]
    run_id = stack.trigger_dag("hand_on", {"session_id": session_id})

    def all_wait() -> bool:
        states = {item.task_id: item.state for item in stack.task_instances("hand_on", run_id)}
        return states["poke"] == "running" and states["deferrable"] == "deferred"

    stack.wait_until(all_wait, 90, "the sensors to wait", lambda: logs.of_run(stack, "hand_on", run_id))
    # A gateway that answers with all it was sent.
    echo = f"cannot serve Authorization: apiKey {API_KEY}"
    _emulator.fail(503, route="GET /sessions/{session_id}", times=4, body=echo, content_type="text/plain")
    stack.wait_until(
        lambda: sum(request.status == 503 for request in _emulator.requests if request.session_id == session_id) >= 4,
        60,
        "the sensors to meet the outage",
        lambda: logs.of_run(stack, "hand_on", run_id),
    )
    _emulator.start_session(session_id)
    stack.wait_for_run("hand_on", run_id, 120)
    refused_id = stack.trigger_dag("refused", {"session_id": session_id})
    assert stack.wait_for_run("refused", refused_id, 90) == "failed"
    states = {item.task_id: item.state for item in stack.task_instances("refused", refused_id)}
    assert states == {"get": "failed", "poke": "failed", "deferrable": "failed", "soft": "skipped"}
    for task_id in states:
        assert "answered 401" in stack.task_log("refused", refused_id, task_id)


def test_search_finds_what_a_careless_task_leaves(stack: AirflowStack) -> None:
    run_id = stack.trigger_dag("plant", {"planted": PLANTED})
    stack.succeed("plant", run_id, 60)
    task_log = f"tasks/dag_id=plant/run_id={run_id}/task_id=plant/attempt=1.log"
    assert f"{task_log}: json" in leaks.in_files(stack.log_folder, PLANTED)
    found = leaks.in_database(stack, PLANTED)
    assert {"dag_run.conf: json", "xcom.value: json", "xcom.value: url"} <= set(found)
    assert any(place.startswith("xcom.value: base64") for place in found)


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_search_sees_through_base64_at_every_offset(before: str) -> None:
    encoded = base64.b64encode(f"{before}{PLANTED} and more".encode())
    assert any(form in encoded for name, form in leaks.forms(PLANTED).items() if name.startswith("base64"))


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize("which", SECRETS)
def test_key_is_in_no_log_file(stack: AirflowStack, which: str) -> None:
    assert leaks.in_files(stack.log_folder, SECRETS[which]) == []


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize("which", SECRETS)
def test_key_is_in_no_table_of_the_database(stack: AirflowStack, which: str) -> None:
    assert leaks.in_database(stack, SECRETS[which]) == []
