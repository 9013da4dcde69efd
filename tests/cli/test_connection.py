"""A connection that is stored in Airflow's database, outside a task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from airflow.models import Connection
from airflow.utils.session import create_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ionq.emulator import Emulator
    from tests.cli.conftest import Ended

    Command = Callable[..., Ended]


@pytest.fixture
def stored_connection(ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Store the connection in Airflow's database, and nowhere else."""
    monkeypatch.delenv("AIRFLOW_CONN_IONQ_DEFAULT")
    table = Connection.__table__
    with create_session() as session:
        table.metadata.create_all(session.get_bind(), tables=[table, *(key.column.table for key in table.foreign_keys)])
    with create_session() as session:
        session.add(Connection(conn_id="stored", **json.loads(ionq_emulator.airflow_connection)))
    yield "stored"
    with create_session() as session:
        session.query(Connection).filter(Connection.conn_id == "stored").delete()


def test_connection_in_the_database_is_found(ionq_emulator: Emulator, stored_connection: str, ionq: Command) -> None:
    session = ionq_emulator.create_session("qpu.forte-1")
    ended = ionq("sessions", "list", "--conn-id", stored_connection, "-o", "json")
    assert (ended.status, json.loads(ended.out)) == (0, [session])
