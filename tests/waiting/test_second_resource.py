"""A resource that the package does not know needs only a few lines to wait in every mode through the shared poll."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.sensors.base import IonQResourceSensor
from airflow_provider_ionq.triggers.base import IonQResourceTrigger
from airflow_provider_ionq.waiting.decision import WAIT, Decision, Outcome
from tests.waiting.modes import first_event, run_sensor, trigger_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.emulator import Emulator

pytestmark = pytest.mark.one_airflow


class Workloads:
    """The jobs of a session as one thing without a status, which the API serves for each session alone."""

    name = "workload"
    id_field = "session_id"
    ids_per_list = None
    lists_whole_items = True

    def get(self, client: IonQClient, item_id: str) -> dict[str, Any]:
        jobs = [job["status"] for job in client.list_session_jobs(item_id)]
        return {"id": item_id, "jobs": jobs}

    def list_many(self, client: IonQClient, ids: Sequence[str]) -> None:
        return None

    def id_of(self, item: dict[str, Any]) -> str:
        return str(item["id"])

    def is_final(self, item: dict[str, Any]) -> bool:
        return False

    def new_observer(self) -> None:
        return None


class AllCompleted:
    """Every job is completed."""

    def decide(self, item: dict[str, Any]) -> Decision:
        if "failed" in item["jobs"]:
            return Decision(Outcome.IMPOSSIBLE, f"Workload {item['id']} has a failed job.")
        if item["jobs"] and set(item["jobs"]) == {"completed"}:
            return Decision(Outcome.MET, f"Workload {item['id']} is completed.")
        return WAIT

    def hint(self, item: dict[str, Any]) -> None:
        return None

    def __str__(self) -> str:
        return "all jobs completed"


class WorkloadTrigger(IonQResourceTrigger):
    arguments = ("session_id", "ionq_conn_id", "poke_interval", "timeout", "remaining")
    resource = Workloads()

    def __init__(
        self,
        session_id: str,
        ionq_conn_id: str,
        poke_interval: float,
        timeout: float | None = None,
        remaining: float | None = None,
        **_: Any,
    ) -> None:
        super().__init__(ionq_conn_id, poke_interval, timeout, remaining)
        self.session_id = session_id
        self.target = AllCompleted()


class WorkloadSensor(IonQResourceSensor):
    resource = Workloads()
    trigger_class_path = f"{__name__}.WorkloadTrigger"
    impossible_error = IonQFailException
    target_fields = ()
    template_fields = ("session_id", "ionq_conn_id")

    def __init__(self, *, session_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.session_id = session_id
        self.prepare()

    def target(self) -> AllCompleted:
        return AllCompleted()

    def trigger_arguments(self) -> dict[str, Any]:
        return {}

    def describe(self, item: dict[str, Any]) -> str:
        return f"its jobs are {item['jobs']}"


MODES = ("poke", "reschedule", "deferrable")


@pytest.mark.parametrize("mode", MODES)
def test_another_resource_is_waited_for_in_every_mode(ionq_emulator: Emulator, mode: str) -> None:
    ionq_emulator.job_reads = 3
    session_id = ionq_emulator.create_session()["id"]
    ionq_emulator.submit_job(session_id)
    ending = run_sensor(mode, WorkloadSensor, session_id=session_id)
    assert (ending.state, ending.value["jobs"]) == ("success", ["completed"])
    assert len(ionq_emulator.requests) > 1


@pytest.mark.parametrize("mode", MODES)
def test_another_resource_fails_without_retries_when_its_target_is_impossible(
    ionq_emulator: Emulator, mode: str
) -> None:
    ionq_emulator.job_seconds = None
    session_id = ionq_emulator.create_session()["id"]
    ionq_emulator.fail_job(ionq_emulator.submit_job(session_id)["id"])
    ending = run_sensor(mode, WorkloadSensor, session_id=session_id)
    assert (ending.state, ending.error) == ("failed", IonQFailException)
    assert "has a failed job" in ending.message


@pytest.mark.parametrize("mode", MODES)
def test_an_invalid_id_of_another_resource_is_reported_under_the_name_of_its_argument(
    ionq_emulator: Emulator, mode: str
) -> None:
    ending = run_sensor(mode, WorkloadSensor, session_id="")
    assert (ending.state, ending.error) == ("failed", IonQFailException)
    assert "session_id must be" in ending.message
    assert not ionq_emulator.requests


def test_waiters_of_another_resource_share_one_poll(ionq_emulator: Emulator) -> None:
    ionq_emulator.job_seconds = None
    session_id = ionq_emulator.create_session()["id"]
    job_id = ionq_emulator.submit_job(session_id)["id"]
    sensor = WorkloadSensor(task_id="t", session_id=session_id, poke_interval=0.2)
    path = WorkloadSensor.trigger_class_path

    async def scenario() -> None:
        triggers = [trigger_of(path, sensor._trigger_arguments()) for _ in range(50)]
        waits = [asyncio.create_task(first_event(trigger)) for trigger in triggers]
        async with asyncio.timeout(20):
            while len(ionq_emulator.requests) < 3:  # noqa: ASYNC110 - the emulator answers from another thread
                await asyncio.sleep(0.01)
        ionq_emulator.complete_job(job_id)
        await asyncio.gather(*waits)

    asyncio.run(scenario())
    assert len(ionq_emulator.requests) <= 6
