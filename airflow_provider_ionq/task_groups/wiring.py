"""Dependencies between the tasks inside and outside a session group, and their checks when the DAG is parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


def is_torn_down_within(task: Any, work: Mapping[str, Any]) -> bool:
    """
    Tell whether a task is a setup whose own teardown is also inside.

    Every other task inside is linked to `work_done`, not only the last ones. Before Airflow 3.2 a teardown waits only
    for its direct upstream tasks, and a last task may be done (`upstream_failed`) while another upstream task of it
    still runs. Such a setup is not linked: Airflow would treat `work_done` as a second teardown of it, and the setup
    would also apply to the tasks that follow its own teardown.
    """
    return task.is_setup and any(below.is_teardown and below.task_id in work for below in task.downstream_list)


def check_can_work(task: Any, *, is_first: bool, group_id: str | None) -> None:
    """
    Check a task inside a session group.

    :param is_first: whether no other task inside is upstream of it, so that it follows `create_session` directly.
    :param group_id: id of the session group.
    :raises ValueError: naming the group, the task and the correction.
    """
    if task.depends_on_past:
        raise ValueError(
            f"Session group {group_id!r}: depends_on_past or wait_for_downstream of task {task.task_id!r} would keep"
            " its session open while an earlier run delays the task: set both to False inside the group, and use them"
            " on a task before it"
        )
    rule = str(getattr(task.trigger_rule, "value", task.trigger_rule))
    if is_first and not task.is_teardown and rule != "all_success":
        raise ValueError(
            f"Session group {group_id!r}: task {task.task_id!r} has the trigger rule {rule!r}, but no other task inside"
            " is upstream of it, so it directly follows the task that opens the session, a setup, and Airflow allows"
            " only 'all_success' there: set trigger_rule='all_success' for this task, also when default_args of the"
            " DAG set another"
        )


def awaited_by_all(first: Collection[Any], outside: Mapping[str, Any]) -> list[Any]:
    """
    Return the tasks outside that every first task inside waits for.

    No task inside can begin before such a task has succeeded, so the session is not needed earlier. A task that only
    some first tasks wait for does not count: the others could begin, and would be skipped with it. A task that skips
    its direct downstream tasks, such as a branch, does not count either: it would skip the whole group.

    :param first: the tasks that have no other task inside upstream.
    :param outside: the candidates by id: the tasks that are not downstream of the group's `begin` task.
    """
    awaited = [task.upstream_task_ids & outside.keys() for task in first if not task.is_teardown]
    common = set.intersection(*map(set, awaited)) if awaited else set()
    return [outside[task_id] for task_id in sorted(common) if not _skips_what_follows(outside[task_id])]


def wait_for_users_outside(group: Any, inside: Collection[str]) -> None:
    """
    End the session of a group after the tasks outside that use its id, unless they follow its end.

    :param group: the session group.
    :param inside: ids of the tasks inside.
    :raises ValueError: if such a task cannot use the session.
    """
    not_users = {*inside, group.begin.task_id, group.work_done.task_id, group.end.task_id}
    not_users |= group.begin.get_flat_relative_ids(upstream=True)
    not_users |= group.work_done.get_flat_relative_ids(upstream=False)
    for task in group.dag.tasks:
        check_serializable(task, group)
        # The `begin` task of another session waits for this session if its first tasks inside use both.
        is_beginning = getattr(task.task_group, "begin", None) is task
        if task.task_id in not_users or task.task_id == group.create.task_id or is_beginning:
            continue
        if task.task_id not in group.create.downstream_task_ids:
            if not mentions(task, group.create.task_id):
                continue
            check_can_work(task, is_first=True, group_id=group.group_id)
            group.create >> task
        for last in what_ends(task):
            if last.task_id not in not_users:
                last >> group.work_done


def mentions(task: Any, task_id: str) -> bool:
    """Tell whether a template of a task contains the id of another task in quotes, as `f"{session}"` does."""
    texts = [value for value in _arguments(task) if isinstance(value, str)]
    return any(f"'{task_id}'" in text or f'"{task_id}"' in text for text in texts)


def check_serializable(task: Any, group: Any) -> None:
    """
    Refuse a session group among the arguments of a mapped task: Airflow would store the group, not a reference to it.

    :raises ValueError: naming the group, the task and the correction.
    """
    if _is_mapped(task) and any(value is group for value in _arguments(task)):
        raise ValueError(
            f"Session group {group.group_id!r}: the mapped task {task.task_id!r} has the group itself as an argument:"
            " use session.session_id there, the id of its session"
        )


def _is_mapped(task: Any) -> bool:
    return hasattr(task, "partial_kwargs")


def _arguments(task: Any) -> Iterator[Any]:
    if not _is_mapped(task):
        return _leaves([getattr(task, name, None) for name in task.template_fields])
    mapped = [getattr(task, name, None) for name in ("expand_input", "op_kwargs_expand_input")]
    return _leaves([task.partial_kwargs, [getattr(one, "value", None) for one in mapped]])


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from _leaves(list(value.values()))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def what_ends(task: Any) -> list[Any]:
    """Return the tasks that finish last for a task: the teardowns of a setup, or else the task itself."""
    teardowns = [below for below in task.downstream_list if below.is_teardown] if task.is_setup else []
    return teardowns or [task]


def is_within(node: Any, group_id: str | None) -> bool:
    """Tell whether a task or a task group is inside the group with the given id."""
    return any(group.group_id == group_id for group in _groups_around(node))


def _groups_around(node: Any) -> Iterable[Any]:
    group = getattr(node, "task_group", None)
    while group is not None:
        yield group
        group = group.parent_group


def _skips_what_follows(task: Any) -> bool:
    kind = getattr(task, "operator_class", type(task))
    return getattr(task, "inherits_from_skipmixin", False) or any(one.__name__ == "SkipMixin" for one in kind.__mro__)
