"""The end of a group whose `create_session` did not succeed: what is ended, what is named, how the run looks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_ionq.errors import IonQServerError
from airflow_provider_ionq.exceptions import IonQFailException, IonQSessionLost
from airflow_provider_ionq.sessions.errors import SessionNotEndedError
from airflow_provider_ionq.sessions.intent import Intent
from airflow_provider_ionq.sessions.request import SessionRequest
from airflow_provider_ionq.task_groups.end import EndSessionOfGroup
from tests.sessions.tasks import BACKEND

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

SETTINGS = {"duration_limit_min": 60}
WORK_FAILED = {"bell.work": "upstream_failed", "bell.other": "failed", "outside": "success"}
WORK_SKIPPED = {"bell.work": "skipped", "bell.other": None, "outside": "failed"}
INTENT = Intent(request=SessionRequest.of(BACKEND, duration_limit_min=60), open_ids=(), since=None)


class RunOfAirflow3:
    """What a task sees of its run from Airflow 3 on."""

    def __init__(self, states: dict[str, Any]) -> None:
        self.states = states

    def context(self) -> Any:
        def get_task_states(*, dag_id: str, task_ids: list[str], run_ids: list[str]) -> Any:
            assert (dag_id, run_ids) == ("dag", ["run"])
            return {"run": {name: state for name, state in self.states.items() if name in task_ids}}

        ti = SimpleNamespace(dag_id="dag", run_id="run", get_task_states=get_task_states, xcom_push=lambda *_: None)
        return {"ti": ti}


class RunOfAirflow2(RunOfAirflow3):
    """What it sees before."""

    def context(self) -> Any:
        instances = [SimpleNamespace(task_id=name, state=state) for name, state in self.states.items()]
        run = SimpleNamespace(get_task_instances=lambda: instances)
        return {"ti": SimpleNamespace(xcom_push=lambda *_: None), "dag_run": run}


@pytest.fixture(params=[RunOfAirflow3, RunOfAirflow2])
def run(request: pytest.FixtureRequest) -> Any:
    return request.param


def end(context: Any, opening: Any, *, adopt: bool = False) -> Any:
    """End the session of a group whose create_session returned nothing."""
    task = EndSessionOfGroup(
        task_id="end", session_id="{{ none }}", opened=None, opening=opening, adopt_lost_session=adopt
    )
    task.session_id = None  # type: ignore[assignment]  # as Airflow renders an XCom that is missing
    task.last_work_ids = ["bell.work", "bell.other"]
    return task.execute(context)


def test_a_session_that_was_not_handed_on_is_ended(ionq_emulator: Emulator, run: Any) -> None:
    opened = ionq_emulator.create_session(BACKEND)["id"]
    ended = end(run(WORK_FAILED).context(), {"session_id": opened})
    assert ended == ionq_emulator.session(opened)
    assert ended["ended_at"] is not None


def test_and_where_no_work_has_failed_the_end_does_so_that_the_run_is_no_success(
    ionq_emulator: Emulator, run: Any
) -> None:
    opened = ionq_emulator.create_session(BACKEND)["id"]
    with pytest.raises(IonQFailException, match=f"session {opened}, which it opened, has ended"):
        end(run(WORK_SKIPPED).context(), {"session_id": opened})
    assert ionq_emulator.session(opened)["ended_at"] is not None


def test_one_that_does_not_end_is_left_to_a_retry(ionq_emulator: Emulator, run: Any) -> None:
    opened = ionq_emulator.create_session(BACKEND)["id"]
    ionq_emulator.api_key = "rotated"
    with pytest.raises(SessionNotEndedError, match=opened):
        end(run(WORK_FAILED).context(), {"session_id": opened})


@pytest.mark.parametrize("opening", [{}, None, "nonsense"])
def test_nothing_is_asked_of_ionq_when_nothing_was_asked_for(ionq_emulator: Emulator, run: Any, opening: Any) -> None:
    with pytest.raises(AirflowSkipException, match="no session to end"):
        end(run(WORK_FAILED).context(), opening)
    with pytest.raises(IonQFailException, match="it opened no session"):
        end(run(WORK_SKIPPED).context(), opening)
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("states", [WORK_FAILED, WORK_SKIPPED])
def test_one_that_may_have_been_opened_is_named(ionq_emulator: Emulator, run: Any, states: Any) -> None:
    made = ionq_emulator.create_session(BACKEND, settings=SETTINGS)["id"]
    ionq_emulator.create_session("simulator", settings=SETTINGS)
    with pytest.raises(IonQSessionLost, match=f"there is a session .*{made}, created at .*60 minutes.*end it"):
        end(run(states).context(), {"intent": INTENT.as_json()})
    assert ionq_emulator.session(made)["ended_at"] is None


def test_and_ended_if_the_author_adopts_it(ionq_emulator: Emulator, run: Any) -> None:
    made = ionq_emulator.create_session(BACKEND, settings=SETTINGS)["id"]
    assert end(run(WORK_FAILED).context(), {"intent": INTENT.as_json()}, adopt=True)["id"] == made
    assert ionq_emulator.session(made)["ended_at"] is not None


def test_but_not_one_of_two(ionq_emulator: Emulator, run: Any) -> None:
    made = [ionq_emulator.create_session(BACKEND, settings=SETTINGS)["id"] for _ in range(2)]
    with pytest.raises(IonQSessionLost, match="are 2 sessions"):
        end(run(WORK_FAILED).context(), {"intent": INTENT.as_json()}, adopt=True)
    assert [ionq_emulator.session(session_id)["ended_at"] for session_id in made] == [None, None]


def test_none_is_found_when_the_request_had_no_effect(ionq_emulator: Emulator, run: Any) -> None:
    with pytest.raises(AirflowSkipException):
        end(run(WORK_FAILED).context(), {"intent": INTENT.as_json()})


def test_an_api_that_cannot_be_asked_whether_it_had_is_left_to_a_retry(ionq_emulator: Emulator, run: Any) -> None:
    ionq_emulator.fail(503, route="GET /sessions", seconds=60)
    with pytest.raises(IonQServerError):
        end(run(WORK_FAILED).context(), {"intent": INTENT.as_json()})
