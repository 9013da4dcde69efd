"""The emulated service without its HTTP side: sessions, faults and request log behind one lock."""

from __future__ import annotations

import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_ionq.emulator import catalogue
from airflow_provider_ionq.emulator.state import (
    ActiveMeaning,
    Session,
    Step,
    UnknownSession,
    checked_plan,
    json_copy,
    timestamp,
)
from airflow_provider_ionq.emulator.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

LOG_LIMIT = 100_000
YEAR_SECONDS = 365 * 24 * 3600.0


@dataclass(frozen=True)
class RecordedRequest:
    """
    One request to the API, as the log keeps it. Headers are not kept, so the key is not in it.

    :param method: HTTP method.
    :param path: path, percent-decoded once.
    :param raw_path: path as the client sent it.
    :param route: template such as ``GET /sessions/{session_id}``; None if there is no such route.
    :param session_id: id in the path, percent-decoded once; None if the route has none.
    :param query: query string as the client sent it, without ``?``.
    :param status: HTTP status of the answer.
    :param request_id: ``x-request-id`` of the answer.
    :param at: epoch seconds.
    :param peer: address and port of the client; one port is one TCP connection.
    :param authorized: it carried the right key, needed or not.
    """

    method: str
    path: str
    raw_path: str
    route: str | None
    session_id: str | None
    query: str
    status: int
    request_id: str
    at: float
    peer: tuple[str, int]
    authorized: bool


class Service(Trouble):
    """
    What the emulated service knows. Every method may be called from any thread.

    :param api_key: the one key that is accepted; may be set at any time, as when a key is rotated.
    :param active: what the field ``active`` means, which IonQ does not document: ``not_ended`` (true until the session
        has ended) or ``started`` (true only while it is started).
    :param sessions_enabled: False answers 404 under ``/sessions``, as for an account without sessions; may be set at
        any time.
    :param plan: plan of the sessions that are created without one of their own.
    :param clock: gives the time in epoch seconds.
    """

    def __init__(
        self,
        *,
        api_key: str = "emulator-key",
        active: ActiveMeaning = "not_ended",
        sessions_enabled: bool = True,
        plan: Sequence[Step] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock)
        if active not in get_args(ActiveMeaning):
            raise ValueError(f"active must be one of {', '.join(get_args(ActiveMeaning))}, not {active!r}")
        self.api_key = api_key
        self.sessions_enabled = sessions_enabled
        self._active_means = active
        self._plan = checked_plan(plan)
        self._sessions: dict[str, Session] = {}
        self._log: deque[RecordedRequest] = deque(maxlen=LOG_LIMIT)

    @property
    def api_key(self) -> str:
        """The one key that is accepted."""
        return self._api_key

    @api_key.setter
    def api_key(self, key: str) -> None:
        if not isinstance(key, str) or not key.isascii() or not key.isprintable() or not key or " " in key:
            raise ValueError("api_key must be printable ASCII without spaces")
        self._api_key = key

    def create_session(
        self,
        backend: str = "qpu.forte-1",
        *,
        plan: Iterable[Step] | None = None,
        session_id: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """
        Create a session and return it as the API serves it.

        :param backend: one of the backends that ``GET /backends`` lists.
        :param plan: how it goes on by itself; None for the plan that the emulator was given.
        :param session_id: any string; None for a new UUID.
        :param settings: limits, as in the body of ``POST /sessions``; None for a session without ``settings``.
        :raises ValueError: an argument is refused, or there is a session with this id.
        """
        payload = json_copy({"backend": backend} | ({} if settings is None else {"settings": dict(settings)}))
        if problems := catalogue.problems_in_new_session(payload):
            raise ValueError("; ".join(f"{key}: {problem}" for key, problem in problems.items()))
        if session_id is not None and (not isinstance(session_id, str) or not session_id):
            raise ValueError(f"session_id must be a string that is not empty, not {session_id!r}")
        steps = self._plan if plan is None else checked_plan(plan)
        key = str(uuid.uuid4()) if session_id is None else session_id
        with self._lock:
            if key in self._sessions:
                raise ValueError(f"there is already a session {key!r}")
            now = self._clock()
            fields = self._new_fields(key, now)
            session = Session(fields | payload, plan=steps, now=now, active_means=self._active_means)
            self._sessions[key] = session
            return _copy(session)

    def create_history(self, count: int) -> None:
        """
        Create sessions that were started and ended long ago, as an account has them after some time.

        :param count: how many.
        :raises ValueError: it is no whole number from 0.
        """
        if type(count) is not int or count < 0:
            raise ValueError(f"count must be a whole number from 0, not {count!r}")
        settings = {"job_count_limit": 100, "duration_limit_min": 60, "cost_limit": {"unit": "usd", "value": 1000.0}}
        with self._lock:
            for number in range(count):
                began = self._clock() - YEAR_SECONDS + number
                fields = self._new_fields(str(uuid.uuid4()), began) | {"backend": "qpu.forte-1", "settings": settings}
                session = Session(fields, plan=(), now=began, active_means=self._active_means)
                session.start(began + 60)
                session.end(began + 3600, catalogue.USER_ID)
                self._sessions[fields["id"]] = session

    def session(self, session_id: str) -> dict[str, Any]:
        """
        Return a session as the API would serve it now, without counting a read.

        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            session = self._get(session_id)
            session.advance(self._clock())
            return _copy(session)

    def sessions(self) -> list[dict[str, Any]]:
        """Return all sessions, oldest first, as the API would serve them now, without counting a read."""
        with self._lock:
            now = self._clock()
            for session in self._sessions.values():
                session.advance(now)
            return [_copy(session) for session in self._sessions.values()]

    def start_session(self, session_id: str) -> dict[str, Any]:
        """
        Start a session now and return it. The rest of its plan counts from here.

        :raises UnknownSession: no session has this id.
        :raises ValueError: the session has ended.
        """
        with self._lock:
            session = self._get(session_id)
            session.start(self._clock())
            return _copy(session)

    def end_session(self, session_id: str, *, ender_id: str | None = None) -> dict[str, Any]:
        """
        End a session now and return it.

        :param ender_id: user who ends it; None as when the service ends it, at a limit for instance.
        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            session = self._get(session_id)
            session.end(self._clock(), ender_id)
            return _copy(session)

    def update_session(self, session_id: str, /, *, remove: Iterable[str] = (), **fields: Any) -> dict[str, Any]:
        """
        Set fields to anything at all, such as a status that does not exist, and return the session.

        Nothing else changes with them: a plan goes on, and a later start or end overwrites the fields it concerns.

        :param remove: names of fields to leave out from now on.
        :param fields: values that JSON can express; new names are added.
        :raises UnknownSession: no session has this id.
        """
        values = json_copy(fields)
        with self._lock:
            session = self._get(session_id)
            session.advance(self._clock())
            session.fields.update(values)
            for name in remove:
                session.fields.pop(name, None)
            return _copy(session)

    def delete_session(self, session_id: str) -> None:
        """
        Forget a session: the API answers 404 for it from now on.

        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            self._get(session_id)
            del self._sessions[session_id]

    def read_session(self, session_id: str) -> dict[str, Any]:
        """
        Return a session for ``GET /sessions/{session_id}``, counting a read. The caller must not change it.

        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            return self._get(session_id).read(self._clock())

    def read_sessions(self, active: bool | None) -> list[dict[str, Any]]:
        """
        Return sessions for ``GET /sessions``, counting a read of each. The caller must not change them.

        :param active: only those whose field ``active`` has this value; None for all.
        """
        with self._lock:
            now = self._clock()
            for session in self._sessions.values():
                session.advance(now)
            return [
                session.read(now)
                for session in self._sessions.values()
                if active is None or session.fields.get("active") is active
            ]

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
        """Empty the request log, and count connections and requests that were dropped unread from here."""
        with self._lock:
            self._log.clear()
        self.clear_counts()

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self._clock()

    def _new_fields(self, session_id: str, created_at: float) -> dict[str, Any]:
        return {
            "id": session_id,
            "created_at": timestamp(created_at),
            "organization_id": catalogue.ORGANIZATION_ID,
            "project_id": catalogue.PROJECT_ID,
            "creator_id": catalogue.USER_ID,
            "started_at": None,
            "ended_at": None,
            "ender_id": None,
        }

    def _get(self, session_id: str) -> Session:
        try:
            return self._sessions[session_id]
        except KeyError:
            raise UnknownSession(f"there is no session {session_id!r}") from None


def _copy(session: Session) -> dict[str, Any]:
    copy: dict[str, Any] = json_copy(session.fields)
    return copy
