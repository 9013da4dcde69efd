"""The methods with which tests control the sessions of the emulated account."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.account_data import USER_ID
from airflow_provider_ionq.emulator.payload import refuse
from airflow_provider_ionq.emulator.session_body import problems_in_new_session
from airflow_provider_ionq.emulator.state import checked_plan, json_copy, new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_ionq.emulator.account import Account
    from airflow_provider_ionq.emulator.state import Step

YEAR_SECONDS = 365 * 24 * 3600.0


class SessionControl:
    """The sessions of an account as tests control them. Every method may be called from any thread."""

    account: Account

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
        refuse(problems_in_new_session(payload))
        steps = self.account.settings.plan if plan is None else checked_plan(plan)
        key = new_id("session_id", session_id)
        with self.account.lock:
            return json_copy(self.account.add_session(key, payload, steps).fields)

    def create_history(self, count: int) -> None:
        """
        Create sessions that started and ended long ago, as in an old account.

        :param count: number of sessions.
        :raises ValueError: ``count`` is not a whole number from 0.
        """
        if type(count) is not int or count < 0:
            raise ValueError(f"count must be a whole number from 0, not {count!r}")
        settings = {"job_count_limit": 100, "duration_limit_min": 60, "cost_limit": {"unit": "usd", "value": 1000.0}}
        payload = {"backend": "qpu.forte-1", "settings": settings}
        with self.account.lock:
            for number in range(count):
                began = self.account.now() - YEAR_SECONDS + number
                session = self.account.add_session(str(uuid.uuid4()), payload, (), began=began)
                session.start(began + 60)
                session.end(began + 3000, USER_ID)

    def session(self, session_id: str) -> dict[str, Any]:
        """
        Return a session as the API would serve it now, without counting a read.

        :raises UnknownSession: no session has this id.
        """
        with self.account.lock:
            return json_copy(self.account.session(session_id).fields)

    def sessions(self) -> list[dict[str, Any]]:
        """Return all sessions, oldest first, as the API would serve them now, without counting a read."""
        with self.account.lock:
            self.account.advance()
            return [json_copy(session.fields) for session in self.account.sessions.values()]

    def start_session(self, session_id: str) -> dict[str, Any]:
        """
        Start a session now and return it. The rest of its plan counts from now.

        :raises UnknownSession: no session has this id.
        :raises ValueError: the session has ended.
        """
        with self.account.lock:
            session = self.account.session(session_id)
            session.start(self.account.now())
            return json_copy(session.fields)

    def end_session(self, session_id: str, *, ender_id: str | None = None) -> dict[str, Any]:
        """
        End a session now and return it; its open jobs are canceled.

        :param ender_id: id of the user who ends the session; None for the service itself, for instance at a limit.
        :raises UnknownSession: no session has this id.
        """
        with self.account.lock:
            session = self.account.session(session_id)
            session.end(self.account.now(), ender_id)
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
        with self.account.lock:
            session = self.account.session(session_id)
            session.fields.update(values)
            for name in remove:
                session.fields.pop(name, None)
            return json_copy(session.fields)

    def delete_session(self, session_id: str) -> None:
        """
        Delete a session and its jobs: the API answers 404 for them from now on.

        :raises UnknownSession: no session has this id.
        """
        with self.account.lock:
            self.account.delete_session(session_id)
