"""The commands on jobs: what they print, what they do, and what they ask."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from airflow.utils import yaml

from airflow_provider_ionq.jobs.cancel import cancel_job
from tests.cli.conftest import Ended, Terminal
from tests.support.facts import facts, stating

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

    Command = Callable[..., Ended]

pytestmark = pytest.mark.one_airflow

CANCEL = "PUT /jobs/{job_id}/status/cancel"
READ = "GET /jobs/{job_id}"


@pytest.fixture(autouse=True)
def _jobs_stay_open(ionq_emulator: Emulator) -> None:
    ionq_emulator.job_seconds = None


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take note of the pauses between attempts instead of making them."""
    made: list[float] = []
    monkeypatch.setattr(cancel_job, "__kwdefaults__", {"sleep": made.append})
    return made


@pytest.fixture
def job_id(ionq_emulator: Emulator) -> str:
    return str(ionq_emulator.submit_job(name="bell", metadata={"purpose": "test"})["id"])


def routes(emulator: Emulator) -> list[str]:
    return [str(request.route) for request in emulator.requests]


def job(emulator: Emulator, job_id: str) -> dict[str, Any]:
    (found,) = (job for job in emulator.jobs() if job["id"] == job_id)
    return found


@pytest.mark.parametrize("output", ["json", "yaml"])
@pytest.mark.parametrize("command", ["list", "show", "cancel"])
def test_json_and_yaml_are_the_json_of_the_api(
    ionq_emulator: Emulator, job_id: str, ionq: Command, command: str, output: str
) -> None:
    arguments = {"list": [], "show": [job_id], "cancel": [job_id, "--yes"]}[command]
    ended = ionq("jobs", command, *arguments, "--output", output)
    found = (json.loads if output == "json" else yaml.safe_load)(ended.out)
    (read,) = [found] if command == "show" else found
    seen = job(ionq_emulator, job_id)
    assert ended.status == 0
    assert seen.items() <= read.items()
    assert seen["status"] == ("canceled" if command == "cancel" else "submitted")


@pytest.mark.parametrize("output", ["table", "plain"])
@pytest.mark.parametrize("command", ["list", "cancel"])
def test_tables_have_one_row_a_job(
    ionq_emulator: Emulator, job_id: str, ionq: Command, command: str, output: str
) -> None:
    arguments = {"list": [], "cancel": [job_id, "--yes"]}[command]
    ended = ionq("jobs", command, *arguments, "-o", output)
    seen = job(ionq_emulator, job_id)
    head, *rows = [line.replace("|", " ").split() for line in ended.out.splitlines() if line.strip(" =+")]
    assert (ended.status, ended.err) == (0, "")
    assert head == ["id", "status", "backend", "session_id", "name", "submitted_at"]
    assert rows == [[job_id, seen["status"], "qpu.forte-1", "-", "bell", seen["submitted_at"]]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["one", "two", "done", "simulated"]),
        (["--status", "completed"], ["done"]),
        (["--status", "canceled"], []),
        (["--session-id", "s"], ["two"]),
        (["--backend", "simulator"], ["simulated"]),
        (["--backend", "qpu.forte-1", "--status", "submitted", "--session-id", "s"], ["two"]),
        (["--backend", "simulator", "--session-id", "s"], []),
    ],
)
def test_list_prints_the_jobs_that_match_every_filter(
    ionq_emulator: Emulator, ionq: Command, arguments: list[str], expected: list[str]
) -> None:
    ionq_emulator.create_session("qpu.forte-1", session_id="s")
    ionq_emulator.submit_job(job_id="one")
    ionq_emulator.submit_job("s", job_id="two")
    ionq_emulator.submit_job(job_id="done")
    ionq_emulator.complete_job("done")
    ionq_emulator.submit_job(backend="simulator", job_id="simulated")
    ended = ionq("jobs", "list", *arguments, "-o", "json")
    assert (ended.status, ended.err) == (0, "")
    assert [job["id"] for job in json.loads(ended.out)] == expected


@pytest.mark.parametrize(
    ("limit", "listed", "requests", "more"),
    [
        ([], 60, 3, False),
        (["--limit", "60"], 60, 3, False),
        (["--limit", "59"], 59, 3, True),
        (["--limit", "1"], 1, 1, True),
    ],
)
def test_list_follows_the_pages_up_to_the_limit(
    ionq_emulator: Emulator, ionq: Command, limit: list[str], listed: int, requests: int, more: bool
) -> None:
    for _ in range(60):
        ionq_emulator.submit_job()
    ended = ionq("jobs", "list", *limit, "-o", "json")
    assert (ended.status, len(json.loads(ended.out)), len(ionq_emulator.requests)) == (0, listed, requests)
    assert bool(ended.err) == more
    if more:
        (line,) = ended.err.splitlines()
        assert re.search(facts(f"more | {listed} | --limit"), line)


@pytest.mark.parametrize("body", [[None], [1, "x"], [{}], [{"id": None, "status": {}}]])
@pytest.mark.parametrize("output", ["table", "plain", "json", "yaml"])
def test_odd_jobs_in_the_list_are_no_crash(
    ionq_emulator: Emulator, ionq: Command, body: list[Any], output: str
) -> None:
    ionq_emulator.fail(200, body=json.dumps({"jobs": body, "next": None}))
    assert ionq("jobs", "list", "-o", output).status == 0


@pytest.mark.parametrize(("answer", "cancels"), [("y\n", True), ("n\n", False), ("", False)])
def test_cancel_shows_the_jobs_and_asks(
    ionq_emulator: Emulator, job_id: str, ionq: Command, monkeypatch: pytest.MonkeyPatch, answer: str, cancels: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    ended = ionq("jobs", "cancel", job_id, "-o", "json")
    assert job_id in ended.err
    assert "bell" in ended.err
    assert "Cancel this job (ionq_default)? [y/N]" in ended.err
    assert job(ionq_emulator, job_id)["status"] == ("canceled" if cancels else "submitted")
    assert ended.status == (0 if cancels else 1)
    if not cancels:
        assert ended.err.endswith("No job was cancelled.\n")


def test_cancel_without_a_terminal_is_refused_before_any_request(ionq_emulator: Emulator, ionq: Command) -> None:
    ended = ionq("jobs", "cancel", "an-id")
    assert (ended.status, ended.out) == (2, "")
    assert "--yes" in ended.err
    assert ionq_emulator.requests == []


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_final_job_is_not_cancelled(
    ionq_emulator: Emulator, job_id: str, ionq: Command, monkeypatch: pytest.MonkeyPatch, status: str, asks: bool
) -> None:
    end: dict[str, Callable[[str], object]] = {
        "completed": ionq_emulator.complete_job,
        "failed": ionq_emulator.fail_job,
        "canceled": ionq_emulator.cancel_job,
    }
    end[status](job_id)
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    ended = ionq("jobs", "cancel", job_id, "-o", "json", *([] if asks else ["--yes"]))
    assert (ended.status, json.loads(ended.out)[0]["status"]) == (0, status)
    assert CANCEL not in routes(ionq_emulator)
    lines = ended.err.splitlines()
    said = f"{job_id} | final" if asks else f"{job_id} | not cancelled | {status}"
    assert len(lines) == len(stating(lines, said)) == (0 if (asks, status) == (False, "canceled") else 1)


def test_job_is_read_again_after_the_cancellation(ionq_emulator: Emulator, job_id: str, ionq: Command) -> None:
    assert ionq("jobs", "cancel", job_id, "--yes").status == 0
    assert routes(ionq_emulator) == [READ, CANCEL, READ]


def test_cancellation_that_is_not_confirmed_names_the_job(
    ionq_emulator: Emulator, job_id: str, ionq: Command, pauses: list[float]
) -> None:
    ionq_emulator.fail(500, route=CANCEL, times=9)
    ended = ionq("jobs", "cancel", job_id, "--yes", "-o", "json")
    assert (ended.status, ended.out) == (1, "[]\n")
    (line,) = ended.err.splitlines()
    assert re.search(facts(f"cancel | {job_id} | not confirmed"), line)


def test_one_job_that_cannot_be_cancelled_does_not_keep_the_others_running(
    ionq_emulator: Emulator, job_id: str, ionq: Command
) -> None:
    ended = ionq("jobs", "cancel", "unknown", job_id, "--yes", "-o", "json")
    assert ended.status == 1
    assert [job["status"] for job in json.loads(ended.out)] == ["canceled"]
    assert "unknown" in ended.err
