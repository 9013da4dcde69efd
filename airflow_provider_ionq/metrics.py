"""
What the shared poll tells Airflow's statistics, whichever of StatsD, Datadog or OpenTelemetry they go to.

====================  =======  ===========================================================
``ionq.polls``        counter  polls of a connection
``ionq.poll_failures``  counter  polls that failed for all who wait
``ionq.settled``      counter  waits that were told that nothing is left to wait for
``ionq.waiters``      gauge    triggers that wait, after each poll; 0 when the last has left
====================  =======  ===========================================================

Each has the tag ``ionq_conn_id``.
"""

from __future__ import annotations

try:
    # Not the task SDK's, which `common.compat` prefers: nobody sets that one up in a triggerer.
    from airflow.observability.stats import Stats
except ImportError:
    from airflow.stats import Stats  # type: ignore[assignment]

__all__ = ["Stats"]
