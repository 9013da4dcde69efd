"""The sessions and jobs of the emulated account."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator import account_data
from airflow_provider_ionq.emulator.circuits import (
    circuits_of,
    compiled,
    has_one_circuit,
    mitigates,
    parts_of,
    refusal_of,
    stats_of,
)
from airflow_provider_ionq.emulator.job import Cost, Job
from airflow_provider_ionq.emulator.prices import compute_time_us
from airflow_provider_ionq.emulator.results import CircuitResults
from airflow_provider_ionq.emulator.session import Session
from airflow_provider_ionq.emulator.state import CapacityFull, Step, UnknownJob, UnknownSession, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ionq.emulator.circuits import Circuit
    from airflow_provider_ionq.emulator.failure import Failure, PlannedFailure
    from airflow_provider_ionq.emulator.settings import Settings


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
        circuits = circuits_of(payload)
        known_from = now + delay if delay else 0.0
        parts = parts_of(payload)
        failure, failing = self._failure(payload, circuits)
        children = [
            self._new_job(
                str(uuid.uuid4()),
                part,
                circuits_of(part),
                (),
                now=now,
                known_from=known_from,
                failure=failure if index in failing else None,
                index=index,
            )
            for index, part in enumerate(parts)
        ]
        if failing:
            failure = None
        steps = self._job_plan() if plan is None else plan
        job = self._new_job(
            key, payload, circuits, steps, now=now, known_from=known_from, children=children, failure=failure, cost=cost
        )
        if session is not None:
            session.submit(job, now)
        for child in children:
            child.parent, child.session = job, session
            child.fields["parent_job_id"] = key
        self.jobs |= {one.fields["id"]: one for one in (job, *children)}
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

    def _failure(self, payload: dict[str, Any], circuits: Sequence[Circuit]) -> tuple[Failure | None, frozenset[int]]:
        """Return why a job fails, if it does, and which of its circuits do; none if the whole job does."""
        if refusal := refusal_of(payload, circuits):
            return refusal, frozenset()
        size = len(circuits) if payload["type"] == "ionq.multi-circuit.v1" else 0
        for planned in self.failures:
            if max(planned.circuits, default=-1) < size:
                self.failures.remove(planned)
                return planned.failure, planned.circuits
        return None, frozenset()

    def _job_plan(self) -> Sequence[Step]:
        settings = self.settings
        if settings.job_plan is not None:
            return settings.job_plan
        start = Step("started", after_seconds=0)
        if settings.job_reads is not None:
            return (start, Step("completed", after_reads=settings.job_reads))
        if settings.job_seconds is not None:
            return (start, Step("completed", after_seconds=settings.job_seconds))
        return ()

    def _new_job(
        self,
        key: str,
        payload: dict[str, Any],
        circuits: Sequence[Circuit],
        plan: Sequence[Step],
        *,
        now: float,
        known_from: float,
        children: Sequence[Job] = (),
        failure: Failure | None = None,
        cost: Cost | None = None,
        index: int = 0,
    ) -> Job:
        run = [compiled(circuit, self.settings.compiled_gates) for circuit in circuits]
        shots = account_data.shots_of(payload)
        price = (self.settings.prices or {}).get(payload["backend"])
        if cost is None and price is not None:
            value = price.of(run, shots, error_mitigation=mitigates(payload.get("settings")))
            cost = Cost(value, price.unit)
        fields = account_data.new_job(key, payload) | {"stats": stats_of(run)}
        billed_us = None
        if payload["backend"] != "simulator" and circuits:
            billed_us = compute_time_us(run, shots)
            fields["stats"]["predicted_quantum_compute_time_us"] = billed_us
        if price is not None:
            fields["cost_model"] = "2QGE_operations"
        return Job(
            fields,
            payload,
            now,
            plan,
            estimated_cost=cost,
            failure=failure,
            billed_us=billed_us,
            wait_ms=account_data.BACKENDS[payload["backend"]]["average_queue_time"],
            serial=next(self._serials),
            known_from=known_from,
            children=children,
            results=CircuitResults(payload, self.settings.seed, index) if has_one_circuit(payload) else None,
            result_style=self.settings.result_style,
        )
