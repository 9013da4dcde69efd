"""
The endpoints of the IonQ API, without Airflow.

Those of jobs are in :mod:`~airflow_provider_ionq.api.jobs`, those of results in
:mod:`~airflow_provider_ionq.api.results`.

Rules of these files: an endpoint is a few lines; a response is checked for the keys that the provider relies on and is
otherwise returned unchanged. Requests are sent by :mod:`~airflow_provider_ionq.api.transport`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard, cast

from airflow_provider_ionq.api.address import AddressCheckingTransport
from airflow_provider_ionq.api.items import is_item, item_of
from airflow_provider_ionq.api.jobs import JobEndpoints
from airflow_provider_ionq.api.json_stream import items_of
from airflow_provider_ionq.api.paths import path_segment
from airflow_provider_ionq.api.results import ResultEndpoints
from airflow_provider_ionq.api.transport import MIB, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_ionq.api.models import Backend, Session, Whoami
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.api.transport import Response

LARGEST_LIST = 128 * MIB
"""Largest list of sessions, in bytes. The API returns an account's whole history: about 10 MB for 20,000 sessions."""


class IonQClient(JobEndpoints, ResultEndpoints):
    """
    A client of the IonQ API, v0.4.

    Keeps one connection open between calls and makes one call at a time: use one client per thread. Redirects are
    not followed. A GET is repeated after a transient error, at most `settings.max_retries` times. A request that
    changes something is sent once, and repeated only if nothing of it can have been sent.

    :param settings: API key, address, time-out and other settings.
    :param check_address: after a 404, request `/whoami` once to distinguish a wrong API address from an unknown
        session.
    """

    def __init__(self, settings: ClientSettings, *, check_address: bool = False) -> None:
        self.settings = settings
        self._transport = AddressCheckingTransport(settings) if check_address else Transport(settings)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings.base_url!r})"

    @property
    def body_bytes_read(self) -> int:
        """Bytes of all successful response bodies so far."""
        return self._transport.body_bytes_read

    def close(self) -> None:
        """Close the connection to the API; a later call opens another."""
        self._transport.close()

    def get_session(self, session_id: str) -> Session:
        """
        Return one session.

        :param session_id: id of the session.
        :raises IonQInvalidIdError: before any request.
        :raises IonQResponseError: also if the response describes another session.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-session
        """
        return self._session_of(self._transport.get(_session_path(session_id)), session_id)

    def list_sessions(self, active: bool | None = None) -> list[Session]:
        """
        Return the organisation's sessions, including ended ones, each as returned by the API.

        The API has no paging and guarantees no order.

        :param active: return only sessions with this active flag; None returns all.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-sessions
        """
        return list(self.iter_sessions(active))

    def iter_sessions(self, active: bool | None = None) -> Iterator[Session]:
        """
        Request the organisation's sessions once, and decode them one by one.

        For many sessions: other threads can run between two items. An error in the response may be raised after some
        sessions.

        :param active: yield only sessions with this active flag; None yields all.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-sessions
        """
        yield from self._sessions_of(self._get_sessions(active))

    def list_sessions_at(self) -> tuple[float | None, list[Session]]:
        """
        Return the server's time and the organisation's sessions at that time.

        :return: the server's clock in epoch seconds, to the second, or None without a `Date` header; and the sessions.

        https://docs.ionq.com/api-reference/v0.4/sessions/get-sessions
        """
        answer = self._get_sessions(None)
        return answer.date, [session for session in self._sessions_of(answer) if is_session(session)]

    def create_session(self, backend: str, settings: Mapping[str, Any] | None = None) -> Session:
        """
        Create a session; the request is sent once.

        :param backend: name of the device, such as `qpu.forte-1`.
        :param settings: limits, as the API names them: `duration_limit_min` in minutes, `job_count_limit`, and
            `cost_limit` as `{"unit": "usd", "value": 100.0}`; None for no limits.
        :raises IonQConflictError: if the session capacity of the device is full.
        :raises IonQError: with `may_have_applied` if the server may still have created a session; compare the lists of
            sessions.

        https://docs.ionq.com/api-reference/v0.4/sessions/create-session
        """
        body = {"backend": backend} | ({"settings": dict(settings)} if settings else {})
        return self._session_of(self._transport.send_once("POST", "/sessions", body))

    def end_session(self, session_id: str) -> Session:
        """
        Request the end of a session, once, and return the response.

        :param session_id: id of the session.
        :raises IonQInvalidIdError: before any request.

        https://docs.ionq.com/api-reference/v0.4/sessions/end-session
        """
        answer = self._transport.send_once("POST", f"{_session_path(session_id)}/end")
        return self._session_of(answer, session_id)

    def whoami(self) -> Whoami:
        """
        Return the id, name and project of the API key in use, not the key itself.

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
        return cast("Session", item_of(self._transport, answer, "session", session_id))


def _session_path(session_id: object) -> str:
    return f"/sessions/{path_segment(session_id, 'session_id')}"


def is_session(value: Any) -> TypeGuard[Session]:
    """Return whether a JSON value has the required keys of a session: an id and a status."""
    return is_item(value)
