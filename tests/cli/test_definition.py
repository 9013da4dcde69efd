"""The commands as Airflow's command line loads them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.cli.cli_config import ActionCommand, GroupCommand
from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple

from airflow_provider_ionq.__main__ import main
from airflow_provider_ionq.cli.definition import ARG_CONN_ID, get_cli_commands
from airflow_provider_ionq.get_provider_info import get_provider_info
from airflow_provider_ionq.hooks.ionq import IonQHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.emulator import Emulator

READS_CLI_ENTRY = get_base_airflow_version_tuple() >= (3, 2)


def actions(commands: Any, *path: str) -> Iterator[tuple[tuple[str, ...], ActionCommand]]:
    for command in commands:
        if isinstance(command, GroupCommand):
            yield from actions(command.subcommands, *path, command.name)
        else:
            yield (*path, command.name), command


COMMANDS = dict(actions(get_cli_commands()))


def test_there_are_three_commands_on_sessions_and_three_on_jobs() -> None:
    assert sorted(COMMANDS) == [
        ("ionq", "jobs", "cancel"),
        ("ionq", "jobs", "list"),
        ("ionq", "jobs", "show"),
        ("ionq", "sessions", "end"),
        ("ionq", "sessions", "list"),
        ("ionq", "sessions", "show"),
    ]


def test_default_connection_is_that_of_the_hook() -> None:
    assert ARG_CONN_ID.kwargs["default"] == IonQHook.default_conn_name
    assert IonQHook.default_conn_name in ARG_CONN_ID.kwargs["help"]


def test_metadata_names_the_function_that_returns_the_commands() -> None:
    (path,) = get_provider_info()["cli"]
    assert path == f"{get_cli_commands.__module__}.{get_cli_commands.__name__}"


@pytest.mark.one_airflow
def test_definition_loads_neither_an_http_library_nor_the_hook() -> None:
    code = (
        "import json, sys\n"
        "import airflow.cli.cli_config\n"
        "before = set(sys.modules)\n"
        "from airflow_provider_ionq.cli.definition import get_cli_commands\n"
        "get_cli_commands()\n"
        "print('MODULES' + json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    loaded = json.loads(done.stdout.split("MODULES")[1])
    assert "airflow_provider_ionq.cli.definition" in loaded
    assert not {name.partition(".")[0] for name in loaded} & {"requests", "urllib3", "http", "airflow"}
    assert "airflow_provider_ionq.hooks.ionq" not in loaded


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_every_option_has_a_help_text(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*path[1:], "--help"])
    assert ended.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    command = COMMANDS[path]
    assert (command.description or command.help) in printed
    assert all(arg.kwargs["help"] for arg in command.args)
    assert "--conn-id CONN_ID" in printed


@pytest.mark.skipif(not READS_CLI_ENTRY, reason="Airflow reads the entry `cli` of a provider from 3.2 on")
@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_airflow_has_every_command(path: tuple[str, ...]) -> None:
    from airflow.cli.cli_parser import get_parser

    ids = ["an-id"] if path[-1] in ("show", "end", "cancel") else []
    arguments = get_parser().parse_args([*path, *ids])
    assert arguments.func is COMMANDS[path].func or arguments.func.__name__ == COMMANDS[path].func.__name__
    assert arguments.conn_id == "ionq_default"


AIRFLOW = [str(Path(sys.executable).with_name("airflow")), "ionq"]
MODULE = [sys.executable, "-m", "airflow_provider_ionq"]


@pytest.mark.parametrize("command", [AIRFLOW, MODULE] if READS_CLI_ENTRY else [MODULE], ids=lambda command: command[-1])
def test_command_works_as_a_process_without_a_database(
    ionq_emulator: Emulator, command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path}/missing/airflow.db")
    session = ionq_emulator.create_session("qpu.forte-1")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "sessions", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300
        )

    listed = run("list", "-o", "json")
    assert listed.returncode == 0, listed.stderr
    assert json.loads(listed.stdout) == [session]
    refused = run("end", session["id"])
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.splitlines()[-1].endswith("add --yes to end without confirmation.")
    assert ionq_emulator.session(session["id"])["status"] == "created"


def test_command_asks_at_a_terminal(ionq_emulator: Emulator) -> None:
    session = ionq_emulator.create_session("qpu.forte-1")
    terminal, other_end = pty.openpty()
    try:
        os.write(terminal, b"y\n")
        ended = subprocess.run(
            [*(AIRFLOW if READS_CLI_ENTRY else MODULE), "sessions", "end", session["id"], "-o", "json"],
            capture_output=True,
            text=True,
            stdin=other_end,
            timeout=300,
        )
    finally:
        os.close(terminal)
        os.close(other_end)
    assert ended.returncode == 0, ended.stderr
    assert "End this session (ionq_default)? [y/N]" in ended.stderr
    assert json.loads(ended.stdout) == [ionq_emulator.session(session["id"])]
    assert ionq_emulator.session(session["id"])["status"] == "ended"
