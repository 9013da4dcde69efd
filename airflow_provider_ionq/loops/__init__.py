"""Loops of jobs inside a task, which can be resumed. What they do without Airflow is in `jobs/loop*`."""

from airflow_provider_ionq.loops.block import IonQJobs
from airflow_provider_ionq.loops.jobs import ionq_jobs

__all__ = ["IonQJobs", "ionq_jobs"]
