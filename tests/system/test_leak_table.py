"""No session is left open by faults of the work, the workers, the processes of Airflow or the answers of the API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.system import leaks
from tests.system.row_play import ENDED_WITHIN_SECONDS, play, scenes
from tests.system.row_scene import Scene
from tests.system.rows import (
    ATTEMPTS_OF_A_TRY,
    BEGIN,
    CREATE,
    END,
    HELD_SECONDS,
    KILLED_SECONDS,
    LIST,
    POST,
    POST_END,
    READ,
    WORK,
    WORK_DONE,
    Row,
    Story,
)
from tests.system.stories import answered, dropped, killed_when_asked, late, retried_at_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.stack import AirflowStack

__all__ = ["scenes"]

API_SERVER_AWAY_SECONDS = 60.0
TRIES_IN_FIVE_MINUTES = 4
"""Each takes 15 s, and the pause after it a minute."""


def released(scene: Scene) -> Story:
    """Let work that runs on come to its end."""
    yield scene.task(WORK, "running")
    scene.hold.unlink()


def marked_failed_while_running(scene: Scene) -> Story:
    yield scene.task(WORK, "running")
    scene.mark(WORK)


def marked_failed_while_deferred(scene: Scene) -> Story:
    yield scene.task(WORK, "deferred")
    scene.mark(WORK)


def run_marked_failed(scene: Scene) -> Story:
    yield scene.task(WORK, "running")
    scene.mark_run()


def run_marked_failed_while_deferred(scene: Scene) -> Story:
    yield scene.task(WORK, "deferred")
    scene.mark_run()


def work_cleared(scene: Scene) -> Story:
    yield scene.is_settled
    scene.clear(WORK)


def run_cleared(scene: Scene) -> Story:
    yield scene.is_settled
    scene.clear(None)


def killed_while_working(scene: Scene) -> Story:
    yield scene.task(WORK, "running")
    scene.kill(WORK)


def marked_failed_while_it_is_opened(scene: Scene) -> Story:
    scene.emulator.disturb("delay", route=POST, delay_seconds=KILLED_SECONDS)
    yield scene.asked(POST)
    scene.mark(CREATE)


def no_end_for_five_minutes(scene: Scene) -> Story:
    """Refuse as many requests as the end task sends in that time, and shorten the pauses between its tries."""
    scene.emulator.fail(503, route=POST_END, times=ATTEMPTS_OF_A_TRY * TRIES_IN_FIVE_MINUTES)
    for _ in range(TRIES_IN_FIVE_MINUTES):
        yield scene.task(END, "up_for_retry")
        scene.retry_at_once(END)
        yield scene.task(END, "running")


TWICE = {BEGIN: 2, CREATE: 2, WORK: 2, WORK_DONE: 2, END: 2}
ROWS = [
    Row("work succeeds"),
    Row("work fails", "leak_fails", run="failed"),
    Row("work times out", "leak_times_out", run="failed"),
    Row("work is skipped", "leak_is_skipped"),
    Row("work runs long", "leak_runs_on", released),
    Row("work marked failed while running", "leak_runs_on", marked_failed_while_running, run="failed"),
    Row("work marked failed while deferred", "leak_defers", marked_failed_while_deferred, run="failed"),
    Row("run marked failed", "leak_runs_on", run_marked_failed, run="failed"),
    Row("run marked failed while deferred", "leak_defers", run_marked_failed_while_deferred, run="failed"),
    Row("work cleared and run again", story=work_cleared, created=2, tries=TWICE),
    Row("run cleared and run again", story=run_cleared, created=2, tries=TWICE),
    Row(
        "worker killed before the request",
        story=retried_at_once(CREATE, killed_when_asked(CREATE, LIST)),
        tries={CREATE: 2},
    ),
    Row(
        "worker killed before the answer",
        story=retried_at_once(CREATE, killed_when_asked(CREATE, POST)),
        run="failed",
        named=(CREATE, END),
        tries={CREATE: 2},
    ),
    Row(
        "worker killed before the answer, adopted",
        "leak_adopts",
        retried_at_once(CREATE, killed_when_asked(CREATE, POST)),
        tries={CREATE: 2},
    ),
    Row(
        "worker killed after the answer",
        story=retried_at_once(CREATE, killed_when_asked(CREATE, READ)),
        tries={CREATE: 2},
    ),
    Row(
        "worker and supervisor killed after the answer",
        story=retried_at_once(CREATE, killed_when_asked(CREATE, READ, supervisor=True)),
        tries={CREATE: 2},
    ),
    # The worker gets its answer, and nobody listens to it any more. It has ended its session before the next try.
    Row(
        "supervisor killed before the answer",
        story=killed_when_asked(CREATE, POST, task=False, supervisor=True),
        created=2,
        tries={CREATE: 2},
    ),
    Row("worker killed while working", "leak_runs_on", killed_while_working, run="failed"),
    Row(
        "worker killed during the end",
        story=retried_at_once(END, killed_when_asked(END, POST_END)),
        tries={END: 2},
    ),
    Row("create marked failed", story=marked_failed_while_it_is_opened, run="failed"),
    Row(
        "create answered 500 without effect",
        story=retried_at_once(CREATE, answered(POST, 500)),
        tries={CREATE: 2},
    ),
    Row("create answered 500", story=answered(POST, 500, after_effect=True), run="failed", named=(CREATE, END)),
    Row("create dropped", story=dropped(POST), run="failed", named=(CREATE, END)),
    Row("create dropped, adopted", "leak_adopts", dropped(POST)),
    Row("create late", story=late(POST), run="failed", named=(CREATE, END)),
    Row(
        "end answered 503 for five minutes",
        story=no_end_for_five_minutes,
        tries={END: TRIES_IN_FIVE_MINUTES + 1},
    ),
    Row("end dropped", story=dropped(POST_END)),
    Row("end answered 409", story=answered(POST_END, 409)),
]


@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_no_session_is_left_open(scenes: dict[str, Scene], name: str) -> None:
    scenes[name].check()


@pytest.mark.parametrize("name", ["create dropped", "create answered 500", "end answered 409"])
def test_no_key_is_written_anywhere(stack: AirflowStack, scenes: dict[str, Scene], name: str) -> None:
    key = scenes[name].emulator.api_key
    assert leaks.in_files(stack.log_folder, key) == []
    assert leaks.in_database(stack, key) == []


@pytest.fixture
def scene(
    request: pytest.FixtureRequest, stack: AirflowStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    scene = Scene(request.param, stack, tmp_path_factory.mktemp("leak"))
    yield scene
    scene.stop()


def triggerer_killed(scene: Scene) -> Story:
    yield scene.task(WORK, "deferred")
    scene.stack.components["triggerer"].kill()
    scene.stack.start_component("triggerer")
    scene.emulator.start_session(scene.open_sessions()[0])


def scheduler_restarted(scene: Scene) -> Story:
    yield scene.task(WORK, "running")
    scheduler = scene.stack.components["scheduler"]
    # It waits for the tasks of its own workers, as the LocalExecutor has them.
    scheduler.terminate()
    scene.hold.unlink()
    yield lambda: scheduler.exit_code() is not None
    scene.stack.start_component("scheduler")


def api_server_away_when_answered(scene: Scene) -> Story:
    """Kill the API server while the answer that has the session's id is held back; start it again a minute later."""
    scene.emulator.disturb("delay", route=POST, delay_seconds=HELD_SECONDS)
    yield scene.asked(POST)
    scene.stack.components["api-server"].kill()
    back_at = time.monotonic() + API_SERVER_AWAY_SECONDS
    yield lambda: time.monotonic() > back_at
    scene.stack.start_component("api-server")
    yield scene.stack.is_healthy


@pytest.mark.parametrize(
    "scene",
    [
        Row("triggerer killed", "leak_defers", triggerer_killed),
        Row("scheduler restarted", "leak_runs_on", scheduler_restarted),
        # Tries that begin while it is away are lost, too.
        Row("API server away", story=api_server_away_when_answered, run=None, created=None, tries={CREATE: 0}),
    ],
    indirect=True,
    ids=lambda row: row.name,
)
def test_no_session_is_left_open_when_a_process_of_airflow_dies(scene: Scene) -> None:
    play(scene.stack, [scene], ENDED_WITHIN_SECONDS)
    scene.check()
