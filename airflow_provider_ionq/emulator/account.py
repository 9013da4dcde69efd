"""The sessions and jobs of the emulated account."""

from __future__ import annotations

import threading
import uuid
from itertools import count
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator import account_data
from airflow_provider_ionq.emulator.jobs import Job
from airflow_provider_ionq.emulator.session import Session
from airflow_provider_ionq.emulator.state import CapacityFull, UnknownJob, UnknownSession, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ionq.emulator.settings import Settings
    from airflow_provider_ionq.emulator.state import Step


class Account:
    """
    The sessions and jobs. Whoever calls a method holds :attr:`lock`, until the answer is complete.

    :param settings: parameters of the emulator.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.Lock()
        self.sessions: dict[str, Session] = {}
        # All jobs by id, including jobs without a session.
        self.jobs: dict[str, Job] = {}
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

    def open_session(self, payload: dict[str, Any]) -> Session:
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
        for job in self.session(session_id).jobs:
            del self.jobs[job.fields["id"]]
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
        session_id = job.fields["session_id"]
        if session_id is None:
            job.advance(self.now())
        else:
            self.session(session_id)
        return job

    def add_job(self, key: str, payload: dict[str, Any], *, cost_usd: float = 0.0) -> Job:
        """
        Submit a job; the first job of a session starts the session.

        :param key: its id.
        :param payload: the valid body of ``POST /jobs``.
        :param cost_usd: cost in US dollars, charged when the job is completed.
        :raises UnknownSession: no session has this id.
        :raises Refused: the session has ended.
        :raises ValueError: a job with this id exists.
        """
        if key in self.jobs:
            raise ValueError(f"a job with id {key!r} exists already")
        now = self.now()
        reads = self.settings.job_reads
        seconds = None if reads is not None else self.settings.job_seconds
        fields = account_data.new_job(key, payload)
        job = Job(fields, cost_usd=cost_usd, now=now, seconds=seconds, reads=reads, serial=next(self._serials))
        if fields["session_id"] is not None:
            self.session(fields["session_id"]).submit(job, now)
        self.jobs[key] = job
        return job
