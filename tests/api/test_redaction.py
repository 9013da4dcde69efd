"""Quoted answers contain no secret, whatever the server sends."""

from __future__ import annotations

import base64
import html
import json
import logging
import time
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ionq.api.client import IonQClient
from airflow_provider_ionq.api.errors import IonQApiError, IonQError
from airflow_provider_ionq.api.redaction import QUOTED_CHARACTERS, quoted
from airflow_provider_ionq.api.settings import ClientSettings
from tests.api.raw_api import answer, raw_api

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = 'ionq/key+that<must>not"be\\seen=='
PASSWORD = "proxy'password&secret"
SETTINGS = ClientSettings(api_key=KEY, proxies={"https": f"http://user:{quote(PASSWORD, safe='')}@proxy.example:3128"})

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "percent-encoded in small letters": lambda secret: quote(secret, safe="").lower(),
    "percent-encoded throughout": lambda secret: "".join(f"%{ord(one):02X}" for one in secret),
    "percent-encoded twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in JSON with slashes escaped": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "in JSON as code points": lambda secret: "".join(f"\\u{ord(one):04x}" for one in secret),
    "in HTML": html.escape,
    "in HTML by number": lambda secret: "".join(f"&#{ord(one)};" for one in secret),
    "in HTML by hexadecimal number": lambda secret: "".join(f"&#x{ord(one):X};" for one in secret),
    "as a Python literal": lambda secret: repr(secret)[1:-1],
    "in capitals": str.upper,
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in base64 after another text": lambda secret: base64.b64encode(f"apiKey {secret}".encode()).decode(),
    "in base64 after a user": lambda secret: base64.b64encode(f"u:{secret}".encode()).decode(),
    "in base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
}


@pytest.mark.parametrize("secret", [KEY, PASSWORD])
@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_removed_in_every_form(form: str, secret: str) -> None:
    written = FORMS[form](secret)
    for before, after in (("", ""), ("bad key ", "!"), ("x" * (QUOTED_CHARACTERS - 9), "x" * 999)):
        shown = quoted(before + written + after, SETTINGS)
        assert len(shown) <= QUOTED_CHARACTERS
        assert "***" in shown or len(before) > 100
        for at in range(4, len(written) - 12):
            assert written[at : at + 8] not in shown


@given(cut=st.integers(0, 120), repeated=st.integers(1, 9))
def test_the_beginning_of_a_secret_at_the_end_of_a_cut_text_is_not_shown(cut: int, repeated: int) -> None:
    text = (KEY * repeated + quote(KEY, safe=""))[:cut]
    assert KEY[:3] not in quoted(text, SETTINGS, is_whole=False)


def test_many_secrets_leave_no_part_of_one_where_the_text_is_cut() -> None:
    for padding in range(40):
        shown = quoted("x" * padding + quote(KEY, safe="") * 10_000, SETTINGS)
        assert shown.strip("x*") == ""


@given(st.text())
def test_quoted_text_is_one_printable_line(text: str) -> None:
    shown = quoted(text, SETTINGS)
    assert shown.isprintable()
    assert len(shown) <= QUOTED_CHARACTERS


@pytest.mark.parametrize(
    "text",
    ["http://u:pass/word@proxy:1/", "socks5h://u:pass@word@proxy", "Failed to parse: http://u:pass:word@[::1"],
)
def test_user_information_of_any_address_is_removed(text: str) -> None:
    shown = quoted(text, SETTINGS)
    assert "pass" not in shown
    assert "word" not in shown


def test_a_long_text_is_quoted_quickly() -> None:
    settings = ClientSettings(api_key="a" * 60)
    began = time.monotonic()
    for text in (("a" * 59 + "b") * 10**5, "a" * 10**7, "://" * 10**6, "\\" * 10**7, "&#0" * 10**6, "ab" * 10**6):
        quoted(text, settings)
    assert time.monotonic() - began < 60


ECHOES: dict[str, dict[str, Any]] = {
    "request id": {"headers": [b"x-request-id: " + KEY.encode()]},
    "long request id": {"headers": [b"x-request-id: " + b"r" * 5000]},
    "request id of two lines": {"headers": [b"x-request-id: a\r\n ERROR of somebody else " + KEY.encode()]},
    "Retry-After": {"headers": [b"Retry-After: " + KEY.encode()]},
    "Location": {"headers": [b"Location: https://x/?" + KEY.encode()]},
    "body": {"body": f"no such key: {KEY}".encode()},
    "JSON body": {"body": json.dumps({"message": f"a\nb {KEY} \x1b[31m"}).encode()},
    "JSON body with another message": {"body": json.dumps({"error": {"message": [KEY]}}).encode()},
    "other JSON": {"body": json.dumps({KEY: KEY}).encode()},
    "HTML body": {"body": html.escape(KEY).encode()},
}


@pytest.mark.parametrize("status", [f"200 {KEY}", f"301 {KEY}", f"401 {KEY}", f"404 {KEY}", f"503 {KEY}"])
@pytest.mark.parametrize("name", ECHOES)
def test_a_server_that_quotes_the_key_does_not_bring_it_into_an_error_or_a_log(
    name: str, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    options = {"headers": [], "body": b"", **ECHOES[name]}
    with raw_api(answer(status, **options), "GET /v0.4/whoami") as api, pytest.raises(IonQError) as failed:
        IonQClient(ClientSettings(api_key=KEY, base_url=api.url, max_retries=0, timeout_seconds=5)).whoami()
    texts = [*traceback.format_exception(failed.value), repr(vars(failed.value)), caplog.text]
    for form in (KEY, repr(KEY)[1:-1], html.escape(KEY), json.dumps(KEY)[1:-1]):
        assert form not in "".join(texts)
    message = str(failed.value)
    assert message.isprintable()
    assert len(message) < 800
    if isinstance(failed.value, IonQApiError):
        assert failed.value.message
        assert len(failed.value.request_id or "") <= 100
