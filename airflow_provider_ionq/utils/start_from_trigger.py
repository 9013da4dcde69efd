"""Whether a task can begin in the triggerer: only if the result is certain to be the same as on a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple

if TYPE_CHECKING:
    from collections.abc import Mapping

RENDERED_IN_TRIGGERER = frozenset({"dag_run", "params", "ds", "ts", "logical_date", "run_id"})
"""Template variables available without the worker's API, which a triggerer cannot call."""

_JINJA_MARKS = ("{{", "{%", "{#")


def start_from_trigger_blocker(templated: Mapping[str, object], dag: Any) -> str | None:
    """
    Return why a task must begin on a worker; None if it can begin in the triggerer.

    :param templated: the values of the templated arguments, by name.
    :param dag: the task's DAG; None if it has none yet.
    """
    if get_base_airflow_version_tuple() < (3, 3, 0):
        return "Airflow supports it only from 3.3 on"
    for name, value in templated.items():
        if not isinstance(value, str):
            return f"{name} comes from another task, or is not a string"
        if any(mark in value for mark in _JINJA_MARKS):
            if reason := _rendering_blocker(value):
                return f"{name} {reason}"
            # The triggerer renders without the DAG's additions to Jinja.
            if dag is not None and (
                dag.user_defined_macros or dag.user_defined_filters or dag.render_template_as_native_obj
            ):
                return f"{name} is a template, and the DAG has macros, filters or native rendering of its own"
    return None


def _rendering_blocker(template: str) -> str | None:
    from jinja2 import TemplateError, meta
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment()
    try:
        tree = environment.parse(template)
        environment.compile(tree)
    except TemplateError as error:
        return f"is a template that only a worker can render ({error})"
    if any(True for _ in meta.find_referenced_templates(tree)):
        return "is a template that refers to another"
    if names := meta.find_undeclared_variables(tree) - RENDERED_IN_TRIGGERER:
        allowed = ", ".join(sorted(RENDERED_IN_TRIGGERER))
        return f"is a template that uses {', '.join(sorted(names))}, but the triggerer can render only {allowed}"
    return None
