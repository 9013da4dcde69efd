"""An argument of a job is declared in several places, which must have the same names."""

from __future__ import annotations

import inspect

import pytest

from airflow_provider_ionq.jobs.arguments import JobArguments
from airflow_provider_ionq.jobs.request import JobRequest
from airflow_provider_ionq.loops import ionq_jobs
from airflow_provider_ionq.operators.job import IonQRunJobOperator
from airflow_provider_ionq.operators.job_arguments import REQUEST_FIELDS

pytestmark = pytest.mark.one_airflow

OF_A_JOB = set(inspect.signature(JobRequest.of).parameters)
NOT_IN_A_LOOP = {"circuit", "circuits", "qasm", "qubits", "dry_run", "metadata"}
"""Arguments that `IonQJobs.run` takes, or that a loop does without."""


def test_the_hook_takes_every_argument_of_a_job() -> None:
    assert {"backend", "rehearse", *JobArguments.__annotations__} == OF_A_JOB


def test_the_operator_takes_and_submits_every_argument_of_a_job() -> None:
    assert {"dry_run", "rehearse", *REQUEST_FIELDS} == OF_A_JOB
    assert set(inspect.signature(IonQRunJobOperator.__init__).parameters) >= OF_A_JOB


def test_a_loop_takes_every_argument_that_its_jobs_share() -> None:
    arguments = ionq_jobs("simulator")._arguments
    of_each_job = {"name", "backend", "session_id"}  # which the loop adds itself
    assert {*arguments.job, *of_each_job} == OF_A_JOB - NOT_IN_A_LOOP
