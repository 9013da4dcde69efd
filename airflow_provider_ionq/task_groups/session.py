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
from airflow_provider_ionq.task_groups.end import EndSessionOfGroup
from airflow_provider_ionq.task_memory import OPENING_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

FEWEST_CREATE_RETRIES = 2
CREATE_RETRY_DELAY = timedelta(seconds=30)
"""Short: a try that crashed may have opened a session, which costs money until the next try goes on with it."""

FEWEST_END_RETRIES = 20
SHORTEST_END_RETRY_DELAY = timedelta(minutes=1)
"""Together they outlast an outage of 15 minutes by far."""

NEVER_HELD_UP: dict[str, Any] = {"depends_on_past": False, "wait_for_downstream": False}
"""Said so that the default arguments of a DAG do not: another run must not keep the session of this one open."""

WITHOUT_A_WORKER: dict[str, Any] = {
    "on_execute_callback": None,
    "on_success_callback": None,
    "inlets": None,
    "outlets": None,
}
"""With any of these Airflow would have an EmptyOperator wait for a worker."""

AHEAD_OF_ALL: dict[str, Any] = {
    "pool": "default_pool",
    "pool_slots": 1,
    "priority_weight": 1_000_000,
    "weight_rule": "absolute",
    "max_active_tis_per_dag": None,
    "max_active_tis_per_dagrun": 1_000_000,
}
"""
The next free worker is for the end: what waits behind it costs nothing yet.

The last limit is out of reach, but with any at all Airflow never takes the run for deadlocked while the end is to come.
Else it does so when `create_session` is marked failed later: it stops the work, ends the run, and runs no teardown.
"""


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

    `bell.create_session` is a setup, `bell.end_session` its teardown: it also runs when a task inside fails, the run is
    marked failed, or the task that opens the session is killed or marked, and it fails the run when the session was not
    seen to end. Two tasks need no worker: `bell.begin`, a second setup, by which the end runs even if `create_session`
    did not succeed; and `bell.work_done`, between the work and the end, without which Airflow would take a run whose
    work failed for a success once the session has ended. Whatever is done in the session belongs inside: a task outside
    that uses `session.session_id` may run when the session has ended.

    What nothing inside Airflow can cover is closed by the limits: give at least `duration_limit_min`. Refused in a DAG
    with a `dagrun_timeout`, which would skip the end (use `execution_timeout` of the tasks instead), and for a task
    inside with `depends_on_past` or `wait_for_downstream`, which would hold the session open.

    :param group_id: id of the task group.
    :param backend: name of the device, such as `qpu.forte-1` (templated).
    :param duration_limit_min: minutes from its creation after which IonQ ends the session (templated).
    :param job_count_limit: jobs after which IonQ ends it (templated).
    :param cost_limit_usd: cost of its jobs, in US dollars, at which IonQ ends it (templated).
    :param allow_unlimited: open it without any limit, too; nothing at IonQ then closes it.
    :param adopt_lost_session: go on with the one session that may be the one whose answer was lost, instead of failing,
        unless it was started meanwhile.
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
        is used twice or without `with`, a DAG with a `dagrun_timeout`, and a task inside that depends on an earlier
        run.
    """
    _check_at_least("create_retries", create_retries, FEWEST_CREATE_RETRIES, "a crashed try may have opened a session")
    _check_at_least("end_retries", end_retries, FEWEST_END_RETRIES, "the end must outlast an outage")
    _check_at_least("end_retry_delay", end_retry_delay, SHORTEST_END_RETRY_DELAY, "the end must outlast an outage")
    group = IonQSessionGroup(
        group_id,
        of_create={
            "backend": backend,
            "duration_limit_min": duration_limit_min,
            "job_count_limit": job_count_limit,
            "cost_limit_usd": cost_limit_usd,
            "allow_unlimited": allow_unlimited,
            "adopt_lost_session": adopt_lost_session,
            "timeout": timeout,
            "poke_interval": poke_interval,
            "deferrable": deferrable,
            "ionq_conn_id": ionq_conn_id,
            "retries": create_retries,
        },
        of_end={
            "adopt_lost_session": adopt_lost_session,
            "cancel_jobs": cancel_jobs,
            "ionq_conn_id": ionq_conn_id,
            "retries": end_retries,
            "retry_delay": end_retry_delay,
        },
        **kwargs,
    )
    if group.dag.dagrun_timeout is not None:
        raise ValueError(
            f"dagrun_timeout of DAG {group.dag.dag_id!r} would skip the end of the session of group {group_id!r}, and"
            " leave it open: give the tasks an execution_timeout instead"
        )
    return group


class IonQSessionGroup(TaskGroup):
    """
    The tasks that work in a session, and those that open and end it. Made by :func:`ionq_session`.

    Has no tasks, and opens nothing, until it is entered.

    :ivar begin: done before anything is opened.
    :ivar create: the task that opens the session.
    :ivar work_done: done when all tasks inside are, whatever became of them.
    :ivar end: the task that ends the session.
    """

    begin: EmptyOperator
    create: IonQCreateSessionOperator
    work_done: EmptyOperator
    end: EndSessionOfGroup

    def __init__(self, group_id: str, *, of_create: dict[str, Any], of_end: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(group_id, **kwargs)
        self._to_be_added: tuple[dict[str, Any], dict[str, Any]] | None = (of_create, of_end)

    @property
    def session_id(self) -> Any:
        """
        The session's id, for the tasks inside: an XComArg.

        :raises ValueError: before the group is entered.
        """
        if self._to_be_added is not None:
            raise ValueError(
                f"The session of group {self.group_id!r} is used without `with`: write `with ionq_session(...) as"
                " session:`, and use session.session_id in the tasks inside"
            )
        output: Any = self.create.output
        return output["id"]

    def __enter__(self) -> Self:
        """Add the tasks that open and end the session; let those that are made from here on work in it."""
        if self._to_be_added is None:
            raise ValueError(
                f"The session of group {self.group_id!r} is used twice: make another with another group_id"
            )
        (of_create, of_end), self._to_be_added = self._to_be_added, None
        self._add_session(of_create, of_end)
        super().__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        """Have the session opened before, and ended after, every task inside."""
        super().__exit__(*exc_info)  # type: ignore[no-untyped-call]
        if exc_info[0] is not None:
            return
        own = {self.begin.task_id, self.create.task_id, self.work_done.task_id, self.end.task_id}
        work: dict[str, Any] = {task.task_id: task for task in self.iter_tasks() if task.task_id not in own}
        if not work:
            raise ValueError(
                f"The session of group {self.group_id!r} has no task inside: nothing would use what it costs"
            )
        last_work_ids = []
        for task in work.values():
            if task.depends_on_past:
                raise ValueError(
                    f"depends_on_past or wait_for_downstream of task {task.task_id!r} would keep its session open while"
                    " an earlier run holds it up: set both to False inside the group, and give them to a task before it"
                )
            if not task.upstream_task_ids & work.keys():
                self.create >> task
            if not task.downstream_task_ids & work.keys():
                last_work_ids.append(task.task_id)
            if not _is_torn_down_within(task, work):
                task >> self.work_done
        self.end.last_work_ids = last_work_ids

    def _add_session(self, of_create: dict[str, Any], of_end: dict[str, Any]) -> None:
        # Airflow runs a teardown if any of its setups succeeded. This one always does, and first: so the end runs too
        # where the task that opens the session was stopped from outside.
        self.begin = self._empty("begin")
        self.create = IonQCreateSessionOperator(
            task_id="create_session",
            **of_create,
            retry_delay=CREATE_RETRY_DELAY,
            retry_exponential_backoff=False,
            multiple_outputs=True,
            do_xcom_push=True,
            **NEVER_HELD_UP,
            task_group=self,
            dag=self.dag,
        )
        # What skips or fails the one, such as a task whose XCom is an argument, skips or fails the other.
        self.begin.set_upstream(list(self.create.upstream_list))
        self.begin >> self.create
        handed_on: Any = self.create.output
        self.end = EndSessionOfGroup(
            task_id="end_session",
            session_id=self.session_id,
            opened=handed_on,
            opening=handed_on[OPENING_KEY],
            create_id=self.create.task_id,
            **of_end,
            # What follows is said so that the default arguments of a DAG do not: nothing may keep the end from running.
            retry_exponential_backoff=False,
            execution_timeout=None,
            **NEVER_HELD_UP,
            **AHEAD_OF_ALL,
            task_group=self,
            dag=self.dag,
        )
        if hasattr(self.end, "retry_policy"):  # Airflow 3.3
            self.create.retry_policy = self.end.retry_policy = None
        self.end.as_teardown(setups=[self.begin, self.create], on_failure_fail_dagrun=True)
        # Airflow judges a run by its last tasks, and counts a teardown as one only if it may fail the run. Right before
        # such a teardown the work would not count; before one that may not it does.
        self.work_done = self._empty("work_done")
        self.work_done.as_teardown(setups=self.create, on_failure_fail_dagrun=False)
        self.work_done >> self.end

    def _empty(self, name: str) -> EmptyOperator:
        return EmptyOperator(task_id=name, **NEVER_HELD_UP, **WITHOUT_A_WORKER, task_group=self, dag=self.dag)


def _is_torn_down_within(task: Any, work: Mapping[str, Any]) -> bool:
    """
    Tell whether a task is a setup whose teardown, which waits for it, is among the tasks inside as well.

    Every other task inside is linked to `work_done`, not only the last. Before Airflow 3.2 a teardown waits for its
    direct upstream tasks only, and a last task may be done (`upstream_failed`) while another upstream of it still runs.
    Such a setup is not linked: Airflow would take `work_done` for a second teardown of it, and the setup would also
    count for the tasks that follow its own teardown.
    """
    return task.is_setup and any(below.is_teardown and below.task_id in work for below in task.downstream_list)


def _check_at_least(name: str, value: Any, least: Any, reason: str) -> None:
    if isinstance(value, bool) or not isinstance(value, type(least)) or value < least:
        raise ValueError(f"{name} must be at least {least}, not {value!r}: {reason}")
