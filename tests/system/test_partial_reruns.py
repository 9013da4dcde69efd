"""A run is cleared in part, or its request has changed: no session is created that no task ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.system.row_play import scenes
from tests.system.rows import BEGIN, CREATE, END, HELD_SECONDS, POST, READ, WORK, Row, Story

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.row_scene import Scene

__all__ = ["scenes"]

MAPPED = "each_runs_on.bell."
OTHER_BACKEND = "qpu.forte-enterprise-1"


def refused(scene: Scene) -> Story:
    """Have the request that opens the session refused once, and wait for the run to be over."""
    scene.hold.unlink()
    scene.emulator.fail(400, route=POST)
    yield scene.is_settled


def refused_then_cleared(task_id: str | None, **options: Any) -> Callable[[Scene], Story]:
    """Clear a task after that, or the whole run."""

    def story(scene: Scene) -> Story:
        yield from refused(scene)
        scene.clear(task_id, **options)

    return story


def refused_again_then_everything_cleared(scene: Scene) -> Story:
    """Do what the error says."""
    yield from refused(scene)
    scene.clear(None, only_failed=True)
    yield scene.is_settled
    scene.clear(None)


def refused_end_marked_success_then_cleared(scene: Scene) -> Story:
    yield from refused(scene)
    scene.mark(END, "success")
    scene.clear(CREATE, only_failed=True)


def refused_run_marked_success_then_cleared(scene: Scene) -> Story:
    yield from refused(scene)
    scene.mark_run("success")
    scene.clear(CREATE, only_failed=True)


def refused_create_marked_success_then_work_cleared(scene: Scene) -> Story:
    yield from refused(scene)
    scene.mark(CREATE, "success")
    scene.clear(WORK, only_failed=True)


def failed_then_only_failed_cleared(scene: Scene) -> Story:
    yield scene.task(WORK, "deferred")
    scene.mark(WORK)
    yield scene.is_settled
    scene.clear(None, only_failed=True)


def one_of_a_mapped_group_refused_then_cleared(scene: Scene) -> Story:
    yield from refused(scene)
    scene.clear(None, only_failed=True)


def one_of_a_mapped_group_marked_failed(scene: Scene) -> Story:
    for number in range(2):
        yield scene.task(f"{MAPPED}work[{number}]", "running")
    scene.mark(f"{MAPPED}create_session", map_index=1)
    yield scene.considered()
    scene.hold.unlink()


def changed_between_tries(scene: Scene) -> Story:
    """Kill the task that has opened the session, and have its retry ask for another."""
    scene.emulator.disturb("delay", route=READ, delay_seconds=HELD_SECONDS)
    yield scene.asked(READ)
    scene.kill(CREATE)
    yield scene.task(CREATE, "up_for_retry")
    scene.change_conf(backend=OTHER_BACKEND)
    yield scene.task(WORK, "running")
    scene.hold.unlink()


def changed_and_cleared(scene: Scene) -> Story:
    """Clear the run while the work goes on, and have it ask for another session."""
    yield scene.task(WORK, "running")
    scene.change_conf(backend=OTHER_BACKEND)
    scene.clear(None)
    yield lambda: scene.tries().get(WORK) == 2 and scene.task(WORK, "running")()
    scene.hold.unlink()


def refuses(name: str, story: Callable[[Scene], Story]) -> Row:
    """Return a row in which `create_session` opens nothing and says what to clear."""
    says = {CREATE: f"at least {CREATE} and {END}"}
    return Row(name, story=story, run="failed", created=0, tries={CREATE: 2}, says=says)


ROWS = [
    refuses("only failed cleared", refused_then_cleared(None, only_failed=True)),
    refuses("create cleared", refused_then_cleared(CREATE, only_failed=True)),
    refuses("create and what follows cleared", refused_then_cleared(CREATE, only_failed=True, include_downstream=True)),
    refuses("end marked", refused_end_marked_success_then_cleared),
    refuses("run marked", refused_run_marked_success_then_cleared),
    # Whoever marks create_session as done takes it on himself: the work is given None, and nothing fails for that.
    Row("create marked", story=refused_create_marked_success_then_work_cleared, created=0),
    Row("everything cleared", story=refused_again_then_everything_cleared, tries={BEGIN: 2, CREATE: 3, END: 2}),
    Row("work failed, then cleared", "leak_defers", failed_then_only_failed_cleared, run="failed", tries={WORK: 2}),
    Row(
        "mapped, only failed cleared",
        "leak_is_mapped_and_runs_on",
        one_of_a_mapped_group_refused_then_cleared,
        run="failed",
        tries={f"{MAPPED}create_session": 2},
        says={f"{MAPPED}create_session": f"at least {MAPPED}create_session and {MAPPED}end_session"},
    ),
    Row(
        "mapped, one marked failed",
        "leak_is_mapped_and_runs_on",
        one_of_a_mapped_group_marked_failed,
        run="failed",
        created=2,
    ),
    Row("changed between tries", "leak_changes", changed_between_tries, created=2, tries={CREATE: 2}),
    Row(
        "changed and cleared",
        "leak_changes",
        changed_and_cleared,
        created=2,
        tries={BEGIN: 2, CREATE: 2, WORK: 2},
    ),
]


@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_no_session_is_left_open_by_a_run_that_is_cleared_in_part(scenes: dict[str, Scene], name: str) -> None:
    scenes[name].check()


@pytest.mark.parametrize("name", ["changed between tries", "changed and cleared"])
def test_work_runs_in_a_session_of_the_current_request(scenes: dict[str, Scene], name: str) -> None:
    scene = scenes[name]
    earlier, later = scene.emulator.sessions()
    assert (earlier["backend"], later["backend"]) == ("qpu.forte-1", OTHER_BACKEND)
    assert scene.stack.xcom(scene.row.dag_id, scene.run_id, CREATE)["id"] == later["id"]
    assert earlier["ended_at"] <= later["created_at"]
