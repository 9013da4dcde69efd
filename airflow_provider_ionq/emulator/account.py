"""The sessions of the emulated account and the jobs in them, as tests and people steer them, behind one lock."""

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
    :param options: those of :class:`~airflow_provider_ionq.emulator.sessions.Sessions`.
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
        How long after its submission a job is completed that is submitted from now on; it is started at once.

        None: it stays ``submitted`` until it is told to end, or its session ends. May be set at any time.
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
        How many reads still show a job open that is submitted from now on; then it is completed.

        A read is this job served by ``GET /jobs/{job_id}`` or within a list. A number takes the place of
        :attr:`job_seconds`; None leaves the completion to that. May be set at any time.
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
        Submit a job and return it as a list of the API shows it. The first job of a session starts it.

        :param session_id: session that it belongs to; None for none.
        :param backend: where it runs; None for the backend of its session, or ``qpu.forte-1``.
        :param cost_usd: what it costs once it is completed.
        :param job_id: any string; None for a new UUID.
        :param name: any string; None for no name.
        :param metadata: what it is labelled with; None for no labels.
        :param shots: how often it would run its circuit.
        :raises UnknownSession: no session has this id.
        :raises ValueError: an argument is refused, the session has ended, or there is a job with this id.
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

        :param cost_usd: what it cost after all; None for what was said when it was submitted.
        :raises UnknownJob: no job has this id.
        :raises ValueError: the job is completed, failed or canceled already.
        """
        if cost_usd is not None:
            _check_cost(cost_usd)
        return self._end_job(job_id, lambda job, at: job.complete(at, cost_usd))

    def fail_job(self, job_id: str) -> dict[str, Any]:
        """
        Let a job fail now and return it.

        :raises UnknownJob: no job has this id.
        :raises ValueError: the job is completed, failed or canceled already.
        """
        return self._end_job(job_id, Job.fail)

    def cancel_job(self, job_id: str) -> dict[str, Any]:
        """
        Cancel a job now and return it, also one that is completed or failed; nothing changes if it is canceled already.

        :raises UnknownJob: no job has this id.
        """
        return self._end_job(job_id, Job.cancel)

    def jobs(self, session_id: str | None = None) -> list[dict[str, Any]]:
        """
        Return jobs, oldest first, as a list of the API would show them now.

        :param session_id: only those of this session; None for all, also those without a session.
        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            self._advance_all()
            jobs = self._jobs.values() if session_id is None else self._get(session_id).jobs
            return [json_copy(job.fields) for job in jobs]

    def _add_job(self, key: str, payload: dict[str, Any], session_id: str | None, cost_usd: float = 0.0) -> Job:
        if key in self._jobs:
            raise ValueError(f"there is already a job {key!r}")
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
            raise UnknownJob(f"there is no job {job_id!r}") from None
        session_id = job.fields["session_id"]
        if session_id is None:
            job.advance(self._clock())
        else:
            self._session_now(session_id)
        return job


def _check_cost(cost_usd: object) -> None:
    if not is_duration(cost_usd):
        raise ValueError(f"cost_usd must be a number from 0, not {cost_usd!r}")
