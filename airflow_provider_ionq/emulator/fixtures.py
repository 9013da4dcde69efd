"""
A pytest fixture that runs the emulator. Import it where it is needed, for instance in ``conftest.py``.

.. code-block:: python

    from airflow_provider_ionq.emulator.fixtures import ionq_emulator
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ionq.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ionq_emulator"]


@pytest.fixture
def ionq_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """
    Run an emulator for one test.

    The Airflow connection ``ionq_default`` points to it while the test runs: ``AIRFLOW_CONN_IONQ_DEFAULT`` is set. A
    test that rotates the key sets the variable again from ``ionq_emulator.airflow_connection``.
    """
    with Emulator() as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_IONQ_DEFAULT", emulator.airflow_connection)
        yield emulator
