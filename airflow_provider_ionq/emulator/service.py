"""The emulated service without HTTP: the API's operations on sessions and jobs, and the request log."""

from __future__ import annotations

import uuid
from collections import deque
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator import catalogue
from airflow_provider_ionq.emulator.account import Account
from airflow_provider_ionq.emulator.log import LOG_LIMIT
from airflow_provider_ionq.emulator.state import CapacityFull, UnknownSession, is_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_ionq.emulator.job_query import JobQuery
    from airflow_provider_ionq.emulator.jobs import Job
    from airflow_provider_ionq.emulator.log import RecordedRequest
    from airflow_provider_ionq.emulator.session import Session


class Service(Account):
    """
    The emulated service. Every method may be called from any thread.

    :param api_key: the only accepted key; may be set at any time, for instance to rotate it.
    :param sessions_enabled: False answers 404 under ``/sessions``, as for an account without sessions; may be set at
        any time.
    :param capacity: maximum number of open sessions of a backend; see :attr:`capacity`.
    :param read_after_write_seconds: seconds during which a new session cannot be read; see
        :attr:`read_after_write_seconds`.
    :param options: parameters of :class:`~airflow_provider_ionq.emulator.account.Account`.
    """

    def __init__(
        self,
        *,
        api_key: str = "emulator-key",
        sessions_enabled: bool = True,
        capacity: Mapping[str, int] | None = None,
        read_after_write_seconds: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.api_key = api_key
        self.sessions_enabled = sessions_enabled
        self.capacity = capacity
        self.read_after_write_seconds = read_after_write_seconds
        self._log: deque[RecordedRequest] = deque(maxlen=LOG_LIMIT)

    @property
    def api_key(self) -> str:
        """The only accepted key."""
        return self._api_key

    @api_key.setter
    def api_key(self, key: str) -> None:
        if not isinstance(key, str) or not key.isascii() or not key.isprintable() or not key or " " in key:
            raise ValueError("api_key must be printable ASCII without spaces")
        self._api_key = key

    @property
    def capacity(self) -> Mapping[str, int] | None:
        """
        Maximum number of open sessions of a backend, such as ``{"qpu.forte-1": 1}``.

        ``POST /sessions`` answers 409 while this many sessions have not ended, whoever created them. A backend without
        an entry has no limit; with None, no backend has one. Lowering a limit ends no session. May be set at any time.
        """
        return self._capacity

    @capacity.setter
    def capacity(self, capacity: Mapping[str, int] | None) -> None:
        limits = {} if capacity is None else dict(capacity)
        for backend, limit in limits.items():
            if backend not in catalogue.BACKENDS:
                raise ValueError(f"capacity: {backend!r} must be one of {', '.join(catalogue.BACKENDS)}")
            if type(limit) is not int or limit < 0:
                raise ValueError(f"capacity of {backend} must be a whole number from 0, not {limit!r}")
        self._capacity = None if capacity is None else limits

    @property
    def read_after_write_seconds(self) -> float:
        """
        Seconds during which a session created by ``POST /sessions`` cannot be read.

        During this time every other request for the session gets 404 and no list shows it, but it takes up capacity.
        May be set at any time; it applies to sessions that are created afterwards.
        """
        return self._read_after_write_seconds

    @read_after_write_seconds.setter
    def read_after_write_seconds(self, seconds: float) -> None:
        if not is_duration(seconds):
            raise ValueError(f"read_after_write_seconds must be a number from 0, not {seconds!r}")
        self._read_after_write_seconds = seconds

    def open_session(self, payload: dict[str, Any]) -> dict[str, Any]:
        """
        Create a session for ``POST /sessions``.

        :param payload: the validated body.
        :raises CapacityFull: as many sessions of the backend are open as its capacity allows.
        """
        backend = payload["backend"]
        with self._lock:
            if self._capacity is not None and backend in self._capacity:
                self._advance_all()
                count = sum(session.backend == backend and not session.ended for session in self._sessions.values())
                if count >= self._capacity[backend]:
                    raise CapacityFull(
                        f"The session capacity of {backend} is full: {count} open, {self._capacity[backend]} allowed. "
                        "A session of this backend has to end first."
                    )
            session = self._add_session(str(uuid.uuid4()), payload, self._plan, self._read_after_write_seconds)
            return dict(session.fields)

    def read_session(self, session_id: str) -> dict[str, Any]:
        """
        Return a session for ``GET /sessions/{session_id}``, counting a read. The caller must not change it.

        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            return self._known(session_id).read(self._clock())

    def read_sessions(self, active: bool | None) -> list[dict[str, Any]]:
        """
        Return sessions for ``GET /sessions``, counting a read of each. The caller must not change them.

        :param active: only sessions whose field ``active`` has this value; None for all.
        """
        with self._lock:
            self._advance_all()
            now = self._clock()
            return [
                session.read(now)
                for session in self._sessions.values()
                if now >= session.known_from and (active is None or session.fields.get("active") is active)
            ]

    def close_session(self, session_id: str) -> dict[str, Any]:
        """
        End a session for ``POST /sessions/{session_id}/end``.

        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            session = self._known(session_id)
            session.end(self._clock(), catalogue.USER_ID)
            return dict(session.fields)

    def read_jobs(self, query: JobQuery, session_id: str | None = None) -> tuple[list[dict[str, Any]], str | None]:
        """
        Return a page of jobs and the cursor of the next page, counting a read of each; None on the last page.

        :param query: filters and position of the page.
        :param session_id: only jobs of this session, for ``GET /sessions/{session_id}/jobs``; None for ``GET /jobs``.
        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            now = self._clock()
            jobs: Iterable[Job]
            if session_id is None:
                self._advance_all()
                jobs = self._jobs.values()
            else:
                session = self._known(session_id)
                session.advance(now)
                jobs = session.jobs
            page, following = query.page(jobs)
            return [job.read(now) for job in page], following

    def post_job(self, payload: dict[str, Any]) -> dict[str, Any]:
        """
        Submit a job for ``POST /jobs``.

        :param payload: the validated body.
        :raises UnknownSession: no session has this id.
        :raises Refused: the session has ended.
        """
        session_id = payload.get("session_id")
        with self._lock:
            if session_id is not None:
                self._known(session_id)
            return dict(self._add_job(str(uuid.uuid4()), payload, session_id).fields)

    def read_job(self, job_id: str) -> dict[str, Any]:
        """
        Return a job for ``GET /jobs/{job_id}``, which has more fields than a list, counting a read.

        :raises UnknownJob: no job has this id.
        """
        with self._lock:
            return self._job_now(job_id).read(self._clock()) | {"child_job_ids": None}

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests to the API so far, oldest first; only the last 100,000 are kept."""
        with self._lock:
            return list(self._log)

    def record(self, request: RecordedRequest) -> None:
        """Add a request to the log."""
        with self._lock:
            self._log.append(request)

    def clear_requests(self) -> None:
        """Clear the request log and the counts of connections made and of requests dropped unread."""
        with self._lock:
            self._log.clear()
        self.clear_counts()

    def _known(self, session_id: str) -> Session:
        session = self._get(session_id)
        if not self.sessions_enabled or self._clock() < session.known_from:
            raise UnknownSession(f"no session has the id {session_id!r}")
        return session
