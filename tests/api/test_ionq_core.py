"""The client of ionq-core has the settings of ours: TLS, proxies, retries, key and address."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from airflow_provider_ionq.api.settings import ClientSettings
from tests.api.conftest import HOST
from tests.api.raw_api import answer, raw_api
from tests.api.test_client_transport import OK, Answer, serving
from tests.api.test_proxies import KEY, proxying

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

ionq_core = pytest.importorskip("ionq_core")

from airflow_provider_ionq.api.ionq_core import ionq_core_client  # noqa: E402


def client_of(url: str, **settings: Any) -> Any:
    defaults = {"api_key": KEY, "max_retries": 0, "timeout_seconds": 5}
    return ionq_core_client(ClientSettings(base_url=url, **{**defaults, **settings}))


def whoami(client: Any) -> str:
    with client:
        return str(client.get_httpx_client().get("/whoami").json()["key_name"])


async def whoami_async(client: Any) -> str:
    async with client:
        return str((await client.get_async_httpx_client().get("/whoami")).json()["key_name"])


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_precedence_of_verify_is_connection_environment_default(
    tls: Callable[[socket.socket], socket.socket],
    bundle: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    other = str(tmp_path / "other.pem")
    trustme.CA().cert_pem.write_to_path(other)
    with serving(OK, wrap=tls) as server:
        url = f"https://127.0.0.1:{server.port}"
        for settings in ({}, {"verify": other}):
            with pytest.raises(ionq_core.APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                whoami(client_of(url, **settings))
        monkeypatch.setenv(variable, bundle)
        assert whoami(client_of(url)) == "n"
        monkeypatch.setenv(variable, other)
        with pytest.raises(ionq_core.APIConnectionError):
            whoami(client_of(url))
        assert whoami(client_of(url, verify=bundle)) == "n"
        assert whoami(client_of(url, verify=False)) == "n"
        assert asyncio.run(whoami_async(client_of(url, verify=bundle))) == "n"


@pytest.mark.parametrize("name", ["https", "all"])
def test_precedence_of_proxies_is_connection_environment_none(
    name: str, tls: Callable[[socket.socket], socket.socket], bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_api(answer(), wrap=tls) as api, proxying(api.port) as ours, proxying(api.port) as environments:
        url = f"https://{HOST}/v0.4"
        with pytest.raises(ionq_core.APIConnectionError):
            whoami(client_of(url, verify=bundle))
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{environments.port}")
        whoami(client_of(url, verify=bundle))
        assert (len(ours.heads), len(environments.heads)) == (0, 1)
        whoami(client_of(url, verify=bundle, proxies={name: f"http://127.0.0.1:{ours.port}"}))
        assert (len(ours.heads), len(environments.heads)) == (1, 1)
        assert KEY.encode() not in b"".join(ours.heads + environments.heads)


def test_loopback_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(OK) as server, proxying(server.port) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        monkeypatch.setenv("http_proxy", address)
        assert whoami(client_of(f"http://127.0.0.1:{server.port}", proxies={"all": address})) == "n"
        assert proxy.heads == []


BUSY: Answer = (503, {}, b"{}")


def test_read_is_repeated_as_often_as_the_connection_says() -> None:
    with serving(BUSY, OK) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert whoami(client_of(url, max_retries=1)) == "n"
        assert len(server.lines) == 2
    with serving(BUSY) as server, pytest.raises(ionq_core.APIError):
        whoami(client_of(f"http://127.0.0.1:{server.port}"))
    assert len(server.lines) == 1


def test_job_is_submitted_once_whatever_the_answer() -> None:
    with raw_api(answer("503 Busy"), "POST /v0.4/jobs") as api, client_of(api.url, max_retries=3) as client:
        with pytest.raises(ionq_core.APIError):
            client.get_httpx_client().post("/jobs", json={})
        assert api.requests == ["POST /v0.4/jobs"]


def test_missing_package_is_an_error_with_its_extra() -> None:
    code = """
import sys
sys.modules["ionq_core"] = None
from airflow_provider_ionq.api.ionq_core import ionq_core_client
try:
    ionq_core_client(None)
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'airflow-provider-ionq[ionq-core]'" in done.stdout
