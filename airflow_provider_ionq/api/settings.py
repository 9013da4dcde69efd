"""
Client settings: API key, address, time-out, retries, TLS and proxies.

All settings are checked here, before any request, and every error names the field of the connection.
"""

from __future__ import annotations

import ipaddress
import json
import math
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_ionq.api.errors import IonQConfigurationError

PUBLIC_API_HOST = "api.ionq.co"
API_VERSION_PATH = "/v0.4"
PUBLIC_API_URL = f"https://{PUBLIC_API_HOST}{API_VERSION_PATH}"
DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_MAX_RETRIES = 3
PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
INSTALL_SOCKS = "install its dependencies with pip install 'requests[socks]'"
CONSOLE_JOBS_URL = "https://cloud.ionq.com/jobs"
"""The list of jobs; IonQ documents no address of one job."""

EXTRA_FIELDS = ("timeout_seconds", "max_retries", "verify", "proxies", "console_job_url")
_SHORT_ADDRESS = re.compile(r"(0x[0-9a-f]+|[0-9]+)(\.(0x[0-9a-f]+|[0-9]+)){0,3}")


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """
    The settings of an :class:`~airflow_provider_ionq.api.client.IonQClient`.

    :param api_key: the API key, created at https://cloud.ionq.com; never shown in a repr.
    :param base_url: address of the API with its version, without a slash at the end. `http` only for loopback.
    :param timeout_seconds: time limit of one attempt in seconds, from connecting to the last byte of the response.
        Retries and the pauses between them are not included.
    :param max_retries: how often a GET is repeated on transient errors; 0 means one attempt.
    :param verify: True verifies TLS with the default certificates or `REQUESTS_CA_BUNDLE`, a path with that CA bundle;
        False does not verify.
    :param proxies: proxy address by scheme (`https`, `all`); None uses those of the environment. A loopback address is
        always reached without a proxy.
    :param console_job_url: address of a job in IonQ's console, in which `{job_id}` is replaced by the id.
    :raises IonQConfigurationError: naming the field.
    """

    api_key: str = field(repr=False)
    base_url: str = PUBLIC_API_URL
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    max_retries: int = DEFAULT_MAX_RETRIES
    verify: bool | str = True
    proxies: Mapping[str, str] | None = field(default=None, repr=False)
    console_job_url: str = CONSOLE_JOBS_URL

    def __post_init__(self) -> None:
        _check_api_key(self.api_key)
        _check_url(self.base_url)
        if not _is_number(self.timeout_seconds) or not 0 < self.timeout_seconds <= 3600:
            raise IonQConfigurationError("timeout_seconds must be a number of seconds above 0, at most 3600")
        if (
            not isinstance(self.max_retries, int)
            or isinstance(self.max_retries, bool)
            or not 0 <= self.max_retries <= 10
        ):
            raise IonQConfigurationError("max_retries must be a whole number from 0 to 10")
        if isinstance(self.verify, str) and not os.path.exists(self.verify):
            raise IonQConfigurationError(f"verify names a CA bundle that does not exist here: {self.verify!r}")
        if not isinstance(self.verify, (bool, str)):
            raise IonQConfigurationError("verify must be true, false or the path of a CA bundle")
        _check_proxies(self.proxies)
        if not isinstance(self.console_job_url, str) or not self.console_job_url.startswith(("https://", "http://")):
            raise IonQConfigurationError("console_job_url must be a URL, such as https://console.example/jobs/{job_id}")


def settings_from_connection(
    *,
    password: str | None,
    host: str | None,
    port: int | None,
    extra: Mapping[str, Any],
    login: str | None = None,
    schema: str | None = None,
) -> ClientSettings:
    """
    Read the fields of an Airflow connection of type `ionq`.

    No error quotes a field that may hold the key or a part of it: Airflow parses parts of a key that is not
    percent-encoded in a URI into `login`, `schema` or `extra`.

    :param password: the API key; surrounding white space is removed.
    :param host: a URL, a bare name (`https`, or `http` for loopback), or empty for the public API. An empty path means
        `/v0.4`.
    :param port: port of a host without one; None and 0 mean unset. 443 is allowed without a host: it is the public
        API's port, and the connection form of Airflow 3.3 tests a stored connection only if a port is stored.
    :param extra: the extras; null and an empty text, as the form stores it, mean unset; unknown keys are ignored here.
    :param login: rejected if the password is empty, because it then holds the key; otherwise ignored.
    :param schema: path of the API, such as `ionq/v0.4`, where Airflow stores the path of a URI; empty means the path in
        `host`.
    :raises IonQConfigurationError: naming the field.
    """
    api_key = (password or "").strip()
    if not api_key and (login or "").strip():
        raise IonQConfigurationError(
            "the API key (password) is empty, but login is set: the key belongs in the password."
            " In a URI a colon precedes it: ionq://:API-KEY@"
        )
    # First: if a URI's key is not percent-encoded, the other fields hold parts of it, and are quoted below.
    _check_api_key(api_key)
    known = {name: extra[name] for name in EXTRA_FIELDS if extra.get(name) not in (None, "")}
    return ClientSettings(
        api_key=api_key,
        base_url=_base_url(host, port, schema),
        timeout_seconds=_number(known.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS)),
        max_retries=_whole(known.get("max_retries", DEFAULT_MAX_RETRIES)),
        verify=_verify(known.get("verify", True)),
        proxies=_proxies(known.get("proxies")),
        console_job_url=known.get("console_job_url", CONSOLE_JOBS_URL),
    )


def _base_url(host: str | None, port: int | None, schema: str | None) -> str:
    text = (host or "").strip()
    port = port or None
    if port is not None and not 1 <= port <= 65535:
        raise IonQConfigurationError(f"port must be a number from 1 to 65535, not {port}")
    if not text:
        if port not in (None, 443):
            raise IonQConfigurationError(
                f"port is {port}, but the API address (host) is empty. Leave port empty for IonQ's public API, or"
                " enter the API address that the port belongs to"
            )
        text, port = PUBLIC_API_HOST, None
    if "://" not in text:
        bare_ipv6 = text.count(":") > 1 and not text.startswith("[")
        text = f"[{text}]" if bare_ipv6 else text
        text = f"{'http' if is_loopback(_split(text).hostname) else 'https'}://{text}"
    parts = _split(text)
    netloc = parts.netloc
    if port and parts.port is None:
        netloc = f"{netloc}:{port}"
    elif port and port != parts.port:
        raise IonQConfigurationError(
            f"port is {port}, but the API address (host) has port {parts.port}: remove one of them"
        )
    return f"{parts.scheme.lower()}://{netloc}{_api_path(parts.path, schema)}" + (
        f"?{parts.query}" if parts.query else ""
    )


def _api_path(path_in_host: str, schema: str | None) -> str:
    in_host = path_in_host.rstrip("/")
    in_schema = (schema or "").strip().strip("/")
    if not in_schema:
        return in_host or API_VERSION_PATH
    if in_schema.lower() in ("http", "https"):
        raise IonQConfigurationError(
            "schema is the path of the API, not http or https: enter the API address (host) as a URL, such as"
            f" {PUBLIC_API_URL}"
        )
    if not re.fullmatch(r"[\w.~%/-]+", in_schema, re.ASCII):
        # Not quoted: it may be a part of the key.
        raise IonQConfigurationError(
            "schema contains characters that are invalid in an API path. It is what follows the host in a URI, such as"
            " ionq/v0.4; a key that contains '/' must be percent-encoded in a URI"
        )
    if in_host and in_host != f"/{in_schema}":
        raise IonQConfigurationError("schema and the API address (host) both contain an API path: remove one of them")
    return f"/{in_schema}"


def _split(text: str) -> Any:
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        parts.port  # noqa: B018 - an invalid port raises only on access
    except ValueError:
        # Without the original message: it quotes the text in place of the port, which may be a key.
        raise IonQConfigurationError(
            "the API address (host) is not a valid address: its brackets or its port cannot be parsed"
        ) from None
    return parts


def is_loopback(hostname: str | None) -> bool:
    """Return whether a host name or address is a loopback one, in every notation that the resolver accepts."""
    name = (hostname or "").lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return _is_short_loopback(name)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _is_short_loopback(name: str) -> bool:
    """Return whether a name is a loopback address in a legacy notation, such as `127.1` or `0x7f000001`."""
    if not _SHORT_ADDRESS.fullmatch(name):
        return False
    try:
        return socket.inet_aton(name)[0] == 127
    except OSError:
        return False


def _check_url(url: str) -> None:
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise IonQConfigurationError("the API address (host) must be a name, or a URL that begins with https://")
    if parts.username or parts.password:
        raise IonQConfigurationError(
            "the API address (host) must not contain a user or password: the API key belongs in the password"
        )
    if parts.query or parts.fragment:
        raise IonQConfigurationError("the API address (host) must not contain '?' or '#'")
    if any(character.isspace() or ord(character) < 32 for character in url):
        raise IonQConfigurationError("the API address (host) must not contain white space")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise IonQConfigurationError(
            f"the API address (host) uses plain http to {parts.hostname!r}, which would show the API key to the"
            " network: use https://"
        )


def _check_api_key(key: object) -> None:
    if not isinstance(key, str) or not key:
        raise IonQConfigurationError(
            "the API key (password) is empty: enter a key created at https://cloud.ionq.com."
            " In a URI it must be percent-encoded: ionq://:API-KEY@"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        # Checked here without quoting it: HTTP libraries quote an invalid header, and with it the key.
        raise IonQConfigurationError(
            "the API key (password) contains invalid characters (white space, control or non-ASCII)"
        )


def _check_proxies(proxies: object) -> None:
    if proxies is None:
        return
    if not isinstance(proxies, Mapping) or not all(
        isinstance(name, str) and isinstance(url, str) for name, url in proxies.items()
    ):
        raise IonQConfigurationError('proxies must be an object such as {"https": "http://proxy.example:3128"}')
    for name, url in proxies.items():
        if name.partition("://")[0] not in ("http", "https", "all"):
            raise IonQConfigurationError(f"proxies accepts the keys http, https and all, not {name!r}")
        try:
            parts = urlsplit(url)
            usable = parts.scheme in PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise IonQConfigurationError(f"proxies has no address for {name!r}, such as http://proxy.example:3128")
        if parts.scheme.startswith("socks") and not find_spec("socks"):
            raise IonQConfigurationError(f"proxies has a SOCKS proxy for {name!r}: {INSTALL_SOCKS}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


# The values of a URI connection and of the text fields of Airflow 2's form are text.


def _number(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _whole(value: Any) -> Any:
    number = _number(value)
    return int(number) if _is_number(number) and number == int(number) else number


def _verify(value: Any) -> Any:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    return value


def _proxies(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
