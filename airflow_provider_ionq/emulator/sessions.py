"""The sessions of the emulated account, as tests control them, behind one lock."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_ionq.emulator import catalogue
from airflow_provider_ionq.emulator.session import Session
from airflow_provider_ionq.emulator.state import (
    ActiveMeaning,
    Step,
    UnknownSession,
    checked_plan,
    json_copy,
    timestamp,
)
from airflow_provider_ionq.emulator.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_ionq.emulator.jobs import Job

YEAR_SECONDS = 365 * 24 * 3600.0


class Sessions(Trouble):
    """
    The sessions. Every method may be called from any thread.

    :param active: meaning of the field ``active``, which IonQ does not document: ``not_ended`` (true until the session
        has ended) or ``started`` (true only while it is started).
    :param plan: plan of sessions that are created without their own plan.
    :param clock: returns the time in epoch seconds.
    """

    def __init__(
        self,
        *,
        active: ActiveMeaning = "not_ended",
        plan: Sequence[Step] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock)
        if active not in get_args(ActiveMeaning):
            raise ValueError(f"active must be one of {', '.join(get_args(ActiveMeaning))}, not {active!r}")
        self._active_means = active
        self._plan = checked_plan(plan)
        self._sessions: dict[str, Session] = {}
        # All jobs by id, including jobs without a session.
        self._jobs: dict[str, Job] = {}

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self._clock()

    def create_session(
        self,
        backend: str = "qpu.forte-1",
        *,
        plan: Iterable[Step] | None = None,
        session_id: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """
        Create a session, as another user of the account might, and return it as the API serves it.

        It is created even at full capacity, and it takes up capacity. Its limits end it like any other session.

        :param backend: one of the backends that ``GET /backends`` lists.
        :param plan: steps that happen automatically; None for the plan of the emulator.
        :param session_id: any string that is not empty; None for a new UUID.
        :param settings: limits, as in the body of ``POST /sessions``; None for a session without ``settings``. It ends
            ``duration_limit_min`` minutes after its creation, or when ``job_count_limit`` of its jobs are completed,
            failed or canceled, or when its completed jobs have cost ``cost_limit``.
        :raises ValueError: an argument is invalid, or a session with this id exists.
        """
        payload = json_copy({"backend": backend} | ({} if settings is None else {"settings": dict(settings)}))
        catalogue.refuse(catalogue.problems_in_new_session(payload))
        steps = self._plan if plan is None else checked_plan(plan)
        key = new_id("session_id", session_id)
        with self._lock:
            if key in self._sessions:
                raise ValueError(f"a session with id {key!r} exists already")
            return json_copy(self._add_session(key, payload, steps).fields)

    def create_history(self, count: int) -> None:
        """
        Create sessions that started and ended long ago, as in an old account.

        :param count: number of sessions.
        :raises ValueError: ``count`` is not a whole number from 0.
        """
        if type(count) is not int or count < 0:
            raise ValueError(f"count must be a whole number from 0, not {count!r}")
        settings = {"job_count_limit": 100, "duration_limit_min": 60, "cost_limit": {"unit": "usd", "value": 1000.0}}
        with self._lock:
            for number in range(count):
                began = self._clock() - YEAR_SECONDS + number
                fields = _new_fields(str(uuid.uuid4()), began) | {"backend": "qpu.forte-1", "settings": settings}
                session = Session(fields, plan=(), now=began, active_means=self._active_means)
                session.start(began + 60)
                session.end(began + 3000, catalogue.USER_ID)
                self._sessions[fields["id"]] = session

    def session(self, session_id: str) -> dict[str, Any]:
        """
        Return a session as the API would serve it now, without counting a read.

        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            return json_copy(self._session_now(session_id).fields)

    def sessions(self) -> list[dict[str, Any]]:
        """Return all sessions, oldest first, as the API would serve them now, without counting a read."""
        with self._lock:
            self._advance_all()
            return [json_copy(session.fields) for session in self._sessions.values()]

    def start_session(self, session_id: str) -> dict[str, Any]:
        """
        Start a session now and return it. The rest of its plan counts from now.

        :raises UnknownSession: no session has this id.
        :raises ValueError: the session has ended.
        """
        with self._lock:
            session = self._get(session_id)
            session.start(self._clock())
            return json_copy(session.fields)

    def end_session(self, session_id: str, *, ender_id: str | None = None) -> dict[str, Any]:
        """
        End a session now and return it; its open jobs are canceled.

        :param ender_id: id of the user who ends the session; None for the service itself, for instance at a limit.
        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            session = self._get(session_id)
            session.end(self._clock(), ender_id)
            return json_copy(session.fields)

    def update_session(self, session_id: str, /, *, remove: Iterable[str] = (), **fields: Any) -> dict[str, Any]:
        """
        Set fields to any value, such as a status that does not exist, and return the session.

        Nothing else changes: the plan and the limits stay in effect, and a later start or end overwrites its fields.

        :param remove: names of fields to remove.
        :param fields: values that JSON can express; new names are added.
        :raises UnknownSession: no session has this id.
        :raises ValueError: a value is a number that JSON cannot express, such as ``NaN``.
        """
        values = json_copy(fields)
        with self._lock:
            session = self._session_now(session_id)
            session.fields.update(values)
            for name in remove:
                session.fields.pop(name, None)
            return json_copy(session.fields)

    def delete_session(self, session_id: str) -> None:
        """
        Delete a session and its jobs: the API answers 404 for them from now on.

        :raises UnknownSession: no session has this id.
        """
        with self._lock:
            self._get(session_id)
            for job in self._sessions.pop(session_id).jobs:
                del self._jobs[job.fields["id"]]

    def _add_session(self, key: str, payload: dict[str, Any], plan: Sequence[Step], delay: float = 0.0) -> Session:
        now = self._clock()
        fields = _new_fields(key, now) | payload
        known_from = now + delay if delay else 0.0
        session = Session(fields, plan=plan, now=now, active_means=self._active_means, known_from=known_from)
        self._sessions[key] = session
        return session

    def _get(self, session_id: str) -> Session:
        try:
            return self._sessions[session_id]
        except KeyError:
            raise UnknownSession(f"no session has the id {session_id!r}") from None

    def _session_now(self, session_id: str) -> Session:
        session = self._get(session_id)
        session.advance(self._clock())
        return session

    def _advance_all(self) -> None:
        now = self._clock()
        for session in self._sessions.values():
            session.advance(now)
        # Jobs without a session come last: a session applies its jobs and limits in the order in which they were due.
        for job in self._jobs.values():
            job.advance(now)


def new_id(name: str, given: object) -> str:
    """
    Return the id of a new session or job.

    :param name: name of the argument, for the error message.
    :param given: the id to use; None for a new UUID.
    :raises ValueError: the id is empty or not a string.
    """
    if given is None:
        return str(uuid.uuid4())
    if not isinstance(given, str) or not given:
        raise ValueError(f"{name} must be a string that is not empty, not {given!r}")
    return given


def _new_fields(session_id: str, created_at: float) -> dict[str, Any]:
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
