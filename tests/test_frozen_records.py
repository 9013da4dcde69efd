"""
What a try has stored must be found by the next one, although the provider is upgraded in between.

A changed identity or fingerprint makes a retry pay for a second job, or refuse the first one as one for another input.
"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ionq.circuits.layout import LAYOUTS_KEY, CircuitLayout, decode_layouts, encode_layouts
from airflow_provider_ionq.decorators.job import CIRCUITS_KEY
from airflow_provider_ionq.jobs.intent import History, JobIntent
from airflow_provider_ionq.jobs.loop_record import Place
from airflow_provider_ionq.jobs.request import JobRequest
from airflow_provider_ionq.jobs.token import TOKEN_KEY, Token, place_identity, task_identity
from airflow_provider_ionq.operators.job_task import JOB_ID_KEY
from airflow_provider_ionq.sessions.intent import Intent
from airflow_provider_ionq.utils import job_memory, loop_memory, session_memory

pytestmark = pytest.mark.one_airflow

IDENTITY = "d8966c33a8c603eaca48e6dbe1517cd5"
TOKEN = f"1:{IDENTITY}:3:2:59f1c47a144aa6022b92da65f4f7eb2d"
INTENT = {"token": TOKEN, "backend": "qpu.forte-1", "session_id": "s-1", "connection": "c"}
HISTORY = {"generation": 3, "number": 2, "job_ids": ["j-1", "j-2"]}
BELL = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]

FINGERPRINTS: dict[str, tuple[dict[str, Any], str]] = {
    "a circuit": ({"circuit": BELL}, "59f1c47a144aa6022b92da65f4f7eb2d"),
    "several circuits": (
        {"circuits": [BELL, {"circuit": BELL, "name": "second"}], "shots": 500},
        "d0da638922b85f8cd1d8079a4c6fa6c4",
    ),
    "a program": ({"qasm": "OPENQASM 3.0;\nqubit[1] q;\n"}, "2146bbb8ed2bd7fc9ce20aaa6dce0481"),
    "settings": (
        {"circuit": BELL, "shots": 500, "error_mitigation": {"debiasing": True}, "dry_run": True},
        "07620960294ef8c2a68177685677b24e",
    ),
    "a rehearsal": ({"circuit": BELL, "rehearse": True}, "0ae47dd93ebeccc4cf194de06edcf84f"),
}

RECORDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "the intent of a job": (JobIntent, INTENT),
    "the intent of an unknown job": (JobIntent, dict.fromkeys(INTENT)),
    "the history of a task": (History, HISTORY),
    "a place in a loop": (Place, {"history": HISTORY, "connection": "c", "intent": INTENT}),
    "the intent of a session": (
        Intent,
        {
            "request": {
                "backend": "qpu.forte-1",
                "duration_limit_min": 60,
                "job_count_limit": None,
                "cost_limit_usd": 100.0,
            },
            "open_ids": ["s-1"],
            "since": 1795424463.25,
            "until": None,
            "named": ["s-2"],
            "connection": "c",
        },
    ),
}


def keeps(written: Any, stored: Any) -> bool:
    """Return whether all that was stored is written again, beside fields that came later."""
    if isinstance(stored, dict):
        return all(name in written and keeps(written[name], value) for name, value in stored.items())
    return bool(written == stored)


def test_the_names_of_a_task_and_of_a_place_in_its_loop_stay() -> None:
    assert task_identity("dag", "run", "task", -1) == IDENTITY
    assert place_identity(IDENTITY, "loop", 1) == "51a3d9bdde90b0b9645d5a3f4667352c"
    assert place_identity(IDENTITY, 0, 1) == "7b6082a743d03161abdae5278875393e"


def test_the_token_of_a_job_stays() -> None:
    token = Token.of_text(TOKEN)
    assert token == Token(IDENTITY, 3, 2, "59f1c47a144aa6022b92da65f4f7eb2d")
    assert str(token) == TOKEN


@pytest.mark.parametrize(("arguments", "fingerprint"), FINGERPRINTS.values(), ids=FINGERPRINTS)
def test_the_fingerprint_of_the_work_stays(arguments: dict[str, Any], fingerprint: str) -> None:
    assert JobRequest.of("qpu.forte-1", **arguments).fingerprint() == fingerprint


@pytest.mark.parametrize(("record", "stored"), RECORDS.values(), ids=RECORDS)
def test_a_stored_record_is_read_and_written_as_it_was(record: Any, stored: dict[str, Any]) -> None:
    assert keeps(record.of_json(stored).as_json(), stored)


def test_the_layouts_of_circuits_stay() -> None:
    layout = CircuitLayout(2, (("c", (1, 0)),), "qiskit")
    text = '{"layouts":[{"qubits":2,"registers":[["c",[1,0]]],"source":"qiskit"}]}'
    assert encode_layouts([layout, layout]) == text
    assert decode_layouts(text, 2) == [layout, layout]


def test_the_keys_of_what_is_stored_stay() -> None:
    assert (TOKEN_KEY, LAYOUTS_KEY) == ("airflow_task", "airflow_circuits")
    assert (JOB_ID_KEY, CIRCUITS_KEY) == ("ionq_job_id", "ionq_circuits")
    assert (session_memory.STORE_PREFIX, session_memory.PROGRESS_KEY) == ("ionq_session", "ionq_session_opening")
    assert (job_memory.STORE_PREFIX, job_memory.HISTORY_KEY) == ("ionq_job", "ionq_job_history")
    assert (loop_memory.STORE_PREFIX, loop_memory.PLACE_KEY) == ("ionq_loop", "ionq_loop_run")
