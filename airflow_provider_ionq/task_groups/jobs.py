"""Arguments of the jobs inside a session group that follow from the group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import XComArg

from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.operators.end_tasks import argument_of, class_of, tasks_named
from airflow_provider_ionq.operators.job import IonQRunJobOperator
from airflow_provider_ionq.task_groups.reference import session_group_around

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ionq.task_groups.reference import SessionReference


def complete_jobs(group: SessionReference, work: Iterable[Any]) -> None:
    """
    Set the session, its budget and the rehearsal of the jobs inside a session group, unless they are given.

    :param group: the group.
    :param work: the tasks inside, those of session groups within included, which have their own session.
    :raises ValueError: if the group has a budget and no job to which it applies.
    """
    # Compared by id: Airflow holds some groups through a proxy.
    jobs = [
        task
        for task in work
        if issubclass(class_of(task), IonQRunJobOperator)
        and (around := session_group_around(task.task_group)) is not None
        and around.group_id == group.group_id
    ]
    for job in jobs:
        if _belongs_in_session(job, group):
            _set(job, "session_id", group.session_id)
        if group.create.rehearse is not False and not _is_given(job, "rehearse"):
            _set(job, "rehearse", group.create.rehearse)
    if group.max_cost_usd is None:
        return
    jobs = [job for job in jobs if not _is_of_another_session(job, group)]
    if not jobs:
        raise ValueError(
            f"Session group {group.group_id!r}: max_cost_usd is the budget of the tasks with IonQRunJobOperator inside,"
            " and there are none: use cost_limit_usd, which IonQ itself checks, or session_max_cost_usd of ionq_jobs"
        )
    for job in jobs:
        if not _is_given(job, "session_max_cost_usd"):
            _set(job, "session_max_cost_usd", group.max_cost_usd)


def _belongs_in_session(job: Any, group: SessionReference) -> bool:
    """Tell whether a job without a session is for the device of the group, and runs there."""
    is_dry_run = job.partial_kwargs.get("dry_run") if _is_mapped(job) else job.is_dry_run
    if is_dry_run or _is_given(job, "session_id", unknown=True):
        return False
    backend = argument_of(job, "backend")
    return bool(backend == group.create.backend) or bool(tasks_named(backend, {group.create.task_id}))


def _is_of_another_session(job: Any, group: SessionReference) -> bool:
    dag: Any = group.dag
    create_ids = {task.task_id for task in dag.tasks if issubclass(class_of(task), IonQCreateSessionOperator)}
    named = tasks_named(argument_of(job, "session_id"), create_ids)
    return bool(named) and group.create.task_id not in named


def _is_given(job: Any, name: str, *, unknown: bool = False) -> bool:
    """
    Tell whether an argument of a job is given.

    :param unknown: the result for a job that is mapped over objects that are not known yet. Airflow refuses to run the
        job if one of them has an argument that is also set here.
    """
    if not _is_mapped(job):
        value = getattr(job, name)
        return value is not None and value is not False
    if job.partial_kwargs.get(name) is not None:
        return True
    mapped = getattr(job.expand_input, "value", None)
    if isinstance(mapped, dict):
        return name in mapped
    if isinstance(mapped, (list, tuple)):
        return any(name in one for one in mapped if isinstance(one, dict))
    return unknown


def _set(job: Any, name: str, value: Any) -> None:
    if not _is_mapped(job):
        setattr(job, name, value)
        return
    job.partial_kwargs[name] = value
    XComArg.apply_upstream_relationship(job, value)


def _is_mapped(task: Any) -> bool:
    return hasattr(task, "partial_kwargs")
