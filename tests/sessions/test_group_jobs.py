"""What the jobs inside a session group take from it when the DAG is parsed: its session, its budget, its rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskGroup, task_group

from airflow_provider_ionq.operators.job import IonQRunJobOperator
from tests.sessions.groups import dag, parsed, session, work
from tests.sessions.tasks import BACKEND
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable

BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]
PARAM = "{{ params.value }}"
AMOUNT = "session_max_cost_usd"


class BellOperator(IonQRunJobOperator):
    """An operator of a user."""


def job(task_id: str = "job", kind: type[IonQRunJobOperator] = IonQRunJobOperator, **arguments: Any) -> Any:
    return kind(task_id=task_id, **{"backend": BACKEND, "circuit": BELL, **arguments})


def mapped(task_id: str = "job", /, **arguments: Any) -> Any:
    return IonQRunJobOperator.partial(task_id=task_id, **{"backend": BACKEND, "circuit": BELL, **arguments})


def of(task: Any, name: str) -> Any:
    """Return an argument, of the mapped task or of each of its instances alike."""
    return task.partial_kwargs.get(name) if hasattr(task, "partial_kwargs") else getattr(task, name)


def in_a_nested_group(_: Any) -> Any:
    with TaskGroup("inner"), TaskGroup("deeper"):
        return job()


def in_a_mapped_group(_: Any) -> Any:
    found = []

    @task_group
    def each(number: int) -> None:
        found.append(job(shots=number))

    each.expand(number=[100, 200])
    return found[0]


FORMS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda _: job(),
    "a subclass": lambda _: job(kind=BellOperator),
    "with the session": lambda s: job(session_id=s.session_id),
    "with the session as an object": lambda s: job(session_id=s.output),
    "with the session as text": lambda s: job(session_id=f"{s}"),
    "with the device of the session": lambda s: job(backend=s["backend"]),
    "mapped": lambda _: mapped().expand(shots=[100, 200]),
    "mapped with the session": lambda s: mapped(session_id=s.session_id).expand(shots=[100, 200]),
    "mapped over objects": lambda _: mapped().expand_kwargs([{"shots": 100}, {"name": "b"}]),
    "in a nested group": in_a_nested_group,
    "in a mapped group": in_a_mapped_group,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [20, 0, 12.5, "20", PARAM])
def test_job_inside_has_the_budget_of_the_group(form: str, value: Any) -> None:
    with dag() as d, session(max_cost_usd=value) as bell:
        made = FORMS[form](bell)
    parsed(d)
    assert of(made, AMOUNT) == value
    assert "max_cost_usd" not in dir(bell.create)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [True, "True", PARAM])
def test_job_inside_rehearses_with_the_group(form: str, value: Any) -> None:
    with dag() as d, session(rehearse=value) as bell:
        made = FORMS[form](bell)
    parsed(d)
    assert (bell.create.rehearse, of(made, "rehearse")) == (value, value)


@pytest.mark.parametrize("form", FORMS)
def test_job_inside_for_the_device_of_the_group_is_submitted_to_its_session(form: str) -> None:
    with dag() as d, session() as bell:
        made = FORMS[form](bell)
    parsed(d)
    assert str(of(made, "session_id")) in (str(bell.session_id), str(bell.output), str(bell))
    assert "bell.create_session" in made.upstream_task_ids
    assert of(made, AMOUNT) is None
    assert not of(made, "rehearse")


NOT_IN_SESSION: dict[str, Callable[[], Any]] = {
    "another device": lambda: job(backend="qpu.forte-2"),
    "the simulator": lambda: job(backend="simulator"),
    "a device that is known later": lambda: job(backend=PARAM),
    "a dry run": lambda: job(dry_run=True),
    "a mapped dry run": lambda: mapped(dry_run=True).expand(shots=[100]),
    "a device that is mapped": lambda: IonQRunJobOperator.partial(task_id="job", circuit=BELL).expand(
        backend=[BACKEND, "simulator"]
    ),
    "objects that are known later": lambda: mapped().expand_kwargs(work().map(lambda x: x)),
}


@pytest.mark.parametrize("name", NOT_IN_SESSION)
def test_job_that_may_not_be_for_the_session_is_not_submitted_to_it(name: str) -> None:
    with dag() as d, session(rehearse=True, max_cost_usd=9) as bell:
        made = NOT_IN_SESSION[name]()
    parsed(d)
    assert of(made, "session_id") is None
    assert (of(made, "rehearse"), of(made, AMOUNT)) == (True, 9)
    assert bell.work_done.task_id in made.downstream_task_ids


def test_job_for_the_templated_device_of_the_group_is_submitted_to_its_session() -> None:
    with dag(), session(backend=PARAM) as bell:
        made = job(backend=PARAM)
    assert str(made.session_id) == str(bell.session_id)


GIVEN: dict[str, Callable[[str, Any], Any]] = {
    "plain": lambda name, value: job(**{name: value}),
    "of all instances": lambda name, value: mapped(**{name: value}).expand(shots=[100]),
    "mapped": lambda name, value: mapped().expand(**{name: [value]}),
    "in one of several objects": lambda name, value: mapped().expand_kwargs([{"shots": 100}, {name: value}]),
}


@pytest.mark.parametrize("how", GIVEN)
@pytest.mark.parametrize(("name", "value"), [(AMOUNT, 5), (AMOUNT, 0), ("rehearse", PARAM), ("session_id", "s-1")])
def test_argument_of_the_job_itself_stays(how: str, name: str, value: Any) -> None:
    with dag() as d, session(max_cost_usd=50, rehearse=True):
        made = GIVEN[how](name, value)
    parsed(d)
    if how in ("plain", "of all instances"):
        assert of(made, name) == value
    else:
        assert made.partial_kwargs.get(name) is None


def test_default_arguments_reach_jobs_as_any_other_task() -> None:
    with dag(default_args={"max_cost_usd": 3, AMOUNT: 7}) as d, session(max_cost_usd=50) as bell:
        made = job()
    assert (made.max_cost_usd, of(made, AMOUNT)) == (3, 7)
    assert bell.max_cost_usd == 50
    parsed(d)


@pytest.mark.parametrize("of_group", [True, False])
def test_rehearsal_may_be_a_default_argument(of_group: bool) -> None:
    defaults = {"rehearse": True}
    with dag(default_args={} if of_group else defaults), session(default_args=defaults if of_group else {}) as bell:
        made = job()
    assert (bell.create.rehearse, made.rehearse) == (True, True)


@pytest.mark.parametrize(
    ("inner", "rehearses"), [({}, PARAM), ({"rehearse": False}, False), ({"default_args": {"rehearse": True}}, True)]
)
def test_group_within_a_group_rehearses_with_it_and_has_a_budget_of_its_own(
    inner: dict[str, Any], rehearses: Any
) -> None:
    with dag() as d, session("outer", rehearse=PARAM, max_cost_usd=50) as outer:
        flat = job("flat")
        with TaskGroup("between"), session("inner", **inner) as bell:
            deep = job("deep")
            foreign = job("foreign", session_id=outer.session_id)
        back = job("back", session_id=bell.session_id)
    parsed(d)
    assert (bell.create.rehearse, deep.rehearse) == (rehearses, rehearses)
    assert (flat.session_max_cost_usd, deep.session_max_cost_usd) == (50, None)
    assert (foreign.session_max_cost_usd, back.session_max_cost_usd) == (None, None)
    assert str(deep.session_id) == str(bell.session_id)
    assert str(foreign.session_id) == str(outer.session_id)


def test_group_beside_a_rehearsal_does_not_rehearse() -> None:
    with dag():
        with session("one", rehearse=True, max_cost_usd=4):
            job()
        with session("other") as other:
            made = job()
        outside = job("outside")
    assert (other.create.rehearse, made.rehearse, made.session_max_cost_usd) == (False, False, None)
    assert (outside.rehearse, outside.session_max_cost_usd, outside.session_id) == (False, None, None)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"max_cost_usd": -1}, "'bell' | max_cost_usd | US dollars | -1"),
        ({"max_cost_usd": "much"}, "'bell' | max_cost_usd | US dollars | much"),
        ({"max_cost_usd": True}, "'bell' | max_cost_usd | US dollars | True"),
        ({"rehearse": "maybe"}, "'bell.create_session' | rehearse | True or False | 'maybe'"),
        ({"rehearse": None}, "'bell.create_session' | rehearse | True or False | None"),
        ({"rehearse": 1}, "'bell.create_session' | rehearse | True or False | 1"),
    ],
)
def test_refusal_names_the_group_or_task_and_the_argument(arguments: dict[str, Any], says: str) -> None:
    with dag(), pytest.raises(ValueError, match=facts(says)), session(**arguments):
        job()


@pytest.mark.parametrize("fill", [lambda: work(), lambda: job(session_id="{{ ti.xcom_pull('mine')['id'] }}")])
def test_budget_that_applies_to_no_job_is_refused(fill: Callable[[], Any]) -> None:
    from airflow_provider_ionq.operators.session import IonQCreateSessionOperator

    with dag():
        IonQCreateSessionOperator(task_id="mine", backend=BACKEND, duration_limit_min=60)
        with (
            pytest.raises(ValueError, match=facts("'bell' | max_cost_usd | IonQRunJobOperator")),
            session(max_cost_usd=5),
        ):
            fill()


def test_budget_from_another_task_is_awaited_by_the_session_and_every_job() -> None:
    with dag() as d:
        budget: Any = work.override(task_id="budget")()
        with session(max_cost_usd=budget) as bell:
            plain, many = job("plain"), mapped("many").expand(shots=[100, 200])
    parsed(d)
    for one in (plain, many, bell.begin):
        assert "budget" in one.upstream_task_ids
