"""Airflow's logs in readable form, for the report of a failed run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.system.stack import AirflowStack

LINES = 25
UNINTERESTING = ("[debug ", "[info ")


def readable(log: str) -> str:
    """
    Return the end of a task's log without its JSON.

    :param log: the log's text.
    """
    return "\n".join(_line(line) for line in log.splitlines()[-LINES:])


def of_run(stack: AirflowStack, dag_id: str, run_id: str) -> str:
    """
    Return the end of the log of each task that did not succeed, and of each component.

    :param stack: where it ran.
    """
    parts = []
    for item in stack.task_instances(dag_id, run_id):
        log = stack.task_log(dag_id, run_id, item.task_id, item.map_index)
        if item.state != "success" and log:
            where = item.task_id if item.map_index < 0 else f"{item.task_id} {item.map_index}"
            parts.append(f"--- task {where}: {item.state}\n{readable(log)}")
    return "\n".join([*parts, of_components(stack)])


def of_components(stack: AirflowStack) -> str:
    """
    Return the end of every component's log, warnings and errors only.

    :param stack: whose components.
    """
    parts = []
    for item in stack.components.values():
        lines = item.log_path.read_text(errors="replace").splitlines()
        telling = [line for line in lines if not any(level in line for level in UNINTERESTING)]
        parts.append("\n".join([f"--- {item.name}", *telling[-LINES:]]))
    return "\n".join(parts)


def _line(line: str) -> str:
    try:
        entry = json.loads(line)
        shown = f"{entry['timestamp'][11:19]} {entry['level']:<7} {entry['event']}"
        causes = [f"    {cause['exc_type']}: {cause['exc_value']}" for cause in entry.get("error_detail", [])]
    except (ValueError, KeyError, TypeError):
        return line
    return "\n".join([shown, *causes])
