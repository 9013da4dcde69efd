"""Client settings from the fields of a connection."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from airflow_provider_ionq.api.errors import IonQConfigurationError
from airflow_provider_ionq.api.settings import ClientSettings, settings_from_connection


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
        ({"password": None}, "API key (password) is empty"),
        ({"password": ""}, "API key (password) is empty"),
        ({"password": "  "}, "API key (password) is empty"),
        ({"password": "", "login": "secret"}, "the key belongs in the password"),
        ({"password": None, "login": "secret", "host": "gate.example"}, "the key belongs in the password"),
        # A key that contains '/', '?' or '#' and is not percent-encoded in a URI.
        ({"password": None, "port": 12, "schema": "secret@host"}, "API key (password) is empty"),
        ({"password": None, "port": 12, "secret@host": ""}, "must be percent-encoded"),
        ({"schema": "secret@host"}, "schema contains characters"),
        ({"schema": "v0.4?secret"}, "schema contains characters"),
        ({"schema": "https"}, "schema is the path of the API"),
        ({"schema": "HTTP", "host": "127.0.0.1"}, "schema is the path of the API"),
        (
            {"schema": "v0.4", "host": "https://gate.example/ionq"},
            "schema and the API address (host) both contain",
        ),
        ({"host": "http://api.ionq.co"}, "plain http to 'api.ionq.co'"),
        ({"host": "http://127.0.0.1.example.com"}, "plain http"),
        ({"host": "ftp://api.ionq.co"}, "https://"),
        ({"host": "https://user:secret@api.ionq.co"}, "user or password"),
        ({"host": "https://api.ionq.co/v0.4?x=1"}, "'?'"),
        ({"host": "https://api.ionq.co:99999"}, "(host) is not a valid address"),
        ({"host": "https://"}, "(host) must be"),
        ({"host": "https://a b/v0.4"}, "white space"),
        ({"host": "[::1"}, "(host) is not a valid address"),
        ({"port": 8080}, "port is 8080, but the API address (host) is empty"),
        ({"port": 80, "host": " "}, "port is 80, but the API address (host) is empty"),
        ({"port": 2, "host": "https://gate.example:1"}, "port is 2, but the API address (host) has port 1"),
        ({"port": -1}, "port must be a number from 1 to 65535"),
        ({"port": 65536, "host": "gate.example"}, "port must be a number from 1 to 65535"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": -1}, "timeout_seconds"),
        ({"timeout_seconds": "soon"}, "timeout_seconds"),
        ({"timeout_seconds": True}, "timeout_seconds"),
        ({"timeout_seconds": "nan"}, "timeout_seconds"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": 1.5}, "max_retries"),
        ({"max_retries": True}, "max_retries"),
        ({"verify": "/no/such/bundle.pem"}, "verify names a CA bundle"),
        ({"verify": 1}, "verify must be"),
        ({"proxies": "http://proxy:3128"}, "proxies must be an object"),
        ({"proxies": {"https": 1}}, "proxies must be an object"),
        ({"proxies": {"https": "http://u:secret@"}}, "proxies has no address for 'https'"),
        ({"proxies": {"https": "proxy"}}, "proxies has no address"),
        ({"proxies": {"https": "http://p:secret"}}, "proxies has no address"),
        ({"host": "https://x:secret"}, "(host) is not a valid address"),
        ({"proxies": ["http://proxy:3128"]}, "proxies must be an object"),
        ({"proxies": {"https": "ftp://proxy:3128"}}, "proxies has no address"),
        ({"proxies": {"HTTPS": "http://proxy:3128"}}, "proxies accepts the keys http, https and all, not 'HTTPS'"),
        pytest.param(
            {"proxies": {"https": "socks5://u:secret@proxy:1080"}},
            "pip install 'requests[socks]'",
            marks=pytest.mark.skipif(find_spec("socks") is not None, reason="what SOCKS needs is installed"),
        ),
    ],
)
def test_invalid_field_is_rejected_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(IonQConfigurationError) as refused:
        read(**fields)
    assert named in str(refused.value)
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
