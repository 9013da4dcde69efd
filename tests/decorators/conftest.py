"""The emulator for the tests of the decorator."""

from __future__ import annotations

from airflow_provider_ionq.emulator.fixtures import ionq_emulator

__all__ = ["ionq_emulator"]
