"""The methods of the IonQ hook for jobs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.hooks.methods import HookMethods, plain_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from typing import Unpack

    from airflow_provider_ionq.api.models import Job, JobCost, JobCreated, JobEstimate, JobFilters, JobStatus, Usage
    from airflow_provider_ionq.jobs.arguments import JobArguments


class JobMethods(HookMethods):
    """The methods for jobs, as a part of :class:`~airflow_provider_ionq.hooks.ionq.IonQHook`."""

    def create_job(self, backend: str, **arguments: Unpack[JobArguments]) -> JobCreated:
        """
        Submit a job, which costs money on a device, and return at once. The request is sent only once.

        In a DAG use :class:`~airflow_provider_ionq.operators.job.IonQRunJobOperator`, which finds the job if the
        response is lost, keeps a budget, and cancels the job if the task is stopped.

        :param backend: name of the device, such as `qpu.forte-1`, or `simulator`.
        :param arguments: see :class:`~airflow_provider_ionq.jobs.arguments.JobArguments`.
        :return: id, status and session of the new job.
        :raises ValueError: before any request, if an argument is invalid.
        :raises IonQError: with `may_have_applied` if the server may still have accepted the job; compare the lists of
            jobs.

        https://docs.ionq.com/api-reference/v0.4/jobs/create-job
        """
        from airflow_provider_ionq.jobs.request import JobRequest

        return self.get_conn().create_job(JobRequest.of(backend, **arguments).body())

    def run_job(
        self,
        backend: str,
        *,
        max_cost_usd: float | None = None,
        cost_check: str | None = None,
        poke_interval: float = 30.0,
        timeout: float | None = None,
        rehearse: bool = False,
        **arguments: Unpack[JobArguments],
    ) -> Job:
        """
        Submit a job, wait for it, and return its JSON when it is completed.

        For a plain task or script. The request is sent only once; after a lost response the job is found by a token in
        its metadata. The job is cancelled, unless it is final, if this call is interrupted. A retry of the task submits
        another job: in a DAG use :class:`~airflow_provider_ionq.operators.job.IonQRunJobOperator`.

        :param backend: name of the device, such as `qpu.forte-1`, or `simulator`.
        :param max_cost_usd: limit of the price, in US dollars; None for no limit.
        :param cost_check: how to learn the price: `estimate`, or `dry_run` of the job; None for an estimate where the
            gates can be counted, else a dry run.
        :param poke_interval: time between two polls, in seconds.
        :param timeout: longest wait in seconds, after which the job is cancelled; None for no limit.
        :param rehearse: run the job on `simulator` with the noise model of the device.
        :param arguments: see :class:`~airflow_provider_ionq.jobs.arguments.JobArguments`.
        :raises ValueError: before any request, if an argument is invalid.
        :raises IonQBudgetError: if the job would cost more, or its price is unknown; it was not submitted.
        :raises IonQJobFailedError: if the job failed or was canceled.
        :raises IonQJobTimeoutError: if it did not end in time.
        :raises IonQError: see :mod:`airflow_provider_ionq.api.errors`.
        """
        from airflow_provider_ionq.jobs.budget import Budget
        from airflow_provider_ionq.jobs.request import JobRequest
        from airflow_provider_ionq.jobs.run import run_job

        request = JobRequest.of(backend, **arguments, rehearse=rehearse)
        budget = Budget(max_cost_usd=max_cost_usd, cost_check=cost_check)
        return run_job(
            self.ionq_conn_id,
            self.get_settings,
            request,
            budget,
            self.log,
            interval=poke_interval,
            seconds=math.inf if timeout is None else timeout,
        )

    def clone_job(self, job_id: str | Mapping[str, Any], **changes: Any) -> JobCreated:
        """
        Submit a copy of a job, which costs money on a device, and return at once. The request is sent only once.

        The copy has the metadata of the job, without the token by which a task finds the jobs that it submitted.

        :param job_id: id of the job to copy, or its JSON; the job stays as it is.
        :param changes: fields of the API that differ from it: `name`, `metadata`, `shots`, `backend`, `session_id`,
            `settings`, `dry_run` and `noise`.
        :return: id, status and session of the new job.
        :raises IonQError: with `may_have_applied` if the server may still have accepted the job; compare the lists of
            jobs.

        https://docs.ionq.com/api-reference/v0.4/jobs/clone-job
        """
        from airflow_provider_ionq.jobs.token import metadata_without_token

        client, job_id = self.get_conn(), plain_id(job_id)
        if "metadata" not in changes:
            changes["metadata"] = metadata_without_token(client.get_job(job_id))
        return client.clone_job(job_id, changes)

    def get_job(self, job_id: str | Mapping[str, Any]) -> Job:
        """
        Return one job's JSON.

        :param job_id: id of the job, or its JSON.
        :raises IonQError: see :mod:`airflow_provider_ionq.api.errors`.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-job
        """
        return self.get_conn().get_job(plain_id(job_id))

    def list_jobs(self, **filters: Unpack[JobFilters]) -> list[Job]:
        """
        Return the jobs of the API key's project, from all pages. Without a filter, the list may be long.

        :param filters: see :class:`~airflow_provider_ionq.api.models.JobFilters`; all must match.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-jobs
        """
        return self.get_conn().list_jobs(**filters)

    def cancel_job(self, job_id: str | Mapping[str, Any]) -> Job:
        """
        Cancel a job unless it is final, and return its JSON as read afterwards: it may have completed meanwhile.

        What has run already may be charged.

        :param job_id: id of the job, or its JSON.
        :raises IonQNotFoundError: if there is no such job.
        :raises IonQNotEndedError: if the end of the job is not confirmed after about 15 seconds.

        https://docs.ionq.com/api-reference/v0.4/jobs/cancel-job
        """
        from airflow_provider_ionq.jobs.cancel import cancel_job

        return cancel_job(self.get_conn(), plain_id(job_id), self.log)

    def delete_job(self, job_id: str | Mapping[str, Any]) -> JobStatus:
        """
        Delete a job and its results for good.

        :param job_id: id of the job, or its JSON.

        https://docs.ionq.com/api-reference/v0.4/jobs/delete-job
        """
        return self.get_conn().delete_job(plain_id(job_id))

    def get_job_cost(self, job_id: str | Mapping[str, Any]) -> JobCost:
        """
        Return the cost of a job: the estimate, and the charge once it is known. A free job has neither.

        :param job_id: id of the job, or its JSON.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-job-cost
        """
        return self.get_conn().get_job_cost(plain_id(job_id))

    def estimate_job(
        self,
        backend: str,
        *,
        qubits: int,
        shots: int,
        gates_1q: int,
        gates_2q: int,
        error_mitigation: bool = False,
        job_type: str = "ionq.circuit.v1",
    ) -> JobEstimate:
        """
        Return an estimate of the cost of one circuit.

        :param backend: name of the device, such as `qpu.forte-1`.
        :param qubits: number of qubits.
        :param shots: number of shots.
        :param gates_1q: number of gates on one qubit.
        :param gates_2q: number of gates on two qubits.
        :param error_mitigation: whether the job uses debiasing.
        :param job_type: type of the job.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-job-estimate
        """
        return self.get_conn().estimate_job(
            backend,
            job_type=job_type,
            qubits=qubits,
            shots=shots,
            gates_1q=gates_1q,
            gates_2q=gates_2q,
            error_mitigation=error_mitigation,
        )

    def get_usage(
        self, organization_id: str, *, start_date: date | str, end_date: date | str, group_by: str, modality: str
    ) -> Usage:
        """
        Return the use of QPUs by an organisation. The API key needs the permission for it.

        :param organization_id: id of the organisation, such as `organization_id` of a session.
        :param start_date: first day, a date or as `2026-10-01`.
        :param end_date: day after the last one, a date or as `2026-11-01`.
        :param group_by: `job`, `project` or `user`; the API returns the five largest groups of each period.
        :param modality: `daily`, `weekly` or `monthly`.

        https://docs.ionq.com/guides/job-cost-and-usage
        """
        return self.get_conn().get_usage(
            organization_id, start_date=start_date, end_date=end_date, group_by=group_by, modality=modality
        )
