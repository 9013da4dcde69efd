"""The paths of files with results. Pure: no I/O, no Airflow."""

from __future__ import annotations

import os
import re

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]|file:///")


def check_location(name: str, path: object) -> None:
    """
    Check that a path names the same file in every process: it is absolute, or a URL of an object store.

    :param name: name of the argument, for the error.
    :param path: the path.
    :raises ValueError: if it is anything else.
    """
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
    is_file_of_a_host = text.startswith("file://") and not text.startswith("file:///")
    if not isinstance(text, str) or is_file_of_a_host or not (os.path.isabs(text) or _URL.match(text)):
        raise ValueError(
            f"{name} must be an absolute path, or a URL such as s3://connection@bucket/folder, not {path!r}"
        )
