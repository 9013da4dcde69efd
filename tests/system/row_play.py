"""Play the rows of a table in one Airflow, all at the same time, and check each of them in a test of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.row_scene import Scene
from tests.system.stack import SECONDS_BETWEEN_LOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.stack import AirflowStack

ENDED_WITHIN_SECONDS = 900.0


@pytest.fixture(scope="module")
def scenes(
    request: pytest.FixtureRequest, stack: AirflowStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Scene]]:
    """Play the rows of a module's `ROWS` whose tests run, all at once: their pauses are long, their processes few."""
    folder = tmp_path_factory.mktemp("rows")
    wanted = _names_in(request)
    made = {row.name: Scene(row, stack, folder) for row in request.module.ROWS if not wanted or row.name in wanted}
    try:
        play(stack, list(made.values()), ENDED_WITHIN_SECONDS)
        yield made
    finally:
        for scene in made.values():
            scene.stop()


def _names_in(request: pytest.FixtureRequest) -> set[str]:
    """Return the names of the rows that the tests of this module are about; none of them if one is about all."""
    tests = [item for item in request.session.items if item.path == request.path and "scenes" in item.fixturenames]  # type: ignore[attr-defined]
    params = [item.callspec.params if hasattr(item, "callspec") else {} for item in tests]
    return {found["name"] for found in params} if all("name" in found for found in params) else set()


def play(stack: AirflowStack, scenes: list[Scene], within_seconds: float) -> None:
    """
    Play rows at the same time, to their ends.

    :param within_seconds: when to give up.
    """
    for scene in scenes:
        scene.begin()
    dag_ids = sorted({scene.row.dag_id for scene in scenes})
    deadline = time.monotonic() + within_seconds
    while not all(scene.over for scene in scenes) and time.monotonic() < deadline:
        runs = {row["run_id"]: row["state"] for row in stack.query("SELECT run_id, state FROM dag_run")}
        rows = stack.query(
            "SELECT run_id, task_id || CASE WHEN map_index < 0 THEN '' ELSE '[' || map_index || ']' END AS task_id,"
            " state, try_number, pid FROM task_instance WHERE dag_id = ANY(:dag_ids)",
            dag_ids=dag_ids,
        )
        for scene in scenes:
            mine: list[dict[str, Any]] = [row for row in rows if row["run_id"] == scene.run_id]
            tasks = {row["task_id"]: (row["state"], row["try_number"], row["pid"]) for row in mine}
            if not scene.over:
                scene.see(runs.get(scene.run_id), tasks)
        time.sleep(SECONDS_BETWEEN_LOOKS)
