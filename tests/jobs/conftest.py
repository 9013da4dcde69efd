"""The emulator for every test of jobs."""

from __future__ import annotations

from airflow_provider_ionq.emulator.fixtures import ionq_emulator
from tests.waiting.conftest import task_log

__all__ = ["ionq_emulator", "task_log"]
