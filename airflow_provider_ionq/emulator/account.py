"""The sessions and jobs of the emulated account."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator import account_data
from airflow_provider_ionq.emulator.session import Session
from airflow_provider_ionq.emulator.state import CapacityFull, UnknownJob, UnknownSession, timestamp
from airflow_provider_ionq.emulator.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ionq.emulator.failure import PlannedFailure
    from airflow_provider_ionq.emulator.job import Cost, Job
    from airflow_provider_ionq.emulator.settings import Settings
    from airflow_provider_ionq.emulator.state import Step


class Account:
    """
    The sessions and jobs. The caller of a method must hold :attr:`lock` until the answer is complete.

    :param settings: parameters of the emulator.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.Lock()
        self.sessions: dict[str, Session] = {}
        # All jobs by id, including jobs without a session.
        self.jobs: dict[str, Job] = {}
        # Why the next jobs, or some of their circuits, fail; one entry a job.
        self.failures: deque[PlannedFailure] = deque()
        self._serials = count()

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self.settings.clock()

    def advance(self) -> None:
        """Bring every session and job up to date."""
        now = self.now()
        for session in self.sessions.values():
            session.advance(now)
        # Jobs without a session come last: a session applies its jobs and limits in the order in which they were due.
        for job in self.jobs.values():
            job.advance(now)

    def session(self, session_id: str) -> Session:
        """
        Return a session, up to date.

        :raises UnknownSession: no session has this id.
        """
        try:
            session = self.sessions[session_id]
        except KeyError:
            raise UnknownSession(f"no session has the id {session_id!r}") from None
        session.advance(self.now())
        return session

    def served_session(self, session_id: str) -> Session:
        """
        Return a session as :meth:`session` does, if the API knows it.

        :raises UnknownSession: no session has this id, it cannot be read yet, or the account is without sessions.
        """
        session = self.session(session_id)
        if not self.settings.sessions_enabled or self.now() < session.known_from:
            raise UnknownSession(f"no session has the id {session_id!r}")
        return session

    def add_session(
        self, key: str, payload: dict[str, Any], plan: Sequence[Step], *, began: float | None = None, delay: float = 0.0
    ) -> Session:
        """
        Add a session.

        :param key: its id.
        :param payload: the valid body of ``POST /sessions``.
        :param plan: its plan.
        :param began: epoch seconds, the time of its creation; None for now.
        :param delay: seconds from now during which the API answers 404 for it.
        :raises ValueError: a session with this id exists.
        """
        if key in self.sessions:
            raise ValueError(f"a session with id {key!r} exists already")
        now = self.now() if began is None else began
        known_from = now + delay if delay else 0.0
        active = self.settings.active
        fields = account_data.new_session(key, timestamp(now)) | payload
        session = Session(fields, plan=plan, now=now, active_means=active, known_from=known_from)
        self.sessions[key] = session
        return session

    def create_session(self, payload: dict[str, Any]) -> Session:
        """
        Create a session for ``POST /sessions``.

        :param payload: the valid body.
        :raises CapacityFull: as many sessions of the backend are open as its capacity allows.
        """
        backend = payload["backend"]
        allowed = (self.settings.capacity or {}).get(backend)
        if allowed is not None:
            self.advance()
            open_sessions = sum(session.backend == backend and not session.ended for session in self.sessions.values())
            if open_sessions >= allowed:
                raise CapacityFull(
                    f"The session capacity of {backend} is full: {open_sessions} open, {allowed} allowed. "
                    "A session of this backend has to end first."
                )
        delay = self.settings.read_after_write_seconds
        return self.add_session(str(uuid.uuid4()), payload, self.settings.plan, delay=delay)

    def delete_session(self, session_id: str) -> None:
        """
        Delete a session and its jobs.

        :raises UnknownSession: no session has this id.
        """
        session = self.session(session_id)
        self.jobs = {job_id: job for job_id, job in self.jobs.items() if job.session is not session}
        del self.sessions[session_id]

    def job(self, job_id: str) -> Job:
        """
        Return a job, up to date.

        :raises UnknownJob: no job has this id.
        """
        try:
            job = self.jobs[job_id]
        except KeyError:
            raise UnknownJob(f"no job has the id {job_id!r}") from None
        job.advances_with.advance(self.now())
        return job

    def served_job(self, job_id: str) -> Job:
        """
        Return a job as :meth:`job` does, if the API knows it.

        :raises UnknownJob: no job has this id, or it cannot be read yet.
        """
        job = self.job(job_id)
        if self.now() < job.known_from:
            raise UnknownJob(f"no job has the id {job_id!r}")
        return job

    def add_job(
        self,
        key: str,
        payload: dict[str, Any],
        *,
        plan: Sequence[Step] | None = None,
        cost: Cost | None = None,
        delay: float = 0.0,
    ) -> Job:
        """
        Submit a job; the first job of a session starts the session.

        :param key: its id.
        :param payload: the valid body of ``POST /jobs``.
        :param plan: its plan; None for that of the emulator.
        :param cost: its cost, charged when it is completed; None for the price of its backend.
        :param delay: seconds from now during which the API answers 404 for it.
        :raises UnknownSession: no session has this id.
        :raises Refused: the session has ended.
        :raises ValueError: a job with this id exists.
        """
        if key in self.jobs:
            raise ValueError(f"a job with id {key!r} exists already")
        session = None if payload.get("session_id") is None else self.session(payload["session_id"])
        if session is not None:
            session.refuse_if_ended()
        now = self.now()
        submission = Submission(
            settings=self.settings, serials=self._serials, now=now, known_from=now + delay if delay else 0.0
        )
        job = submission.job(key, payload, self.failures, plan=plan, cost=cost)
        if session is not None:
            session.submit(job, now)
            for child in job.children:
                child.session = session
        self.jobs |= {one.fields["id"]: one for one in (job, *job.children)}
        return job

    def delete_job(self, job_id: str) -> None:
        """
        Delete a job, and the jobs of its circuits. An open job is canceled first.

        :raises UnknownJob: no job has this id.
        """
        job = self.job(job_id)
        if job.ended_at is None:
            job.cancel(self.now())
        for one in (job, *job.children):
            self.jobs.pop(one.fields["id"], None)
