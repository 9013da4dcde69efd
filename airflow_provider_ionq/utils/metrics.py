"""
What the shared poll tells Airflow's statistics, whichever of StatsD, Datadog or OpenTelemetry they go to.

- `ionq.polls`, counter: polls of a connection;
- `ionq.poll_failures`, counter: polls that failed for all who wait;
- `ionq.settled`, counter: waits that were told that nothing is left to wait for, or that it is their turn;
- `ionq.waiters`, gauge: triggers that wait, after each poll; 0 when the last has left.

Each has the tag `ionq_conn_id`.
"""

from __future__ import annotations

import logging

try:
    # Not the task SDK's, which `common.compat` prefers: nobody sets that one up in a triggerer.
    from airflow.observability.stats import Stats
except ImportError:
    from airflow.stats import Stats  # type: ignore[assignment]

__all__ = ["Stats", "count", "gauge"]

log = logging.getLogger(__name__)


def count(name: str, ionq_conn_id: str, number: int = 1) -> None:
    """
    Add to a counter. Never raises: no wait fails because its statistics cannot be told.

    :param name: the counter.
    :param ionq_conn_id: id of the Airflow connection.
    :param number: how much.
    """
    try:
        Stats.incr(name, number, tags={"ionq_conn_id": ionq_conn_id})
    except Exception:
        log.warning("Airflow's statistics could not be told of %s.", name, exc_info=True)


def gauge(name: str, ionq_conn_id: str, value: int) -> None:
    """
    Set a gauge. Never raises.

    :param name: the gauge.
    :param ionq_conn_id: id of the Airflow connection.
    :param value: what it shows from now on.
    """
    try:
        Stats.gauge(name, value, tags={"ionq_conn_id": ionq_conn_id})
    except Exception:
        log.warning("Airflow's statistics could not be told of %s.", name, exc_info=True)
