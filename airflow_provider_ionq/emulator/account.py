"""The sessions and jobs of the emulated account, as tests control them, behind one lock."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator import catalogue
from airflow_provider_ionq.emulator.jobs import JOB_SECONDS, Job
from airflow_provider_ionq.emulator.sessions import Sessions, new_id
from airflow_provider_ionq.emulator.state import UnknownJob, is_duration, json_copy

if TYPE_CHECKING:
    from collections.abc import Callable


class Account(Sessions):
    """
    Sessions and jobs. Every method may be called from any thread.

    :param job_seconds: how long after its submission a job is completed; see :attr:`job_seconds`.
    :param job_reads: after how many reads a job is completed; see :attr:`job_reads`.
    :param options: parameters of :class:`~airflow_provider_ionq.emulator.sessions.Sessions`.
    """

    def __init__(
        self, *, job_seconds: float | None = JOB_SECONDS, job_reads: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.job_seconds = job_seconds
        self.job_reads = job_reads
        self._serials = count()

    @property
    def job_seconds(self) -> float | None:
        """
        Seconds from the submission of a job to its completion; the job is started at once.

        None: a job stays ``submitted`` until the test ends it or its session ends. May be set at any time; it applies
        to jobs that are submitted afterwards.
        """
        return self._job_seconds

    @job_seconds.setter
    def job_seconds(self, seconds: float | None) -> None:
        if seconds is not None and not is_duration(seconds):
            raise ValueError(f"job_seconds must be a number from 0, not {seconds!r}")
        self._job_seconds = seconds

    @property
    def job_reads(self) -> int | None:
        """
        Number of reads that still show a job open; after them it is completed.

        A read is the job served by ``GET /jobs/{job_id}`` or within a list. A number replaces :attr:`job_seconds`; with
        None, :attr:`job_seconds` applies. May be set at any time; it applies to jobs that are submitted afterwards.
        """
        return self._job_reads

    @job_reads.setter
    def job_reads(self, reads: int | None) -> None:
        if reads is not None and (type(reads) is not int or reads < 0):
            raise ValueError(f"job_reads must be a whole number from 0, not {reads!r}")
        self._job_reads = reads

    def submit_job(
        self,
        session_id: str | None = None,
        *,
        backend: str | None = None,
        cost_usd: float = 0.0,
        job_id: str | None = None,
        name: str | None = None,
        metadata: dict[str, str] | None = None,
        shots: int = 100,
    ) -> dict[str, Any]:
        """
        Submit a job and return it as the API lists it. The first job of a session starts the session.

        :param session_id: session of the job; None for a job without a session.
        :param backend: backend of the job; None for the backend of its session, or ``qpu.forte-1`` without a session.
        :param cost_usd: cost in US dollars, charged when the job is completed.
        :param job_id: any string; None for a new UUID.
        :param name: any string; None for no name.
        :param metadata: labels; None for no labels.
        :param shots: number of shots.
        :raises UnknownSession: no session has this id.
        :raises ValueError: an argument is invalid, the session has ended, or a job with this id exists.
        """
        payload = json_copy(
            {
                "type": "ionq.circuit.v1",
                "backend": "qpu.forte-1" if backend is None else backend,
                "input": {},
                "session_id": session_id,
                "name": name,
                "metadata": metadata,
                "shots": shots,
            }
        )
        catalogue.refuse(catalogue.problems_in_new_job(payload))
        _check_cost(cost_usd)
        key = new_id("job_id", job_id)
        with self._lock:
            if backend is None and session_id is not None:
                payload["backend"] = self._get(session_id).backend
            return json_copy(self._add_job(key, payload, session_id, cost_usd).fields)

    def complete_job(self, job_id: str, *, cost_usd: float | None = None) -> dict[str, Any]:
        """
        Complete a job now and return it.

        :param cost_usd: final cost in US dollars; None for the cost given at submission.
        :raises UnknownJob: no job has this id.
        :raises ValueError: the job is completed, failed or canceled already.
        """
        if cost_usd is not None:
            _check_cost(cost_usd)
        return self._end_job(job_id, lambda job, at: job.complete(at, cost_usd))

    def fail_job(self, job_id: str) -> dict[str, Any]:
        """
        Fail a job now and return it.

        :raises UnknownJob: no job has this id.
        :raises ValueError: the job is completed, failed or canceled already.
        """
        return self._end_job(job_id, Job.fail)

    def cancel_job(self, job_id: str) -> dict[str, Any]:
        """
        Cancel a job now, even a completed or failed one, and return it; nothing changes if it is canceled already.

        :raises UnknownJob: no job has this id.
        """
        return self._end_job(job_id, Job.cancel)

    def jobs(self, session_id: str | None = None) -> list[dict[str, Any]]:
        """
        Return jobs, oldest first, as the API would list them now, without counting a read.

        :param session_id: only the jobs of this session; None for all jobs, including those without a session.
        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            self._advance_all()
            jobs = self._jobs.values() if session_id is None else self._get(session_id).jobs
            return [json_copy(job.fields) for job in jobs]

    def _add_job(self, key: str, payload: dict[str, Any], session_id: str | None, cost_usd: float = 0.0) -> Job:
        if key in self._jobs:
            raise ValueError(f"a job with id {key!r} exists already")
        now = self._clock()
        fields = catalogue.new_job(key, payload, session_id)
        seconds = None if self._job_reads is not None else self._job_seconds
        serial = next(self._serials)
        job = Job(fields, cost_usd=cost_usd, now=now, seconds=seconds, reads=self._job_reads, serial=serial)
        if session_id is not None:
            self._get(session_id).submit(job, now)
        self._jobs[key] = job
        return job

    def _end_job(self, job_id: str, end: Callable[[Job, float], None]) -> dict[str, Any]:
        with self._lock:
            job = self._job_now(job_id)
            end(job, self._clock())
            return json_copy(self._job_now(job_id).fields)

    def _job_now(self, job_id: str) -> Job:
        try:
            job = self._jobs[job_id]
        except KeyError:
            raise UnknownJob(f"no job has the id {job_id!r}") from None
        session_id = job.fields["session_id"]
        if session_id is None:
            job.advance(self._clock())
        else:
            self._session_now(session_id)
        return job


def _check_cost(cost_usd: object) -> None:
    if not is_duration(cost_usd):
        raise ValueError(f"cost_usd must be a number from 0, not {cost_usd!r}")
