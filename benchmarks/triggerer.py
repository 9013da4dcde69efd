"""The parent process of the measured runner: Airflow's supervisor, and the reader of the gauges."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import msgspec
from airflow.executors.workloads.task import TaskInstanceDTO
from airflow.executors.workloads.trigger import RunTrigger
from airflow.jobs.triggerer_job_runner import TriggerRunnerSupervisor, messages
from airflow.models.trigger import Trigger
from airflow.sdk.execution_time.comms import _RequestFrame, _ResponseFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 180.0


class Triggerer:
    """
    A `TriggerRunner` in a child process, and its supervisor in this one; a context manager.

    It sends triggers and receives events as Airflow's supervisor does, without a database.

    :param folder: folder for the log.
    :param environment: additional environment variables for the child.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.log_path = folder / f"runner-{uuid4().hex[:8]}.log"
        self.events: list[tuple[int, Any]] = []
        self.failures: list[tuple[int, str]] = []
        self.finished: set[int] = set()
        self._to_create: list[RunTrigger] = []
        self._to_cancel: set[int] = set()
        self._created = 0
        self._comms, runner_end = socket.socketpair()
        self._gauges, gauges_end = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.runner", str(gauges_end.fileno()), str(self.log_path)],
            stdin=runner_end.fileno(),
            pass_fds=[gauges_end.fileno()],
            env={**os.environ, **environment},
            cwd=ROOT,
        )
        runner_end.close()
        gauges_end.close()
        self._lines = self._gauges.makefile("rw", encoding="utf-8")
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor")

    def __enter__(self) -> Self:
        self._supervisor.start()
        self._send(_ResponseFrame(id=0, body=messages.StartTriggerer().model_dump()))
        self._gauges.settimeout(START_SECONDS)
        try:
            # Answered when the event loop runs, so that later time limits do not include the start.
            self.read("waiting")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._supervisor.join()
        self._lines.close()
        self._gauges.close()
        self._comms.close()

    def create(self, classpath: str, kwargs: Mapping[str, Any]) -> int:
        """
        Start a trigger.

        :param classpath: its class path.
        :param kwargs: its arguments.
        :return: its id.
        """
        self._created += 1
        task = TaskInstanceDTO(
            id=uuid4(),
            task_id="wait",
            dag_id="bench",
            run_id="manual__2026-01-02T03:04:05+00:00",
            try_number=1,
            map_index=self._created,
            dag_version_id=uuid4(),
            pool_slots=1,
            priority_weight=1,
        )
        encrypted = Trigger.encrypt_kwargs(dict(kwargs))
        self._to_create.append(RunTrigger(id=self._created, classpath=classpath, encrypted_kwargs=encrypted, ti=task))
        return self._created

    def cancel(self, trigger_id: int) -> None:
        """
        Cancel a trigger, as Airflow does when its task is cleared.

        :param trigger_id: id of the trigger.
        """
        self._to_cancel.add(trigger_id)

    def read(self, gauge: str) -> Any:
        """
        Read a gauge of the child.

        :param gauge: name of a gauge of :class:`benchmarks.runner.Gauges`.
        """
        self._lines.write(gauge + "\n")
        self._lines.flush()
        line = self._lines.readline()
        if not line:
            raise RuntimeError(f"the runner has died: {self.log_tail()}")
        return json.loads(line)

    def wait_until(self, what: str, condition: Callable[[], bool], seconds: float) -> None:
        """
        Wait for a condition.

        :param what: the condition in words, for the error.
        :param condition: returns whether it is met; called repeatedly.
        :param seconds: the longest wait, in seconds.
        :raises TimeoutError: if it is not met in time, or the runner or a trigger has failed.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline or self._process.poll() is not None or self.failures:
                raise TimeoutError(f"{what}: not within {seconds:g} s; {self.failures[:1]} {self.log_tail()}")
            time.sleep(0.02)

    def log_tail(self) -> str:
        """Return the end of the runner's log."""
        return self.log_path.read_text()[-3000:] if self.log_path.exists() else "no log"

    def _supervise(self) -> None:
        decoder = msgspec.msgpack.Decoder(_RequestFrame)
        # A stopping runner does not read its last answer.
        with contextlib.suppress(ConnectionResetError, BrokenPipeError), self._comms.makefile("rb") as frames:
            while len(head := frames.read(4)) == 4:
                frame = decoder.decode(frames.read(int.from_bytes(head, "big")))
                message = TriggerRunnerSupervisor.decoder.validate_python(frame.body)
                answer = self._sync(message) if isinstance(message, messages.TriggerStateChanges) else None
                self._send(_ResponseFrame(id=frame.id, body=answer))

    def _sync(self, message: messages.TriggerStateChanges) -> dict[str, Any]:
        self.events += [(entry.trigger_id, entry.event.payload) for entry in message.events or ()]
        self.failures += [(trigger_id, "".join(lines or ())[-2000:]) for trigger_id, lines in message.failures or ()]
        self.finished.update(message.finished or ())
        work, self._to_create = self._to_create, []
        cancelled, self._to_cancel = self._to_cancel, set()
        return messages.TriggerStateSync(to_create=work, to_cancel=cancelled).model_dump()

    def _send(self, frame: _ResponseFrame) -> None:
        self._comms.sendall(frame.as_bytes())
