"""A connection as Airflow's web interface stores and tests it, by the requests of its form and its list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_ionq.get_provider_info import CONNECTION_FIELDS
from tests.system.conftest import API_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.emulator import Emulator
    from tests.system.stack import AirflowStack

CONN_ID = "ionq_by_form"
UNSET_EXTRA = json.dumps(dict.fromkeys(CONNECTION_FIELDS))
"""What the form makes of its fields for extra when none is filled in."""


def store(stack: AirflowStack, **fields: Any) -> None:
    """Save a new connection: the form leaves out what is empty."""
    body = {"connection_id": CONN_ID, "conn_type": "ionq", "password": API_KEY, "extra": UNSET_EXTRA, **fields}
    stack.api.post("/connections", {name: value for name, value in body.items() if value not in (None, "")})


def press_test(stack: AirflowStack) -> dict[str, Any]:
    """Send what the list's button sends: the connection as it is shown, empty texts for null, and 0 for no port."""
    shown = stack.api.get(f"/connections/{CONN_ID}")
    names = ("conn_type", "connection_id", "description", "host", "login", "password", "schema")
    body = {name: shown[name] or "" for name in names} | {"extra": shown["extra"] or "{}", "port": shown["port"] or 0}
    answer: dict[str, Any] = stack.api.post("/connections/test", body)
    return answer


@pytest.fixture
def _deleted_afterwards(stack: AirflowStack) -> Iterator[None]:
    yield
    stack.api.delete(f"/connections/{CONN_ID}")


@pytest.mark.usefixtures("_deleted_afterwards")
@pytest.mark.parametrize("way", ["URL", "name and port", "path in the URL"])
def test_test_connection_works_where_a_port_is_stored(stack: AirflowStack, emulator: Emulator, way: str) -> None:
    fields: dict[str, Any] = {
        "URL": {"host": f"http://127.0.0.1:{emulator.port}", "port": emulator.port},
        "name and port": {"host": "127.0.0.1", "port": emulator.port},
        "path in the URL": {"host": f"http://127.0.0.1:{emulator.port}/v0.4", "port": 0},
    }[way]
    store(stack, **fields)
    answer = press_test(stack)
    assert answer["status"], answer
    assert "sessions are enabled" in answer["message"]


@pytest.mark.usefixtures("_deleted_afterwards")
def test_public_api_can_be_tested_with_port_443(stack: AirflowStack) -> None:
    # Nobody answers for the public API here: a proxy that is not there shows where the request goes.
    store(stack, port=443, extra=json.dumps({"proxies": {"https": "http://127.0.0.1:1"}}))
    answer = press_test(stack)
    assert not answer["status"]
    assert "https://api.ionq.co/v0.4/whoami" in answer["message"]
    assert "the proxy failed" in answer["message"]


@pytest.mark.usefixtures("_deleted_afterwards")
def test_airflow_refuses_to_test_a_stored_connection_without_a_port(stack: AirflowStack, emulator: Emulator) -> None:
    # When this fails, Airflow has been corrected: the README and the placeholder of Port need not speak of it then.
    store(stack, host=f"http://127.0.0.1:{emulator.port}")
    with pytest.raises(requests.HTTPError, match="400 .*host or port to test differs"):
        press_test(stack)


def test_providers_page_shows_description_and_documentation(stack: AirflowStack) -> None:
    providers = stack.api.get("/providers", limit=100)["providers"]
    (ours,) = [provider for provider in providers if provider["package_name"] == "airflow-provider-ionq"]
    assert ours["documentation_url"].startswith("https://docs.ionq.com")
    # The page makes a link of a word that is an address, and of no other.
    assert "https://ionq.com" in ours["description"].split(" ")
