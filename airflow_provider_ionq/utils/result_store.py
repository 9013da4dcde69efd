"""Results that are too large for XCom, in files of a local folder or of an object store."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from airflow_provider_ionq.api.ids import parsed

MAX_XCOM_BYTES = 48 * 1024
"""Default limit of results in XCom, in bytes. Airflow keeps XComs in its database."""


def load_results(value: Any) -> Any:
    """
    Return results from the XCom of a task: the results themselves, or those in the file that the XCom names.

    :param value: the return value of :class:`~airflow_provider_ionq.operators.job.IonQRunJobOperator` with `results`,
        of :class:`~airflow_provider_ionq.operators.results.IonQGetResultsOperator` or of `@task.ionq_job`; or the
        `job_results` of the first. It may also be text, as a template renders it.
    :raises ValueError: if it is anything else, or the file does not contain JSON.
    :raises OSError: if the file cannot be read.
    """
    found = parsed(value)
    if isinstance(found, Mapping) and "job_results" in found:
        found = found["job_results"]
    if isinstance(found, Mapping) and isinstance(path := found.get("path"), str):
        return json.loads(read_bytes(path))
    is_result = isinstance(found, Mapping) and ("circuits" in found or "qubits" in found)
    if not is_result and not isinstance(found, list):
        raise ValueError(f"The value is not the results of an IonQ job: {str(value)[:200]!r}")
    return found


def path_text(path: Any) -> Any:
    """Return a local path or an :class:`ObjectStoragePath` as text, with its connection; any other value unchanged."""
    if path is None or isinstance(path, str):
        return path
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    if isinstance(path, ObjectStoragePath):
        # Before Airflow 3.3 the text has the connection, and the attribute is missing.
        text, conn_id = str(path), getattr(path, "conn_id", None)
        return text.replace("://", f"://{conn_id}@", 1) if conn_id and f"://{conn_id}@" not in text else text
    return os.fspath(path) if isinstance(path, os.PathLike) else path


def file_of_results(results_path: str, job_id: str) -> str:
    """
    Return the path of the file with the results of a job: the same for each try of a task.

    :param results_path: the folder, as a path or URL.
    :param job_id: id of the job.
    """
    return f"{results_path.rstrip('/')}/{quote(job_id, safe='')}.json"


def check_store(path: str) -> None:
    """
    Check, without a request, that this process supports the store of a path.

    :param path: a path or URL.
    :raises Exception: any error of Airflow for a store that it does not know, or whose provider is not installed.
    """
    if not _is_local(path):
        _object(path).fs  # noqa: B018


def write_bytes(path: str, data: bytes) -> None:
    """
    Write a file atomically, and create its folder if there is none: a reader sees the old content or the new one.

    :param path: a local path, or a URL as :class:`ObjectStoragePath` takes it, such as `s3://conn_id@bucket/key`.
    :param data: its content.
    :raises Exception: any error of the store.
    """
    if not _is_local(path):
        target = _object(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        # An object is replaced when it is closed.
        with target.open("wb") as file:
            file.write(data)
        return
    local = Path(path.removeprefix("file://"))
    local.parent.mkdir(parents=True, exist_ok=True)
    part = local.with_name(f".{local.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(local)
    finally:
        part.unlink(missing_ok=True)


def read_bytes(path: str) -> bytes:
    """
    Read a file that :func:`write_bytes` wrote.

    :param path: its path or URL.
    :raises Exception: any error of the store.
    """
    if _is_local(path):
        return Path(path.removeprefix("file://")).read_bytes()
    with _object(path).open("rb") as file:
        return bytes(file.read())


def _is_local(path: str) -> bool:
    return "://" not in path or path.startswith("file://")


def _object(path: str) -> Any:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    return ObjectStoragePath(path)
