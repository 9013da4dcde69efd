"""The shared poll, for tests that use it without a trigger."""

from __future__ import annotations

from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.utils import metrics
from airflow_provider_ionq.waiting.connection import PolledConnection


def polled_connection(ionq_conn_id: str = "ionq_default") -> PolledConnection:
    """Return what the poll is handed of an Airflow connection."""
    return PolledConnection(ionq_conn_id, IonQHook(ionq_conn_id, max_retries=0).get_settings, metrics)
