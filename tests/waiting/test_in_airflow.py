"""Ids, labels, rendered fields and links as Airflow stores them, in a real run of a DAG."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from tests.waiting.test_time_out import run_dag

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

DAG_FILE = """
import datetime
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_ionq.operators.session import (
    IonQEndSessionOperator,
    IonQGetSessionOperator,
    IonQListSessionsOperator,
)
from airflow_provider_ionq.sensors.session import IonQSessionSensor

with DAG("ids", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as dag:
    get = IonQGetSessionOperator(task_id="get", session_id={session_id!r})
    wait = IonQSessionSensor(
        task_id="wait", session_id=get.output, status=("created", "started"), deferrable=True, timeout=60
    )
    by_template = IonQSessionSensor(
        task_id="by_template", session_id="{{{{ ti.xcom_pull(task_ids='get') }}}}", status="created", timeout=60
    )
    all_sessions = IonQListSessionsOperator(task_id="all_sessions")
    wait_for_all = IonQSessionSensor.partial(
        task_id="wait_for_all", status="created", deferrable=True, timeout=60
    ).expand(session_id=all_sessions.output)
    end = IonQEndSessionOperator(task_id="end", session_id=get.output)
    end_all = IonQEndSessionOperator.partial(task_id="end_all").expand(session_id=all_sessions.output)
    get >> by_template
    [wait, by_template, wait_for_all] >> end >> end_all
"""


def test_a_run_hands_on_whole_sessions_and_shows_their_ids(ionq_emulator: Emulator) -> None:
    ids = [ionq_emulator.create_session("qpu.forte-1")["id"] for _ in range(2)]
    states = run_dag("ids", DAG_FILE.format(session_id=ids[0]))
    assert set(states.values()) == {"success"}, states
    assert {task_id for task_id, map_index in states if map_index == 1} == {"wait_for_all", "end_all"}
    assert all(session["ended_at"] for session in ionq_emulator.sessions())
    rows = stored("ids")
    assert {rows["labels"]["wait_for_all", index] for index in (0, 1)} == set(ids)
    assert {rows["labels"]["end_all", index] for index in (0, 1)} == set(ids)
    for task_id in ("wait", "by_template", "end"):
        assert rows["fields"][task_id, -1]["session_id"] == ids[0]
    assert list(rows["fields"]["wait", -1]["status"]) == ["created", "started"]
    assert rows["fields"]["by_template", -1]["status"] == "created"
    if AIRFLOW_V_3_0_PLUS:
        assert {task_id for task_id, _ in states} == set(rows["links"])
        assert set(rows["links"].values()) == {"https://cloud.ionq.com"}


def stored(dag_id: str) -> dict[str, Any]:
    """Return labels, rendered fields and links of a DAG's task instances, as Airflow's interface reads them."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XCom
    from airflow.utils.session import create_session

    xcom: Any = XCom
    if AIRFLOW_V_3_0_PLUS:
        from airflow.models.xcom import XComModel

        xcom = XComModel
    fields: Any = RenderedTaskInstanceFields
    instance: Any = TaskInstance
    with create_session() as session:
        return {
            "labels": {
                (row.task_id, row.map_index): row.rendered_map_index
                for row in session.query(instance).filter(instance.dag_id == dag_id)
            },
            "fields": {
                (row.task_id, row.map_index): row.rendered_fields
                for row in session.query(fields).filter(fields.dag_id == dag_id)
            },
            "links": {
                row.task_id: json.loads(row.value) if isinstance(row.value, str) and row.value[:1] == '"' else row.value
                for row in session.query(xcom).filter(xcom.dag_id == dag_id, xcom.key == "_link_IonQConsoleLink")
            },
        }
