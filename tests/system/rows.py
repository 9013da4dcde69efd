"""Rows of the tables: each is a run of a DAG with its own IonQ API, the events during it, and its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.system.row_scene import Scene

BEGIN, CREATE, WORK = "bell.begin", "bell.create_session", "bell.work"
WORK_DONE, END = "bell.work_done", "bell.end_session"
POST, LIST, READ = "POST /sessions", "GET /sessions", "GET /sessions/{session_id}"
POST_END = "POST /sessions/{session_id}/end"
ATTEMPTS_OF_A_TRY = 5
"""So many requests to end a session does one try of its end task send."""
HELD_SECONDS = 8.0
KILLED_SECONDS = 2.5
"""Airflow kills for good 5 s after it asked a task to end."""

Story = Iterator[Callable[[], bool]]


@dataclass
class TableRow:
    """
    One row of any table.

    :param name: what happens.
    :param dag_id: the DAG.
    :param story: what happens when; yields what it waits for.
    :param run: how the run ends; None when that depends on how busy the machine is.
    :param tries: last try of a task, by task, where it is not 1; 0 for any other.
    :param says: what a task's log says, by task.
    """

    name: str
    dag_id: str
    story: Callable[[Scene], Story] | None = None
    run: str | None = "success"
    tries: dict[str, int] = field(default_factory=dict)
    says: dict[str, str] = field(default_factory=dict)

    def check(self, scene: Scene) -> None:
        """Check that it ended as the row says."""
        assert scene.over, f"did not end in time\n{scene.evidence()}"
        self.check_api(scene)
        assert self.run in (None, scene.run_state), scene.evidence()
        tries = {task_id: number and self.tries.get(task_id, 1) and number for task_id, number in scene.tries().items()}
        assert tries == self.tries, scene.evidence()
        for task_id, text in self.says.items():
            assert text in scene.log(task_id), scene.evidence()

    def check_api(self, scene: Scene) -> None:
        """Check what is left at the API."""
        raise NotImplementedError


@dataclass
class Row(TableRow):
    """
    One row of a leak table.

    :param created: sessions that are created in all; None when that depends on how busy the machine is.
    :param named: tasks that name in their logs the one session that stays open; none of them if none does.
    """

    dag_id: str = "leak_succeeds"
    created: int | None = 1
    named: tuple[str, ...] = ()

    def check_api(self, scene: Scene) -> None:
        """Check the sessions."""
        left = scene.open_sessions()
        assert self.created in (None, len(scene.emulator.sessions())), scene.evidence()
        assert len(left) == bool(self.named), scene.evidence()
        for task_id in self.named:
            assert left[0] in scene.log(task_id), scene.evidence()
