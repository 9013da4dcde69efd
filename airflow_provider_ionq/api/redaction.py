"""
Quote external text: without the API key, without proxy passwords, on one line, and short.

Rules of this file: every text from a response or from a library's error goes through :func:`quoted` before it reaches a
message, an attribute or a log.
"""

from __future__ import annotations

import base64
import functools
import html
import re
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.api.settings import ClientSettings

QUOTED_CHARACTERS = 200
REMOVED = "***"

LONGEST_ENCODED = 16
"""At most this many characters encode one character of a secret."""

_USER_INFO = re.compile(r"(?<=://)[^\s'\"<>]{0,200}@")


def quoted(text: str, settings: ClientSettings, characters: int = QUOTED_CHARACTERS, *, is_whole: bool = True) -> str:
    """
    Return the beginning of a text, without secrets and in printable characters.

    :param text: the external text.
    :param settings: the client's settings, with the API key and the proxies.
    :param characters: largest number of characters to return.
    :param is_whole: False for a truncated text, which may end within a secret.
    """
    secrets = _secrets(settings)
    margin = LONGEST_ENCODED * max(map(len, secrets))
    # A secret across the end of a truncated text would not be recognised: a margin of its encoded length is dropped.
    # The cut here lies far enough behind the returned characters even after all secrets are removed.
    if len(text) > characters * margin:
        text = text[: characters * margin]
    elif not is_whole:
        text = text[: max(0, len(text) - margin)]
    text = _USER_INFO.sub(f"{REMOVED}@", _pattern(secrets).sub(REMOVED, text))
    return "".join(character if character.isprintable() else " " for character in text[:characters])


def _secrets(settings: ClientSettings) -> tuple[str, ...]:
    """Return the API key, and the password of each proxy in the connection and the environment."""
    found = {settings.api_key}
    for url in (*(settings.proxies or {}).values(), *urllib.request.getproxies().values()):
        user_info = url.rpartition("@")[0].rpartition("://")[2]
        user, _, password = user_info.partition(":")
        secret = password or user
        found |= {secret, unquote(secret)}
    return tuple(sorted(found - {""}, key=len, reverse=True))


@functools.lru_cache(maxsize=8)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str]:
    """Match each secret as it is and encoded: for a URL, JSON, HTML, a Python literal, also in part, or as base64."""
    forms: list[str] = []
    for secret in secrets:
        forms += (re.escape(secret), "".join(map(_any_form, secret)), *_base64_forms(secret))
    return re.compile("|".join(forms), re.IGNORECASE)


def _any_form(character: str) -> str:
    code = f"{ord(character):x}"
    forms = [
        re.escape("".join(f"%{byte:02x}" for byte in character.encode(errors="replace"))),
        re.escape("".join(f"%25{byte:02x}" for byte in character.encode(errors="replace"))),
        rf"\\{{1,2}}(?:u{code:0>4}|x{code:0>2})",
        rf"&#(?:x0{{0,4}}{code}|0{{0,4}}{ord(character)});",
        re.escape(html.escape(character)),
        r"\\{0,4}" + re.escape(character),
    ]
    # Atomic groups prevent catastrophic backtracking.
    return f"(?>{'|'.join(forms)})"


def _base64_forms(secret: str) -> Iterator[str]:
    """Yield the base64 forms of a secret, for each offset in a group of three bytes."""
    data = secret.encode(errors="replace")
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data).decode()
        # The characters at both ends depend on the bytes beside the secret.
        whole = encoded[-(-before * 4 // 3) : (before + len(data)) * 8 // 6]
        if len(whole) >= 4:
            yield whole.replace("/", "[/_]").replace("+", "[+-]")
