"""The supported versions of Airflow and Python are named in several files, which must agree."""

from __future__ import annotations

import re

import pytest

from tests.support.pages import README, ROOT

pytestmark = pytest.mark.one_airflow

MAKEFILE = (ROOT / "Makefile").read_text()
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def listed_in(text: str, pattern: str) -> list[str]:
    """Return the versions in the first group of a pattern."""
    found = re.search(pattern, text, re.M)
    assert found, f"nothing matches {pattern}"
    return re.findall(r"lowest|\d+\.\d+", found[1])


OTHERS = listed_in(MAKEFILE, r"^VERSIONS \?= (.*)$")
(NEWEST,) = listed_in(MAKEFILE, r"^AIRFLOW \?= (\d+\.\d+)")
PYTHONS = [*listed_in(MAKEFILE, r"^PYTHON \?= (.*)$"), *listed_in(MAKEFILE, r"^PYTHONS := .*foreach version,([\d. ]+)")]


def test_the_end_to_end_tests_run_on_every_airflow() -> None:
    code = (ROOT / "tests" / "system" / "test_airflow_versions.py").read_text()
    assert listed_in(code, r"^CURRENT = (.*)$") == [NEWEST]
    assert listed_in(code, r"^VERSIONS = (.*), CURRENT\)$") == OTHERS


def test_the_readme_has_a_row_for_every_airflow() -> None:
    rows = re.findall(r"^\| ([\d., ]+) \| yes", README.read_text(), re.M)
    assert sorted(version for row in rows for version in row.split(", ")) == sorted([*OTHERS, NEWEST])


def test_the_package_needs_the_oldest_airflow_and_python() -> None:
    package = (ROOT / "pyproject.toml").read_text()
    assert listed_in(package, r'"apache-airflow>=(.*)",$') == OTHERS[:1]
    assert listed_in(package, r'^requires-python = "(.*)"$') == PYTHONS[:1]


@pytest.mark.skipif(not WORKFLOW.exists(), reason="The sdist has no workflows")
def test_the_workflow_runs_on_every_airflow_and_python() -> None:
    text = WORKFLOW.read_text()
    assert sorted(listed_in(text, r"^ +airflow: \[(.*)\]$")) == sorted(["lowest", *OTHERS])
    assert listed_in(text, r"^ +python: \[(.*)\]$") == PYTHONS
