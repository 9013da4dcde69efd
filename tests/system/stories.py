"""What befalls a row of a table while it is played, where several tables have it."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from tests.system.rows import HELD_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.row_scene import Scene
    from tests.system.rows import Story

LATE_SECONDS = 6.0


def killed_when_asked(
    task_id: str,
    route: str,
    *,
    task: bool = True,
    supervisor: bool = False,
    task_signal: signal.Signals = signal.SIGKILL,
) -> Callable[[Scene], Story]:
    """
    Kill a task's process, or the one that watches it, while the answer to its request is held back.

    :param task_signal: what the task's process gets.
    """

    def story(scene: Scene) -> Story:
        asked = scene.asked_again(route)
        scene.emulator.disturb("delay", route=route, delay_seconds=HELD_SECONDS)
        yield asked
        scene.kill(task_id, task=task, supervisor=supervisor, task_signal=task_signal)

    return story


def retried_at_once(task_id: str, story: Callable[[Scene], Story]) -> Callable[[Scene], Story]:
    """Play a story that makes a try fail, and shorten the pause before the next one."""

    def longer(scene: Scene) -> Story:
        yield from story(scene)
        yield scene.task(task_id, "up_for_retry")
        scene.retry_at_once(task_id)

    return longer


def answered(route: str, status: int, *, after_effect: bool = False) -> Callable[[Scene], Story]:
    """Answer a request with an error."""

    def story(scene: Scene) -> Story:
        scene.emulator.fail(status, route=route, after_effect=after_effect)
        yield scene.asked(route)

    return story


def dropped(route: str, times: int = 1) -> Callable[[Scene], Story]:
    """Close the connection in place of the answer."""

    def story(scene: Scene) -> Story:
        scene.emulator.disturb("drop_after_read", route=route, times=times)
        yield scene.asked(route)

    return story


def late(route: str) -> Callable[[Scene], Story]:
    """Answer a request when its client has given up."""

    def story(scene: Scene) -> Story:
        scene.emulator.disturb("delay", route=route, delay_seconds=LATE_SECONDS)
        yield scene.asked(route)

    return story


def soon(condition: Callable[[], bool], within_seconds: float = 60.0) -> Callable[[], bool]:
    """
    Wait for what ought to come, and go on without it after a while: then the row's check tells what is missing.

    :param condition: what ought to hold.
    :param within_seconds: when to go on.
    """
    deadline = time.monotonic() + within_seconds
    return lambda: condition() or time.monotonic() > deadline
