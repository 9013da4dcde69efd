"""Check the arguments of a job that are known when a DAG is parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ionq.utils.tasks import is_rendered_later

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCES = ("circuit", "circuits", "qasm")

REQUEST_FIELDS = (
    "backend",
    *SOURCES,
    "gateset",
    "qubits",
    "shots",
    "name",
    "metadata",
    "noise",
    "error_mitigation",
    "settings",
    "session_id",
)
"""The templated arguments of the operator that describe the job."""

ANY_SOURCE: dict[str, Any] = {
    "circuit": [{"gate": "x", "target": 0}],
    "circuits": [[{"gate": "x", "target": 0}]],
    "qasm": "OPENQASM 3;",
}
"""A placeholder for a source that is rendered later, with which the other arguments are checked."""


class OperatorOfJob(Protocol):
    """An operator that also has the fields of `REQUEST_FIELDS`, `max_cost_usd` and `session_max_cost_usd`."""

    results: str | Sequence[str] | None
    wait_for_completion: bool
    cost_check: str | None
    on_changed_input: str
    rehearse: bool | str
    template_ext: Sequence[str]

    @property
    def is_dry_run(self) -> bool: ...


def check_known_arguments(operator: OperatorOfJob) -> None:
    """
    Check the arguments that are known when a DAG is parsed; a template or file is checked when it is rendered.

    :param operator: the operator under construction.
    :raises ValueError: naming the argument and the problem.
    """
    from airflow_provider_ionq.api.arguments import flag_of
    from airflow_provider_ionq.jobs.arguments import COST_CHECKS, ON_CHANGED_INPUT, SIMULATOR
    from airflow_provider_ionq.jobs.request import JobRequest

    if operator.on_changed_input not in ON_CHANGED_INPUT:
        allowed = ", ".join(ON_CHANGED_INPUT)
        raise ValueError(f"on_changed_input must be one of {allowed}, not {operator.on_changed_input!r}")
    if operator.cost_check is not None and operator.cost_check not in COST_CHECKS:
        allowed = ", ".join(COST_CHECKS)
        raise ValueError(f"cost_check must be one of {allowed}, or None, not {operator.cost_check!r}")
    if operator.results is not None and not operator.wait_for_completion:
        raise ValueError("results need wait_for_completion: use IonQGetResultsOperator when the job is completed")
    if operator.results is not None and operator.is_dry_run:
        raise ValueError("results cannot be given with dry_run: a dry run has none")
    for name in ("max_cost_usd", "session_max_cost_usd"):
        if not is_rendered_later(getattr(operator, name)):
            usd_of(name, getattr(operator, name))
    given = {name: getattr(operator, name) for name in REQUEST_FIELDS}
    later = {name for name, value in given.items() if _is_rendered_later(value, tuple(operator.template_ext))}
    given |= dict.fromkeys(later)
    if "backend" in later:
        # The simulator may have noise.
        given["backend"] = SIMULATOR
    if sources := [name for name in SOURCES if name in later]:
        # Nothing is known about the gates. If several sources are given, all but one may render to empty text.
        given |= {"gateset": None, "qubits": None, sources[0]: ANY_SOURCE[sources[0]]}
    # A rehearsal allows arguments that a device does not.
    rehearse = is_rendered_later(operator.rehearse) or flag_of("rehearse", operator.rehearse)
    JobRequest.of(**given, dry_run=operator.is_dry_run, rehearse=rehearse)


def usd_of(name: str, value: float | str | None) -> float | None:
    """
    Return an amount in US dollars, or None for None and for empty text.

    :param name: name of the argument, for the error.
    :param value: a number, or its text.
    :raises ValueError: if it is not a number from 0.
    """
    from airflow_provider_ionq.api.arguments import number_of

    wanted = "an amount of US dollars from 0"
    amount = number_of(name, value, wanted)
    if amount is not None and amount < 0:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
    return amount


def _is_rendered_later(value: Any, file_endings: tuple[str, ...]) -> bool:
    if isinstance(value, str) and value.endswith(file_endings):
        return True
    if isinstance(value, (list, tuple)):
        return any(_is_rendered_later(one, file_endings) for one in value)
    return is_rendered_later(value)
