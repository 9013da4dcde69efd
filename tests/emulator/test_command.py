from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest
import requests

from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.emulator import Emulator

MODULE = [sys.executable, "-m", "airflow_provider_ionq.emulator"]
SCRIPT = [str(Path(sys.executable).with_name("ionq-emulator"))]


class _Command:
    """A running command, and what it printed at its start."""

    def __init__(self, process: subprocess.Popen[str], output: IO[str]) -> None:
        self.process = process
        lines = []
        # The greeting ends with the line that ends a session; the end of the output ends the loop as well.
        for line in output:
            lines.append(line)
            if '"ended"' in line:
                break
        self.greeting = "".join(lines)
        self.url = re.findall(r"http://127\.0\.0\.1:\d+/v0\.4", self.greeting)[0]
        self.connection = json.loads(self._exported("AIRFLOW_CONN_IONQ_DEFAULT"))

    def _exported(self, name: str) -> str:
        (line,) = (line for line in self.greeting.splitlines() if f"export {name}=" in line)
        (assignment,) = shlex.split(line)[1:]
        return assignment.removeprefix(f"{name}=")

    def get(self, path: str) -> requests.Response:
        headers = {"Authorization": f"apiKey {self.connection['password']}"}
        return requests.get(self.url + path, headers=headers, timeout=10)

    def post(self, path: str) -> requests.Response:
        headers = {"Authorization": f"apiKey {self.connection['password']}"}
        return requests.post(self.url + path, headers=headers, json={"backend": "simulator"}, timeout=10)


@contextmanager
def _running(*arguments: str, command: list[str] = MODULE) -> Iterator[_Command]:
    process = subprocess.Popen(
        [*command, "--port", "0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield _Command(process, process.stdout)
    finally:
        process.kill()
        process.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_until_it_is_stopped(number: signal.Signals) -> None:
    with _running() as command:
        assert command.get("/whoami").status_code == 200
        assert command.connection == {"conn_type": "ionq", "host": command.url, "password": "emulator-key"}
        command.process.send_signal(number)
        _, errors = command.process.communicate(timeout=30)
        assert (command.process.returncode, errors) == (0, "")


def test_installed_script_takes_the_options() -> None:
    with _running("--api-key", "mine", "--active", "started", "--end-after", "0", command=SCRIPT) as command:
        assert command.connection["password"] == "mine"
        session = command.post("/sessions").json()
        assert (session["status"], session["active"], session["started_at"]) == ("ended", False, None)


def test_plan_of_the_command_starts_and_then_ends_a_session() -> None:
    with _running("--start-after", "0", "--end-after", "3600") as command:
        session = command.post("/sessions").json()
        assert (session["status"], session["started_at"]) == ("started", session["created_at"])


def test_command_can_run_without_sessions() -> None:
    with _running("--no-sessions") as command:
        assert command.get("/sessions").status_code == 404
        assert command.get("/whoami").status_code == 200


def test_command_accepts_capacity_and_job_seconds() -> None:
    with _running("--capacity", "simulator=1", "--capacity", "qpu.forte-1=0", "--job-seconds", "0") as command:
        session_id = command.post("/sessions").json()["id"]
        assert command.post("/sessions").status_code == 409
        control = command.url.replace("/v0.4", "/_emulator")
        assert requests.post(f"{control}/jobs", json={"session_id": session_id}, timeout=10).status_code == 201
        (job,) = command.get(f"/sessions/{session_id}/jobs").json()["jobs"]
        assert job["status"] == "completed"
        settings = requests.patch(f"{control}/settings", json={}, timeout=10).json()
        assert settings["capacity"] == {"simulator": 1, "qpu.forte-1": 0}


@pytest.mark.parametrize(
    ("arguments", "seconds", "reads"),
    [
        ([], 0.1, None),
        (["--job-seconds", "2.5"], 2.5, None),
        (["--job-seconds", "never"], None, None),
        (["--job-reads", "2"], 0.1, 2),
    ],
)
def test_command_options_set_when_jobs_are_completed(
    arguments: list[str], seconds: float | None, reads: int | None
) -> None:
    with _running(*arguments) as command:
        control = command.url.replace("/v0.4", "/_emulator")
        settings = requests.patch(f"{control}/settings", json={}, timeout=10).json()
        assert (settings["job_seconds"], settings["job_reads"]) == (seconds, reads)


def test_printed_curl_lines_create_start_and_end_a_session() -> None:
    with _running() as command:
        lines = [shlex.split(line) for line in command.greeting.splitlines() if line.strip().startswith("curl")]
        seen = []
        for _curl, _x, method, url, _d, body in lines:
            assert requests.request(method, url, data=body, timeout=10).ok
            seen.append(command.get("/sessions/demo").json()["status"])
        assert seen == ["created", "started", "ended"]


@pytest.mark.one_airflow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "eighty"], "eighty"),
        (["--port", "70000"], "70000"),
        (["--port", "-1"], "-1"),
        (["--start-after", "-1"], "after_seconds"),
        (["--end-after", "nan"], "after_seconds"),
        (["--active", "sometimes"], "sometimes"),
        (["--api-key", ""], "api_key"),
        (["--capacity", "simulator"], "'simulator' | BACKEND=N"),
        (["--capacity", "simulator=-1"], "'simulator=-1' | BACKEND=N"),
        (["--capacity", "qpu.none=1"], "qpu.none"),
        (["--job-seconds", "-1"], "job_seconds"),
        (["--job-seconds", "nan"], "job_seconds"),
        (["--job-seconds", "soon"], "'soon' | seconds | 'never'"),
        (["--job-reads", "-1"], "job_reads"),
        (["--job-reads", "1.5"], "1.5"),
        (["--colour"], "--colour"),
    ],
)
def test_bad_option_is_one_line_and_status_2(arguments: list[str], message: str) -> None:
    ended = subprocess.run([*MODULE, *arguments], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("ionq-emulator: ")
    assert re.search(facts(message), line)


def test_port_in_use_is_one_line_and_status_2(emulator: Emulator) -> None:
    ended = subprocess.run([*MODULE, "--port", str(emulator.port)], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert f"port {emulator.port}" in line


WITHOUT_EXTRA = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("starlette", "uvicorn", "airflow", "pytest"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA + code], capture_output=True, text=True, timeout=60, env=dict(os.environ)
    )


def test_import_needs_neither_the_extra_nor_airflow_nor_pytest() -> None:
    ended = _python("from airflow_provider_ionq.emulator import Emulator, RecordedRequest, Step; Emulator()")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_start_without_the_extra_says_what_to_install() -> None:
    ended = _python("from airflow_provider_ionq.emulator import Emulator; Emulator().start()")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith("pip install 'airflow-provider-ionq[emulator]'")
    assert ended.stderr.splitlines()[-1].startswith("ImportError")


def test_command_without_the_extra_is_one_line_and_status_2() -> None:
    ended = _python("from airflow_provider_ionq.emulator.__main__ import main; main(['--port', '0'])")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.endswith("pip install 'airflow-provider-ionq[emulator]'")


def test_running_emulator_loads_nothing_else_of_the_provider() -> None:
    code = """
import sys
from airflow_provider_ionq.emulator import Emulator
with Emulator():
    pass
names = {name for name in sys.modules if name.startswith("airflow_provider_ionq.")}
print(sorted(name for name in names if not name.startswith("airflow_provider_ionq.emulator")))
print("airflow" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stdout.splitlines() == ["[]", "False"], ended.stderr
