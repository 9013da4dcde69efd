"""A server with a certificate of an authority that only the test knows."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

HOST = "api.ionq.test"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return the authority."""
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    """Return the path of its certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def tls(authority: trustme.CA) -> Callable[[socket.socket], socket.socket]:
    """Return what makes a connection of a server one for `HOST` and the loopback address with its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "127.0.0.1").configure_cert(context)
    return lambda plain: context.wrap_socket(plain, server_side=True)
