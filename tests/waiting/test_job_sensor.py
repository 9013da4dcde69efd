"""The job sensor: every history of a job has the same outcome in every mode, with and without `soft_fail`."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_ionq.emulator import Step
from airflow_provider_ionq.exceptions import IonQFailException, IonQImpossibleStateException
from airflow_provider_ionq.hooks.ionq import IonQHook
from airflow_provider_ionq.sensors.job import IonQJobSensor
from airflow_provider_ionq.triggers.job import IonQJobTrigger
from tests.support.airflows import marks
from tests.support.facts import stating
from tests.waiting.modes import MODES, first_event, run_sensor
from tests.waiting.test_poller import run, until

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

AfterLooks = Callable[[int, Callable[[], object]], None]
LIST = "GET /jobs"
ONE = "GET /jobs/{job_id}"


@dataclass(frozen=True)
class History:
    """What happens to a job, what is awaited, and how the task must end without soft_fail."""

    status: Any = "completed"
    error: type[BaseException] | None = None
    says: tuple[str, ...] = ()
    plan: tuple[Step, ...] = ()
    before: Callable[[Emulator, str], object] = lambda emulator, job_id: None
    after: tuple[int, Callable[[Emulator, str], object]] | None = None
    arguments: dict[str, Any] = field(default_factory=dict)


HISTORIES = {
    "completed before the first look": History(before=lambda e, j: e.complete_job(j)),
    "completed while waiting": History(plan=(Step("started", after_reads=2), Step("completed", after_reads=2))),
    "started while waiting": History("started", plan=(Step("ready", after_reads=1), Step("started", after_reads=2))),
    "any of two statuses": History(["started", "completed"], plan=(Step("completed", after_reads=3),)),
    "failed as awaited": History("failed", after=(2, lambda e, j: e.fail_job(j))),
    "canceled as awaited": History({"failed", "canceled"}, after=(2, lambda e, j: e.cancel_job(j))),
    "failed before the first look": History(
        error=IonQImpossibleStateException,
        says=("can never have status completed", "TooManyGates: There are 9."),
        before=lambda e, j: e.fail_job(j, code="TooManyGates", message="There are 9."),
    ),
    "failed while waiting, by the service": History(
        error=IonQImpossibleStateException,
        says=("'failed'", "QuantumComputerError"),
        after=(3, lambda e, j: e.fail_job(j, code="QuantumComputerError")),
    ),
    "canceled while waiting": History(
        error=IonQImpossibleStateException, says=("'canceled'",), after=(3, lambda e, j: e.cancel_job(j))
    ),
    "completed when started is awaited": History(
        "started",
        IonQImpossibleStateException,
        ('wait for status=("started", "completed")',),
        before=lambda e, j: e.complete_job(j),
    ),
    "unknown status, then completed": History(
        before=lambda e, j: e.update_job(j, status="paused"), after=(3, lambda e, j: e.complete_job(j))
    ),
    "deleted before the first look": History(
        error=IonQFailException, says=("404", "deleted"), before=lambda e, j: e.delete_job(j)
    ),
    "deleted while waiting": History(error=IonQFailException, says=("404",), after=(2, lambda e, j: e.delete_job(j))),
    "key refused for good while waiting": History(
        error=IonQFailException, says=("401",), after=(2, lambda e, j: setattr(e, "api_key", "rotated"))
    ),
    "outage while waiting": History(
        after=(2, lambda e, j: [e.complete_job(j), *(e.fail(status) for status in (500, 502, 503, 429))])
    ),
    "time-out": History(
        error=AirflowSensorTimeout,
        says=("did not have status completed within 0.5 s", "its status is 'submitted'"),
        arguments={"timeout": 0.5},
    ),
    "id that rendered to None": History(
        error=IonQFailException,
        says=(
            "job_id",
            "id of an IonQ job",
        ),
        arguments={"job_id": "None"},
    ),
    "status that rendered to nonsense": History(
        "{{ x }}",
        IonQFailException,
        (
            "status",
            "invalid",
        ),
        arguments={},
    ),
}


# On other Airflows: a success of each poll, one after an outage, and one failure of each class and each poll.
ON_EVERY_AIRFLOW = (
    "completed before the first look",
    "completed while waiting",
    "outage while waiting",
    "failed before the first look",
    "failed while waiting, by the service",
    "deleted while waiting",
    "time-out",
    "id that rendered to None",
    "status that rendered to nonsense",
)
# soft_fail changes nothing in a success.
CASES = [(name, soft) for name, history in HISTORIES.items() for soft in (False, True) if history.error or not soft]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "soft_fail"),
    [
        pytest.param(name, soft, id=name + " soft_fail" * soft, marks=marks(name, ON_EVERY_AIRFLOW))
        for name, soft in CASES
    ],
)
@pytest.mark.usefixtures("reread_at_once")
def test_every_mode_ends_with_the_same_outcome(
    ionq_emulator: Emulator, after_looks: AfterLooks, name: str, mode: str, soft_fail: bool
) -> None:
    history = HISTORIES[name]
    job_id: str = ionq_emulator.submit_job(plan=list(history.plan))["id"]
    history.before(ionq_emulator, job_id)
    if history.after is not None:
        count, action = history.after
        after_looks(count, lambda: action(ionq_emulator, job_id))

    arguments = {"job_id": job_id, "status": history.status, "soft_fail": soft_fail, **history.arguments}
    ending = run_sensor(mode, IonQJobSensor, **arguments)

    if history.error is None:
        assert (ending.state, ending.error) == ("success", None), ending.message
        assert ending.value == IonQHook().get_job(job_id)
    else:
        expected = ("skipped", AirflowSkipException) if soft_fail else ("failed", history.error)
        assert (ending.state, ending.error) == expected, ending.message
        for words in history.says:
            assert words in ending.message


@pytest.mark.parametrize("mode", MODES)
def test_result_of_a_job_with_several_circuits_has_its_children_in_every_mode(
    ionq_emulator: Emulator, mode: str
) -> None:
    ionq_emulator.job_seconds = None
    circuits = [[{"gate": "x", "target": 0}], [{"gate": "h", "target": 0}]]
    job_id = IonQHook().create_job("simulator", circuits=circuits)["id"]
    ionq_emulator.complete_job(job_id)
    ending = run_sensor(mode, IonQJobSensor, job_id=job_id)
    assert len(ending.value["child_job_ids"]) == 2


@pytest.mark.parametrize("status", [None, (), "running", ["completed", "done"], 7])
def test_an_invalid_status_is_refused_when_the_dag_is_parsed(status: Any) -> None:
    with pytest.raises(ValueError, match="Task 'wait': status"):
        IonQJobSensor(task_id="wait", job_id="j-1", status=status)


def test_completed_is_awaited_by_default() -> None:
    assert str(IonQJobSensor(task_id="wait", job_id="j-1").target()) == "status completed"


@pytest.mark.parametrize("form", [lambda job: job, lambda job: {"id": job["id"]}, repr], ids=["JSON", "object", "text"])
@pytest.mark.parametrize("mode", MODES)
def test_a_job_is_taken_wherever_its_id_is(ionq_emulator: Emulator, mode: str, form: Callable[[Any], Any]) -> None:
    job = ionq_emulator.submit_job(plan=[Step("completed", after_reads=2)])
    ending = run_sensor(mode, IonQJobSensor, job_id=form(job))
    assert (ending.state, ending.value["id"]) == ("success", job["id"]), ending.message


def test_a_mapped_wait_is_labelled_with_its_job() -> None:
    partial: Any = IonQJobSensor.partial(task_id="wait")
    assert partial.kwargs["map_index_template"] == "{{ task.job_id | string | truncate(64) }}"


# In the triggerer.


def wait_for(job_ids: list[str], status: str = "completed", interval: float = 0.1) -> list[asyncio.Task[Any]]:
    return [
        asyncio.create_task(first_event(IonQJobTrigger(job_id, "ionq_default", status, interval))) for job_id in job_ids
    ]


def routes(emulator: Emulator) -> Counter[str | None]:
    return Counter(request.route for request in emulator.requests)


@pytest.mark.one_airflow
def test_many_jobs_are_polled_with_one_request_for_every_25(ionq_emulator: Emulator) -> None:
    ids = [ionq_emulator.submit_job(plan=[])["id"] for _ in range(110)]

    async def scenario() -> int:
        waits = wait_for(ids)
        await until(lambda: len(ionq_emulator.requests) >= 3 * 5)
        polls = len(ionq_emulator.requests) // 5
        for job_id in ids:
            ionq_emulator.complete_job(job_id)
        events = await asyncio.gather(*waits)
        assert {event.payload["job_id"] for event in events} == set(ids)
        return polls

    polls = run(scenario())
    assert routes(ionq_emulator).keys() == {LIST}
    assert 5 * polls <= len(ionq_emulator.requests) <= 5 * (polls + 3)


@pytest.mark.one_airflow
def test_the_task_reads_the_job_itself_because_a_list_does_not_show_all_of_it(ionq_emulator: Emulator) -> None:
    ids = [ionq_emulator.submit_job(plan=[])["id"] for _ in range(2)]
    for job_id in ids:
        ionq_emulator.complete_job(job_id)

    async def scenario() -> list[Any]:
        return [event.payload for event in await asyncio.gather(*wait_for(ids))]

    assert [payload["job"] for payload in run(scenario())] == [None, None]


@pytest.mark.one_airflow
def test_sessions_and_jobs_of_a_connection_have_polls_of_their_own(ionq_emulator: Emulator) -> None:
    from airflow_provider_ionq.triggers.session import IonQSessionTrigger

    session_id = ionq_emulator.create_session()["id"]
    job_id = ionq_emulator.submit_job(plan=[])["id"]

    async def scenario() -> None:
        waits = [
            *wait_for([job_id]),
            asyncio.create_task(first_event(IonQSessionTrigger(session_id, "ionq_default", "ended", None, 0.1))),
        ]
        await until(lambda: min(routes(ionq_emulator)[ONE], routes(ionq_emulator)["GET /sessions/{session_id}"]) >= 2)
        ionq_emulator.complete_job(job_id)
        ionq_emulator.end_session(session_id)
        await asyncio.gather(*waits)

    run(scenario())


@pytest.mark.parametrize("status", ["submitted", "ready", "started", "completed", "failed", "canceled"])
@pytest.mark.parametrize("cancel", [True, False])
def test_a_killed_wait_cancels_its_job_only_if_it_should(ionq_emulator: Emulator, cancel: bool, status: str) -> None:
    job_id = ionq_emulator.submit_job(plan=[])["id"]
    if status != "submitted":
        ionq_emulator.set_job_status(job_id, status)
    run(IonQJobTrigger(job_id, "ionq_default", "completed", 60.0, cancel_on_kill=cancel).on_kill())
    is_open = status in ("submitted", "ready", "started")
    assert ionq_emulator.job(job_id)["status"] == ("canceled" if cancel and is_open else status)


@pytest.mark.skipif(not AIRFLOW_V_3_0_PLUS, reason="Airflow 2 never calls on_kill of a trigger")
@pytest.mark.parametrize(
    ("states", "status"),
    [
        # Another triggerer has taken over the trigger: the task still waits.
        ({"r": {"run": "deferred"}}, "submitted"),
        ({"r": {"run_3": "deferred"}}, "submitted"),
        ({"r": {"run": "failed"}}, "canceled"),
        ({"r": {"run": "success"}}, "canceled"),
        ({"r": {"run": None}}, "canceled"),
        ({"r": {}}, "canceled"),
        ({}, "canceled"),
        (RuntimeError("no API server"), "submitted"),
    ],
    ids=str,
)
def test_a_killed_wait_keeps_the_job_of_a_task_that_still_waits(
    ionq_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, states: Any, status: str
) -> None:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    def get_task_states(**_: Any) -> Any:
        if isinstance(states, Exception):
            raise states
        return states

    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", get_task_states)
    job_id = ionq_emulator.submit_job(plan=[])["id"]
    trigger: Any = IonQJobTrigger(job_id, "ionq_default", "completed", 60.0, cancel_on_kill=True)
    trigger.task_instance = SimpleNamespace(dag_id="d", run_id="r", task_id="run", map_index=-1)
    run(trigger.on_kill())
    assert ionq_emulator.job(job_id)["status"] == status


def test_a_cancellation_that_fails_is_logged_and_not_raised(
    ionq_emulator: Emulator, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.ERROR):
        run(IonQJobTrigger("j-1", "ionq_default", "completed", 60.0, cancel_on_kill=True).on_kill())
        run(IonQJobTrigger("j-1", "nowhere", "completed", 60.0, cancel_on_kill=True).on_kill())
    printed = capsys.readouterr()
    logged = caplog.text + printed.out + printed.err
    assert len(stating(logged.splitlines(), "j-1 | not cancelled | cost money")) >= 2


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_a_change_of_the_predicted_wait_is_logged_once(
    ionq_emulator: Emulator, after_looks: AfterLooks, task_log: Callable[[], list[str]], mode: str
) -> None:
    job_id = ionq_emulator.submit_job(plan=[])["id"]
    ionq_emulator.update_job(job_id, predicted_wait_time_ms=9 * 3600 * 1000)
    after_looks(4, lambda: ionq_emulator.update_job(job_id, predicted_wait_time_ms=20_000))
    after_looks(8, lambda: ionq_emulator.complete_job(job_id))
    assert run_sensor(mode, IonQJobSensor, job_id=job_id).state == "success"
    lines = [line for line in task_log() if "predicted wait" in line]
    assert len(lines) == 2
    assert lines[0] != lines[1]
