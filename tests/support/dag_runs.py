"""Run a DAG in the test's own process."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS


@functools.cache
def _execution_api() -> Any:
    from airflow.api_fastapi.execution_api.app import InProcessExecutionAPI

    return InProcessExecutionAPI()


def run_in_process(dag: Any, **options: Any) -> Any:
    """
    Run a DAG by `dag.test()`, and return its run.

    All tasks share one Execution API, as they do from Airflow 3.3 on. Earlier versions build one for each task, which
    takes longer than anything else in such a run.

    :param options: arguments of `dag.test()`.
    """
    with pytest.MonkeyPatch.context() as patch:
        if AIRFLOW_V_3_0_PLUS:
            from airflow.sdk.execution_time import supervisor

            patch.setattr(supervisor, "in_process_api_server", _execution_api)
        return dag.test(**options)
