"""The task group that creates and ends a session: its dependencies, and its errors when the DAG is parsed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, Asset, TaskGroup, task, task_group
from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple

from airflow_provider_ionq.api.errors import IonQNotEndedError
from airflow_provider_ionq.sessions import end as closing
from airflow_provider_ionq.task_groups.session import ionq_session
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator
    from airflow_provider_ionq.task_groups.group import IonQSessionGroup

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def session(group_id: str = "bell", **arguments: Any) -> IonQSessionGroup:
    return ionq_session(group_id, **{"backend": "qpu.forte-1", "duration_limit_min": 60, **arguments})


def dag(**arguments: Any) -> DAG:
    return DAG("dag", schedule=None, start_date=BEGIN, **arguments)


@task
def work(*_: Any) -> None:
    """Stand for work."""


@task
def many(number: int) -> int:
    """Stand for work that is mapped."""
    return number


def test_the_session_is_a_setup_and_its_end_a_teardown_around_the_work() -> None:
    with dag() as d, session() as bell:
        work.override(task_id="a")(bell.session_id) >> work.override(task_id="b")()
        work.override(task_id="c")()
    begin, create, done, end = (
        d.get_task(f"bell.{name}") for name in ("begin", "create_session", "work_done", "end_session")
    )
    assert begin.is_setup
    assert create.is_setup
    assert done.is_teardown
    assert not done.on_failure_fail_dagrun
    assert end.is_teardown
    assert end.on_failure_fail_dagrun
    assert begin.upstream_task_ids == set()
    assert begin.downstream_task_ids == {"bell.create_session", "bell.end_session"}
    assert create.downstream_task_ids == {"bell.a", "bell.c", "bell.work_done", "bell.end_session"}
    assert done.upstream_task_ids == {"bell.a", "bell.b", "bell.c", "bell.create_session"}
    assert end.upstream_task_ids == {"bell.work_done", "bell.create_session", "bell.begin"}
    assert bell.end.last_work_ids == ["bell.b", "bell.c"]


def test_nested_groups_and_mapped_tasks_are_inside() -> None:
    with dag() as d, session() as bell:
        with TaskGroup("inner"):
            many.expand(number=[1, 2])
        work.override(task_id="last")(bell.session_id)
    assert {"bell.inner.many", "bell.last"} <= d.get_task("bell.create_session").downstream_task_ids
    assert {"bell.inner.many", "bell.last"} <= d.get_task("bell.work_done").upstream_task_ids


def test_groups_within_groups_and_side_by_side_have_sessions_of_their_own() -> None:
    with dag() as d:
        with session("outer"):
            with session("inner", backend="simulator"):
                work.override(task_id="deep")()
        with session("beside") as beside:
            work.override(task_id="flat")(beside.session_id)
    assert d.get_task("outer.inner.begin").upstream_task_ids == {"outer.create_session"}
    assert d.get_task("outer.inner.create_session").upstream_task_ids == {"outer.inner.begin"}
    assert "outer.inner.end_session" in d.get_task("outer.work_done").upstream_task_ids
    assert d.get_task("beside.begin").upstream_task_ids == set()


@task
def join(*_: Any) -> None:
    """Stand for work that waits for other work."""


@task_group
def each(number: int) -> None:
    """Stand for a group that is mapped."""
    join.override(task_id="last")(work.override(task_id="first")(number))


def parallel(bell: IonQSessionGroup) -> None:
    join(work.override(task_id="fails")(bell.session_id), work.override(task_id="slow")(bell.session_id))


def in_nested_groups(bell: IonQSessionGroup) -> None:
    with TaskGroup("inner"):
        first = work.override(task_id="first")(bell.session_id)
    with TaskGroup("next"):
        first >> join()


def mapped(bell: IonQSessionGroup) -> None:
    many.expand(number=[1, 2]) >> join(bell.session_id)


def in_a_mapped_group(bell: IonQSessionGroup) -> None:
    each.expand(number=[1, 2]) >> join(bell.session_id)


def with_a_setup_and_teardown(bell: IonQSessionGroup) -> None:
    up: Any = work.override(task_id="set_up")(bell.session_id)
    down = work.override(task_id="tear_down")()
    up >> work() >> down.as_teardown(setups=up) >> join()


def with_a_setup_alone(bell: IonQSessionGroup) -> None:
    work.override(task_id="set_up")(bell.session_id).as_setup() >> join()


def in_another_session(bell: IonQSessionGroup) -> None:
    with session("inner") as inner:
        parallel(inner)
    work(bell.session_id)


@pytest.mark.parametrize(
    ("fill", "not_linked"),
    [
        (parallel, set()),
        (in_nested_groups, set()),
        (mapped, set()),
        (in_a_mapped_group, set()),
        (with_a_setup_and_teardown, {"bell.set_up"}),
        (with_a_setup_alone, set()),
        (in_another_session, {"bell.inner.begin", "bell.inner.create_session"}),
    ],
)
def test_the_end_waits_for_every_task_inside_also_where_a_teardown_waits_for_direct_upstreams_only(
    fill: Callable[[IonQSessionGroup], None], not_linked: set[str]
) -> None:
    with dag() as d, session() as bell:
        fill(bell)
    own = {bell.begin.task_id, bell.create.task_id, bell.work_done.task_id, bell.end.task_id}
    inside = {one.task_id for one in bell.iter_tasks()} - own
    assert inside - bell.work_done.upstream_task_ids == not_linked
    for setup in map(d.get_task, not_linked):
        # Its own teardown waits for it, and the end of this group for that.
        assert any(below.is_teardown and below.task_id in inside - not_linked for below in setup.downstream_list)


def test_a_setup_inside_with_a_teardown_of_its_own_does_not_count_for_what_follows_its_teardown() -> None:
    with dag() as d, session() as bell:
        with_a_setup_and_teardown(bell)
    relevant = {setup.task_id for setup in d.get_task("bell.join").get_upstreams_only_setups()}
    assert relevant == {"bell.create_session", "bell.begin"}


def last_tasks(d: DAG) -> set[str]:
    """Return the tasks by which Airflow judges a run, as its scheduler finds them."""

    def counts(task: Any) -> bool:
        below = [d.get_task(task_id) for task_id in task.downstream_task_ids]
        ignored = all(down.is_teardown and not down.on_failure_fail_dagrun for down in below)
        return ignored and (not task.is_teardown or task.on_failure_fail_dagrun)

    return {task.task_id for task in d.tasks if counts(task)}


def test_the_run_is_judged_by_the_work_and_by_every_end() -> None:
    with dag() as d:
        with session("outer"):
            with session("inner"):
                work.override(task_id="deep")() >> work.override(task_id="deeper")()
            work.override(task_id="flat")()
    assert last_tasks(d) == {"outer.inner.deeper", "outer.inner.end_session", "outer.flat", "outer.end_session"}


def test_tasks_before_and_after_the_group_are_outside() -> None:
    with dag() as d:
        before, after = work.override(task_id="before")(), work.override(task_id="after")()
        with session() as bell:
            work(bell.session_id)
        before >> bell >> after
    assert d.get_task("bell.begin").upstream_task_ids == {"before"}
    assert d.get_task("bell.create_session").upstream_task_ids == {"bell.begin"}
    assert d.get_task("after").upstream_task_ids == {"bell.work"}


def test_skipped_or_failed_argument_keeps_the_group_from_starting() -> None:
    @task
    def choose() -> str:
        return "qpu.forte-1"

    with dag() as d, session(backend=choose()) as bell:
        work(bell.session_id)
    assert d.get_task("bell.begin").upstream_task_ids == {"choose"}


def test_default_arguments_of_the_dag_do_not_weaken_the_group() -> None:
    weak = {
        "retries": 0,
        "retry_delay": timedelta(seconds=1),
        "retry_exponential_backoff": True,
        "execution_timeout": timedelta(seconds=1),
        "depends_on_past": True,
        "wait_for_downstream": True,
        "pool": "tiny",
        "pool_slots": 200,
        "priority_weight": 1,
        "max_active_tis_per_dag": 1,
        "on_success_callback": print,
        "on_execute_callback": print,
        "inlets": [Asset("begun")],
        "outlets": [Asset("done")],
        "do_xcom_push": False,
        "multiple_outputs": False,
    }
    with dag(default_args=weak) as d, session() as bell:
        work.override(depends_on_past=False, wait_for_downstream=False)(bell.session_id)
    create: Any = d.get_task("bell.create_session")
    end: Any = d.get_task("bell.end_session")
    assert create.retries == 2
    assert create.do_xcom_push
    assert create.multiple_outputs
    assert end.retries * end.retry_delay >= timedelta(minutes=15)
    assert not end.retry_exponential_backoff
    assert end.execution_timeout is None
    for own in (bell.begin, bell.create, bell.work_done, bell.end):
        assert not own.depends_on_past
        assert not own.wait_for_downstream
    assert (end.pool, end.pool_slots, end.priority_weight) == ("default_pool", 1, 1_000_000)
    assert end.max_active_tis_per_dag is None
    assert end.max_active_tis_per_dagrun == 1_000_000
    without_a_worker: Any
    for without_a_worker in (bell.begin, bell.work_done):
        assert not without_a_worker.on_success_callback
        assert not without_a_worker.on_execute_callback
        assert not without_a_worker.inlets
        assert not without_a_worker.outlets


@pytest.mark.skipif(get_base_airflow_version_tuple() < (3, 3, 0), reason="Airflow 3.3 brought retry policies")
def test_default_retry_policy_does_not_weaken_the_group() -> None:
    from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

    never = ExceptionRetryPolicy(rules=[RetryRule(exception=Exception, action=RetryAction.FAIL)])
    with dag(default_args={"retry_policy": never}), session() as bell:
        made: Any = work(bell.session_id)
        assert made.operator.has_retry_policy
    assert not bell.create.has_retry_policy
    assert not bell.end.has_retry_policy


@pytest.mark.parametrize("name", ["depends_on_past", "wait_for_downstream"])
def test_work_that_an_earlier_run_could_hold_up_is_rejected(name: str) -> None:
    with dag(), pytest.raises(ValueError, match=facts("bell.work | open | earlier run")), session() as bell:
        work.override(**{name: True})(bell.session_id)
    with dag(default_args={name: True}), pytest.raises(ValueError, match=r"bell\.many"), session():
        many.expand(number=[1, 2])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("create_retries", 0),
        ("create_retries", 1),
        ("create_retries", None),
        ("create_retries", True),
        ("end_retries", 0),
        ("end_retries", 19),
        ("end_retry_delay", timedelta(seconds=59)),
        ("end_retry_delay", 60),
    ],
)
def test_retries_can_be_raised_not_lowered(name: str, value: Any) -> None:
    with dag(), pytest.raises(ValueError, match=facts(f"{name} | at least")):
        session(**{name: value})
    with dag() as d, session(create_retries=5, end_retries=50, end_retry_delay=timedelta(minutes=5)) as bell:
        work(bell.session_id)
    end = d.get_task("bell.end_session")
    assert (end.retries, end.retry_delay, bell.create.retries) == (50, timedelta(minutes=5), 5)


def test_a_group_without_work_is_rejected() -> None:
    with dag(), pytest.raises(ValueError, match="no task inside"), session():
        pass


def test_a_group_that_is_entered_twice_is_rejected() -> None:
    with dag():
        bell = session()
        with bell:
            work(bell.session_id)
        with pytest.raises(ValueError, match="used twice"), bell:
            work.override(task_id="again")(bell.session_id)


def test_session_id_of_a_group_that_is_not_entered_is_rejected_and_no_task_is_created() -> None:
    with dag() as d:
        bell = session()
        with pytest.raises(ValueError, match="used without `with`"):
            work(bell.session_id)
    assert not d.tasks


def test_an_error_inside_the_block_is_not_hidden_by_an_error_of_the_group() -> None:
    with dag(), pytest.raises(ZeroDivisionError), session():
        raise ZeroDivisionError


def test_a_dag_that_would_skip_the_end_is_rejected() -> None:
    with dag(dagrun_timeout=timedelta(hours=1)), pytest.raises(ValueError, match="execution_timeout"):
        session()


@pytest.mark.parametrize(
    "arguments", [{"duration_limit_min": 0}, {"duration_limit_min": None}, {"backend": ""}, {"timeout": 0}]
)
def test_invalid_arguments_of_a_group_are_rejected_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with dag(), pytest.raises(ValueError, match=r"duration_limit_min|backend|timeout"), session(**arguments):
        pass


@pytest.mark.usefixtures("ionq_emulator")
def test_failed_end_logs_the_session_and_its_limits(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: Any
) -> None:
    monkeypatch.setattr(closing, "ATTEMPTS", 1)
    with dag(), session() as bell:
        work(bell.session_id)
    opened = ionq_emulator.create_session("qpu.forte-1", settings={"duration_limit_min": 60})
    end: Any = bell.end
    end.session_id, end.created, end.ionq_conn_id = opened["id"], opened, "ionq_default"
    ionq_emulator.api_key = "rotated"
    context: Any = {}
    with pytest.raises(IonQNotEndedError):
        end.execute(context)
    printed = capsys.readouterr()
    told = printed.out + printed.err + caplog.text
    assert f"session {opened['id']} on qpu.forte-1 is not confirmed" in told
    assert f"sessions end {opened['id']} --conn-id ionq_default" in told
    assert "60 minutes after its creation" in told
