"""A session group as its tasks, its jobs and groups within it see it: what stands for the session before it exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TaskGroup

try:
    from airflow.sdk.definitions._internal.mixins import ResolveMixin
except ImportError:  # Airflow 2
    from airflow.utils.mixins import ResolveMixin  # type: ignore[import-not-found,no-redef]

from airflow_provider_ionq.api.models import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator


class SessionReference(ResolveMixin, TaskGroup):
    """
    A task group that stands for its session: as an argument of a task it is the session's id.

    :param group_id: id of the task group.
    :param max_cost_usd: limit of what all jobs of the session may cost together, in US dollars; None for no limit.
    :param kwargs: further arguments of Airflow's `TaskGroup`.
    :ivar create: task that creates the session, once the group is entered.
    """

    create: IonQCreateSessionOperator

    def __init__(self, group_id: str, *, max_cost_usd: float | str | None = None, **kwargs: Any) -> None:
        super().__init__(group_id, **kwargs)
        self.max_cost_usd = max_cost_usd
        self._is_entered = False

    @property
    def output(self) -> Any:
        """
        The session's JSON when it was created, for the tasks inside: an XComArg.

        :raises ValueError: before the group is entered.
        """
        self._check_is_entered()
        return self.create.output

    @property
    def session_id(self) -> Any:
        """
        The session's id, for the tasks inside: an XComArg.

        :raises ValueError: before the group is entered.
        """
        return self.output["id"]

    @property
    def id(self) -> Any:
        """The same as :attr:`session_id`."""
        return self.session_id

    def __getitem__(self, label: str) -> Any:
        """Return a task or group inside by its label, or else a field of the session's JSON as an XComArg."""
        if label in Session.__annotations__ and self._id_of(label) not in self.children:
            return self.output[label]
        # Before Airflow 3.2 a task group has no `__getitem__`.
        return getattr(super(), "__getitem__", self.get_child_by_label)(label)

    def __str__(self) -> str:
        """Return a template that renders to the session's id."""
        self._check_is_entered()
        # Without the index Airflow would pull the ids of all instances of a mapped group.
        index = ", map_indexes=task_instance.map_index" if next(self.iter_mapped_task_groups(), None) else ""
        return f"{{{{ task_instance.xcom_pull(task_ids='{self.create.task_id}', key='id'{index}) }}}}"

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Iterate over the dependencies of a task that has this group as an argument; called by Airflow."""
        self._check_is_entered()
        yield self.create, "id"

    def resolve(self, context: Any, **kwargs: Any) -> Any:
        """Return the session's id for a task that has this group as an argument; called by Airflow."""
        # Not `self.create`: Airflow copies groups without our attributes.
        create = context["task"].dag.get_task(self._id_of("create_session"))
        return create.output["id"].resolve(context, **kwargs)

    def _check_is_entered(self) -> None:
        if not self._is_entered:
            raise ValueError(
                f"The session of group {self.group_id!r} is used without `with`: write `with ionq_session(...) as"
                " session:`, and use session.session_id in the tasks inside"
            )

    def _id_of(self, label: str) -> str:
        task_id: str = self.child_id(label)  # type: ignore[no-untyped-call]
        return task_id


def session_group_around(group: Any) -> SessionReference | None:
    """
    Return the innermost session group of a group and those around it; None without one.

    :param group: the group; None for no group.
    """
    while group is not None and not isinstance(group, SessionReference):
        group = group.parent_group
    return group
