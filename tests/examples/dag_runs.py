"""Run DAG files of the DAG folder in this process."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from tests.support.dag_runs import run_in_process

EXAMPLES = sorted((Path(__file__).parents[2] / "example_dags").glob("*.py"))


def dags_folder() -> Path:
    """Return the DAG folder, where `dag.test` looks DAGs up."""
    from airflow.configuration import conf

    return Path(conf.get_mandatory_value("core", "dags_folder"))


def load(name: str) -> Any:
    """Return the DAG of a file in the DAG folder, with short intervals."""
    path = dags_folder() / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = (dag for value in vars(module).values() for dag in (value, getattr(value, "dag", None)))
    dag: Any = next(dag for dag in found if isinstance(dag, DAG))
    for task in dag.tasks:
        if hasattr(task, "partial_kwargs"):
            task.partial_kwargs.update({"poke_interval": 0.1} if "poke_interval" in task.partial_kwargs else {})
        elif hasattr(task, "poke_interval"):
            task.poke_interval = 0.1
    return dag


def run(name: str, **conf: Any) -> dict[str, Any]:
    """Run a DAG to its end; return the states of its tasks, and of a mapped one the list of them."""
    dag_run = run_in_process(load(name), run_conf=conf)
    states: dict[str, Any] = {}
    for task_instance in dag_run.get_task_instances():
        state = str(getattr(task_instance.state, "value", task_instance.state))
        if task_instance.map_index >= 0:
            states.setdefault(task_instance.task_id, []).append(state)
        else:
            states[task_instance.task_id] = state
    return {"run": str(getattr(dag_run.state, "value", dag_run.state)), **states}
