"""The ways to use the session of a group: as an argument, in text, by field, with `>>`, outside, and too late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskGroup, task, task_group

from tests.sessions.groups import BashOperator, dag, import_error, parsed, session, work
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_ionq.task_groups.group import IonQSessionGroup

TEMPLATE = "{{ task_instance.xcom_pull(task_ids='bell.create_session', key='id') }}"


class FakeTaskInstance:
    """A task instance that has one XCom: the id that `create_session` pushed."""

    map_index = -1
    task_id = dag_id = run_id = "any"

    def get_relevant_upstream_map_indexes(self, *_: Any, **__: Any) -> None:
        """Answer Airflow 2, as for a task that is not mapped."""

    def xcom_pull(self, *, task_ids: Any, key: str, **_: Any) -> Any:
        assert (task_ids, key) in (("bell.create_session", "id"), (["bell.create_session"], "id"))
        return "the-id"


@pytest.mark.parametrize(
    "use",
    [
        lambda s: work(s),
        lambda s: work(x={"of": [s]}),
        lambda s: work(s.id),
        lambda s: work(s["id"]),
        lambda s: work(s.output),
        lambda s: work(s["backend"]),
        lambda s: BashOperator(task_id="work", bash_command="true", env={"SESSION": s}),
        lambda s: work.partial(session_id=s.session_id).expand(number=[1, 2]),
    ],
)
def test_every_form_of_the_session_makes_a_task_depend_on_its_creation(use: Callable[[Any], Any]) -> None:
    with dag() as d:
        with session() as bell:
            work.override(task_id="other")()
        use(bell)
    assert "bell.create_session" in d.get_task("work").upstream_task_ids


def test_the_group_as_an_argument_is_rendered_to_the_id_of_the_session() -> None:
    with dag() as d, session() as bell:
        BashOperator(task_id="work", bash_command="true", env={"SESSION": bell})  # type: ignore[dict-item]
    operator: Any = d.get_task("bell.work")
    assert str(operator.env["SESSION"]) == TEMPLATE
    context: Any = {"task": operator, "ti": (ti := FakeTaskInstance()), "task_instance": ti, "expanded_ti_count": None}
    assert operator.render_template({"SESSION": bell, "text": f"id {bell}"}, context) == {
        "SESSION": "the-id",
        "text": "id the-id",
    }


def test_text_of_a_mapped_session_pulls_the_id_of_the_same_instance() -> None:
    texts = []

    @task_group
    def each(number: int) -> None:
        with session() as bell:
            work(number, bell)
        texts.append(str(bell))

    with dag() as d:
        each.expand(number=[1, 2])
    assert texts == [
        "{{ task_instance.xcom_pull(task_ids='each.bell.create_session', key='id',"
        " map_indexes=task_instance.map_index) }}"
    ]
    parsed(d)


def test_a_label_inside_wins_over_a_field_of_the_session() -> None:
    with dag(), session() as bell:
        made: Any = work.override(task_id="status")()
    assert bell["status"] is made.operator
    assert bell["create_session"] is bell.create
    with pytest.raises(Exception, match="nothing"):
        bell["nothing"]


@pytest.mark.parametrize(
    "use",
    [
        lambda s: work(s),
        lambda s: work(s.session_id),
        lambda s: work(f"{s}"),
        lambda s: s["id"],
        lambda s: s.id,
        lambda s: s.output,
        lambda s: s >> work(),
        lambda s: work() >> s,
        lambda s: s << work(),
        lambda s: [work(), work()] >> s,
    ],
)
def test_session_that_is_not_entered_is_rejected_with_a_hint_to_use_with(use: Callable[[Any], Any]) -> None:
    with dag(), pytest.raises(ValueError, match="'bell' is used without `with`"):
        use(session())


@pytest.mark.parametrize("link", [lambda s, w: s >> w, lambda s, w: w >> s, lambda s, w: s << w, lambda s, w: w << s])
@pytest.mark.parametrize("late", [False, True])
def test_a_task_inside_can_be_neither_before_nor_after_its_own_group(link: Callable[..., Any], late: bool) -> None:
    with dag():
        with session() as bell:
            made = work(bell)
            if not late:
                with pytest.raises(ValueError, match="'bell': .*(inside the group|after the `with` block)"):
                    link(bell, made)
        if late:
            with pytest.raises(ValueError, match=r"'bell': 'bell\.work' is inside the group"):
                link(bell, made)


def test_tasks_outside_come_before_and_after_the_group() -> None:
    with dag() as d:
        before, after = work.override(task_id="before")(), work.override(task_id="after")()
        with session() as bell:
            work(bell)
            before >> bell
        bell >> after
    assert parsed(d).get_task("bell.begin").upstream_task_ids == {"before"}
    assert d.get_task("after").upstream_task_ids == {"bell.work"}


def outside(bell: IonQSessionGroup) -> None:
    work.override(task_id="outside")(bell)


def outside_by_text(bell: IonQSessionGroup) -> None:
    BashOperator(task_id="outside", bash_command=f"echo {bell}")


def outside_and_mapped(bell: IonQSessionGroup) -> None:
    work.override(task_id="outside").partial(session_id=bell.session_id).expand(number=[1, 2])


def outside_and_after_the_work(bell: IonQSessionGroup) -> None:
    bell >> work.override(task_id="outside")(bell)


def outside_as_a_setup(bell: IonQSessionGroup) -> None:
    up: Any = work.override(task_id="set_up")(bell)
    up >> work() >> work.override(task_id="outside")().as_teardown(setups=up)


@pytest.mark.parametrize(
    "use", [outside, outside_by_text, outside_and_mapped, outside_and_after_the_work, outside_as_a_setup]
)
def test_the_session_ends_after_a_task_outside_that_uses_its_id(use: Callable[[IonQSessionGroup], None]) -> None:
    with dag() as d:
        with session() as bell:
            work.override(task_id="inside")(bell)
        use(bell)
    parsed(d)
    assert d.get_task("bell.work_done").upstream_task_ids == {"bell.create_session", "bell.inside", "outside"}
    assert "bell.create_session" in d.get_task("outside").get_flat_relative_ids(upstream=True)
    before = d.get_task("bell.work_done").upstream_task_ids
    assert parsed(d).get_task("bell.work_done").upstream_task_ids == before


def test_the_session_does_not_wait_for_a_task_after_its_end_that_reads_its_json() -> None:
    with dag() as d:
        with session() as bell:
            work(bell)
        bell.end >> work.override(task_id="report")(bell.output)
        bell.end >> BashOperator(task_id="tell", bash_command=f"echo {bell}")
    assert parsed(d).get_task("bell.work_done").upstream_task_ids == {"bell.create_session", "bell.work"}


def test_task_that_uses_two_sessions_is_waited_for_by_both_ends() -> None:
    with dag() as d:
        with session("one") as one:
            work(one)
        with session("two") as two:
            work(one, two)
    parsed(d)
    assert d.get_task("one.work_done").upstream_task_ids == {"one.create_session", "one.work", "two.work"}
    assert d.get_task("two.work_done").upstream_task_ids == {"two.create_session", "two.work"}
    assert d.get_task("two.begin").upstream_task_ids == {"one.create_session"}
    assert "one.work_done" not in d.get_task("two.begin").downstream_task_ids


def test_text_with_the_id_in_a_task_that_cannot_follow_a_setup_is_rejected() -> None:
    with dag() as d:
        with session() as bell:
            work(bell)
        BashOperator(task_id="outside", bash_command=f"echo {bell}", trigger_rule="all_done")
    with pytest.raises(ValueError, match="'bell': task 'outside' has the trigger rule 'all_done'"):
        parsed(d)


def test_the_group_itself_as_an_argument_of_a_mapped_task_is_rejected() -> None:
    with dag() as d, session() as bell:
        work.partial(session_id=bell).expand(number=[1, 2])
    with pytest.raises(ValueError, match=r"'bell': the mapped task 'bell\.work' .* session\.session_id"):
        parsed(d)


LATE = "after | `with`"


@pytest.mark.parametrize(
    "add",
    [
        lambda s: work.override(task_group=s, task_id="late")(s.session_id),
        lambda s: BashOperator(task_id="late", bash_command="true", task_group=s),
        lambda s: work.override(task_group=s).partial(session_id=s.session_id).expand(number=[1]),
        lambda s: TaskGroup("late", parent_group=s),
        lambda s: s.add(TaskGroup("late")),
    ],
)
def test_nothing_is_added_inside_after_the_block(add: Callable[[Any], Any]) -> None:
    with dag():
        with session() as bell:
            work(bell)
        with pytest.raises(ValueError, match=facts(f"'bell' | {LATE}")):
            add(bell)


def test_nothing_is_added_to_a_nested_group_after_the_block() -> None:
    with dag() as d:
        with session() as bell:
            with TaskGroup("inner") as inner:
                work(bell)
        with inner:
            work.override(task_id="late")(bell)
    with pytest.raises(ValueError, match=facts(f"'bell' | 'bell.inner.late' | {LATE}")):
        parsed(d)


def test_a_group_that_is_never_left_is_rejected() -> None:
    with dag() as d:
        bell = session().__enter__()
        work(bell)
        TaskGroup.__exit__(bell, None, None, None)  # type: ignore[no-untyped-call,unused-ignore]
    with pytest.raises(ValueError, match=facts("'bell' | entered | left")):
        parsed(d)


FILE = """
from datetime import datetime, timezone
from airflow.providers.common.compat.sdk import DAG, TaskGroup, task
from airflow_provider_ionq.task_groups.session import ionq_session

@task
def work(*_):
    pass

with DAG("dag", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)):
    with ionq_session("bell", backend="qpu.forte-1", duration_limit_min=60) as session:
        with TaskGroup("inner") as inner:
            work(session)
"""


def test_error_found_only_in_the_whole_dag_is_shown_as_an_import_error(tmp_path: Path) -> None:
    assert import_error(tmp_path, FILE) is None
    shown = import_error(tmp_path, FILE + "    with inner:\n        work.override(task_id='late')(session)\n")
    assert shown is not None
    assert "'bell.inner.late' would be added after" in shown


@task.branch
def choose() -> str:
    """Stand for a choice."""
    return "bell.a"


@task.short_circuit
def go_on() -> bool:
    """Stand for a condition."""
    return True


def one_first(bell: IonQSessionGroup, prepared: Any) -> None:
    work(prepared, bell) >> work.override(task_id="next")()


def two_that_both_wait(bell: IonQSessionGroup, prepared: Any) -> None:
    work(prepared, bell)
    work.override(task_id="b")(prepared, work.override(task_id="c")(prepared))


def a_mapped_one(bell: IonQSessionGroup, prepared: Any) -> None:
    work.partial(session_id=bell.session_id).expand(number=prepared)


def one_of_two(bell: IonQSessionGroup, prepared: Any) -> None:
    work(prepared, bell)
    work.override(task_id="free")(bell)


def a_later_one(bell: IonQSessionGroup, prepared: Any) -> None:
    work.override(task_id="free")(bell) >> work(prepared)


def one_in_another_session(bell: IonQSessionGroup, prepared: Any) -> None:
    with session("inner") as inner:
        work(prepared, inner)


@pytest.mark.parametrize(
    ("fill", "waits"),
    [
        (one_first, True),
        (two_that_both_wait, True),
        (a_mapped_one, True),
        (one_in_another_session, True),
        (one_of_two, False),
        (a_later_one, False),
    ],
)
def test_the_session_is_created_when_the_common_upstream_tasks_of_all_first_tasks_are_done(
    fill: Callable[[IonQSessionGroup, Any], None], waits: bool
) -> None:
    with dag() as d:
        prepared = work.override(task_id="prepare")()
        with session() as bell:
            fill(bell, prepared)
    assert d.get_task("bell.begin").upstream_task_ids == ({"prepare"} if waits else set())
    assert parsed(d).get_task("bell.begin").upstream_task_ids == ({"prepare"} if waits else set())
    d.check_cycle() if hasattr(d, "check_cycle") else None


@pytest.mark.parametrize("skips", [choose, go_on])
def test_a_task_that_skips_what_follows_it_does_not_skip_the_whole_group(skips: Any) -> None:
    with dag() as d:
        made = skips()
        with session() as bell:
            made >> [work.override(task_id="a")(bell), work.override(task_id="b")(bell)]
    assert parsed(d).get_task("bell.begin").upstream_task_ids == set()


def test_a_dependency_that_is_made_later_counts_as_well() -> None:
    with dag() as d:
        with session() as bell:
            made = work(bell)
        work.override(task_id="late")() >> made
    assert parsed(d).get_task("bell.begin").upstream_task_ids == {"late"}


def test_a_task_outside_that_itself_needs_the_session_does_not_make_a_cycle() -> None:
    with dag() as d, session() as bell:
        with TaskGroup("elsewhere", parent_group=d.task_group):
            needed = work.override(task_id="needed")(bell)
        work(needed, bell)
    parsed(d)
    assert d.get_task("bell.begin").upstream_task_ids == set()
    assert "elsewhere.needed" in d.get_task("bell.work_done").upstream_task_ids
