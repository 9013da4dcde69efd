"""Which paths of results are refused, because another process could not find the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ionq.results.paths import check_location
from tests.support.facts import facts

pytestmark = pytest.mark.one_airflow


@pytest.mark.parametrize(
    "path", ["/data/results", Path("/data"), "file:///data", "s3://bucket/key", "gs://conn@bucket", "a.b+c://x"]
)
def test_path_that_every_process_finds_is_accepted(path: object) -> None:
    check_location("results_path", path)


@pytest.mark.parametrize(
    "path",
    ["", " ", ".", "results", "rel/dir", "~/results", "file:/tmp/x", "file://tmp/x", "s3:/bucket", "s3://", "://x", 5]
    + [None, b"/data", Path("rel")],
)
def test_path_that_depends_on_the_process_is_refused(path: object) -> None:
    with pytest.raises(ValueError, match=facts(f"results_path | absolute path | URL | {path!r}")):
        check_location("results_path", path)
