"""A create task that runs again without its end task creates no session and leaves none open."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, TaskDeferred, task, task_group

from airflow_provider_ionq.api.errors import IonQNoEndTaskError, IonQNotEndedError
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.operators.create_session import IonQCreateSessionOperator
from airflow_provider_ionq.operators.end_tasks import end_task_ids
from airflow_provider_ionq.operators.session import IonQEndSessionOperator
from airflow_provider_ionq.task_groups.session import ionq_session
from tests.sessions.tasks import BACKEND, Store
from tests.support.emulated import CREATE, END, LIST, on_record, open_sessions, requests
from tests.support.facts import facts

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

TO_COME = [None, "up_for_retry"]
OVER = ["success", "failed", "skipped", "upstream_failed", "removed", "scheduled", "queued", "running", "deferred"]


class Run:
    """
    A run, as a task of it sees it on Airflow 3 from inside.

    :param states: of task instances, by task id and map index.
    """

    def __init__(self, states: dict[tuple[str, int], Any]) -> None:
        self.states = states
        self.store: Store | None = Store()
        self.xcoms: dict[str, Any] = {}
        self.away = False

    def context(self, map_index: int = -1) -> Any:
        """Return the context of a task instance."""

        def get_task_states(
            *, dag_id: str, task_ids: list[str], run_ids: list[str], map_index: int | None = None
        ) -> dict[str, dict[str, Any]]:
            assert (dag_id, run_ids) == ("dag", ["run"])
            assert task_ids  # Airflow would take none for all
            if self.away:
                raise RuntimeError("API_SERVER_ERROR")
            return {
                "run": {
                    name if index < 0 else f"{name}_{index}": state
                    for (name, index), state in self.states.items()
                    if name in task_ids and map_index in (None, index)
                }
            }

        ti = SimpleNamespace(
            dag_id="dag",
            run_id="run",
            map_index=map_index,
            try_number=1,
            get_task_states=get_task_states,
            xcom_push=self.xcoms.__setitem__,
        )
        context: dict[str, Any] = {"ti": ti, "dag_run": SimpleNamespace(start_date=datetime.now(UTC))}
        if self.store is not None:
            context["task_state_store"] = self.store
        return context


class RunOfAirflow2(Run):
    """The same before."""

    def context(self, map_index: int = -1) -> Any:
        def instances() -> list[Any]:
            if self.away:
                raise RuntimeError("database is away")
            return [
                SimpleNamespace(task_id=name, map_index=index, state=state)
                for (name, index), state in self.states.items()
            ]

        context = super().context(map_index)
        context["ti"] = SimpleNamespace(map_index=map_index, try_number=1, xcom_push=self.xcoms.__setitem__)
        context["dag_run"] = SimpleNamespace(start_date=datetime.now(UTC), get_task_instances=instances)
        return context


@pytest.fixture(params=[Run, RunOfAirflow2])
def run(request: pytest.FixtureRequest) -> Any:
    return request.param


def dag() -> DAG:
    return DAG("dag", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC))


@task
def work(*_: Any) -> None:
    """Stand for work."""


def create(task_id: str = "create", **arguments: Any) -> Any:
    return IonQCreateSessionOperator(task_id=task_id, **{"backend": BACKEND, "duration_limit_min": 60, **arguments})


def in_a_group() -> Any:
    with ionq_session("bell", backend=BACKEND, duration_limit_min=60) as bell:
        work(bell.session_id)
    return bell.create, "bell.end_session"


def with_a_teardown() -> Any:
    opened = create()
    end: Any = work.override(task_id="end")(opened.output["id"])
    opened >> work(opened.output["id"]) >> end
    end.operator.as_teardown(setups=opened)
    return opened, "end"


def with_an_operator() -> Any:
    opened = create()
    end = IonQEndSessionOperator(task_id="end", session_id=opened.output["id"], trigger_rule="all_done")
    opened >> work(opened.output["id"]) >> end
    return opened, "end"


def with_a_template() -> Any:
    opened = create()
    end = IonQEndSessionOperator(task_id="end", session_id="{{ ti.xcom_pull('create')['id'] }}")
    opened >> end
    return opened, "end"


PAIRS = [in_a_group, with_a_teardown, with_an_operator, with_a_template]


@pytest.mark.parametrize(
    ("pair", "state"), [*((in_a_group, state) for state in OVER), *((pair, "success") for pair in PAIRS[1:])]
)
def test_no_session_is_created_when_the_end_task_will_not_run(
    ionq_emulator: Emulator, run: Any, pair: Any, state: str
) -> None:
    with dag():
        opener, end = pair()
    of_the_run = run({(end, -1): state})
    with pytest.raises(IonQFailException, match=facts(f"{end} | {state} | not run | Clear the run")):
        opener.execute(of_the_run.context())
    assert requests(ionq_emulator) == []


@pytest.mark.parametrize(
    ("pair", "state"), [*((in_a_group, state) for state in TO_COME), *((pair, None) for pair in PAIRS[1:])]
)
def test_session_is_created_while_its_end_task_is_to_come(
    ionq_emulator: Emulator, run: Any, pair: Any, state: Any
) -> None:
    with dag():
        opener, end = pair()
    session = opener.execute(run({(end, -1): state}).context())
    assert open_sessions(ionq_emulator) == [session["id"]]


def test_run_without_the_end_task_creates_the_session(ionq_emulator: Emulator, run: Any) -> None:
    with dag():
        opener, _ = in_a_group()
    opener.execute(run({}).context())
    assert len(open_sessions(ionq_emulator)) == 1


def test_unknown_state_of_the_end_task_is_left_to_a_retry_and_no_session_is_requested(
    ionq_emulator: Emulator, run: Any
) -> None:
    with dag():
        opener, end = in_a_group()
    of_the_run = run({(end, -1): None})
    of_the_run.away = True
    with pytest.raises(IonQNoEndTaskError, match="cannot be determined whether bell.end_session") as error:
        opener.execute(of_the_run.context())
    assert error.value.retryable
    assert requests(ionq_emulator) == []
    of_the_run.away = False
    opener.execute(of_the_run.context())


def test_end_task_that_is_being_cleared_is_left_to_a_retry(ionq_emulator: Emulator, run: Any) -> None:
    with dag():
        opener, end = in_a_group()
    with pytest.raises(IonQNoEndTaskError, match="being cleared"):
        opener.execute(run({(end, -1): "restarting"}).context())
    assert requests(ionq_emulator) == []


def test_end_task_marked_while_the_sessions_are_listed_is_noticed_before_the_request(
    ionq_emulator: Emulator, run: Any
) -> None:
    with dag():
        opener, end = in_a_group()
    of_the_run = run({(end, -1): None})
    on_record(ionq_emulator, lambda _: of_the_run.states.update({(end, -1): "success"}))
    with pytest.raises(IonQFailException, match="now success"):
        opener.execute(of_the_run.context())
    assert requests(ionq_emulator) == [LIST]
    assert of_the_run.store.values == {}


def test_session_whose_end_task_is_marked_during_the_request_is_ended(ionq_emulator: Emulator, run: Any) -> None:
    with dag():
        opener, end = in_a_group()
    of_the_run = run({(end, -1): None})
    on_record(
        ionq_emulator,
        lambda request: request.route == CREATE and of_the_run.states.update({(end, -1): "success"}),
    )
    with pytest.raises(IonQFailException, match=facts("success | just created | been ended")):
        opener.execute(of_the_run.context())
    assert open_sessions(ionq_emulator) == []


def test_a_session_is_kept_when_airflow_is_away_just_after_its_creation(ionq_emulator: Emulator, run: Any) -> None:
    with dag():
        opener, end = in_a_group()
    of_the_run = run({(end, -1): None})
    on_record(ionq_emulator, lambda request: setattr(of_the_run, "away", request.route == CREATE))
    session = opener.execute(of_the_run.context())
    assert open_sessions(ionq_emulator) == [session["id"]]


def test_state_of_the_end_task_is_checked_again_after_a_wait_for_capacity(ionq_emulator: Emulator, run: Any) -> None:
    with dag():
        opener, end = in_a_group()
    of_the_run = run({(end, -1): None})
    ionq_emulator.fail(409, route=CREATE)
    with pytest.raises(TaskDeferred):
        opener.execute(of_the_run.context())
    of_the_run.states[end, -1] = "skipped"
    event = {"backend": BACKEND, "session_id": None, "remaining": 50.0}
    with pytest.raises(IonQFailException, match="now skipped"):
        opener.execute_complete(of_the_run.context(), event)
    assert requests(ionq_emulator).count(CREATE) == 1


def test_a_session_of_an_earlier_try_is_ended_when_no_task_would_end_it(ionq_emulator: Emulator) -> None:
    with dag():
        opener, end = in_a_group()
    of_the_run = Run({(end, -1): None})
    session_id = opener.execute(of_the_run.context())["id"]
    of_the_run.states[end, -1] = "skipped"
    with pytest.raises(IonQFailException, match=f"now skipped.*Session {session_id}, .* has been ended"):
        opener.execute(of_the_run.context())
    assert open_sessions(ionq_emulator) == []


def test_session_of_an_earlier_try_that_cannot_be_ended_is_left_to_a_retry(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ionq.sessions.end.ATTEMPTS", 1)
    with dag():
        opener, end = in_a_group()
    of_the_run = Run({(end, -1): None})
    session_id = opener.execute(of_the_run.context())["id"]
    of_the_run.states[end, -1] = "skipped"
    ionq_emulator.fail(503, route=END)
    with pytest.raises(IonQNotEndedError, match=session_id):
        opener.execute(of_the_run.context())
    with pytest.raises(IonQFailException, match="has been ended"):
        opener.execute(of_the_run.context())
    assert open_sessions(ionq_emulator) == []


def test_adopted_session_is_ended_when_no_task_would_end_it(ionq_emulator: Emulator) -> None:
    with dag(), ionq_session("bell", backend=BACKEND, duration_limit_min=60, adopt_lost_session=True) as bell:
        work(bell.session_id)
    of_the_run = Run({("bell.end_session", -1): None})
    on_record(
        ionq_emulator,
        lambda request: request.route == CREATE and of_the_run.states.update({("bell.end_session", -1): "failed"}),
    )
    ionq_emulator.disturb("drop_after_read", route=CREATE)
    with pytest.raises(IonQFailException, match=facts("adopted | been ended")):
        bell.create.execute(of_the_run.context())
    assert open_sessions(ionq_emulator) == []


# Mapped.


@pytest.mark.parametrize(
    ("states", "opens"),
    [
        ({0: None, 1: None}, True),
        ({0: "success", 1: None}, True),
        ({0: None, 1: "skipped"}, False),
        ({-1: None}, True),
        ({-1: "skipped"}, False),
        ({0: "success", 1: "up_for_retry"}, True),
    ],
)
def test_in_a_mapped_group_only_the_end_of_the_same_instance_counts(
    ionq_emulator: Emulator, run: Any, states: dict[int, Any], opens: bool
) -> None:
    with dag() as d:

        @task_group
        def each(number: int) -> None:
            in_a_group()

        each.expand(number=[0, 1])
    opener: Any = d.get_task("each.bell.create_session")
    context = run({("each.bell.end_session", index): state for index, state in states.items()}).context(map_index=1)
    if opens:
        opener.execute(context)
    else:
        with pytest.raises(IonQFailException, match="each.bell.end_session"):
            opener.execute(context)
    assert requests(ionq_emulator).count(CREATE) == opens


def id_of(session: Any) -> Any:
    return session["id"]


@pytest.mark.parametrize(("states", "opens"), [({0: None, 1: None}, True), ({0: "success", 1: None}, False)])
def test_all_end_tasks_mapped_over_created_sessions_must_be_to_come(
    ionq_emulator: Emulator, run: Any, states: dict[int, Any], opens: bool
) -> None:
    with dag():
        mapped = IonQCreateSessionOperator.partial(task_id="create", duration_limit_min=60).expand(
            backend=[BACKEND] * 2
        )
        IonQEndSessionOperator.partial(task_id="end").expand(session_id=mapped.output.map(id_of))
        opener: Any = mapped.unmap({"backend": BACKEND})
    context = run({("end", index): state for index, state in states.items()}).context(map_index=1)
    if opens:
        opener.execute(context)
    else:
        with pytest.raises(IonQFailException, match="end"):
            opener.execute(context)
    assert requests(ionq_emulator).count(CREATE) == opens


# Which tasks end a session.


def test_end_task_of_another_session_is_not_considered() -> None:
    with dag() as d:
        first, second = create("first"), create("second")
        end_first = IonQEndSessionOperator(task_id="end_first", session_id=first.output["id"])
        end_second = IonQEndSessionOperator(task_id="end_second", session_id=second.output["id"])
        by_template = IonQEndSessionOperator(
            task_id="by_template", session_id="{{ ti.xcom_pull(task_ids='second', key='id') }}"
        )
        first >> end_first >> second >> end_second >> by_template
    assert end_task_ids(d.get_task("first")) == ["end_first"]  # type: ignore[arg-type]
    assert end_task_ids(d.get_task("second")) == ["by_template", "end_second"]  # type: ignore[arg-type]


def test_groups_within_groups_have_ends_of_their_own() -> None:
    with dag() as d:
        with ionq_session("outer", backend=BACKEND, duration_limit_min=60):
            with ionq_session("inner", backend=BACKEND, duration_limit_min=60):
                work()
        with ionq_session("after", backend=BACKEND, duration_limit_min=60) as after:
            work.override(task_id="flat")(after.session_id)
        d.get_task("outer.end_session") >> after
    for group in ("outer", "outer.inner", "after"):
        opener: Any = d.get_task(f"{group}.create_session")
        assert end_task_ids(opener) == [f"{group}.end_session"]


def test_an_end_that_gets_the_id_by_a_detour_counts() -> None:
    with dag():
        opened = create()
        session_id: Any = work.override(task_id="detour")(opened.output)
        IonQEndSessionOperator(task_id="end", session_id=session_id)
    assert end_task_ids(opened) == ["end"]


def test_operator_without_a_dag_or_an_end_task_has_no_end_ids() -> None:
    assert end_task_ids(create()) == []
    with dag():
        alone = create()
    assert end_task_ids(alone) == []
