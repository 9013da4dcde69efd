"""The task group of an IonQ session: the tasks that create and end it, and the tasks that work in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:  # Airflow 2, without that provider
    from airflow.operators.empty import EmptyOperator  # type: ignore[import-not-found,no-redef]

from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.task_groups import arguments, jobs, wiring
from airflow_provider_ionq.task_groups.documentation import TASK_DOCS
from airflow_provider_ionq.task_groups.end import EndSessionOfGroup
from airflow_provider_ionq.task_groups.left_open import report_session_left_open
from airflow_provider_ionq.task_groups.reference import SessionReference, session_group_around
from airflow_provider_ionq.utils.session_memory import PROGRESS_KEY

if TYPE_CHECKING:
    from typing import Self


class IonQSessionGroup(SessionReference):
    """
    The tasks that work in a session, and the tasks that create and end it.

    Returned by :func:`~airflow_provider_ionq.task_groups.session.ionq_session`. The group has no tasks, and creates no
    session, until it is entered.

    :ivar begin: task that succeeds before the session is created.
    :ivar create: task that creates the session.
    :ivar work_done: task that succeeds when all tasks inside are done, in any state.
    :ivar end: task that ends the session.
    """

    begin: EmptyOperator
    work_done: EmptyOperator
    end: EndSessionOfGroup
    _ids_inside: frozenset[str] | None = None
    """The tasks inside, once the `with` block is left."""

    def __init__(
        self,
        group_id: str,
        *,
        of_create: dict[str, Any],
        of_end: dict[str, Any],
        max_cost_usd: float | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group_id, max_cost_usd=max_cost_usd, **kwargs)
        self._to_be_added: tuple[dict[str, Any], dict[str, Any]] | None = (of_create, of_end)

    def add(self, task: Any) -> Any:
        """
        Add a task or group inside the group.

        :raises ValueError: after the `with` block.
        """
        if self._ids_inside is not None:
            raise ValueError(self._too_late_error([task.node_id]))
        return super().add(task)

    def update_relative(self, other: Any, *args: Any, **kwargs: Any) -> None:
        """Update the group for a dependency of the other node on it."""
        self._check_may_depend(other)
        super().update_relative(other, *args, **kwargs)

    def set_downstream(self, task_or_task_list: Any, edge_modifier: Any = None) -> None:
        """
        Make tasks outside wait for the tasks inside.

        :raises ValueError: in the `with` block, where the last tasks inside are not yet known.
        """
        if self._to_be_added is None and self._ids_inside is None:
            raise ValueError(
                f"Session group {self.group_id!r}: write downstream tasks of the session (`session >> ...`) after the"
                " `with` block; a task inside needs no such dependency"
            )
        self._check_may_depend(task_or_task_list)
        super().set_downstream(task_or_task_list, edge_modifier=edge_modifier)

    def set_upstream(self, task_or_task_list: Any, edge_modifier: Any = None) -> None:
        """Create the session after tasks outside."""
        self._check_may_depend(task_or_task_list)
        super().set_upstream(task_or_task_list, edge_modifier=edge_modifier)

    def __enter__(self) -> Self:
        """Add the tasks that create and end the session; tasks that are created from now on work in it."""
        if self._to_be_added is None:
            raise ValueError(
                f"The session of group {self.group_id!r} is used twice: create another group with another group_id"
            )
        (of_create, of_end), self._to_be_added = self._to_be_added, None
        self._is_entered = True
        if (outer := session_group_around(self.parent_group)) is not None:
            if arguments.default_argument(self, "rehearse") is None:
                of_create.setdefault("rehearse", outer.create.rehearse)
        self._add_session(of_create, of_end)
        super().__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        """Create the session before, and end it after, every task inside."""
        super().__exit__(*exc_info)  # type: ignore[no-untyped-call]
        if exc_info[0] is not None:
            return
        work = self._work()
        if not work:
            raise ValueError(
                f"The session of group {self.group_id!r} has no task inside: it would cost money without being used"
            )
        jobs.complete_jobs(self, work.values())
        for task in work.values():
            is_first = not task.upstream_task_ids & work.keys()
            wiring.check_can_work(task, is_first=is_first, group_id=self.group_id)
            if is_first:
                self.create >> task
            if not wiring.is_torn_down_within(task, work):
                task >> self.work_done
        self.end.last_work_ids = [name for name, task in work.items() if not task.downstream_task_ids & work.keys()]
        self._wait_for_what_all_first_tasks_wait_for()
        self._ids_inside = frozenset(work)

    def check_dag(self) -> None:
        """Refuse a DAG that could skip the end of the session."""
        if self.dag.dagrun_timeout is not None:
            raise ValueError(
                f"dagrun_timeout of DAG {self.dag.dag_id!r} would skip the end of the session of group"
                f" {self.group_id!r}, and leave it open: give the tasks an execution_timeout instead"
            )

    def check_whole_dag(self) -> None:
        """
        Check and complete the dependencies on the rest of the DAG, once it is complete. Called by the end task.

        :raises ValueError: for tasks that were added inside after the `with` block.
        """
        self.check_dag()
        if self._ids_inside is None:
            raise ValueError(f"Session group {self.group_id!r} was entered, but never left: use `with`")
        work = self._work()
        if late := sorted(work.keys() - self._ids_inside):
            raise ValueError(self._too_late_error(late))
        self._wait_for_what_all_first_tasks_wait_for()
        wiring.wait_for_users_outside(self, work.keys())

    def _work(self) -> dict[str, Any]:
        own = {self.begin.task_id, self.create.task_id, self.work_done.task_id, self.end.task_id}
        return {task.task_id: task for task in self.iter_tasks() if task.task_id not in own}

    def _wait_for_what_all_first_tasks_wait_for(self) -> None:
        work = self._work()
        first = [task for task in work.values() if not task.upstream_task_ids & work.keys()]
        after = self.begin.get_flat_relative_ids(upstream=False)
        before = {name: task for name, task in self.dag.task_dict.items() if name not in after}
        for task in wiring.awaited_by_all(first, before):
            task >> self.begin

    def _check_may_depend(self, others: Any) -> None:
        self._check_is_entered()
        for other in others if isinstance(others, (list, tuple)) else [others]:
            node: Any = getattr(other, "operator", other)
            if wiring.is_within(node, self.group_id):
                raise ValueError(
                    f"Session group {self.group_id!r}: {node.node_id!r} is inside the group, and cannot come before or"
                    " after it; it needs no such dependency: the session is created before every task inside"
                )

    def _too_late_error(self, names: list[str]) -> str:
        return (
            f"Session group {self.group_id!r}: {', '.join(map(repr, names))} would be added after the `with` block, and"
            " the end of the session would not wait for it: add it inside the `with` block"
        )

    def _add_session(self, of_create: dict[str, Any], of_end: dict[str, Any]) -> None:
        # Airflow runs a teardown if any of its setups succeeded. This one always does, and first: so the end also runs
        # when the create task was stopped from outside.
        self.begin = self._empty("begin")
        self.create = self._make(
            IonQCreateSessionOperator,
            "create_session",
            **arguments.OF_CREATE,
            **{**of_create, "retries": arguments.retries(self, of_create["retries"], arguments.FEWEST_CREATE_RETRIES)},
        )
        # An upstream task that skips or fails one, such as a task whose XCom is an argument, skips or fails both.
        self.begin.set_upstream(list(self.create.upstream_list))
        self.begin >> self.create
        handed_on: Any = self.create.output
        self.end = self._make(
            EndSessionOfGroup,
            "end_session",
            session_id=self.session_id,
            created=handed_on,
            progress=handed_on[PROGRESS_KEY],
            create_id=self.create.task_id,
            on_failure_callback=[report_session_left_open, *arguments.callbacks(self, "on_failure_callback")],
            **arguments.OF_END,
            **{**of_end, "retries": arguments.retries(self, of_end["retries"], arguments.FEWEST_END_RETRIES)},
        )
        self.end.as_teardown(setups=[self.begin, self.create], on_failure_fail_dagrun=True)
        # Airflow derives the state of a run from its last tasks, and counts a teardown only if it may fail the run.
        # Directly before such a teardown the work would not count; before one that may not fail the run it does.
        self.work_done = self._empty("work_done", task_display_name="work_done (in any state)")
        self.work_done.as_teardown(setups=self.create, on_failure_fail_dagrun=False)
        self.work_done >> self.end

    def _empty(self, name: str, **more: Any) -> Any:
        return self._make(EmptyOperator, name, **{**arguments.OF_TASKS_WITHOUT_A_WORKER, **more})

    def _make(self, kind: Any, name: str, **given: Any) -> Any:
        task_id = self._id_of(name)
        if task_id in self.dag.task_dict:
            raise ValueError(
                f"Session group {self.group_id!r} needs a task {task_id!r}, which the DAG already has:"
                " leave out prefix_group_id=False, which gives the tasks of two session groups the same ids, or"
                " give that task another id"
            )
        return kind(task_id=name, doc_md=TASK_DOCS[name], **given, task_group=self, dag=self.dag)
