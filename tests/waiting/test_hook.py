"""The hook: every source of a connection, and the messages of `test_connection`."""

from __future__ import annotations

import json
import re
import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook
from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple

from airflow_provider_ionq.api.errors import IonQConfigurationError, IonQError
from airflow_provider_ionq.api.settings import PUBLIC_API_URL, ClientSettings
from airflow_provider_ionq.hooks.ionq import IonQHook
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ionq.emulator import Emulator

VARIABLE = "AIRFLOW_CONN_IONQ_DEFAULT"

_EMPTY_EXTRA = {"timeout_seconds": None, "max_retries": None, "verify": None, "proxies": None}
FORM: list[dict[str, Any]] = [
    {"host": host, "port": port, "login": empty, "schema": empty, "extra": extra}
    for host in (None, "", "https://api.ionq.co", "https://api.ionq.co/v0.4", "api.ionq.co")
    for port in ((None, 0, 443) if not host else (None, 0))
    for empty in (None, "")
    for extra in (None, "{}", json.dumps(_EMPTY_EXTRA))
]
"""Every way in which the form sends the public API's address, and nothing else but the key."""


def test_connection_as_json_is_read(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1")
    hook = IonQHook()
    assert hook.get_session(session["id"]) == session
    assert hook.list_sessions() == [session]
    assert hook.list_sessions(active=False) == []
    assert hook.whoami()["key_name"]
    names = [backend["backend"] for backend in hook.list_backends()]
    assert hook.get_backend(names[0])["backend"] == names[0]


def test_client_of_ionq_core_has_the_connection_of_the_hook(ionq_emulator: Emulator) -> None:
    pytest.importorskip("ionq_core")
    from ionq_core.api.whoami import get_whoami

    with IonQHook().get_ionq_core_client() as client:
        answered: Any = get_whoami.sync(client=client)
    assert answered.key_name == "emulator"
    agent = client.get_httpx_client().headers["user-agent"]
    assert agent.startswith("ionq-core/")
    assert "airflow-provider-ionq/" in agent


def test_connection_as_uri_is_read(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"ionq://:{ionq_emulator.api_key}@127.0.0.1:{ionq_emulator.port}/?timeout_seconds=5&max_retries=0&verify=true"
    monkeypatch.setenv(VARIABLE, uri)
    hook = IonQHook()
    assert hook.whoami()["key_id"]
    assert (hook.get_settings().timeout_seconds, hook.get_settings().max_retries) == (5, 0)
    assert hook.get_settings().base_url == ionq_emulator.url


def test_connection_as_stored_by_the_form_is_read(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {
        "conn_type": "ionq",
        "host": "127.0.0.1",
        "port": ionq_emulator.port,
        "login": "",
        "schema": "",
        "password": ionq_emulator.api_key,
        "extra": {"timeout_seconds": None, "max_retries": None, "verify": "", "proxies": {}},
    }
    monkeypatch.setenv(VARIABLE, json.dumps(form))
    assert IonQHook().whoami()["key_id"]


def test_path_of_a_uri_is_the_path_of_the_api(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"ionq://:{ionq_emulator.api_key}@127.0.0.1:{ionq_emulator.port}/ionq/v0.4")
    assert IonQHook().get_settings().base_url == f"http://127.0.0.1:{ionq_emulator.port}/ionq/v0.4"
    works, message = IonQHook().test_connection()
    assert not works, "the emulator has nothing there"
    assert "/ionq/v0.4" in message
    monkeypatch.setenv(VARIABLE, f"ionq://:{ionq_emulator.api_key}@127.0.0.1:{ionq_emulator.port}/v0.4")
    assert IonQHook().test_connection()[0]


@pytest.mark.parametrize("key", ["a/b", "a?b", "a#b", "a@b", "a:b", "12/b", "12?b", "12#b", "[a", "a%2Fb"])
@pytest.mark.parametrize("rest", ["", "127.0.0.1:{port}", "127.0.0.1:{port}/v0.4"])
def test_key_that_is_not_percent_encoded_in_a_uri_is_used_or_rejected_without_quoting_it(
    ionq_emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    task_log: Callable[[], list[str]],
    key: str,
    rest: str,
) -> None:
    long_key = key.replace("a", "firstpart").replace("b", "secondpart")
    monkeypatch.setenv(VARIABLE, f"ionq://:{long_key}@{rest.format(port=ionq_emulator.port)}")
    try:
        settings = IonQHook().get_settings()
    except (IonQConfigurationError, AirflowNotFoundException) as error:
        says = str(error)
        assert "percent-encoded" in says
        assert "ionq_default" in says
        works, message = IonQHook().test_connection()
        assert not works
        assert "percent-encoded" in message
        shown = says + message
        if get_base_airflow_version_tuple() >= (3, 2, 0):  # earlier ones log themselves what they cannot parse
            shown += "".join(task_log())
        assert "part" not in shown
    else:
        assert settings.api_key == unquote(long_key)


def test_key_as_login_is_rejected_and_says_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "ionq://SECRET-KEY@127.0.0.1:1")
    with pytest.raises(IonQConfigurationError, match="'ionq_default'.*API key.*password.*ionq://:API-KEY@") as refused:
        IonQHook().get_conn()
    assert "SECRET-KEY" not in str(refused.value)
    assert IonQHook().test_connection() == (False, str(refused.value))


def test_login_beside_a_key_is_one_warning(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, task_log: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv(VARIABLE, f"ionq://me:{ionq_emulator.api_key}@127.0.0.1:{ionq_emulator.port}")
    hook = IonQHook()
    assert hook.whoami()["key_id"]
    assert hook.whoami()["key_id"]
    assert len([line for line in task_log() if "login is ignored" in line]) == 1


def test_connection_from_a_secrets_backend_is_read(
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
def test_invalid_connection_field_names_connection_and_field(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], named: str
) -> None:
    monkeypatch.setenv(VARIABLE, json.dumps({"conn_type": "ionq", "password": "k", **fields}))
    with pytest.raises(IonQConfigurationError, match="'ionq_default'") as refused:
        IonQHook().get_conn()
    assert named in str(refused.value)
    works, message = IonQHook().test_connection()
    assert (works, named in message) == (False, True)


def test_missing_connection_fails_with_how_to_define_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IONQ_API_KEY", "SECRET-KEY")
    with pytest.raises(AirflowNotFoundException, match="'nowhere' is not defined") as missing:
        IonQHook("nowhere").get_conn()
    says = str(missing.value)
    assert "AIRFLOW_CONN_NOWHERE=" in says
    assert "IONQ_API_KEY is not read" in says
    assert "SECRET-KEY" not in says
    assert IonQHook("nowhere").test_connection() == (False, says)
    (example,) = re.findall(r"AIRFLOW_CONN_NOWHERE='(.*?)'", says)
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", example)
    assert IonQHook("nowhere").get_settings().api_key == "API-KEY"


@pytest.mark.parametrize("value", ["{", '{"conn_type": "ionq", "port": "x"}', "a://b://c://d", "ionq://h:x"])
def test_a_variable_that_airflow_cannot_parse_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(VARIABLE, value)
    works, message = IonQHook().test_connection()
    assert not works
    assert re.search(facts(f"environment variable | {VARIABLE} | URI | JSON"), message)


class _BrokenBackend:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_connection(self, conn_id: str, *_: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("the vault is sealed"), "RuntimeError: the vault is sealed"),
        (RuntimeError("Invalid connection string: ionq://:SECRET-KEY@"), "RuntimeError"),
        (ValueError("Port could not be cast to integer value as 'SECRET-KEY'"), "ValueError"),
    ],
)
def test_test_connection_says_that_the_connection_could_not_be_read(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    monkeypatch.setattr(BaseHook, "get_connection", _BrokenBackend(error).get_connection)
    works, message = IonQHook().test_connection()
    assert not works
    assert re.search(facts(f"'ionq_default' | could not be read | {said}"), message)
    assert "SECRET-KEY" not in message


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


def test_test_connection_reports_success(ionq_emulator: Emulator) -> None:
    works, message = IonQHook().test_connection()
    assert works
    assert "sessions are enabled" in message


def test_test_connection_says_that_the_key_is_rejected(ionq_emulator: Emulator) -> None:
    ionq_emulator.api_key = "another"
    works, message = IonQHook().test_connection()
    assert not works
    assert "key was rejected" in message
    assert "password" in message


def test_test_connection_says_that_the_host_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        uri = f"ionq://:k@127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setenv(VARIABLE, uri)
    works, message = IonQHook().test_connection()
    assert not works
    assert "API cannot be reached" in message
    assert "API address (host)" in message


@pytest.mark.skipif(find_spec("socks") is not None, reason="what SOCKS needs is installed")
@pytest.mark.parametrize("where", ["connection", "environment"])
def test_test_connection_says_what_a_socks_proxy_needs(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    connection: dict[str, object] = {"conn_type": "ionq", "password": "k", "host": "https://gate.invalid"}
    if where == "connection":
        connection["extra"] = {"proxies": {"https": "socks5://u:SECRET@127.0.0.1:9"}}
    else:
        monkeypatch.setenv("all_proxy", "socks5://u:SECRET@127.0.0.1:9")
    monkeypatch.setenv(VARIABLE, json.dumps(connection))
    works, message = IonQHook().test_connection()
    assert not works
    assert "pip install 'requests[socks]'" in message
    assert "SECRET" not in message


@pytest.mark.parametrize("fields", FORM, ids=str)
def test_fields_sent_by_the_connection_form_mean_the_public_api(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, object]
) -> None:
    from airflow.models import Connection

    # As Airflow's API server tests it: from the form's fields to a URI, and from there to a connection.
    as_uri = Connection(conn_id="tested", conn_type="ionq", password="a/b+c%2Fd", **fields).get_uri()  # type: ignore[arg-type]
    monkeypatch.setenv(VARIABLE, as_uri)
    settings = IonQHook().get_settings()
    assert (settings.base_url, settings.api_key) == (PUBLIC_API_URL, "a/b+c%2Fd")
    assert settings == ClientSettings(api_key="a/b+c%2Fd")


def test_test_connection_says_that_sessions_are_not_enabled(ionq_emulator: Emulator) -> None:
    ionq_emulator.sessions_enabled = False
    works, message = IonQHook().test_connection()
    assert works
    assert "sessions are not enabled" in message
    assert "support@ionq.com" in message


@pytest.mark.one_airflow
@pytest.mark.parametrize("status", [403, 500, 302])
def test_test_connection_reports_other_answers_of_the_api(ionq_emulator: Emulator, status: int) -> None:
    ionq_emulator.fail(status, route="GET /whoami")
    works, message = IonQHook().test_connection()
    assert not works
    assert str(status) in message


def test_hook_calls_are_retried_as_the_connection_says_but_polls_are_not(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1")
    ionq_emulator.fail(503, times=2, retry_after=0)
    assert IonQHook().get_session(session["id"]) == session
    assert len(ionq_emulator.requests) == 3
    ionq_emulator.fail(503, times=1)
    with pytest.raises(IonQError, match="503"):
        IonQHook(max_retries=0).get_session(session["id"])


@pytest.mark.one_airflow
def test_a_thousand_calls_open_one_connection(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session(backend="qpu.forte-1")
    hook = IonQHook()
    for _ in range(1000):
        hook.get_session(session["id"])
    assert len({request.peer for request in ionq_emulator.requests}) == 1
