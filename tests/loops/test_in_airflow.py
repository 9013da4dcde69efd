"""Loops in the tasks of a DAG, as Airflow runs it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_ionq.emulator.prices import Price
from tests.examples.dag_runs import dags_folder, run

if TYPE_CHECKING:
    from airflow_provider_ionq.emulator import Emulator

NAME = "loops_in_groups"
OF_GROUP = {"in session", "with its id", "mapped 1", "mapped 2", "plain"}


@pytest.fixture(scope="module", autouse=True)
def _airflow_with_the_dag() -> None:
    from airflow.utils.db import initdb

    initdb()
    dags_folder().mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).parent / "dags" / f"{NAME}.py", dags_folder())


@pytest.mark.parametrize("rehearse", [False, True])
def test_loop_in_a_session_group_has_the_session_and_the_budget_of_the_group(
    ionq_emulator: Emulator, rehearse: bool
) -> None:
    ionq_emulator.job_seconds = 0
    states = run(NAME, rehearse=rehearse)
    assert states["run"] == "success", states
    jobs = {job["name"].removesuffix(" 1") if job["name"] != "plain" else "plain": job for job in ionq_emulator.jobs()}
    sessions = {name: job["session_id"] for name, job in jobs.items()}
    assert sessions["on simulator"] is None
    assert sessions["alone"] is None
    if rehearse:
        assert set(sessions.values()) == {None}
        assert {name for name, job in jobs.items() if job["backend"] == "simulator"} == set(jobs) - {"alone"}
        return
    assert len({sessions[name] for name in OF_GROUP}) == 1
    own = {sessions["in own session 1"], sessions["in own session 2"]}
    assert len(own | {sessions["in session"]}) == 3
    assert None not in own


def test_loop_over_the_budget_of_its_session_group_submits_nothing(ionq_emulator: Emulator) -> None:
    ionq_emulator.job_seconds = 0
    ionq_emulator.prices = {"qpu.forte-1": Price(job_cost_minimum=30)}
    states = run(NAME)
    assert states["run"] == "failed"
    assert "failed" in str({task_id: state for task_id, state in states.items() if task_id.startswith("shared.")})
    in_session = [job for job in ionq_emulator.jobs() if job["name"].removesuffix(" 1") in OF_GROUP]
    assert len(in_session) == 2
