"""What tests do with the jobs of the emulated account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.bodies import problems_in_new_job, refuse
from airflow_provider_ionq.emulator.jobs import Job
from airflow_provider_ionq.emulator.state import is_duration, json_copy, new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator.account import Account


class JobControl:
    """The jobs of an account as tests control them. Every method may be called from any thread."""

    account: Account

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
        refuse(problems_in_new_job(payload))
        _check_cost(cost_usd)
        key = new_id("job_id", job_id)
        with self.account.lock:
            if backend is None and session_id is not None:
                payload["backend"] = self.account.session(session_id).backend
            return json_copy(self.account.add_job(key, payload, cost_usd=cost_usd).fields)

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
        with self.account.lock:
            self.account.advance()
            jobs = self.account.jobs.values() if session_id is None else self.account.session(session_id).jobs
            return [json_copy(job.fields) for job in jobs]

    def _end_job(self, job_id: str, end: Callable[[Job, float], None]) -> dict[str, Any]:
        with self.account.lock:
            end(self.account.job(job_id), self.account.now())
            return json_copy(self.account.job(job_id).fields)


def _check_cost(cost_usd: object) -> None:
    if not is_duration(cost_usd):
        raise ValueError(f"cost_usd must be a number from 0, not {cost_usd!r}")
