"""Search an Airflow's log files and metadata database for a secret in any encoding."""

from __future__ import annotations

import base64
import html
import json
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from sqlalchemy import inspect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.stack import AirflowStack

NOT_SEARCHED = frozenset({"connection"})
"""Tables whose purpose is to hold secrets."""


def forms(secret: str) -> dict[str, bytes]:
    """
    Return the byte strings that show that a text holds the secret, by name.

    :param secret: what is searched for.
    """
    raw = secret.encode()
    quoted = json.dumps(secret)[1:-1]
    found = {
        "plain": raw,
        "json": quoted.encode(),
        "json twice": json.dumps(quoted)[1:-1].encode(),
        "repr": repr(secret)[1:-1].encode(),
        "html": html.escape(secret).encode(),
        "url": quote(secret, safe="").encode(),
        "url path": quote(secret).encode(),
        "url query": quote_plus(secret).encode(),
        "hex": raw.hex().encode(),
    }
    for before in range(3):
        # Base64 takes three bytes at a time: only at its ends does the secret mix with its neighbours.
        whole = raw[(3 - before) % 3 :]
        middle = base64.b64encode(whole[: len(whole) // 3 * 3])
        found[f"base64 after {before}"] = middle
        found[f"url-safe base64 after {before}"] = middle.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def in_files(folder: Path, secret: str) -> list[str]:
    """
    Return where files hold the secret.

    :param folder: searched with all that is below it.
    :param secret: what is searched for.
    """
    return [
        f"{path.relative_to(folder)}: {form}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for form in _forms_in(path.read_bytes(), secret)
    ]


def in_database(stack: AirflowStack, secret: str) -> list[str]:
    """
    Return where the metadata database holds the secret: every column of every table but `connection`.

    :param stack: whose database.
    :param secret: what is searched for.
    """
    tables = [table for table in inspect(stack.engine).get_table_names() if table not in NOT_SEARCHED]
    return [
        f"{table}.{column}: {form}"
        for table in tables
        for row in stack.query(f'SELECT * FROM "{table}"')
        for column, value in row.items()
        for form in _forms_in(_as_bytes(value), secret)
    ]


def _forms_in(content: bytes, secret: str) -> list[str]:
    return [name for name, form in forms(secret).items() if form in content]


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, (bytes, memoryview)):
        content = bytes(value)
        try:
            return zlib.decompress(content)
        except zlib.error:
            return content
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str).encode()
    return str(value).encode()
