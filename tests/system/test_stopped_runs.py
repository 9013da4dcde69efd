"""A session is ended although its run is stopped or marked, or the DAG skips or stops its tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.system.row_play import scenes
from tests.system.rows import (
    ATTEMPTS_OF_A_TRY,
    BEGIN,
    CREATE,
    END,
    HELD_SECONDS,
    KILLED_SECONDS,
    POST,
    POST_END,
    READ,
    WORK,
    WORK_DONE,
    Row,
    Story,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.row_scene import Scene

__all__ = ["scenes"]

OTHER_WORK = "bell.other_work"


def work_marked_success(scene: Scene) -> Story:
    yield scene.task(WORK, "running")
    scene.mark(WORK, "success")


def run_marked_success(scene: Scene) -> Story:
    yield scene.task(WORK, "running")
    scene.mark_run("success")


def run_marked_success_while_deferred(scene: Scene) -> Story:
    yield scene.task(WORK, "deferred")
    scene.mark_run("success")


def create_cleared_alone(scene: Scene) -> Story:
    yield scene.is_settled
    scene.clear(CREATE)


def create_marked_success_while_it_asks(scene: Scene) -> Story:
    scene.emulator.disturb("delay", route=POST, delay_seconds=KILLED_SECONDS)
    yield scene.asked(POST)
    scene.mark(CREATE, "success")


def run_marked_failed_while_it_asks(scene: Scene) -> Story:
    scene.emulator.disturb("delay", route=POST, delay_seconds=KILLED_SECONDS)
    yield scene.asked(POST)
    scene.mark_run()


def run_marked_failed_while_waiting_for_capacity(scene: Scene) -> Story:
    scene.emulator.capacity = {"qpu.forte-1": 0}
    yield scene.task(CREATE, "deferred")
    scene.mark_run()
    yield scene.is_settled
    scene.emulator.capacity = None


def other_work_is_stopped(scene: Scene) -> Story:
    yield scene.task(OTHER_WORK, "running")
    Path(f"{scene.hold}.seen").touch()


def create_killed(scene: Scene, route: str = READ) -> Story:
    """Kill the task that opens the session while an answer is held back; go on when it waits for its retry."""
    scene.emulator.disturb("delay", route=route, delay_seconds=HELD_SECONDS)
    yield scene.asked(route)
    scene.kill(CREATE)
    yield scene.task(CREATE, "up_for_retry")


def killed_and_run_marked_failed(route: str) -> Callable[[Scene], Story]:
    def story(scene: Scene) -> Story:
        yield from create_killed(scene, route)
        scene.mark_run()

    return story


def killed_while_another_fails_fast(scene: Scene) -> Story:
    yield from create_killed(scene)
    Path(f"{scene.hold}.seen").touch()


def killed_and_connection_gone(scene: Scene) -> Story:
    yield from create_killed(scene)
    scene.disconnect()
    yield scene.task(END, "up_for_retry")
    scene.connect()
    scene.retry_at_once(END)


def opening_refused(scene: Scene) -> Story:
    scene.emulator.fail(400, route=POST)
    yield scene.asked(POST)


def answer_lost_and_session_started_by_somebody(scene: Scene) -> Story:
    scene.emulator.disturb("drop_after_read", route=POST)
    yield scene.task(CREATE, "failed")
    (lost,) = scene.open_sessions()
    scene.emulator.submit_job(lost)


def end_refused_for_good(scene: Scene) -> Story:
    scene.emulator.fail(503, route=POST_END, seconds=3600)
    yield scene.task(END, "up_for_retry")
    scene.no_more_retries(END)
    scene.retry_at_once(END)


def run_marked_failed_between_tries_to_end(scene: Scene) -> Story:
    scene.emulator.fail(503, times=ATTEMPTS_OF_A_TRY, route=POST_END)
    yield scene.task(END, "up_for_retry")
    scene.mark_run()
    scene.retry_at_once(END)


def run_cleared_while_the_work_runs(scene: Scene) -> Story:
    yield scene.task(WORK, "running")
    scene.clear(None)
    yield lambda: scene.tries().get(WORK) == 2 and scene.task(WORK, "running")()
    scene.hold.unlink()


def create_marked_failed_later(scene: Scene) -> Story:
    yield scene.task(WORK, "running")
    scene.mark(CREATE)
    yield scene.considered()
    scene.hold.unlink()


ROWS = [
    Row("work marked success", "leak_runs_on", work_marked_success),
    Row("run marked success", "leak_runs_on", run_marked_success),
    Row("run marked success while deferred", "leak_defers", run_marked_success_while_deferred),
    Row("create cleared alone", story=create_cleared_alone, created=2, tries={CREATE: 2, WORK_DONE: 2, END: 2}),
    # The work takes the id of a session that was told to end, so nothing has failed: the end does.
    Row("create marked success while it asks", story=create_marked_success_while_it_asks, run="failed"),
    Row("run marked failed while it asks", story=run_marked_failed_while_it_asks, run="failed"),
    Row("no capacity", "leak_waits", run_marked_failed_while_waiting_for_capacity, run="failed", created=0),
    Row("fail fast", "leak_fails_fast", other_work_is_stopped, run="failed"),
    Row("short circuit", "leak_short_circuits"),
    Row("branch to nowhere", "leak_branches_off"),
    Row("run marked failed between tries to end", story=run_marked_failed_between_tries_to_end, tries={END: 2}),
    Row(
        "run cleared while the work runs",
        "leak_runs_on",
        run_cleared_while_the_work_runs,
        tries={BEGIN: 2, CREATE: 2, WORK: 2},
    ),
    Row("killed after the answer, run failed", story=killed_and_run_marked_failed(READ), run="failed"),
    Row("killed before it, run failed", story=killed_and_run_marked_failed(POST), run="failed", named=(END,)),
    Row("killed before it, run failed, adopted", "leak_adopts", killed_and_run_marked_failed(POST), run="failed"),
    Row("killed, and fail fast", "leak_fails_fast_beside", killed_while_another_fails_fast, run="failed"),
    Row(
        "killed, and connection gone",
        story=killed_and_connection_gone,
        run="failed",
        tries={CREATE: 2, END: 2},
    ),
    Row("lost, then started", story=answer_lost_and_session_started_by_somebody, run="failed", named=(CREATE, END)),
    Row("create marked failed later", "leak_runs_on", create_marked_failed_later, run="failed"),
    Row("refused, then tidied up", "leak_tidies_up", opening_refused, run="failed", created=0),
    Row("mapped group", "leak_is_mapped", run="failed", created=2),
    Row("argument is skipped", "leak_argument_is_skipped", created=0),
    Row("argument fails", "leak_argument_fails", run="failed", created=0),
    Row("end refused for good", story=end_refused_for_good, run="failed", named=(END,), tries={END: 2}),
]


@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_no_session_is_left_open_when_a_run_is_stopped_or_marked(scenes: dict[str, Scene], name: str) -> None:
    scenes[name].check()


def test_end_that_fails_permanently_names_the_limits_that_end_the_session(scenes: dict[str, Scene]) -> None:
    scene = scenes["end refused for good"]
    (left,) = scene.open_sessions()
    said = scene.log(END)
    assert f"session {left} on qpu.forte-1 is not confirmed" in said
    assert "60 minutes after its creation" in said
