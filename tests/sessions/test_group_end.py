"""The end of a group whose `create_session` did not succeed: ended and named sessions, and the state of the run."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, task, task_group

from airflow_provider_ionq.api.errors import IonQNotEndedError
from airflow_provider_ionq.emulator import Emulator
from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.sessions.intent import Intent
from airflow_provider_ionq.sessions.request import SessionRequest
from airflow_provider_ionq.task_groups import end
from airflow_provider_ionq.task_groups.session import ionq_session
from tests.sessions.tasks import BACKEND, raises_session_lost
from tests.sessions.test_partial_rerun import Run as PartialRun
from tests.sessions.test_partial_rerun import RunOfAirflow2 as PartialRunOfAirflow2
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SETTINGS = {"duration_limit_min": 60}
CREATED = {"bell.create_session": "success", "bell.work": "success", "bell.other": "success"}
WORK_FAILED = {"bell.create_session": "failed", "bell.work": "upstream_failed", "bell.other": "upstream_failed"}
WORK_SKIPPED = {"bell.create_session": "skipped", "bell.work": "skipped", "bell.other": None, "outside": "failed"}
REQUEST = SessionRequest.of(BACKEND, duration_limit_min=60)
ASKED = {"intent": Intent(request=REQUEST, open_ids=(), since=None, until=None).as_json()}
FAR = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


class RunOfAirflow3:
    """
    What the end sees of its run from Airflow 3 on.

    :param states: of the tasks.
    :param opening: what `create_session` told, each time it is asked for, the last again and again.
    """

    def __init__(self, states: dict[str, Any], *opening: Any) -> None:
        self.states = states
        self.opening = list(opening)

    def context(self) -> Any:
        def get_task_states(*, dag_id: str, task_ids: list[str], run_ids: list[str]) -> Any:
            assert (dag_id, run_ids) == ("dag", ["run"])
            # As Airflow takes it: none are all.
            return {"run": {name: state for name, state in self.states.items() if not task_ids or name in task_ids}}

        ti = SimpleNamespace(dag_id="dag", run_id="run", get_task_states=get_task_states, xcom_push=lambda *_: None)
        return {"ti": ti, "dag_run": SimpleNamespace(start_date=datetime.now(UTC))}

    def end(self, *, created: Any = None, adopt: bool = False, after: bool = False) -> Any:
        """Run the end; `after` puts a task behind the work that runs in any case."""
        with DAG("dag", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):

            @task
            def work() -> None:
                """Stand for work."""

            with ionq_session("bell", backend=BACKEND, duration_limit_min=60, adopt_lost_session=adopt) as bell:
                work()
                work.override(task_id="other")()
            if after:
                bell >> work.override(task_id="after", trigger_rule="all_done")()
        task_of_the_end: Any = bell.end
        task_of_the_end.created, task_of_the_end.session_id = created, created and created["id"]
        task_of_the_end.progress = SimpleNamespace(resolve=self._tell)
        return task_of_the_end.execute(self.context())

    def _tell(self, _: Any) -> Any:
        return self.opening.pop(0) if len(self.opening) > 1 else self.opening[0]


class RunOfAirflow2(RunOfAirflow3):
    """What it sees before."""

    def context(self) -> Any:
        instances = [SimpleNamespace(task_id=name, state=state) for name, state in self.states.items()]
        run = SimpleNamespace(get_task_instances=lambda: instances, start_date=datetime.now(UTC))
        return {"ti": SimpleNamespace(xcom_push=lambda *_: None), "dag_run": run}


Run = type[RunOfAirflow3]


@pytest.fixture(params=[RunOfAirflow3, RunOfAirflow2])
def run(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def made(ionq_emulator: Emulator) -> str:
    """A session of the kind that the group asks for."""
    return str(ionq_emulator.create_session(BACKEND, settings=SETTINGS)["id"])


@pytest.fixture
def is_open(ionq_emulator: Emulator) -> Callable[[str], bool]:
    return lambda session_id: ionq_emulator.session(session_id)["ended_at"] is None


def test_a_session_that_was_not_handed_on_is_ended(ionq_emulator: Emulator, run: Run, made: str) -> None:
    ended = run(WORK_FAILED, {"session_id": made}).end()
    assert ended == ionq_emulator.session(made)
    assert ended["ended_at"] is not None


def test_end_fails_after_ending_the_session_if_no_work_has_failed(
    run: Run, made: str, is_open: Callable[[str], bool]
) -> None:
    with pytest.raises(IonQFailException, match=facts(f"{made} | ended")):
        run(WORK_SKIPPED, {"session_id": made}).end()
    assert not is_open(made)


@pytest.mark.parametrize("state", ["failed", "skipped", None])
def test_end_fails_if_create_session_was_marked_or_is_to_run_again(
    ionq_emulator: Emulator, run: Run, made: str, state: str | None, is_open: Callable[[str], bool]
) -> None:
    opened = ionq_emulator.session(made)
    with pytest.raises(IonQFailException, match="create_session did not succeed"):
        run({**CREATED, "bell.create_session": state}, None).end(created=opened)
    assert not is_open(made)
    assert run(CREATED, None).end(created=opened)["id"] == made


def test_end_fails_if_a_later_task_hides_the_failed_work(run: Run, made: str) -> None:
    with pytest.raises(IonQFailException, match=facts("inside | fails the run")):
        run(WORK_FAILED, {"session_id": made}).end(after=True)


def test_session_that_cannot_be_ended_is_left_to_a_retry(ionq_emulator: Emulator, run: Run, made: str) -> None:
    ionq_emulator.api_key = "rotated"
    with pytest.raises(IonQNotEndedError, match=made):
        run(WORK_FAILED, {"session_id": made}).end()


def test_no_request_is_sent_when_no_session_was_requested(ionq_emulator: Emulator, run: Run, made: str) -> None:
    with pytest.raises(AirflowSkipException, match="no session to end"):
        run(WORK_FAILED, {}).end()
    with pytest.raises(IonQFailException, match="it created no session"):
        run(WORK_SKIPPED, {}).end()
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("states", [WORK_FAILED, WORK_SKIPPED])
def test_session_that_may_have_been_created_is_named(
    ionq_emulator: Emulator, run: Run, made: str, states: Any, is_open: Callable[[str], bool]
) -> None:
    ionq_emulator.create_session("simulator", settings=SETTINGS)
    with raises_session_lost(match=f"there is a session .*{made}, created at .*60 minutes.*end it"):
        run(states, ASKED).end()
    assert is_open(made)


def test_session_that_may_have_been_created_is_ended_if_adopt_lost_session_is_set(
    run: Run, made: str, is_open: Callable[[str], bool]
) -> None:
    assert run(WORK_FAILED, ASKED).end(adopt=True)["id"] == made
    assert not is_open(made)


@pytest.mark.parametrize("adopt", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_lost_session_that_was_started_meanwhile_is_named_and_not_ended(
    ionq_emulator: Emulator, run: Run, made: str, adopt: bool, named: bool, is_open: Callable[[str], bool]
) -> None:
    ionq_emulator.start_session(made)
    intent = Intent(request=REQUEST, open_ids=(), since=None, until=FAR, named=(made,) if named else ())
    with raises_session_lost(match=f"{made}, created at .*, now started"):
        run(WORK_FAILED, {"intent": intent.as_json()}).end(adopt=adopt)
    assert is_open(made)
    ionq_emulator.end_session(made)
    with pytest.raises(AirflowSkipException):
        run(WORK_FAILED, {"intent": intent.as_json()}).end(adopt=adopt)


def test_lost_session_is_not_ended_if_there_are_two_candidates(
    ionq_emulator: Emulator, run: Run, made: str, is_open: Callable[[str], bool]
) -> None:
    ionq_emulator.create_session(BACKEND, settings=SETTINGS)
    with raises_session_lost(match="are 2 sessions"):
        run(WORK_FAILED, ASKED).end(adopt=True)
    assert is_open(made)


def test_end_is_skipped_when_the_request_had_no_effect(ionq_emulator: Emulator, run: Run) -> None:
    with pytest.raises(AirflowSkipException):
        run(WORK_FAILED, ASKED).end()


def test_search_for_a_lost_session_that_fails_is_left_to_a_retry(ionq_emulator: Emulator, run: Run) -> None:
    ionq_emulator.fail(503, route="GET /sessions", seconds=60)
    with pytest.raises(IonQNotEndedError, match=f"on {BACKEND}.* may cost money.*503.*'ionq_default'"):
        run(WORK_FAILED, ASKED).end()


def test_session_id_that_create_session_publishes_late_is_used(
    run: Run, made: str, is_open: Callable[[str], bool]
) -> None:
    assert run(WORK_FAILED, ASKED, {"session_id": made}).end()["id"] == made
    assert not is_open(made)


def test_published_state_is_read_after_a_marked_task_has_stopped(
    monkeypatch: pytest.MonkeyPatch, run: Run, made: str
) -> None:
    of_the_run = run(WORK_FAILED, {}, {"session_id": made})
    monkeypatch.setattr(end, "STOPPING_SECONDS", 12.5)
    # Meanwhile it learns of its answer.
    monkeypatch.setattr(time, "sleep", lambda seconds: of_the_run.opening.pop(0) if seconds == 12.5 else None)
    assert of_the_run.end()["id"] == made


# The last try of `create_session` did not come so far as to tell what an earlier one had done.


@pytest.mark.parametrize("adopt", [False, True])
def test_session_created_since_the_run_began_is_named_if_nothing_was_published(
    ionq_emulator: Emulator, run: Run, adopt: bool, is_open: Callable[[str], bool]
) -> None:
    made = ionq_emulator.create_session("qpu.aria-1")["id"]
    with raises_session_lost(match=facts(f"may have requested | {made}")):
        run(WORK_FAILED, None).end(adopt=adopt)
    assert is_open(made)


def test_session_that_is_older_ended_or_started_is_not_named_if_nothing_was_published(
    ionq_emulator: Emulator, run: Run
) -> None:
    before = ionq_emulator.create_session(BACKEND)["id"]
    ionq_emulator.update_session(before, created_at=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
    ionq_emulator.end_session(ionq_emulator.create_session(BACKEND)["id"])
    ionq_emulator.start_session(ionq_emulator.create_session(BACKEND)["id"])
    with pytest.raises(AirflowSkipException):
        run(WORK_FAILED, None).end()


def test_missing_connection_fails_the_end_instead_of_skipping_it(
    run: Run, made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_IONQ_DEFAULT")
    with pytest.raises(IonQNotEndedError, match=facts("may have requested | cost money | 'ionq_default'")):
        run(WORK_FAILED, None).end()


# The DAG has changed since the session was opened.


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Another account, with a connection of its own."""
    with Emulator(api_key="another") as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", emulator.airflow_connection)
        yield emulator


@pytest.mark.parametrize("handed_on", [False, True])
def test_session_is_ended_with_the_connection_that_created_it(
    ionq_emulator: Emulator, elsewhere: Emulator, run: Run, handed_on: bool
) -> None:
    session = elsewhere.create_session(BACKEND, settings=SETTINGS)
    told = {"session_id": session["id"], "connection": "elsewhere"}
    ended = run(CREATED if handed_on else WORK_FAILED, told).end(created=session if handed_on else None)
    assert ended == elsewhere.session(session["id"])
    assert ended["ended_at"] is not None
    assert ionq_emulator.requests == []


def test_lost_session_is_searched_with_the_connection_of_its_request(
    ionq_emulator: Emulator, elsewhere: Emulator, run: Run
) -> None:
    made = elsewhere.create_session(BACKEND, settings=SETTINGS)["id"]
    intent = Intent(request=REQUEST, open_ids=(), since=None, until=None, connection="elsewhere")
    with raises_session_lost(match=made):
        run(WORK_FAILED, {"intent": intent.as_json()}).end()
    assert ionq_emulator.requests == []


def test_session_is_ended_although_its_connection_was_renamed(run: Run, made: str) -> None:
    assert run(WORK_FAILED, {"session_id": made, "connection": "renamed"}).end()["id"] == made


# What it says.


def test_search_is_logged_before_the_pause_and_the_reason_for_a_skip_after_it(
    monkeypatch: pytest.MonkeyPatch, ionq_emulator: Emulator, run: Run, capsys: Any, caplog: Any
) -> None:
    said: list[str] = []

    def pause(seconds: float) -> None:
        printed = capsys.readouterr()
        said.append(printed.out + printed.err + caplog.text)

    monkeypatch.setattr(end, "STOPPING_SECONDS", 15.0)
    monkeypatch.setattr(time, "sleep", pause)
    with pytest.raises(AirflowSkipException, match=facts("no session | skipped")):
        run(WORK_FAILED, {}).end()
    assert "In 15 s" in said[0]


# One of several mapped groups.


class MappedRun:
    """
    A run whose group is mapped over two, as the end of the second sees it.

    :param create: states of `create_session`, by map index.
    :param work: states of the work.
    """

    def __init__(self, create: list[Any], work: list[Any]) -> None:
        self.states = {
            **{("each.bell.create_session", index): state for index, state in enumerate(create)},
            **{("each.bell.work", index): state for index, state in enumerate(work)},
        }

    def end(self, run: Run, session: Any) -> Any:
        with DAG("dag", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:

            @task
            def work(*_: Any) -> None:
                """Stand for work."""

            @task_group
            def each(number: int) -> None:
                with ionq_session("bell", backend=BACKEND, duration_limit_min=60) as bell:
                    work(bell.session_id)

            each.expand(number=[0, 1])
        task_of_the_end: Any = dag.get_task("each.bell.end_session")
        task_of_the_end.created, task_of_the_end.session_id = session, session["id"]
        task_of_the_end.progress = SimpleNamespace(resolve=lambda _: None)
        of_the_run = PartialRun if run is RunOfAirflow3 else PartialRunOfAirflow2
        return task_of_the_end.execute(of_the_run(self.states).context(map_index=1))


@pytest.mark.parametrize(
    ("create", "work", "is_fine"),
    [
        (["success", "success"], ["success", "success"], True),
        (["failed", "success"], ["success", "success"], True),
        (["success", "failed"], ["success", "success"], False),
        (["success", "failed"], ["failed", "success"], False),
        (["success", "failed"], ["success", "failed"], True),
        (["failed", "success"], ["failed", "failed"], True),
    ],
)
def test_end_of_a_mapped_group_considers_its_own_instance_only(
    ionq_emulator: Emulator, run: Run, made: str, create: list[Any], work: list[Any], is_fine: bool
) -> None:
    session = ionq_emulator.session(made)
    if is_fine:
        assert MappedRun(create, work).end(run, session)["id"] == made
    else:
        with pytest.raises(IonQFailException, match="create_session did not succeed"):
            MappedRun(create, work).end(run, session)
    assert ionq_emulator.session(made)["ended_at"] is not None


@pytest.mark.parametrize(("states", "is_fine"), [(["success", "failed"], True), (["success", "success"], False)])
def test_all_instances_of_mapped_work_count_in_an_unmapped_group(
    ionq_emulator: Emulator, run: Run, made: str, states: list[Any], is_fine: bool
) -> None:
    with DAG("dag", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):

        @task
        def many(number: int) -> None:
            """Stand for work that is mapped."""

        with ionq_session("bell", backend=BACKEND, duration_limit_min=60) as bell:
            many.expand(number=[0, 1])
    task_of_the_end: Any = bell.end
    session = ionq_emulator.session(made)
    task_of_the_end.created, task_of_the_end.session_id = session, made
    task_of_the_end.progress = SimpleNamespace(resolve=lambda _: None)
    of_the_run = (PartialRun if run is RunOfAirflow3 else PartialRunOfAirflow2)(
        {
            ("bell.create_session", -1): "failed",
            **{("bell.many", index): state for index, state in enumerate(states)},
        }
    )
    if is_fine:
        task_of_the_end.execute(of_the_run.context())
    else:
        with pytest.raises(IonQFailException, match="create_session did not succeed"):
            task_of_the_end.execute(of_the_run.context())
