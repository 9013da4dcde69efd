"""The commands on sessions: what they print, what they do, and what they ask."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from airflow.utils import yaml

from airflow_provider_ionq.sessions.end import end_session
from tests.cli.conftest import Ended, Interrupted, Terminal
from tests.support.facts import facts, stating

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.emulator import Emulator

    Command = Callable[..., Ended]

pytestmark = pytest.mark.one_airflow

END = "POST /sessions/{session_id}/end"
READ = "GET /sessions/{session_id}"


@pytest.fixture
def session_id(ionq_emulator: Emulator) -> str:
    session = ionq_emulator.create_session("qpu.forte-1", settings={"duration_limit_min": 60, "job_count_limit": 9})
    return str(session["id"])


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take note of the pauses between attempts instead of making them."""
    made: list[float] = []
    monkeypatch.setattr(end_session, "__kwdefaults__", {"sleep": made.append})
    return made


def routes(emulator: Emulator) -> list[str]:
    return [str(request.route) for request in emulator.requests]


def parsed(text: str, output: str) -> Any:
    return json.loads(text) if output == "json" else yaml.safe_load(text)


@pytest.mark.parametrize("output", ["json", "yaml"])
@pytest.mark.parametrize("command", ["list", "show", "end"])
def test_json_and_yaml_are_the_json_of_the_api(
    ionq_emulator: Emulator, session_id: str, ionq: Command, command: str, output: str
) -> None:
    arguments = {"list": [], "show": [session_id], "end": [session_id, "--yes"]}[command]
    ended = ionq("sessions", command, *arguments, "--output", output)
    session = ionq_emulator.session(session_id)
    assert (ended.status, ended.err) == (0, "")
    assert parsed(ended.out, output) == (session if command == "show" else [session])
    assert session["status"] == ("ended" if command == "end" else "created")


@pytest.mark.parametrize("output", ["table", "plain"])
@pytest.mark.parametrize("command", ["list", "end"])
def test_tables_have_one_row_a_session(
    ionq_emulator: Emulator, session_id: str, ionq: Command, command: str, output: str
) -> None:
    arguments = {"list": [], "end": [session_id, "--yes"]}[command]
    ended = ionq("sessions", command, *arguments, "-o", output)
    session = ionq_emulator.session(session_id)
    head, *rows = [line.replace("|", " ").split() for line in ended.out.splitlines() if line.strip(" =+")]
    assert (ended.status, ended.err) == (0, "")
    assert head == ["id", "status", "backend", "created_at", "started_at", "ended_at"]
    assert rows == [["-" if session[name] is None else str(session[name]) for name in head]]


@pytest.mark.parametrize("output", ["table", "plain"])
def test_show_prints_every_field_on_a_row(ionq_emulator: Emulator, session_id: str, ionq: Command, output: str) -> None:
    ended = ionq("sessions", "show", session_id, "-o", output)
    rows = dict(line.replace("|", " ").split(maxsplit=1) for line in ended.out.splitlines() if line.strip(" =+"))
    session = ionq_emulator.session(session_id)
    assert set(rows) == {"field", *session}
    assert json.loads(rows["settings"]) == session["settings"]
    assert (rows["id"].strip(), rows["active"].strip(), rows["ended_at"].strip()) == (session_id, "true", "-")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["created", "started", "ended", "odd", "other"]),
        (["--status", "created"], ["created", "other"]),
        (["--status", "created", "--status", "started"], ["created", "started", "other"]),
        (["--status", "ended"], ["ended", "odd"]),
        (["--backend", "simulator"], ["other"]),
        (["--backend", "qpu.forte-1", "--status", "created"], ["created"]),
        (["--backend", "qpu.none-1"], []),
    ],
)
def test_list_prints_the_sessions_that_match_every_filter(
    ionq_emulator: Emulator, ionq: Command, arguments: list[str], expected: list[str]
) -> None:
    for name in ("created", "started", "ended", "odd"):
        ionq_emulator.create_session("qpu.forte-1", session_id=name)
    ionq_emulator.start_session("started")
    ionq_emulator.end_session("ended")
    ionq_emulator.update_session("odd", ended_at="2026-01-01T00:00:00Z")
    ionq_emulator.create_session("simulator", session_id="other")
    ended = ionq("sessions", "list", *arguments, "-o", "json")
    assert [session["id"] for session in json.loads(ended.out)] == expected


@pytest.mark.parametrize(
    ("output", "expected"), [("json", "[]"), ("table", "No data found"), ("plain", "No data found")]
)
def test_empty_list_is_no_error(ionq_emulator: Emulator, ionq: Command, output: str, expected: str) -> None:
    assert ionq("sessions", "list", "-o", output) == Ended(0, f"{expected}\n", "")


@pytest.mark.parametrize("output", ["table", "plain", "json", "yaml"])
@pytest.mark.parametrize(
    "text",
    ["[/red]", "[red]x", ":smile:", "\x1b[31mred", "two\nlines", "bell\a", "x" * 500, "ünï", "\ud800", "", "5e3"],
)
def test_any_text_is_printed_as_it_is_and_controls_no_terminal(
    ionq_emulator: Emulator, session_id: str, ionq: Command, output: str, text: str
) -> None:
    ionq_emulator.update_session(session_id, backend=text)
    for command in (["list"], ["show", session_id]):
        ended = ionq("sessions", *command, "-o", output)
        assert (ended.status, ended.err) == (0, "")
        assert all(character.isprintable() or character == "\n" for character in ended.out)
        if output in ("json", "yaml"):
            found = parsed(ended.out, output)
            assert (found[0] if command == ["list"] else found)["backend"] == (
                "?" if (text, output) == ("\ud800", "yaml") else text
            )
        elif text.isprintable() and len(text) < 100:
            assert text in ended.out


@pytest.mark.parametrize("body", [[None], [1, "x"], [{}], [{"id": None, "status": {}}]])
@pytest.mark.parametrize("output", ["table", "plain", "json", "yaml"])
@pytest.mark.parametrize("filters", [[], ["--status", "created"], ["--backend", "simulator"]])
def test_odd_sessions_in_the_list_are_no_crash(
    ionq_emulator: Emulator, ionq: Command, body: list[Any], output: str, filters: list[str]
) -> None:
    ionq_emulator.fail(200, body=json.dumps({"sessions": body}))
    assert ionq("sessions", "list", "-o", output, *filters).status == 0


def test_end_with_yes_asks_nothing_and_confirms_the_end(
    ionq_emulator: Emulator, session_id: str, ionq: Command
) -> None:
    ended = ionq("sessions", "end", session_id, "--yes", "-o", "json")
    assert (ended.status, ended.err) == (0, "")
    assert routes(ionq_emulator) == [END, READ]
    assert ionq_emulator.session(session_id)["status"] == "ended"


@pytest.mark.parametrize(
    ("terminal", "ends"),
    [
        (Terminal("y\n"), True),
        (Terminal("YES\n"), True),
        (Terminal(" yes \n"), True),
        (Terminal("n\n"), False),
        (Terminal("\n"), False),
        (Terminal("yesterday\n"), False),
        (Terminal(""), False),
        (Interrupted(), False),
    ],
    ids=["y", "YES", "spaces", "n", "empty", "other", "Ctrl-D", "Ctrl-C"],
)
def test_end_shows_the_sessions_and_asks(
    ionq_emulator: Emulator,
    session_id: str,
    ionq: Command,
    monkeypatch: pytest.MonkeyPatch,
    terminal: Terminal,
    ends: bool,
) -> None:
    monkeypatch.setattr(sys, "stdin", terminal)
    ended = ionq("sessions", "end", session_id, "-o", "json")
    assert session_id in ended.err
    assert "qpu.forte-1" in ended.err
    assert "End this session (ionq_default)? [y/N]" in ended.err
    assert ionq_emulator.session(session_id)["status"] == ("ended" if ends else "created")
    if ends:
        assert (ended.status, json.loads(ended.out)) == (0, [ionq_emulator.session(session_id)])
    else:
        assert (ended.status, ended.out) == (1, "")
        assert ended.err.endswith("No session was ended.\n")


@pytest.mark.parametrize("command", [["sessions", "end", "an-id"], ["sessions", "end", "an-id", "another"]])
def test_end_without_a_terminal_is_refused_before_any_request(
    ionq_emulator: Emulator, ionq: Command, command: list[str]
) -> None:
    ended = ionq(*command)
    assert (ended.status, ended.out) == (2, "")
    assert "--yes" in ended.err
    assert ionq_emulator.requests == []


def test_several_sessions_are_ended_after_one_question(
    ionq_emulator: Emulator, ionq: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "over"):
        ionq_emulator.create_session("qpu.forte-1", session_id=name)
    over = ionq_emulator.end_session("over")
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    ended = ionq("sessions", "end", "one", "two", "one", "over", "unknown", "-o", "json")
    assert "End these 2 sessions (ionq_default)? [y/N]" in ended.err
    assert "Session over has already ended." in ended.err
    assert "unknown" in ended.err
    assert ended.status == 1, "one session was not found"
    assert {session["id"]: session["status"] for session in json.loads(ended.out)} == {
        "over": "ended",
        "one": "ended",
        "two": "ended",
    }
    assert routes(ionq_emulator).count(END) == 2
    assert ionq_emulator.session("over") == over


def test_nothing_is_asked_if_every_session_has_ended(
    ionq_emulator: Emulator, session_id: str, ionq: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    ionq_emulator.end_session(session_id)
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    ended = ionq("sessions", "end", session_id)
    assert (ended.status, ended.err) == (0, f"Session {session_id} has already ended.\n")
    assert END not in routes(ionq_emulator)


def test_nothing_is_asked_if_no_session_can_be_read(
    ionq_emulator: Emulator, ionq: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    ended = ionq("sessions", "end", "unknown", "-o", "json")
    assert (ended.status, ended.out) == (1, "[]\n")
    assert "[y/N]" not in ended.err


def test_one_session_that_cannot_be_ended_does_not_keep_the_others_open(
    ionq_emulator: Emulator, session_id: str, ionq: Command, pauses: list[float]
) -> None:
    ended = ionq("sessions", "end", "unknown", session_id, "--yes", "-o", "json")
    assert ended.status == 1
    assert [session["id"] for session in json.loads(ended.out)] == [session_id]
    assert stating(ended.err.splitlines(), "end | session unknown | not confirmed")


def test_end_that_is_not_confirmed_names_session_and_limits(
    ionq_emulator: Emulator, session_id: str, ionq: Command, pauses: list[float]
) -> None:
    ionq_emulator.fail(500, route=END, times=9)
    ended = ionq("sessions", "end", session_id, "--yes", "-o", "json")
    assert (ended.status, ended.out) == (1, "[]\n")
    (line,) = ended.err.splitlines()
    assert re.search(facts(f"end | {session_id} | qpu.forte-1 | not confirmed | 60 minutes"), line)
    assert len(pauses) == 4


def test_interrupted_end_says_which_session_may_be_open(
    ionq_emulator: Emulator, session_id: str, ionq: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(end_session, "__kwdefaults__", {"sleep": interrupt})
    ionq_emulator.create_session("simulator", session_id="next")
    ionq_emulator.fail(500, route=END)
    ended = ionq("sessions", "end", session_id, "next", "--yes")
    assert ended.status == 1
    assert stating(ended.err.splitlines(), f"not confirmed | {session_id} | ended")
    assert ionq_emulator.session("next")["status"] == "created"
