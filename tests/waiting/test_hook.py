"""The hook: every way to a connection, and what test_connection says."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple

from airflow_provider_ionq.errors import IonQConfigurationError, IonQError
from airflow_provider_ionq.hooks.ionq import IonQHook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ionq.emulator import Emulator

VARIABLE = "AIRFLOW_CONN_IONQ_DEFAULT"


def test_connection_as_json(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1")
    hook = IonQHook()
    assert hook.get_session(session["id"]) == session
    assert hook.list_sessions() == [session]
    assert hook.list_sessions(active=False) == []
    assert hook.whoami()["key_name"]
    names = [backend["backend"] for backend in hook.list_backends()]
    assert hook.get_backend(names[0])["backend"] == names[0]


def test_connection_as_uri(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"ionq://:{ionq_emulator.api_key}@127.0.0.1:{ionq_emulator.port}/?timeout_seconds=5&max_retries=0&verify=true"
    monkeypatch.setenv(VARIABLE, uri)
    hook = IonQHook()
    assert hook.whoami()["key_id"]
    assert (hook.get_settings().timeout_seconds, hook.get_settings().max_retries) == (5, 0)
    assert hook.get_settings().base_url == ionq_emulator.url


def test_connection_as_the_form_stores_it(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {
        "conn_type": "ionq",
        "host": "127.0.0.1",
        "port": ionq_emulator.port,
        "login": "ignored",
        "schema": "ignored",
        "password": ionq_emulator.api_key,
        "extra": {"timeout_seconds": None, "max_retries": None, "verify": "", "proxies": {}},
    }
    monkeypatch.setenv(VARIABLE, json.dumps(form))
    assert IonQHook().whoami()["key_id"]


def test_connection_from_a_secrets_backend(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = tmp_path / "connections.json"
    secrets.write_text(json.dumps({"from_backend": json.loads(ionq_emulator.airflow_connection)}))
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "airflow.secrets.local_filesystem.LocalFilesystemBackend")
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND_KWARGS", json.dumps({"connections_file_path": str(secrets)}))
    assert IonQHook("from_backend").whoami()["key_id"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"password": ""}, "password"),
        ({"host": "http://api.ionq.co"}, "plain http"),
        ({"extra": {"timeout_seconds": "soon"}}, "timeout_seconds"),
        ({"extra": {"proxies": "p"}}, "proxies"),
        pytest.param(
            {"extra": "[1]"},
            "extra",
            marks=pytest.mark.skipif(
                get_base_airflow_version_tuple()[:2] in ((3, 0), (3, 1)),
                reason="Airflow 3.0 and 3.1 take a connection that they cannot parse for one that is not there",
            ),
        ),
    ],
)
def test_what_cannot_be_used_names_connection_and_field(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], named: str
) -> None:
    monkeypatch.setenv(VARIABLE, json.dumps({"conn_type": "ionq", "password": "k", **fields}))
    with pytest.raises(IonQConfigurationError, match="'ionq_default'") as refused:
        IonQHook().get_conn()
    assert named in str(refused.value)
    works, message = IonQHook().test_connection()
    assert (works, named in message) == (False, True)


def test_a_connection_that_is_not_there_is_not_found() -> None:
    with pytest.raises(AirflowNotFoundException, match="nowhere"):
        IonQHook("nowhere").get_conn()


def test_unknown_extra_is_one_warning(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, task_log: Callable[[], list[str]]
) -> None:
    connection = {**json.loads(ionq_emulator.airflow_connection), "extra": {"time_out": 3}}
    monkeypatch.setenv(VARIABLE, json.dumps(connection))
    hook = IonQHook()
    hook.whoami()
    hook.whoami()
    (warning,) = [line for line in task_log() if "time_out" in line]
    assert "timeout_seconds" in warning


def test_test_connection_says_all_is_fine(ionq_emulator: Emulator) -> None:
    works, message = IonQHook().test_connection()
    assert works
    assert "sessions are enabled" in message


def test_test_connection_says_that_the_key_is_refused(ionq_emulator: Emulator) -> None:
    ionq_emulator.api_key = "another"
    works, message = IonQHook().test_connection()
    assert not works
    assert "key was refused" in message
    assert "password" in message


def test_test_connection_says_that_the_host_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        uri = f"ionq://:k@127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setenv(VARIABLE, uri)
    works, message = IonQHook().test_connection()
    assert not works
    assert "host cannot be reached" in message


def test_test_connection_says_that_sessions_are_not_enabled(ionq_emulator: Emulator) -> None:
    ionq_emulator.sessions_enabled = False
    works, message = IonQHook().test_connection()
    assert works
    assert "sessions are not enabled" in message
    assert "support@ionq.com" in message


@pytest.mark.parametrize("status", [403, 500, 302])
def test_test_connection_says_what_else_the_api_answered(ionq_emulator: Emulator, status: int) -> None:
    ionq_emulator.fail(status, route="GET /whoami")
    works, message = IonQHook().test_connection()
    assert not works
    assert str(status) in message


def test_hook_calls_are_retried_as_the_connection_says_and_looks_are_not(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1")
    ionq_emulator.fail(503, times=2, retry_after=0)
    assert IonQHook().get_session(session["id"]) == session
    assert len(ionq_emulator.requests) == 3
    ionq_emulator.fail(503, times=1)
    with pytest.raises(IonQError, match="503"):
        IonQHook(max_retries=0).get_session(session["id"])


def test_a_thousand_calls_open_one_connection(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1")
    hook = IonQHook()
    for _ in range(1000):
        hook.get_session(session["id"])
    assert len({request.peer for request in ionq_emulator.requests}) == 1
