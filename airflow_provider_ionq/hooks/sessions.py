"""The methods of the IonQ hook for sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.hooks.methods import HookMethods, plain_id
from airflow_provider_ionq.sessions.rehearsal import backend_of_rehearsal, rehearsed_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ionq.api.models import Job, Session


class SessionMethods(HookMethods):
    """The methods for sessions, as a part of :class:`~airflow_provider_ionq.hooks.ionq.IonQHook`."""

    def get_session(self, session_id: str | Mapping[str, Any]) -> Session:
        """
        Return one session's JSON.

        :param session_id: id of the session, or its JSON.
        :raises IonQError: see :mod:`airflow_provider_ionq.api.errors`.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-session
        """
        session_id = plain_id(session_id)
        if (backend := backend_of_rehearsal(session_id)) is not None:
            return rehearsed_session(backend)
        return self.get_conn().get_session(session_id)

    def list_sessions(self, active: bool | None = None) -> list[Session]:
        """
        Return the organisation's sessions, including ended ones.

        :param active: return only sessions with this active flag; None returns all. IonQ does not document the flag.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-sessions
        """
        return self.get_conn().list_sessions(active)

    def create_session(
        self,
        backend: str,
        *,
        duration_limit_min: int | None = None,
        job_count_limit: int | None = None,
        cost_limit_usd: float | None = None,
        allow_unlimited: bool = False,
    ) -> Session:
        """
        Create a session, which costs money until it ends. The request is sent only once.

        In a DAG use :class:`~airflow_provider_ionq.operators.create_session.IonQCreateSessionOperator`, which finds the
        session if the response is lost, or :func:`~airflow_provider_ionq.task_groups.session.ionq_session`, which also
        ends it.

        :param backend: name of the device, such as `qpu.forte-1`.
        :param duration_limit_min: minutes from its creation after which IonQ ends it.
        :param job_count_limit: number of jobs after which IonQ ends it.
        :param cost_limit_usd: cost of its jobs, in US dollars, at which IonQ ends it.
        :param allow_unlimited: allow a session without any limit.
        :raises ValueError: before any request, if a limit is invalid or no limit is given.
        :raises IonQConflictError: if the session capacity of the device is full.
        :raises IonQError: with `may_have_applied` if the server may still have created a session; compare the lists of
            sessions.

        https://docs.ionq.com/api-reference/v0.4/sessions/create-session
        """
        from airflow_provider_ionq.sessions.request import SessionRequest

        request = SessionRequest.of(
            backend,
            duration_limit_min=duration_limit_min,
            job_count_limit=job_count_limit,
            cost_limit_usd=cost_limit_usd,
            allow_unlimited=allow_unlimited,
        )
        return self.get_conn().create_session(request.backend, request.settings)

    def end_session(self, session_id: str | Mapping[str, Any], *, cancel_jobs: bool = False) -> Session:
        """
        End a session, and return its JSON as read after its end. A session that has already ended is a success.

        Requests the end up to 5 times within about 15 seconds, and reads the session after each request. End only
        sessions that you created: the API may also let you end your colleagues' sessions.

        :param session_id: id of the session, or its JSON.
        :param cancel_jobs: cancel its open jobs first, one by one; a job that cannot be cancelled is logged, and does
            not keep the session open. The end of the session cancels queued jobs in any case.
        :raises IonQInvalidIdError: before any request.
        :raises IonQNotEndedError: if the end is not confirmed; names the session and the limits that will end it.

        https://docs.ionq.com/api-reference/v0.4/sessions/end-session
        """
        from airflow_provider_ionq.sessions.end import cancel_open_jobs, end_session

        session_id = plain_id(session_id)
        if (backend := backend_of_rehearsal(session_id)) is not None:
            self.log.info("Rehearsal: there is no session to end.")
            return rehearsed_session(backend, status="ended")
        client = self.get_conn()
        if cancel_jobs:
            cancel_open_jobs(client, session_id, self.log)
        return end_session(client, session_id, self.log)

    def list_session_jobs(self, session_id: str | Mapping[str, Any]) -> list[Job]:
        """
        Return the jobs of a session, from all pages.

        :param session_id: id of the session, or its JSON.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-session-jobs
        """
        session_id = plain_id(session_id)
        if backend_of_rehearsal(session_id) is not None:
            return []
        return self.get_conn().list_session_jobs(session_id)
