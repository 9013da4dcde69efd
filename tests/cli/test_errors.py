"""Every way in which a command cannot do its work: its exit status, and what it says."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from airflow.secrets.environment_variables import EnvironmentVariablesBackend

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator
    from tests.cli.conftest import Ended

    Command = Callable[..., Ended]

pytestmark = pytest.mark.one_airflow

VARIABLE = "AIRFLOW_CONN_IONQ_DEFAULT"
COMMANDS = [
    ["sessions", "list"],
    ["sessions", "show", "an-id"],
    ["sessions", "end", "an-id", "--yes"],
    ["jobs", "list"],
    ["jobs", "show", "an-id"],
    ["jobs", "cancel", "an-id", "--yes"],
]


def connection(emulator: Emulator, **fields: Any) -> str:
    return json.dumps({**json.loads(emulator.airflow_connection), "extra": {"max_retries": 0}, **fields})


def assert_refused(ended: Ended, key: str, said: str) -> None:
    assert ended.status == 1
    assert ended.out in ("", "[]\n")
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.err.count("\n") == 1
    assert key not in ended.out + ended.err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_permanent_refusal_of_the_api_is_one_line(
    once: Emulator, ionq: Command, command: list[str], status: int
) -> None:
    once.fail(status, times=9)
    assert_refused(ionq(*command, "-o", "json"), once.api_key, str(status))


@pytest.mark.parametrize("command", [command for command in COMMANDS if "--yes" not in command], ids=" ".join)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_outage_of_the_api_is_one_line(once: Emulator, ionq: Command, command: list[str], status: int) -> None:
    once.fail(status, times=9)
    assert_refused(ionq(*command, "-o", "json"), once.api_key, str(status))


@pytest.mark.parametrize("command", [command for command in COMMANDS if "--yes" not in command], ids=" ".join)
@pytest.mark.parametrize("body", ["", "nonsense", "[]", "{}", "null", '{"message": "emulator-key"}'])
def test_invalid_answer_is_one_line(once: Emulator, ionq: Command, command: list[str], body: str) -> None:
    once.fail(200, body=body, times=9)
    assert_refused(ionq(*command, "-o", "json"), once.api_key, "Airflow connection 'ionq_default'")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_wrong_key_is_one_line(once: Emulator, ionq: Command, command: list[str]) -> None:
    once.api_key = "another-key"
    assert_refused(ionq(*command, "-o", "json"), "emulator-key", "API key")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"host": "http://10.0.0.1"}, "http"),
        ({"password": None}, "API key"),
        ({"extra": {"max_retries": "many"}}, "max_retries"),
    ],
)
def test_invalid_connection_is_one_line(
    ionq_emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    ionq: Command,
    command: list[str],
    fields: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setenv(VARIABLE, connection(ionq_emulator, **fields))
    assert_refused(ionq(*command), ionq_emulator.api_key, said)
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("command", [command for command in COMMANDS if "--yes" not in command], ids=" ".join)
def test_unreachable_api_is_one_line(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, ionq: Command, command: list[str]
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setenv(VARIABLE, connection(ionq_emulator, host=host))
        assert_refused(ionq(*command), ionq_emulator.api_key, host)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_undefined_connection_is_one_line(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, ionq: Command, command: list[str]
) -> None:
    monkeypatch.delenv(VARIABLE)
    assert_refused(ionq(*command), ionq_emulator.api_key, "Airflow connection 'ionq_default' is not defined")
    assert_refused(ionq(*command, "--conn-id", "mine"), ionq_emulator.api_key, "'mine' is not defined")


@pytest.mark.parametrize("error", [RuntimeError("vault is sealed"), ValueError("bad uri ionq://:emulator-key@h")])
def test_any_error_of_a_secrets_backend_is_one_line(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, ionq: Command, error: Exception
) -> None:
    def get_connection(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(EnvironmentVariablesBackend, "get_connection", get_connection)
    monkeypatch.setattr(EnvironmentVariablesBackend, "get_conn_value", get_connection)
    assert_refused(ionq("sessions", "list"), ionq_emulator.api_key, "Airflow connection 'ionq_default'")


def test_key_is_not_shown_with_verbose(ionq_emulator: Emulator, ionq: Command) -> None:
    ended = ionq("sessions", "list", "--verbose")
    assert ended.status == 0
    assert ionq_emulator.api_key not in ended.out + ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sessions"],
        ["jobs"],
        ["results"],
        ["sessions", "stop"],
        ["sessions", "show"],
        ["sessions", "show", "one", "two"],
        ["sessions", "end", "--yes"],
        ["sessions", "list", "--status", "completed"],
        ["sessions", "list", "--output", "xml"],
        ["sessions", "list", "an-id"],
        ["jobs", "cancel"],
        ["jobs", "list", "--status", "ended"],
        ["jobs", "list", "--limit", "0"],
        ["jobs", "list", "--limit", "-1"],
        ["jobs", "list", "--limit", "some"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_before_any_request(
    ionq_emulator: Emulator, ionq: Command, arguments: list[str]
) -> None:
    ended = ionq(*arguments)
    assert ended.status == 2
    assert "error" in ended.err
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("session_id", ["", ".", ".."])
@pytest.mark.parametrize("command", ["show", "end"])
def test_id_that_names_nothing_is_refused_before_any_request(
    ionq_emulator: Emulator, ionq: Command, command: str, session_id: str
) -> None:
    ended = ionq("sessions", command, session_id, *(["--yes"] if command == "end" else []))
    assert ended.status == 1
    assert "session_id" in ended.err
    assert ionq_emulator.requests == []
