"""Files of results: local ones, and those of an object store."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from airflow_provider_ionq.utils.result_store import (
    check_store,
    file_of_results,
    load_results,
    path_text,
    read_bytes,
    write_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


BROKEN = pytest.mark.skipif(
    get_base_airflow_version_tuple()[:2] == (3, 0) and version("universal-pathlib") >= "0.3",
    reason="a path with a connection recurses endlessly with this combination of Airflow and universal-pathlib",
)


@pytest.fixture
def store() -> Iterator[None]:
    """An object store in memory, which Airflow knows as that of a connection."""
    stores: Any = import_module(f"{ObjectStoragePath.__module__.rpartition('.')[0]}.store")
    before = dict(stores._STORE_CACHE)
    for conn_id in ("store", None):
        stores.attach("memory", conn_id=conn_id, fs=MemoryFileSystem())
    yield
    MemoryFileSystem.store.clear()
    stores._STORE_CACHE.clear()
    stores._STORE_CACHE.update(before)


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_local_file_is_replaced_and_leaves_nothing_else(tmp_path: Path, prefix: str) -> None:
    path = f"{prefix}{tmp_path}/new/folder/x.json"
    for data in (b"1", b"22"):
        write_bytes(path, data)
        assert read_bytes(path) == data
    assert [file.name for file in (tmp_path / "new" / "folder").iterdir()] == ["x.json"]


def test_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    write_bytes(str(path), b"old")

    def fill_disk(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_disk)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    "path", ["memory://bucket/results", pytest.param("memory://store@bucket/results", marks=BROKEN)]
)
@pytest.mark.usefixtures("store")
def test_object_of_a_store_is_written_and_read(path: str) -> None:
    check_store(path)
    results = {"job_id": "j-1", "circuits": []}
    file = file_of_results(path, "j-1")
    assert file == f"{path}/j-1.json"
    for _ in range(2):
        write_bytes(file, json.dumps(results).encode())
    assert load_results({"job_id": "j-1", "path": file}) == results
    assert [name for name in MemoryFileSystem.store if name.endswith("j-1.json")]


def test_unknown_store_is_refused() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        check_store("nowhere://bucket/results")


@pytest.mark.parametrize("results_path", ["folder", "folder/"])
def test_id_of_a_job_stays_one_part_of_the_path(results_path: str) -> None:
    assert file_of_results(results_path, "../x/j 1") == "folder/..%2Fx%2Fj%201.json"


@BROKEN
@pytest.mark.usefixtures("store")
def test_path_may_be_an_object() -> None:
    assert path_text(Path("a/b")) == "a/b"
    for path in (ObjectStoragePath("memory://store@bucket/x"), ObjectStoragePath("memory://bucket/x", conn_id="store")):
        text = path_text(path)
        assert text.startswith("memory://store@")
        write_bytes(text, b"1")
        assert path.read_bytes() == b"1"
    assert path_text(ObjectStoragePath("memory://bucket/x")).startswith("memory://")
    template: Any = "{{ ds }}"
    assert path_text(template) is template
    assert path_text(None) is None
