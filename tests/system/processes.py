"""Child processes in their own process groups, so that stopping one also stops its children."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]

from airflow_provider_ionq.waiting.signals import defer_signals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """
    Return a port of the loopback interface that nobody listens on just now.

    Airflow takes many seconds to listen on it. So it is none that the system gives to clients, or to servers that ask
    for any: those begin at 32768.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind((LOOPBACK, port))
            return port


class Component:
    """
    One long-running child process with its output in a file.

    :param name: what it is called in messages; its log file is `NAME.log`.
    :param command: program and arguments.
    :param environment: all of the child's environment variables.
    :param log_folder: where the log file goes.
    :param user: numeric id of the user to run as; None means the caller's.
    :param stop_signal: what asks it to stop.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log_folder: Path,
        user: int | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.environment = dict(environment)
        self.log_path = log_folder / f"{name}.log"
        self.user = user
        self.stop_signal = stop_signal
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the process, which is also that of its group."""
        if self.process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self.process.pid

    def start(self) -> None:
        """Start the process; its output is appended to the log file."""
        # Interrupted in here, it would leave a process that nobody knows of.
        with self.log_path.open("ab") as log, defer_signals(signal.SIGINT, signal.SIGTERM):
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else (),
            )

    def exit_code(self) -> int | None:
        """Return how the process ended; None while it runs."""
        return None if self.process is None else self.process.poll()

    def terminate(self) -> None:
        """Ask the process alone to stop, not those that it started."""
        if self.exit_code() is None and self.process is not None:
            self.process.send_signal(self.stop_signal)

    def kill(self) -> None:
        """Kill the process and all that it started, without a warning."""
        _signal_group(self.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def ask_to_stop(self) -> None:
        """Ask the whole group to stop: the workers of a scheduler would else finish their tasks first."""
        if self.exit_code() is None and self.process is not None:
            _signal_group(self.process.pid, self.stop_signal)

    def stop(self, within_seconds: float) -> None:
        """
        Stop the process and whatever is left of its group.

        :param within_seconds: how long it may take to stop by itself before it is killed.
        """
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _signal_group(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def log_tail(self, lines: int = 30) -> str:
        """
        Return the end of the log.

        :param lines: how much of it.
        """
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def processes_of(home: Path) -> list[psutil.Process]:
    """
    Return the processes of a stack.

    Finds also those that left its process groups, and those that took another title, which overwrites their variables.

    :param home: its AIRFLOW_HOME, where it has its files.
    """
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _is_of(process, home)]


def is_gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _is_of(process: psutil.Process, home: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.environ().get("AIRFLOW_HOME") == str(home) or any(
            home in Path(os.readlink(link)).parents for link in Path(f"/proc/{process.pid}/fd").glob("*")
        )
    except (psutil.Error, OSError):
        return False


def kill_all(processes: Sequence[psutil.Process], within_seconds: float) -> list[psutil.Process]:
    """
    Kill processes and return those that are still there.

    :param processes: whom to kill.
    :param within_seconds: how long to wait for their end.
    """
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(processes, timeout=within_seconds)
    return list(alive)
