"""A temporary AIRFLOW_HOME for every run, without proxies, CA bundles and connections from the caller's environment."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest
from hypothesis import settings

# Before anything imports Airflow, which reads these once.
_HOME = tempfile.mkdtemp(prefix="ionq-tests-")
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME}/airflow.db",
)

# How long an example takes says nothing on a busy machine.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")


def pytest_unconfigure() -> None:
    """Remove the temporary home."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def _no_network_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
