"""A task group that creates an IonQ session, and always ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.operators.job_arguments import usd_of
from airflow_provider_ionq.task_groups.arguments import (
    FEWEST_CREATE_RETRIES,
    FEWEST_END_RETRIES,
    NOT_GIVEN,
    SHORTEST_END_RETRY_DELAY,
    default_argument,
    given,
)
from airflow_provider_ionq.task_groups.documentation import GROUP_TOOLTIP
from airflow_provider_ionq.task_groups.group import IonQSessionGroup
from airflow_provider_ionq.utils.tasks import is_rendered_later

if TYPE_CHECKING:
    from datetime import timedelta


def ionq_session(
    group_id: str,
    *,
    backend: str = NOT_GIVEN,
    duration_limit_min: int | str | None = NOT_GIVEN,
    job_count_limit: int | str | None = NOT_GIVEN,
    cost_limit_usd: float | str | None = NOT_GIVEN,
    allow_unlimited: bool = NOT_GIVEN,
    adopt_lost_session: bool = NOT_GIVEN,
    cancel_jobs: bool = NOT_GIVEN,
    max_cost_usd: float | str | None = None,
    rehearse: bool | str = NOT_GIVEN,
    timeout: float | timedelta = NOT_GIVEN,
    poke_interval: float | timedelta = NOT_GIVEN,
    deferrable: bool = NOT_GIVEN,
    ionq_conn_id: str = NOT_GIVEN,
    create_retries: int = NOT_GIVEN,
    end_retries: int = NOT_GIVEN,
    end_retry_delay: timedelta = SHORTEST_END_RETRY_DELAY,
    end_queue: str | None = None,
    **kwargs: Any,
) -> IonQSessionGroup:
    """
    Create a session for the tasks inside, and end it when they have succeeded or failed, or were skipped or killed.

    .. code-block:: python

        with ionq_session("bell", backend="qpu.forte-1", duration_limit_min=60) as session:
            work(session.session_id)

    `bell.create_session` is a setup, `bell.end_session` its teardown: it also runs when a task inside fails, the run is
    marked failed, or the create task is killed or marked, and it fails the run when the end of the session is not
    confirmed. Two tasks need no worker. `bell.begin` is a second setup, so that the end runs even if `create_session`
    does not succeed. `bell.work_done` is between the work and the end: without it Airflow would mark a run as a success
    whose work failed, once the session has ended.

    The session is created when the first task inside can begin. `bell.begin` waits for the upstream tasks outside that
    all first tasks inside share. It does not wait for those of only some first tasks: the others can begin, and would
    otherwise be skipped or fail with them. To create the session later, write `prepared >> session` after the `with`
    block.

    All work in the session belongs inside. If a task outside uses the id, the session ends after that task. A task that
    only reads the session's JSON afterwards goes after the end: `session.end >> report`.

    `session` itself, `session.id` and `session["id"]` mean `session.session_id` in every templated argument of a task;
    `f"{session}"` is a template that renders to it.

    An :class:`~airflow_provider_ionq.operators.job.IonQRunJobOperator` inside is submitted to the session even without
    `session_id`, if its `backend` is that of the group or `session["backend"]`, and it is no dry run. A job for another
    backend, such as the simulator, runs outside the session.

    In a rehearsal the same tasks run and no session is created. Jobs run on the simulator with the noise model of their
    device, and sensors of the session succeed at once. `create_session` decides: it returns JSON whose id,
    `rehearsal:qpu.forte-1`, tells every task of this provider that is given it. Other code that sends this id to IonQ
    is refused.

    If Airflow itself fails for good, only the limits end the session: set at least `duration_limit_min`. A DAG with a
    `dagrun_timeout`, which would skip the end, is refused (use `execution_timeout` of the tasks instead). So is a task
    inside with `depends_on_past` or `wait_for_downstream`, which would hold the session open.

    An argument that is not given is taken from `default_args` of the group or the DAG, as for any operator, and then
    from the default named here. `retries` in `default_args` raises the retries of both tasks, and never lowers them.
    Default arguments that could keep the session open, such as `pool`, `trigger_rule` or `execution_timeout`, do not
    apply to the end task.

    :param group_id: id of the task group.
    :param backend: name of the device, such as `qpu.forte-1` (templated).
    :param duration_limit_min: minutes from its creation after which IonQ ends the session (templated); None or empty
        text for no such limit.
    :param job_count_limit: jobs after which IonQ ends it (templated); None or empty text for no such limit.
    :param cost_limit_usd: cost of its jobs, in US dollars, at which IonQ ends it (templated); None or empty text for no
        such limit.
    :param allow_unlimited: allow a session without any limit; IonQ then never ends it by itself. False by default.
    :param adopt_lost_session: when the create response was lost, continue with the only candidate instead of failing,
        unless it was started meanwhile. False by default.
    :param cancel_jobs: cancel the session's open jobs before it is ended. False by default.
    :param max_cost_usd: limit of what all jobs of the session may cost together, in US dollars (templated); None for no
        limit. Every `IonQRunJobOperator` inside checks it, as its `session_max_cost_usd`, before and after it submits:
        a job that does not fit is not submitted, or is cancelled if another one came first at the same moment. It
        counts the jobs that other code has submitted to the session, but does not keep such code from submitting more:
        `cost_limit_usd` does. Not taken from `default_args`, where `max_cost_usd` is the limit of each job.
    :param rehearse: create no session, and spend nothing (templated: `True` or `False`, such as
        `{{ params.rehearse }}`). False by default; in a session group within another one, that of the outer one.
    :param timeout: longest wait for capacity, in seconds or as a timedelta. A day by default.
    :param poke_interval: time between two polls while waiting for capacity, in seconds or as a timedelta. A minute by
        default.
    :param deferrable: wait for capacity in the triggerer. True by default.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated). `ionq_default` by default.
    :param create_retries: retries of the task that creates the session, 30 s apart; at least 2, so that a retry finds
        the session of a crashed try.
    :param end_retries: retries of the task that ends the session; at least 20.
    :param end_retry_delay: time between these retries; at least a minute.
    :param end_queue: queue of the task that ends the session, for executors that have queues, such as Celery's: with a
        separate queue and workers the end never waits for a busy worker. None for the queue of the DAG's
        `default_args`, or else Airflow's default queue.
    :param kwargs: further arguments of Airflow's `TaskGroup`, such as `tooltip` and `default_args`.
    :raises ValueError: when the DAG is parsed, for an invalid argument, a group without a task inside, a group that is
        used twice or without `with`, a task that is added later, a DAG with a `dagrun_timeout`, and a task inside that
        depends on an earlier run or has a trigger rule that Airflow does not allow there.
    """
    _check_at_least(group_id, "create_retries", create_retries, FEWEST_CREATE_RETRIES, "a retry finds a lost session")
    _check_at_least(group_id, "end_retries", end_retries, FEWEST_END_RETRIES, "the end must outlast an outage")
    _check_at_least(
        group_id, "end_retry_delay", end_retry_delay, SHORTEST_END_RETRY_DELAY, "the end must outlast an outage"
    )
    kwargs.setdefault("tooltip", GROUP_TOOLTIP)
    group = IonQSessionGroup(
        group_id,
        of_create={
            **given(
                backend=backend,
                duration_limit_min=duration_limit_min,
                job_count_limit=job_count_limit,
                cost_limit_usd=cost_limit_usd,
                allow_unlimited=allow_unlimited,
                adopt_lost_session=adopt_lost_session,
                rehearse=rehearse,
                timeout=timeout,
                poke_interval=poke_interval,
                deferrable=deferrable,
                ionq_conn_id=ionq_conn_id,
            ),
            "retries": create_retries,
        },
        of_end={
            **given(adopt_lost_session=adopt_lost_session, cancel_jobs=cancel_jobs, ionq_conn_id=ionq_conn_id),
            **({} if end_queue is None else {"queue": end_queue}),
            "retries": end_retries,
            "retry_delay": end_retry_delay,
        },
        max_cost_usd=max_cost_usd,
        **kwargs,
    )
    group.check_dag()
    if not is_rendered_later(max_cost_usd):
        try:
            usd_of("max_cost_usd", max_cost_usd)
        except ValueError as error:
            raise ValueError(f"Session group {group_id!r}: {error}") from None
    if backend is NOT_GIVEN and default_argument(group, "backend") is None:
        raise ValueError(
            f"Session group {group_id!r}: backend must be given: the name of a device, such as 'qpu.forte-1'"
        )
    return group


def _check_at_least(group_id: str, name: str, value: Any, least: Any, reason: str) -> None:
    if value is NOT_GIVEN:
        return
    if isinstance(value, bool) or not isinstance(value, type(least)) or value < least:
        raise ValueError(f"Session group {group_id!r}: {name} must be at least {least}, not {value!r}: {reason}")
