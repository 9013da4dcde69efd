"""
Metrics of the shared poll, sent through Airflow's stats to StatsD, Datadog or OpenTelemetry.

- `ionq.polls`, counter: polls of a connection;
- `ionq.poll_failures`, counter: polls that failed for all waiters;
- `ionq.settled`, counter: waits that ended with a result, including those of the capacity queue;
- `ionq.waiters`, gauge: number of waiting triggers after each poll; 0 when the last one has left.

Metrics of a task that runs a job or a loop of jobs, when a job ends:

- `ionq.job.queue_seconds`, `ionq.job.run_seconds`, `ionq.job.qpu_seconds`, gauges: see
  :class:`~airflow_provider_ionq.jobs.summary.JobSummary`;
- `ionq.job.cost`, gauge: the charge, in the unit of the account.

Each metric has the tag `ionq_conn_id`. The metrics of the poll also have `resource`, which is `session` or `job`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ionq.jobs.summary import JobSummary

try:
    # Not the task SDK's, which `common.compat` prefers: a triggerer does not initialise it.
    from airflow.observability.stats import Stats
except ImportError:
    from airflow.stats import Stats  # type: ignore[assignment]

__all__ = ["Stats", "count", "gauge"]

log = logging.getLogger(__name__)


def count(name: str, ionq_conn_id: str, number: int = 1, *, resource: str | None = None) -> None:
    """
    Add to a counter. Never raises: a wait does not fail because of its metrics.

    :param name: the counter.
    :param ionq_conn_id: id of the Airflow connection.
    :param number: the increment.
    :param resource: the polled resource, as another tag; None for a metric of something else.
    """
    try:
        Stats.incr(name, number, tags=_tags(ionq_conn_id, resource))
    except Exception:
        log.warning("The metric %s could not be sent to Airflow's stats.", name, exc_info=True)


def gauge(name: str, ionq_conn_id: str, value: float, *, resource: str | None = None) -> None:
    """
    Set a gauge. Never raises.

    :param name: the gauge.
    :param ionq_conn_id: id of the Airflow connection.
    :param value: the new value.
    :param resource: the polled resource, as another tag; None for a metric of something else.
    """
    try:
        Stats.gauge(name, value, tags=_tags(ionq_conn_id, resource))
    except Exception:
        log.warning("The metric %s could not be sent to Airflow's stats.", name, exc_info=True)


def gauge_job(ionq_conn_id: str, summary: JobSummary) -> None:
    """
    Set the gauges of an ended job. Never raises.

    :param ionq_conn_id: id of the Airflow connection.
    :param summary: the figures of the job.
    """
    for name in ("queue_seconds", "run_seconds", "qpu_seconds", "cost"):
        if (value := summary[name]) is not None:
            gauge(f"ionq.job.{name}", ionq_conn_id, value)


def _tags(ionq_conn_id: str, resource: str | None) -> dict[str, str]:
    return {"ionq_conn_id": ionq_conn_id} | ({} if resource is None else {"resource": resource})
