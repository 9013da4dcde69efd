"""Sessions as a resource to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.sessions.target import is_ended

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Session
    from airflow_provider_ionq.sessions.capacity_queue import CapacityQueues


class SessionResource:
    """The sessions of an organisation. One list shows all of them, ended ones included."""

    name = "session"
    id_field = "session_id"
    ids_per_list = None
    lists_whole_items = True

    def get(self, client: IonQClient, item_id: str) -> Session:
        """Read one session."""
        return client.get_session(item_id)

    def list_many(self, client: IonQClient, ids: Sequence[str]) -> Iterator[Session]:
        """Read all sessions: the API cannot list a selection of ids."""
        from airflow_provider_ionq.api.client import is_session

        # Without `?active=true`: it is undocumented whether that shows sessions that were created and not started.
        return (session for session in client.iter_sessions() if is_session(session))

    def id_of(self, item: Session) -> str:
        """Return a session's id."""
        return item["id"]

    def is_final(self, item: Session) -> bool:
        """Tell whether a session has ended."""
        return is_ended(item)

    def new_observer(self) -> CapacityQueues:
        """Return the queues of the tasks that wait for capacity."""
        # Not when a DAG is parsed, which needs the resource and no poll.
        from airflow_provider_ionq.sessions.capacity_queue import CapacityQueues

        return CapacityQueues()


SESSIONS = SessionResource()
