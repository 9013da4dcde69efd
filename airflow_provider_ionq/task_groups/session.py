"""A task group that opens an IonQ session, and ends it whatever happens in between."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TaskGroup

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:  # Airflow 2, without that provider
    from airflow.operators.empty import EmptyOperator  # type: ignore[import-not-found,no-redef]

from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.operators.session import IonQEndSessionOperator
from airflow_provider_ionq.sessions.request import closing_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ionq.models import Session

FEWEST_CREATE_RETRIES = 2
CREATE_RETRY_DELAY = timedelta(seconds=30)
"""Short: a try that crashed may have opened a session, which costs money until the next try goes on with it."""

FEWEST_END_RETRIES = 20
SHORTEST_END_RETRY_DELAY = timedelta(minutes=1)
"""Together they outlast an outage of 15 minutes by far."""


def ionq_session(
    group_id: str,
    *,
    backend: str,
    duration_limit_min: int | str | None = None,
    job_count_limit: int | str | None = None,
    cost_limit_usd: float | str | None = None,
    allow_unlimited: bool = False,
    adopt_lost_session: bool = False,
    cancel_jobs: bool = False,
    timeout: float | timedelta = timedelta(days=1),
    poke_interval: float | timedelta = timedelta(minutes=1),
    deferrable: bool = True,
    ionq_conn_id: str = IonQHook.default_conn_name,
    create_retries: int = FEWEST_CREATE_RETRIES,
    end_retries: int = FEWEST_END_RETRIES,
    end_retry_delay: timedelta = SHORTEST_END_RETRY_DELAY,
    **kwargs: Any,
) -> IonQSessionGroup:
    """
    Open a session for the tasks inside, and end it when they are done, failed, skipped or killed.

    .. code-block:: python

        with ionq_session("bell", backend="qpu.forte-1", duration_limit_min=60) as session:
            work(session.session_id)

    `bell.create_session` is a setup, `bell.end_session` its teardown: it also runs when a task inside fails or the run
    is marked failed, and it fails the run when the session was not seen to end. `bell.work_done`, between the work and
    the end, needs no worker: without it Airflow would take a run whose work failed for a success once the session has
    ended. Whatever is done in the session belongs inside: a task outside that uses `session.session_id` may run when
    the session has ended.

    What nothing inside Airflow can cover is closed by the limits: give at least `duration_limit_min`. Refused in a DAG
    with a `dagrun_timeout`, which would skip the end: use `execution_timeout` of the tasks instead.

    :param group_id: id of the task group.
    :param backend: name of the device, such as `qpu.forte-1` (templated).
    :param duration_limit_min: minutes from its creation after which IonQ ends the session (templated).
    :param job_count_limit: jobs after which IonQ ends it (templated).
    :param cost_limit_usd: cost of its jobs, in US dollars, at which IonQ ends it (templated).
    :param allow_unlimited: open it without any limit, too; nothing at IonQ then closes it.
    :param adopt_lost_session: go on with the one session that may be the one whose answer was lost, instead of failing.
    :param cancel_jobs: cancel the session's open jobs before it is ended.
    :param timeout: longest wait for capacity, in seconds or as a timedelta.
    :param poke_interval: time between two looks while waiting for capacity, in seconds or as a timedelta.
    :param deferrable: wait for capacity in the triggerer.
    :param ionq_conn_id: id of the Airflow connection of type `ionq` (templated).
    :param create_retries: of the task that opens the session, 30 s apart; at least 2, with which it finds a session
        that a crashed try has opened.
    :param end_retries: of the task that ends it; at least 20.
    :param end_retry_delay: between them; at least a minute.
    :param kwargs: further arguments of Airflow's `TaskGroup`, such as `tooltip`.
    :raises ValueError: when the DAG is parsed, for an argument that cannot be, a group without a task inside, one that
        is used twice, and a DAG with a `dagrun_timeout`.
    """
    _check_at_least("create_retries", create_retries, FEWEST_CREATE_RETRIES, "a crashed try may have opened a session")
    _check_at_least("end_retries", end_retries, FEWEST_END_RETRIES, "the end must outlast an outage")
    _check_at_least("end_retry_delay", end_retry_delay, SHORTEST_END_RETRY_DELAY, "the end must outlast an outage")
    group = IonQSessionGroup(group_id, **kwargs)
    if group.dag.dagrun_timeout is not None:
        raise ValueError(
            f"dagrun_timeout of DAG {group.dag.dag_id!r} would skip the end of the session of group {group_id!r}, and"
            " leave it open: give the tasks an execution_timeout instead"
        )
    group.create = IonQCreateSessionOperator(
        task_id="create_session",
        backend=backend,
        duration_limit_min=duration_limit_min,
        job_count_limit=job_count_limit,
        cost_limit_usd=cost_limit_usd,
        allow_unlimited=allow_unlimited,
        adopt_lost_session=adopt_lost_session,
        timeout=timeout,
        poke_interval=poke_interval,
        deferrable=deferrable,
        ionq_conn_id=ionq_conn_id,
        retries=create_retries,
        retry_delay=CREATE_RETRY_DELAY,
        retry_exponential_backoff=False,
        multiple_outputs=True,
        do_xcom_push=True,
        task_group=group,
        dag=group.dag,
    )
    group.end = EndSessionOfGroup(
        task_id="end_session",
        session_id=group.session_id,
        opened=group.create.output,
        cancel_jobs=cancel_jobs,
        ionq_conn_id=ionq_conn_id,
        retries=end_retries,
        retry_delay=end_retry_delay,
        # What follows is said so that the default arguments of a DAG do not: nothing may keep the end from running.
        retry_exponential_backoff=False,
        execution_timeout=None,
        depends_on_past=False,
        wait_for_downstream=False,
        pool="default_pool",
        task_group=group,
        dag=group.dag,
    )
    group.end.as_teardown(setups=group.create, on_failure_fail_dagrun=True)
    # Airflow judges a run by its last tasks, and counts a teardown as one only if it may fail the run. Right before
    # such a teardown the work would not count; before one that may not it does.
    group.work_done = EmptyOperator(task_id="work_done", task_group=group, dag=group.dag)
    group.work_done.as_teardown(setups=group.create, on_failure_fail_dagrun=False)
    group.work_done >> group.end
    return group


class IonQSessionGroup(TaskGroup):
    """
    The tasks that work in a session, and the two that open and end it. Made by :func:`ionq_session`.

    :ivar create: the task that opens the session.
    :ivar work_done: done when all tasks inside are, whatever became of them.
    :ivar end: the task that ends the session.
    """

    create: IonQCreateSessionOperator
    work_done: EmptyOperator
    end: EndSessionOfGroup

    def __init__(self, group_id: str, **kwargs: Any) -> None:
        super().__init__(group_id, **kwargs)
        self._used = False

    @property
    def session_id(self) -> Any:
        """The session's id, for the tasks inside: an XComArg."""
        output: Any = self.create.output
        return output["id"]

    def __enter__(self) -> Self:
        """Let tasks that are made from here on work in the session."""
        if self._used:
            raise ValueError(
                f"The session of group {self.group_id!r} is used twice: make another with another group_id"
            )
        self._used = True
        super().__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        """Have the session opened before, and ended after, every task inside."""
        super().__exit__(*exc_info)  # type: ignore[no-untyped-call]
        if exc_info[0] is not None:
            return
        own = {self.create.task_id, self.work_done.task_id, self.end.task_id}
        work = {task.task_id: task for task in self.iter_tasks() if task.task_id not in own}
        if not work:
            raise ValueError(
                f"The session of group {self.group_id!r} has no task inside: nothing would use what it costs"
            )
        for task in work.values():
            if not task.upstream_task_ids & work.keys():
                self.create >> task
            if not task.downstream_task_ids & work.keys():
                task >> self.work_done


class EndSessionOfGroup(IonQEndSessionOperator):
    """
    End the session of a group, and when that fails say what was opened and what will close it, even if it was not seen.

    :param opened: the session's JSON as it was opened (templated).
    """

    template_fields: Sequence[str] = (*IonQEndSessionOperator.template_fields, "opened")

    def __init__(self, *, opened: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.opened = opened

    def execute(self, context: Context) -> Session:
        """End the session; return its JSON."""
        try:
            return super().execute(context)
        except Exception:
            opened = self.opened if isinstance(self.opened, dict) else {}
            self.log.error(
                "Session %s on %s is not known to have ended, and may cost money: %s. End it by hand if need be.",
                self.session_id,
                opened.get("backend", "a backend that is not known"),
                closing_words(opened),
            )
            raise


def _check_at_least(name: str, value: Any, least: Any, reason: str) -> None:
    if isinstance(value, bool) or not isinstance(value, type(least)) or value < least:
        raise ValueError(f"{name} must be at least {least}, not {value!r}: {reason}")
