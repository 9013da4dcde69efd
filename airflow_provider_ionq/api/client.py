"""
IonQ's API, endpoint by endpoint, without Airflow.

Rules of this file: an endpoint is a few lines; an answer is checked for the keys we rely on and otherwise passed on as
it came. How requests leave is :mod:`~airflow_provider_ionq.api.transport`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard, cast
from urllib.parse import quote

from airflow_provider_ionq.api.address import AddressCheckingTransport
from airflow_provider_ionq.api.errors import IonQInvalidIdError
from airflow_provider_ionq.api.json_stream import items_of
from airflow_provider_ionq.api.transport import MIB, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_ionq.api.models import Backend, Job, Session, Whoami
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.api.transport import Response

LARGEST_LIST = 128 * MIB
"""Largest list of sessions, in bytes: the API serves an account's whole history, about 10 MB for 20,000 sessions."""

MOST_JOB_PAGES = 10_000


class IonQClient:
    """
    A client of the IonQ API, v0.4.

    Keeps one connection open between calls and makes one call at a time: use one client per thread. Redirects are
    not followed. A GET is sent again after a failure that may pass, `settings.max_retries` times at most; what changes
    something is sent once, and again only where the first cannot have left.

    :param settings: key, address, time-out and the rest.
    :param check_address: after a 404 ask once for `/whoami`, to tell a wrong address of the API from an unknown
        session.
    """

    def __init__(self, settings: ClientSettings, *, check_address: bool = False) -> None:
        self.settings = settings
        self._transport = AddressCheckingTransport(settings) if check_address else Transport(settings)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings.base_url!r})"

    @property
    def body_bytes_read(self) -> int:
        """Bytes of all answers so far."""
        return self._transport.body_bytes_read

    def close(self) -> None:
        """Close the connection to the API; a later call opens another."""
        self._transport.close()

    def get_session(self, session_id: str) -> Session:
        """
        Return one session.

        :param session_id: id of the session.
        :raises IonQInvalidIdError: before any request.
        :raises IonQResponseError: also when the answer is another session's.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-session
        """
        return self._session_of(self._transport.get(_session_path(session_id)), session_id)

    def list_sessions(self, active: bool | None = None) -> list[Session]:
        """
        Return the organisation's sessions, ended ones included, each as the API served it.

        The API has no paging and promises no order.

        :param active: only those whose active flag is so; None means all.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-sessions
        """
        return list(self.iter_sessions(active))

    def iter_sessions(self, active: bool | None = None) -> Iterator[Session]:
        """
        Ask once for the organisation's sessions, and decode them one by one.

        For many sessions: other threads go on meanwhile. What is wrong with the answer may show after some of them.

        :param active: only those whose active flag is so; None means all.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-sessions
        """
        yield from self._sessions_of(self._get_sessions(active))

    def list_sessions_at(self) -> tuple[float | None, list[Session]]:
        """
        Return the server's time, and the organisation's sessions as they were then.

        :return: epoch seconds by the server's clock, to the second, None when it does not tell; and the sessions.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-sessions
        """
        answer = self._get_sessions(None)
        return answer.date, [session for session in self._sessions_of(answer) if is_session(session)]

    def create_session(self, backend: str, settings: Mapping[str, Any] | None = None) -> Session:
        """
        Open a session, and send the request once.

        :param backend: name of the device, such as `qpu.forte-1`.
        :param settings: limits, as the API names them: `duration_limit_min` in minutes, `job_count_limit`, and
            `cost_limit` as `{"unit": "usd", "value": 100.0}`; None for no limits.
        :raises IonQConflictError: the session capacity of the device is full.
        :raises IonQError: with `may_have_applied` when a session may have been created nevertheless; only the list of
            sessions can tell.

        https://docs.ionq.com/api-reference/v0.4/sessions/create-session
        """
        body = {"backend": backend} | ({"settings": dict(settings)} if settings else {})
        return self._session_of(self._transport.send_once("POST", "/sessions", body))

    def end_session(self, session_id: str) -> Session:
        """
        Ask the API to end a session, once, and return its answer.

        :param session_id: id of the session.
        :raises IonQInvalidIdError: before any request.

        https://docs.ionq.com/api-reference/v0.4/sessions/end-session
        """
        answer = self._transport.send_once("POST", f"{_session_path(session_id)}/end")
        return self._session_of(answer, session_id)

    def list_session_jobs(self, session_id: str) -> list[Job]:
        """
        Return the jobs of a session, all pages of them, each as the API served it.

        :param session_id: id of the session.
        :raises IonQInvalidIdError: before any request.
        :raises IonQResponseError: also when the pages do not come to an end.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-session-jobs
        """
        path = f"{_session_path(session_id)}/jobs"
        jobs: list[Job] = []
        cursors: set[str] = set()
        params: dict[str, str] = {}
        for _ in range(MOST_JOB_PAGES):
            answer = self._transport.get(path, params)
            page = self._transport.decoded(answer)
            if not isinstance(page, dict) or not isinstance(page.get("jobs"), list):
                raise self._transport.unreadable(answer, "has no list of jobs")
            jobs += page["jobs"]
            cursor = page.get("next")
            if not cursor:
                return jobs
            if not isinstance(cursor, str) or not cursor.isprintable() or cursor in cursors:
                raise self._transport.unreadable(answer, "names a next page that is none")
            cursors.add(cursor)
            params = {"next": cursor}
        raise self._transport.unreadable(answer, f"is page {MOST_JOB_PAGES} and names another")

    def cancel_job(self, job_id: str) -> None:
        """
        Ask the API to cancel a job, once.

        :param job_id: id of the job.
        :raises IonQInvalidIdError: before any request.

        https://docs.ionq.com/api-reference/v0.4/jobs/cancel-job
        """
        self._transport.send_once("PUT", f"/jobs/{path_segment(job_id, 'job_id')}/status/cancel")

    def whoami(self) -> Whoami:
        """
        Return the API key in use: its id, name and project, not its secret.

        https://docs.ionq.com/api-reference/v0.4/util/whoami
        """
        answer = self._transport.get("/whoami")
        key = self._transport.decoded(answer)
        if not isinstance(key, dict) or "key_id" not in key:
            raise self._transport.unreadable(answer, "has no key_id")
        return cast("Whoami", key)

    def list_backends(self) -> list[Backend]:
        """
        Return the devices and simulators.

        https://docs.ionq.com/api-reference/v0.4/backends/get-backends
        """
        answer = self._transport.get("/backends")
        backends = self._transport.decoded(answer)
        if not isinstance(backends, list):
            raise self._transport.unreadable(answer, "is not a list")
        return cast("list[Backend]", backends)

    def get_backend(self, backend: str) -> Backend:
        """
        Return one device or simulator.

        :param backend: its name, such as `qpu.forte-1`.

        https://docs.ionq.com/api-reference/v0.4/backends/get-backend-by-name
        """
        answer = self._transport.get(f"/backends/{path_segment(backend, 'backend')}")
        found = self._transport.decoded(answer)
        if not isinstance(found, dict) or "backend" not in found:
            raise self._transport.unreadable(answer, "has no backend")
        return cast("Backend", found)

    def _get_sessions(self, active: bool | None) -> Response:
        params = None if active is None else {"active": str(active).lower()}
        return self._transport.get("/sessions", params, limit=LARGEST_LIST)

    def _sessions_of(self, answer: Response) -> Iterator[Session]:
        try:
            yield from items_of(answer.body, "sessions")
        except KeyError:
            raise self._transport.unreadable(answer, "has no list of sessions") from None
        except ValueError:
            raise self._transport.unreadable(answer, "is not JSON with sessions") from None

    def _session_of(self, answer: Response, session_id: str | None = None) -> Session:
        session = self._transport.decoded(answer)
        if not is_session(session):
            raise self._transport.unreadable(answer, "is no object with an id and a status")
        try:
            path_segment(session["id"], "id")
        except IonQInvalidIdError:
            raise self._transport.unreadable(answer, "has an id that cannot name a session") from None
        if session_id is not None and session["id"] != session_id:
            raise self._transport.unreadable(answer, f"is of another session than {session_id!r}")
        return session


def path_segment(value: object, name: str) -> str:
    """
    Percent-encode an id so that it stays one segment of a path, whatever is in it.

    :param value: the id.
    :param name: the argument's name, for the error.
    :raises IonQInvalidIdError: for what is not a string, and for `""`, `.` and `..`, which no encoding protects.
    """
    if not isinstance(value, str):
        raise IonQInvalidIdError(f"{name} must be a string, not {type(value).__name__}")
    if value in ("", ".", ".."):
        raise IonQInvalidIdError(f"{name} must name something, but is {value!r}")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise IonQInvalidIdError(f"{name} holds characters that cannot be encoded: {value!r}") from None


def _session_path(session_id: object) -> str:
    return f"/sessions/{path_segment(session_id, 'session_id')}"


def is_session(value: Any) -> TypeGuard[Session]:
    """Tell whether a value of the API's JSON has what we rely on in a session: an id and a status."""
    return isinstance(value, dict) and isinstance(value.get("id"), str) and "status" in value
