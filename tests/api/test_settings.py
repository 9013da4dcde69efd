"""Client settings from the fields of a connection."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from airflow_provider_ionq.api.errors import IonQConfigurationError
from airflow_provider_ionq.api.settings import ClientSettings, settings_from_connection
from tests.support.facts import facts


def read(
    host: str | None = None,
    port: int | None = None,
    password: str | None = "k",
    login: str | None = None,
    schema: str | None = None,
    **extra: Any,
) -> ClientSettings:
    return settings_from_connection(password=password, host=host, port=port, extra=extra, login=login, schema=schema)


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        (None, None, "https://api.ionq.co/v0.4"),
        ("", None, "https://api.ionq.co/v0.4"),
        ("https://api.ionq.co/v0.4", None, "https://api.ionq.co/v0.4"),
        ("https://api.ionq.co/v0.4/", None, "https://api.ionq.co/v0.4"),
        ("https://api.ionq.co", None, "https://api.ionq.co/v0.4"),
        ("https://gate.example/ionq/v0.4", 8443, "https://gate.example:8443/ionq/v0.4"),
        ("https://gate.example:1/v0.5", 1, "https://gate.example:1/v0.5"),
        ("HTTPS://gate.example", None, "https://gate.example/v0.4"),
        ("gate.example", None, "https://gate.example/v0.4"),
        ("gate.example:8443", None, "https://gate.example:8443/v0.4"),
        ("gate.example", 8443, "https://gate.example:8443/v0.4"),
        ("127.0.0.1", 8080, "http://127.0.0.1:8080/v0.4"),
        ("localhost", 8080, "http://localhost:8080/v0.4"),
        ("::1", 8080, "http://[::1]:8080/v0.4"),
        ("[::1]", 8080, "http://[::1]:8080/v0.4"),
        ("http://127.0.0.1:8080", None, "http://127.0.0.1:8080/v0.4"),
        ("https://localhost:8443", None, "https://localhost:8443/v0.4"),
        # What the connection form sends and stores for an empty Port.
        (None, 0, "https://api.ionq.co/v0.4"),
        ("", 0, "https://api.ionq.co/v0.4"),
        ("gate.example", 0, "https://gate.example/v0.4"),
        ("http://127.0.0.1:8080", 0, "http://127.0.0.1:8080/v0.4"),
        # The port with which Airflow 3.3 can test a stored connection.
        ("", 443, "https://api.ionq.co/v0.4"),
        (None, 443, "https://api.ionq.co/v0.4"),
        ("https://api.ionq.co/v0.4", 443, "https://api.ionq.co:443/v0.4"),
    ],
)
def test_host_and_port_become_an_address(host: str | None, port: int | None, url: str) -> None:
    assert read(host, port).base_url == url


@pytest.mark.parametrize(
    ("host", "schema", "url"),
    [
        ("gate.example", "ionq/v0.4", "https://gate.example/ionq/v0.4"),
        ("gate.example", "/ionq/v0.4/", "https://gate.example/ionq/v0.4"),
        ("https://gate.example/", "ionq/v0.4", "https://gate.example/ionq/v0.4"),
        ("https://gate.example/ionq/v0.4", "ionq/v0.4", "https://gate.example/ionq/v0.4"),
        ("https://gate.example/ionq/v0.4", "", "https://gate.example/ionq/v0.4"),
        ("127.0.0.1", "v0.4", "http://127.0.0.1/v0.4"),
        (None, "v0.4", "https://api.ionq.co/v0.4"),
        ("", "/", "https://api.ionq.co/v0.4"),
        (None, None, "https://api.ionq.co/v0.4"),
    ],
)
def test_schema_is_the_path_of_the_api(host: str | None, schema: str | None, url: str) -> None:
    assert read(host, schema=schema).base_url == url


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"password": None}, "password | empty"),
        ({"password": ""}, "password | empty"),
        ({"password": "  "}, "password | empty"),
        ({"password": "", "login": "secret"}, "key | password | login"),
        ({"password": None, "login": "secret", "host": "gate.example"}, "key | password | login"),
        # A key that contains '/', '?' or '#' and is not percent-encoded in a URI.
        ({"password": None, "port": 12, "schema": "secret@host"}, "password | empty"),
        ({"password": None, "port": 12, "secret@host": ""}, "percent-encoded"),
        ({"schema": "secret@host"}, "schema | characters"),
        ({"schema": "v0.4?secret"}, "schema | characters"),
        ({"schema": "https"}, "schema | http or https | (host)"),
        ({"schema": "HTTP", "host": "127.0.0.1"}, "schema | http or https | (host)"),
        (
            {"schema": "v0.4", "host": "https://gate.example/ionq"},
            "schema | (host) | both | path",
        ),
        ({"host": "http://api.ionq.co"}, "(host) | plain http | 'api.ionq.co'"),
        ({"host": "http://127.0.0.1.example.com"}, "plain http"),
        ({"host": "ftp://api.ionq.co"}, "https://"),
        ({"host": "https://user:secret@api.ionq.co"}, "user or password"),
        ({"host": "https://api.ionq.co/v0.4?x=1"}, "'?'"),
        ({"host": "https://api.ionq.co:99999"}, "(host) | not a valid address"),
        ({"host": "https://"}, "(host) | https://"),
        ({"host": "https://a b/v0.4"}, "white space"),
        ({"host": "[::1"}, "(host) | not a valid address"),
        ({"port": 8080}, "port | 8080 | (host) | empty"),
        ({"port": 80, "host": " "}, "port | 80 | (host) | empty"),
        ({"port": 2, "host": "https://gate.example:1"}, "port | 2 | (host) | 1"),
        ({"port": -1}, "port | 1 to 65535 | -1"),
        ({"port": 65536, "host": "gate.example"}, "port | 1 to 65535 | 65536"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": -1}, "timeout_seconds"),
        ({"timeout_seconds": "soon"}, "timeout_seconds"),
        ({"timeout_seconds": True}, "timeout_seconds"),
        ({"timeout_seconds": "nan"}, "timeout_seconds"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": 1.5}, "max_retries"),
        ({"max_retries": True}, "max_retries"),
        ({"verify": "/no/such/bundle.pem"}, "verify | CA bundle | /no/such/bundle.pem"),
        ({"verify": 1}, "verify | true, false"),
        ({"proxies": "http://proxy:3128"}, "proxies | object"),
        ({"proxies": {"https": 1}}, "proxies | object"),
        ({"proxies": {"https": "http://u:secret@"}}, "proxies | address | 'https'"),
        ({"proxies": {"https": "proxy"}}, "proxies | address | 'https'"),
        ({"proxies": {"https": "http://p:secret"}}, "proxies | address | 'https'"),
        ({"host": "https://x:secret"}, "(host) | not a valid address"),
        ({"proxies": ["http://proxy:3128"]}, "proxies | object"),
        ({"proxies": {"https": "ftp://proxy:3128"}}, "proxies | address | 'https'"),
        ({"proxies": {"HTTPS": "http://proxy:3128"}}, "proxies | http, https and all | 'HTTPS'"),
        pytest.param(
            {"proxies": {"https": "socks5://u:secret@proxy:1080"}},
            "pip install 'requests[socks]'",
            marks=pytest.mark.skipif(find_spec("socks") is not None, reason="what SOCKS needs is installed"),
        ),
    ],
)
def test_invalid_field_is_rejected_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(IonQConfigurationError, match=facts(named)) as refused:
        read(**fields)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("key", ["se cret", "se\ncret", "secrét", "se\x00cret"])
def test_a_key_that_no_header_can_carry_is_rejected_without_quoting_it(key: str) -> None:
    with pytest.raises(IonQConfigurationError, match="password") as refused:
        read(password=key)
    assert key not in str(refused.value)


def test_white_space_around_the_key_is_dropped() -> None:
    assert read(password=" key\n").api_key == "key"


def test_null_and_empty_extras_mean_unset() -> None:
    nothing = read(timeout_seconds=None, max_retries="", verify=None, proxies=None)
    assert nothing == read() == ClientSettings(api_key="k")
    assert (nothing.timeout_seconds, nothing.max_retries, nothing.verify, nothing.proxies) == (30, 3, True, None)


def test_extras_of_a_uri_connection_are_text_and_mean_the_same() -> None:
    as_text = read(timeout_seconds="5", max_retries="0", verify="False", proxies='{"https": "http://p:1"}')
    assert as_text == read(timeout_seconds=5, max_retries=0, verify=False, proxies={"https": "http://p:1"})


def test_neither_key_nor_proxy_password_is_in_the_repr() -> None:
    settings = read(password="secret-key", proxies={"https": "http://u:secret-pw@p:1"})
    assert "secret" not in repr(settings)
