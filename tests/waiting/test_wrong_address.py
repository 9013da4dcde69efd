"""Every caller of the API reports a wrong path in the connection's address."""

from __future__ import annotations

import json
import re
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_ionq.api.errors import IonQAddressError, IonQNotEndedError, IonQNotFoundError
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.session import (
    IonQEndSessionOperator,
    IonQGetSessionOperator,
    IonQListSessionsOperator,
)
from tests.sessions.tasks import Task
from tests.support.facts import facts
from tests.waiting.modes import MODES, run_sensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow

VARIABLE = "AIRFLOW_CONN_IONQ_DEFAULT"
WRONG_PATHS = ("/v0.3", "/v0.4/sessions", "/v0.4/whoami", "/ionq/v0.4", "/v1")

CALLS: dict[str, Callable[[], Any]] = {
    "get_session": lambda: IonQHook().get_session("s-1"),
    "list_sessions": lambda: IonQHook().list_sessions(),
    "list_session_jobs": lambda: IonQHook().list_session_jobs("s-1"),
    "get_job": lambda: IonQHook().get_job("j-1"),
    "list_jobs": lambda: IonQHook().list_jobs(),
    "cancel_job": lambda: IonQHook().cancel_job("j-1"),
    "list_backends": lambda: IonQHook().list_backends(),
    "get_backend": lambda: IonQHook().get_backend("qpu.forte-1"),
    "whoami": lambda: IonQHook().whoami(),
}
TASKS: dict[str, Callable[[], Any]] = {
    "get": lambda: IonQGetSessionOperator(task_id="t", session_id="s-1").execute({}),
    "list": lambda: IonQListSessionsOperator(task_id="t").execute({}),
    "create": lambda: Task(None).try_once(),
}


@pytest.fixture
def at_path(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Let the connection have another path, and return the address."""

    def move(path: str) -> str:
        address = f"http://127.0.0.1:{ionq_emulator.port}{path}"
        connection = json.loads(ionq_emulator.airflow_connection)
        monkeypatch.setenv(VARIABLE, json.dumps(connection | {"host": address}))
        return address

    return move


def blames_the_address(text: str, address: str) -> bool:
    return bool(re.search(facts(f"API address (host) | no IonQ API | {address}"), text)) and "not enabled" not in text


@pytest.mark.parametrize(
    ("call", "path"), [*((call, "/v0.3") for call in CALLS), *(("get_session", path) for path in WRONG_PATHS[1:])]
)
def test_hook_blames_a_wrong_address(at_path: Callable[[str], str], call: str, path: str) -> None:
    address = at_path(path)
    with pytest.raises(IonQAddressError) as error:
        CALLS[call]()
    assert blames_the_address(str(error.value), address)
    assert not error.value.retryable


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("path", ["/v0.3", "/v0.4/sessions"])
def test_operator_blames_a_wrong_address_and_names_the_connection_once(
    at_path: Callable[[str], str], task: str, path: str
) -> None:
    address = at_path(path)
    with pytest.raises(IonQFailException) as error:
        TASKS[task]()
    assert blames_the_address(str(error.value), address)
    assert str(error.value).count("ionq_default") == 1


@pytest.mark.parametrize("path", ["/v0.3", "/v0.4/sessions"])
def test_end_blames_a_wrong_address(at_path: Callable[[str], str], path: str) -> None:
    address = at_path(path)
    with pytest.raises(IonQNotEndedError) as error:
        IonQEndSessionOperator(task_id="t", session_id="s-1").execute({})
    assert blames_the_address(str(error.value), address)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["/v0.3", "/v0.4/sessions"])
def test_sensor_blames_a_wrong_address_in_every_mode(at_path: Callable[[str], str], mode: str, path: str) -> None:
    address = at_path(path)
    ending = run_sensor(mode, session_id="s-1", status="started")
    assert (ending.state, ending.error) == ("failed", IonQFailException)
    assert blames_the_address(ending.message, address)


@pytest.mark.parametrize("path", ["/v0.3", "/v0.4/sessions"])
def test_test_connection_blames_a_wrong_address(at_path: Callable[[str], str], path: str) -> None:
    address = at_path(path)
    works, message = IonQHook().test_connection()
    assert not works
    assert blames_the_address(message, address)


def test_address_is_checked_once_and_a_correct_one_is_not_blamed(ionq_emulator: Emulator) -> None:
    hook = IonQHook()
    for _ in range(3):
        with pytest.raises(IonQNotFoundError, match="not enabled"):
            hook.get_session("s-1")
    asked = [request.route for request in ionq_emulator.requests]
    assert asked == ["GET /sessions/{session_id}", "GET /whoami", *["GET /sessions/{session_id}"] * 2]


@pytest.mark.parametrize("status", [401, 429, 500])
def test_address_is_not_blamed_where_whoami_cannot_tell(ionq_emulator: Emulator, status: int) -> None:
    ionq_emulator.fail(status, route="GET /whoami", times=9, retry_after=600)
    with pytest.raises(IonQNotFoundError, match="not enabled"):
        IonQHook().get_session("s-1")
    assert len(ionq_emulator.requests) == 2


# One traceback, one name: whatever is wrong with a connection.

MISTAKES: dict[str, dict[str, Any] | None] = {
    "not defined": None,
    "no key": {"password": ""},
    "refused connection": {"host": "http://127.0.0.1:1"},
    "unknown host": {"host": "https://no-such-host.invalid"},
    "wrong address": {},
}


@pytest.mark.parametrize(
    ("mistake", "task"),
    [*((mistake, "create") for mistake in MISTAKES), ("not defined", "get"), ("not defined", "list")],
)
def test_mistake_in_a_connection_is_one_traceback_that_names_it_once(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, mistake: str, task: str
) -> None:
    fields = MISTAKES[mistake]
    if fields is None:
        monkeypatch.delenv(VARIABLE)
    else:
        address = {"host": f"http://127.0.0.1:{ionq_emulator.port}/v0.3"}
        connection = json.loads(ionq_emulator.airflow_connection)
        monkeypatch.setenv(VARIABLE, json.dumps(connection | address | fields))
    with pytest.raises(IonQFailException) as error:
        TASKS[task]()
    assert str(error.value).count("'ionq_default'") == 1
    shown = "".join(traceback.format_exception(error.value))
    assert shown.count("Traceback (most recent call last)") == 1, shown
    assert error.value.reason is not None


def test_end_says_how_to_define_a_connection_that_is_not_there() -> None:
    with pytest.raises(AirflowNotFoundException, match="'nowhere' is not defined"):
        IonQEndSessionOperator(task_id="t", session_id="s-1", ionq_conn_id="nowhere").execute({})
