"""The session of a loop in a task inside a session group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.ids import id_of
from airflow_provider_ionq.operators.job_arguments import usd_of
from airflow_provider_ionq.task_groups.reference import session_group_around

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


def session_and_budget(
    context: Context, backend: str, session_id: Any, session_max_cost_usd: float | None
) -> tuple[Any, float | None]:
    """
    Return the session of a loop, and the budget of the session; arguments that are None follow from the session group.

    :param context: the context of the task in which the loop runs.
    :param backend: the backend of the loop. A group for another backend is ignored.
    :param session_id: id of the session, or its JSON; None for that of the group.
    :param session_max_cost_usd: the budget of the session; None for that of the group.
    :raises ValueError: if the budget of the group is not an amount.
    """
    ti: Any = context["ti"]
    # A mapped task is replaced by its instance, which may not know its group.
    group = session_group_around(ti.task.dag.get_task(ti.task_id).task_group) if ti.task.has_dag() else None
    if group is None:
        return session_id, session_max_cost_usd
    # Without the index Airflow would pull the sessions of all instances of a mapped group.
    index = {"map_indexes": ti.map_index} if next(group.iter_mapped_task_groups(), None) else {}
    session = ti.xcom_pull(task_ids=group.create.task_id, **index)
    if not isinstance(session, Mapping) or session.get("backend") != backend:
        return session_id, session_max_cost_usd
    if session_id is not None and id_of(session_id) != session["id"]:
        return session_id, session_max_cost_usd
    if session_max_cost_usd is None:
        session_max_cost_usd = usd_of("max_cost_usd", ti.task.render_template(group.max_cost_usd, context))
    return session["id"], session_max_cost_usd
