"""
The endpoints of jobs; see the rules in :mod:`~airflow_provider_ionq.api.client`.

A job's body may hold secrets of third parties, so no request body is logged or quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from airflow_provider_ionq.api.items import is_item, item_of
from airflow_provider_ionq.api.paths import path_segment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from typing import Unpack

    from airflow_provider_ionq.api.models import (
        Job,
        JobCost,
        JobCreated,
        JobEstimate,
        JobFilters,
        JobsStatus,
        JobStatus,
        Usage,
    )
    from airflow_provider_ionq.api.transport import Response, Transport

MOST_PAGES = 10_000

IDS_PER_REQUEST = 25
"""The size of a page, and the number of ids in one list request: more would make the URL too long for a proxy."""


class JobEndpoints:
    """The endpoints of jobs, as a part of :class:`~airflow_provider_ionq.api.client.IonQClient`."""

    _transport: Transport

    def create_job(self, body: Mapping[str, Any]) -> JobCreated:
        """
        Submit a job; the request is sent once.

        :param body: the job, as :meth:`~airflow_provider_ionq.jobs.request.JobRequest.body` returns it.
        :return: id, status and session of the new job.
        :raises IonQError: with `may_have_applied` if the server may still have accepted the job.

        https://docs.ionq.com/api-reference/v0.4/jobs/create-job
        """
        return cast("JobCreated", self._job_of(self._transport.send_once("POST", "/jobs", dict(body))))

    def clone_job(self, job_id: str, changes: Mapping[str, Any] | None = None) -> JobCreated:
        """
        Submit a copy of a job; the request is sent once.

        :param job_id: id of the job to copy, which stays as it is.
        :param changes: fields that differ from it: `name`, `metadata`, `shots`, `backend`, `session_id`, `settings`,
            `dry_run` and `noise`; None for an equal job. A field that is absent is taken from the copied job, its
            metadata included.
        :return: id, status and session of the new job.
        :raises IonQInvalidIdError: before any request.
        :raises IonQError: with `may_have_applied` if the server may still have accepted the job.

        https://docs.ionq.com/api-reference/v0.4/jobs/clone-job
        """
        answer = self._transport.send_once("POST", f"{_job_path(job_id)}/clone", dict(changes or {}))
        return cast("JobCreated", self._job_of(answer))

    def get_job(self, job_id: str) -> Job:
        """
        Return one job.

        :param job_id: id of the job.
        :raises IonQInvalidIdError: before any request.
        :raises IonQResponseError: also if the response describes another job.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-job
        """
        return cast("Job", self._job_of(self._transport.get(_job_path(job_id)), job_id))

    def list_jobs(self, **filters: Unpack[JobFilters]) -> list[Job]:
        """
        Return jobs from all pages, each as returned by the API.

        :param filters: see :meth:`iter_jobs`.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-jobs
        """
        return list(self.iter_jobs(**filters))

    def iter_jobs(self, **filters: Unpack[JobFilters]) -> Iterator[Job]:
        """
        Request jobs page by page, and yield them in the order of the API, which is undocumented.

        All given filters must match. A job that is submitted meanwhile may be missed.

        :param filters: see :class:`~airflow_provider_ionq.api.models.JobFilters`. Ids are requested 25 at a time, and
            unknown ids are ignored.
        :raises IonQResponseError: also if the pages do not end.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-jobs
        """
        params: dict[str, Any] = {
            name: value if isinstance(value, str) or not isinstance(value, Sequence) else ",".join(value)
            for name, value in filters.items()
            if value is not None and name != "ids"
        }
        ids = filters.get("ids")
        if ids is None:
            yield from self._pages("/jobs", params)
            return
        for start in range(0, len(ids), IDS_PER_REQUEST):
            yield from self._pages("/jobs", params | {"ids": list(ids[start : start + IDS_PER_REQUEST])})

    def list_session_jobs(self, session_id: str) -> list[Job]:
        """
        Return the jobs of a session from all pages, each as returned by the API.

        :param session_id: id of the session.
        :raises IonQInvalidIdError: before any request.
        :raises IonQResponseError: also if the pages do not end.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-session-jobs
        """
        return list(self._pages(f"/sessions/{path_segment(session_id, 'session_id')}/jobs", {}))

    def cancel_job(self, job_id: str) -> JobStatus:
        """
        Request the cancellation of a job, once, and return the response.

        The API may also cancel a job that is completed: read the job first. What has run already may be charged.

        :param job_id: id of the job.
        :raises IonQInvalidIdError: before any request.

        https://docs.ionq.com/api-reference/v0.4/jobs/cancel-job
        """
        answer = self._transport.send_once("PUT", f"{_job_path(job_id)}/status/cancel")
        return cast("JobStatus", self._job_of(answer, job_id))

    def cancel_jobs(self, job_ids: Sequence[str]) -> JobsStatus:
        """
        Request the cancellation of several jobs, once, and return the response.

        IonQ does not document what happens if only some of them can be cancelled: read them afterwards.

        :param job_ids: ids of the jobs.
        :raises IonQInvalidIdError: before any request.

        https://docs.ionq.com/api-reference/v0.4/jobs/cancel-jobs
        """
        return self._bulk("PUT", "/jobs/status/cancel", job_ids)

    def delete_job(self, job_id: str) -> JobStatus:
        """
        Delete a job and its results for good, once, and return the response.

        :param job_id: id of the job.
        :raises IonQInvalidIdError: before any request.

        https://docs.ionq.com/api-reference/v0.4/jobs/delete-job
        """
        return cast("JobStatus", self._job_of(self._transport.send_once("DELETE", _job_path(job_id)), job_id))

    def delete_jobs(self, job_ids: Sequence[str]) -> JobsStatus:
        """
        Delete several jobs and their results for good, once, and return the response.

        :param job_ids: ids of the jobs.
        :raises IonQInvalidIdError: before any request.

        https://docs.ionq.com/api-reference/v0.4/jobs/delete-jobs
        """
        return self._bulk("DELETE", "/jobs", job_ids)

    def get_job_cost(self, job_id: str) -> JobCost:
        """
        Return the cost of a job: the estimate, and the charge once it is known. A free job has neither.

        :param job_id: id of the job.
        :raises IonQInvalidIdError: before any request.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-job-cost
        """
        return cast("JobCost", self._object_of(self._transport.get(f"{_job_path(job_id)}/cost"), "dry_run"))

    def estimate_job(
        self,
        backend: str,
        *,
        job_type: str,
        qubits: int,
        shots: int,
        gates_1q: int,
        gates_2q: int,
        error_mitigation: bool,
    ) -> JobEstimate:
        """
        Return an estimate of the cost of one circuit.

        Every argument is sent: the API's defaults are those of another job, and have no gates.

        :param backend: name of the device, such as `qpu.forte-1`.
        :param job_type: type of the job, such as `ionq.circuit.v1`.
        :param qubits: number of qubits.
        :param shots: number of shots.
        :param gates_1q: number of gates on one qubit.
        :param gates_2q: number of gates on two qubits.
        :param error_mitigation: whether the job uses debiasing.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-job-estimate
        """
        params = {
            "backend": backend,
            "type": job_type,
            "qubits": str(qubits),
            "shots": str(shots),
            "1q_gates": str(gates_1q),
            "2q_gates": str(gates_2q),
            "error_mitigation": str(error_mitigation).lower(),
        }
        return cast("JobEstimate", self._object_of(self._transport.get("/jobs/estimate", params)))

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
        :raises IonQInvalidIdError: before any request.

        https://docs.ionq.com/guides/job-cost-and-usage
        """
        path = f"/organizations/{path_segment(organization_id, 'organization_id')}/usage"
        params = {
            "start_date": str(start_date),
            "end_date": str(end_date),
            "group_by": group_by,
            "modality": modality,
        }
        return cast("Usage", self._object_of(self._transport.get(path, params)))

    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Job]:
        cursors: set[str] = set()
        for _ in range(MOST_PAGES):
            answer = self._transport.get(path, params)
            page = self._transport.decoded(answer)
            if not isinstance(page, dict) or not isinstance(page.get("jobs"), list):
                raise self._transport.unreadable(answer, "has no list of jobs")
            yield from page["jobs"]
            cursor = page.get("next")
            if not cursor:
                return
            if not isinstance(cursor, str) or not cursor.isprintable() or cursor in cursors:
                raise self._transport.unreadable(answer, "has an invalid `next` cursor")
            cursors.add(cursor)
            params = {**params, "next": cursor}
        raise self._transport.unreadable(answer, f"is page {MOST_PAGES} and still has a `next` cursor")

    def _bulk(self, method: str, path: str, job_ids: Sequence[str]) -> JobsStatus:
        for job_id in job_ids:
            path_segment(job_id, "job_ids")
        answer = self._transport.send_once(method, path, {"ids": list(job_ids)})
        return cast("JobsStatus", self._object_of(answer, "status"))

    def _job_of(self, answer: Response, job_id: str | None = None) -> dict[str, Any]:
        return item_of(self._transport, answer, "job", job_id)

    def _object_of(self, answer: Response, *keys: str) -> dict[str, Any]:
        found = self._transport.decoded(answer)
        if not isinstance(found, dict):
            raise self._transport.unreadable(answer, "is not an object")
        for key in keys:
            if key not in found:
                raise self._transport.unreadable(answer, f"has no {key}")
        return found


def is_job(value: Any) -> TypeGuard[Job]:
    """Return whether a JSON value has the required keys of a job: an id and a status."""
    return is_item(value)


def _job_path(job_id: object) -> str:
    return f"/jobs/{path_segment(job_id, 'job_id')}"
