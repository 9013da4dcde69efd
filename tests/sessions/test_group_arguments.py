"""The arguments of the four tasks of a session group: the author's, default arguments, and the group's own."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Asset, BaseOperator, TaskGroup

from airflow_provider_ionq.task_groups.left_open import report_session_left_open
from tests.sessions.groups import BashOperator, dag, parsed, session, work
from tests.support.facts import facts

REACHES, OURS = "the default argument applies", "the group decides"
EMPTY = ("begin", "work_done")

# By argument: a value for `default_args`, and whether it reaches create_session, end_session, and the two empty tasks.
ARGUMENTS: dict[str, tuple[Any, str, str, str]] = {
    "trigger_rule": ("all_done", OURS, OURS, OURS),
    "depends_on_past": (True, OURS, OURS, OURS),
    "wait_for_downstream": (True, OURS, OURS, OURS),
    "retry_policy": (object(), OURS, OURS, OURS),
    "doc_md": ("all alike", OURS, OURS, OURS),
    "on_execute_callback": (print, REACHES, OURS, OURS),
    "on_success_callback": (print, REACHES, REACHES, OURS),
    "inlets": ([Asset("in")], REACHES, OURS, OURS),
    "outlets": ([Asset("out")], REACHES, OURS, OURS),
    "retry_delay": (timedelta(seconds=7), OURS, OURS, REACHES),
    "retry_exponential_backoff": (True, OURS, OURS, REACHES),
    "max_retry_delay": (timedelta(seconds=7), OURS, OURS, REACHES),
    "multiple_outputs": (False, OURS, OURS, REACHES),
    "do_xcom_push": (False, OURS, REACHES, REACHES),
    "pre_execute": (print, REACHES, OURS, REACHES),
    "post_execute": (print, OURS, OURS, REACHES),
    "execution_timeout": (timedelta(seconds=7), REACHES, OURS, REACHES),
    "pool": ("tiny", REACHES, OURS, REACHES),
    "pool_slots": (7, REACHES, OURS, REACHES),
    "priority_weight": (7, REACHES, OURS, REACHES),
    "weight_rule": ("upstream", REACHES, OURS, REACHES),
    "max_active_tis_per_dag": (7, REACHES, OURS, REACHES),
    "max_active_tis_per_dagrun": (7, REACHES, OURS, REACHES),
    "executor_config": ({"image": "one"}, REACHES, REACHES, REACHES),
    "executor": ("LocalExecutor", REACHES, REACHES, REACHES),
    "queue": ("theirs", REACHES, REACHES, REACHES),
    "run_as_user": ("somebody", REACHES, REACHES, REACHES),
    "owner": ("somebody", REACHES, REACHES, REACHES),
    "email": ("somebody@example.com", REACHES, REACHES, REACHES),
    "email_on_retry": (False, REACHES, REACHES, REACHES),
    "email_on_failure": (False, REACHES, REACHES, REACHES),
    "on_retry_callback": (print, REACHES, REACHES, REACHES),
    "on_skipped_callback": (print, REACHES, REACHES, REACHES),
    "start_date": (datetime(2026, 2, 1, tzinfo=UTC), REACHES, REACHES, REACHES),
    "end_date": (datetime(2026, 3, 1, tzinfo=UTC), REACHES, REACHES, REACHES),
    "map_index_template": ("{{ 7 }}", REACHES, REACHES, REACHES),
    "ignore_first_depends_on_past": (False, REACHES, REACHES, REACHES),
    "wait_for_past_depends_before_skipping": (True, REACHES, REACHES, REACHES),
    "render_template_as_native_obj": (True, REACHES, REACHES, REACHES),
    "doc": ("text", REACHES, REACHES, REACHES),
    "doc_json": ("text", REACHES, REACHES, REACHES),
    "doc_yaml": ("text", REACHES, REACHES, REACHES),
    "doc_rst": ("text", REACHES, REACHES, REACHES),
}
ELSEWHERE = {
    "task_display_name": "ours: see what Airflow shows of the group",
    "task_concurrency": "an older name of max_active_tis_per_dag",
    "retries": "raised, never lowered: a test of its own",
    "on_failure_callback": "ours is called first: a test of its own",
    "task_id": "given",
    "task_group": "given",
    "dag": "given",
    "default_args": "what this is about",
    "params": "Airflow merges them",
    "resources": "no executor heeds them",
    "sla": "gone in Airflow 3",
    "logger_name": "not kept by name",
    "allow_nested_operators": "not kept by name",
    "self": "no argument",
    "kwargs": "no argument",
}
KNOWN = inspect.signature(BaseOperator.__init__).parameters


def test_every_argument_of_an_operator_is_classified() -> None:
    assert KNOWN.keys() <= ARGUMENTS.keys() | ELSEWHERE.keys()


def seen(task: Any, name: str) -> Any:
    """Return an argument as a task has it."""
    if name == "weight_rule":
        return type(task.weight_rule)  # an object for each task
    return getattr(task, {"pre_execute": "_pre_execute_hook", "post_execute": "_post_execute_hook"}.get(name, name))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in ARGUMENTS if name in KNOWN])
@pytest.mark.parametrize("of", ["DAG", "group", "parent"])
def test_a_default_argument_reaches_the_tasks_where_it_may(name: str, of: str) -> None:
    value, create, end, empty = ARGUMENTS[name]
    defaults: Any = {name: value}
    inside: dict[str, Any] = {"depends_on_past": False, "wait_for_downstream": False, "trigger_rule": "all_success"}
    with dag(default_args=defaults if of == "DAG" else {}) as d:
        with TaskGroup("g", default_args=defaults if of == "parent" else {}):
            with session(default_args=defaults if of == "group" else {}) as bell:
                BashOperator(task_id="work", bash_command="true", **inside)
                reference: Any = BashOperator(task_id="as_any_other", bash_command="true")
                reference.trigger_rule = "all_success"
                reference.depends_on_past = reference.wait_for_downstream = False
        with session("plain") as plain:
            BashOperator(task_id="work", bash_command="true", **inside)
    if of == "DAG":
        with dag(), session("plain") as plain:
            work()
    for task_name, is_reached in {"create": create, "end": end, **dict.fromkeys(EMPTY, empty)}.items():
        other = reference if is_reached == REACHES else getattr(plain, task_name)
        ours = seen(getattr(bell, task_name), name)
        if name == "do_xcom_push" and task_name in EMPTY:
            continue  # an EmptyOperator pushes nothing either way
        assert repr(ours) == repr(seen(other, name)), task_name
    assert d.get_task("g.bell.end_session").is_teardown


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif("task_concurrency" not in KNOWN, reason="Airflow 2 only")
def test_older_name_of_a_task_limit_does_not_limit_the_end() -> None:
    with dag(default_args={"task_concurrency": 1}), session() as bell:
        work(bell)
    assert bell.end.max_active_tis_per_dag is None


@pytest.mark.parametrize(
    ("default", "create", "end"), [(0, 2, 20), (1, 2, 20), (5, 5, 20), (50, 50, 50), (None, 2, 20), ("5", 5, 20)]
)
def test_default_retries_raise_those_of_the_group_and_never_lower_them(default: Any, create: int, end: int) -> None:
    with dag(default_args={"retries": default}), session() as bell, TaskGroup("inner"):
        BashOperator(task_id="work", bash_command="true", retries=0)
    assert (bell.create.retries, bell.end.retries) == (create, end)
    with dag(default_args={"retries": default}), session(create_retries=3, end_retries=30) as bell:
        BashOperator(task_id="work", bash_command="true", retries=0)
    assert (bell.create.retries, bell.end.retries) == (3, 30)


OWN: dict[str, tuple[Any, Any, Any]] = {
    # By argument: the default argument, what the author writes, and what it is without either.
    "backend": ("qpu.aria-1", "qpu.forte-2", None),
    "duration_limit_min": (7, 8, None),
    "job_count_limit": (7, 8, None),
    "cost_limit_usd": (7.5, 8.5, None),
    "allow_unlimited": (True, False, False),
    "adopt_lost_session": (True, False, False),
    "cancel_jobs": (True, False, False),
    "timeout": (60, 70, 86400),
    "poke_interval": (6, 7, 60),
    "deferrable": (False, True, True),
    "ionq_conn_id": ("ionq_prod", "ionq_test", "ionq_default"),
}
OF_END = ("adopt_lost_session", "cancel_jobs", "ionq_conn_id")


@pytest.mark.parametrize("of", ["DAG", "group"])
@pytest.mark.parametrize("name", OWN)
def test_an_argument_of_the_group_is_the_authors_or_a_default_argument_or_the_operators_default(
    name: str, of: str
) -> None:
    default, written, otherwise = OWN[name]
    defaults = {"backend": "qpu.forte-1", "duration_limit_min": 60, name: default}
    of_dag, of_group = (defaults, {}) if of == "DAG" else ({}, defaults)
    from airflow_provider_ionq.task_groups.session import ionq_session

    with dag(default_args=of_dag):
        with ionq_session("defaults", default_args=of_group) as by_default:
            BashOperator(task_id="work", bash_command="true")
        with ionq_session("written", default_args=of_group, **{name: written}) as by_author:
            BashOperator(task_id="work", bash_command="true")
    with dag(), session("plain") as plain:
        BashOperator(task_id="work", bash_command="true")
    for task_name in (*(["create"] if name != "cancel_jobs" else []), *(["end"] if name in OF_END else [])):
        assert getattr(getattr(by_default, task_name), name) == default
        assert getattr(getattr(by_author, task_name), name) == written
        if name not in ("backend", "duration_limit_min"):
            assert getattr(getattr(plain, task_name), name) == otherwise


def test_a_missing_backend_is_named() -> None:
    from airflow_provider_ionq.task_groups.session import ionq_session

    with dag(), pytest.raises(ValueError, match="'bell': backend must be given"):
        ionq_session("bell", duration_limit_min=60)


def test_the_end_has_a_queue_of_its_own_if_the_author_gives_it_one() -> None:
    with dag(default_args={"queue": "theirs"}):
        with session(end_queue="ends") as bell:
            work(bell)
        with session("other") as other:
            work(other)
    assert (bell.end.queue, bell.create.queue, other.end.queue) == ("ends", "theirs", "theirs")


@pytest.mark.parametrize("given", [print, [print, repr], None])
def test_failed_end_is_reported_by_the_group_and_then_by_the_authors_callbacks(given: Any) -> None:
    with dag(default_args={"on_failure_callback": given}), session() as bell:
        work(bell)
    theirs = [] if given is None else given if isinstance(given, list) else [given]
    assert bell.end.on_failure_callback == [report_session_left_open, *theirs]


@pytest.mark.parametrize("of", ["DAG", "group", "task"])
@pytest.mark.parametrize("rule", ["none_failed", "all_done", "one_success", "always"])
def test_a_first_task_that_cannot_follow_a_setup_is_named(of: str, rule: str) -> None:
    defaults = {"trigger_rule": rule}
    with (
        dag(default_args=defaults if of == "DAG" else {}),
        pytest.raises(
            ValueError, match=rf"'bell': task 'bell\.first' has the trigger rule '{rule}'.*trigger_rule='all_success'"
        ),
        session(default_args=defaults if of == "group" else {}),
    ):
        BashOperator(task_id="first", bash_command="true", **(defaults if of == "task" else {}))  # type: ignore[arg-type]


def test_a_later_task_inside_may_have_any_trigger_rule() -> None:
    with dag() as d, session() as bell:
        work(bell) >> BashOperator(task_id="later", bash_command="true", trigger_rule="all_done")
    parsed(d)


def test_ids_without_a_prefix_that_collide_are_explained() -> None:
    with dag() as d:
        with session("one", prefix_group_id=False) as one:
            work(one)
        with (
            pytest.raises(ValueError, match=facts("'two' | task 'begin' | prefix_group_id=False")),
            session("two", prefix_group_id=False),
        ):
            pass
    assert d.has_task("end_session")
    with dag():
        work.override(task_id="work_done")()
        with pytest.raises(ValueError, match=facts("'one' | task 'work_done'")), session("one", prefix_group_id=False):
            pass


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"create_retries": 1}, "'bell' | create_retries | 2"),
        ({"end_retry_delay": 60}, "'bell' | end_retry_delay | 0:01:00"),
        (
            {"duration_limit_min": "soon"},
            "'bell.create_session' | duration_limit_min | minutes | soon",
        ),
        ({"duration_limit_min": 0}, "'bell.create_session' | duration_limit_min | minutes | 0"),
        ({"job_count_limit": 1.5}, "'bell.create_session' | job_count_limit | jobs | 1.5"),
        ({"cost_limit_usd": -1}, "'bell.create_session' | cost_limit_usd | US dollars | -1"),
        ({"timeout": 0}, "'bell.create_session' | timeout | seconds | timedelta | 0"),
        ({"poke_interval": "1"}, "'bell.create_session' | poke_interval | seconds | '1'"),
        ({"backend": " "}, "'bell.create_session' | backend | name of a device"),
        ({"duration_limit_min": ""}, "'bell.create_session' | one of | duration_limit_min"),
    ],
)
def test_a_refusal_names_the_task_or_group_the_argument_and_its_unit(arguments: dict[str, Any], says: str) -> None:
    with dag(), pytest.raises(ValueError, match=facts(says)), session(**arguments):
        pass


def test_documentation_of_the_group_in_airflow_is_understandable_alone() -> None:
    with dag(default_args={"task_display_name": "all alike"}), session() as bell:
        BashOperator(task_id="work", bash_command="true")
    assert bell.end.task_display_name == "bell.end_session"
    assert "ended after them" in bell.tooltip
    for own in (bell.begin, bell.create, bell.work_done, bell.end):
        assert len(own.doc_md or "") > 50
    assert bell.end.operator_name == "IonQEndSessionOperator"
    assert bell.work_done.task_display_name == "work_done (in any state)"
    with dag(), session(tooltip="mine") as bell:
        work(bell)
    assert bell.tooltip == "mine"
