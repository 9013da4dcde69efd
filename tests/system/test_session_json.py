"""A downstream task pulls exactly the JSON that the API served."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.system import logs

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator
    from tests.system.stack import AirflowStack

pytestmark = pytest.mark.core

DAG_ID = "hand_on"
MODES = ("poke", "reschedule", "deferrable")
WAITING = {"poke": "running", "reschedule": "up_for_reschedule", "deferrable": "deferred"}


@pytest.fixture(scope="module")
def handed_on(stack: AirflowStack, _emulator: Emulator) -> tuple[str, dict[str, Any]]:
    """Run the DAG; the session starts once every sensor waits. Return the run's id and the served JSON."""
    settings = {"job_count_limit": 10, "cost_limit": {"unit": "usd", "value": 12.5}}
    session_id = _emulator.create_session(settings=settings)["id"]
    odd = {**settings, "expires_at": None, "duration_limit_min": 0}
    _emulator.update_session(session_id, settings=odd, project_id=None, note='Zürich "quoted" \\ \n', nested=[[], {}])
    run_id = stack.trigger_dag(DAG_ID, {"session_id": session_id})
    seen: set[tuple[str, str | None]] = set()

    def all_wait() -> bool:
        seen.update((item.task_id, item.state) for item in stack.task_instances(DAG_ID, run_id))
        looks = [request for request in _emulator.requests if request.session_id == session_id]
        return seen >= set(WAITING.items()) and len(looks) > len(MODES)

    stack.wait_until(all_wait, 180, "every sensor to wait", lambda: logs.of_run(stack, DAG_ID, run_id))
    _emulator.start_session(session_id)
    served = _emulator.session(session_id)
    stack.wait_for_run(DAG_ID, run_id, 180)
    return run_id, served


@pytest.mark.parametrize("mode", MODES)
def test_downstream_task_pulls_the_dict_that_the_api_served(
    stack: AirflowStack, handed_on: tuple[str, dict[str, Any]], mode: str
) -> None:
    run_id, served = handed_on
    assert served["status"] == "started"
    pulled = stack.xcom(DAG_ID, run_id, f"pull_{mode}")
    assert pulled["type"] == "dict"
    assert json.loads(pulled["json"]) == served


@pytest.mark.parametrize("task_id", [*MODES, "get"])
def test_xcom_is_stored_as_a_json_object(
    stack: AirflowStack, handed_on: tuple[str, dict[str, Any]], task_id: str
) -> None:
    run_id, served = handed_on
    rows = stack.query(
        "SELECT value FROM xcom WHERE dag_id = :dag AND run_id = :run AND task_id = :task AND key = 'return_value'",
        dag=DAG_ID,
        run=run_id,
        task=task_id,
    )
    assert rows == [{"value": served}]


def test_operator_hands_on_the_dict_that_the_api_served(
    stack: AirflowStack, handed_on: tuple[str, dict[str, Any]]
) -> None:
    run_id, served = handed_on
    pulled = stack.xcom(DAG_ID, run_id, "pull_get")
    assert pulled["type"] == "dict"
    assert json.loads(pulled["json"]) == served


def test_downstream_task_takes_a_single_field_of_the_operators_output(
    stack: AirflowStack, handed_on: tuple[str, dict[str, Any]]
) -> None:
    run_id, _ = handed_on
    assert stack.task_instance(DAG_ID, run_id, "pull_get_status").state == "success", logs.of_run(stack, DAG_ID, run_id)
    assert stack.xcom(DAG_ID, run_id, "pull_get_status") == {"type": "str", "json": '"started"'}
