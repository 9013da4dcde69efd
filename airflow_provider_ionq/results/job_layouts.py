"""The layouts of a job's circuits, from its metadata or its program. Pure: no I/O, no Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.api.json_text import json_object
from airflow_provider_ionq.circuits.layout import LAYOUTS_KEY, decode_layouts, encode_layouts
from airflow_provider_ionq.results.circuits import NoSuchResultError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.circuits.layout import CircuitLayout


def layouts_of_job(
    job: Job, circuits: int, given: Sequence[CircuitLayout | None] | None
) -> Sequence[CircuitLayout | None]:
    """
    Return the layout of each circuit of a job, None for one without.

    :param job: JSON of the job.
    :param circuits: number of its circuits.
    :param given: the layouts of the program; None if the caller does not have it.
    :raises NoSuchResultError: if the program is not that of the job, or the metadata has only the hash of the layouts.
    :raises ValueError: if the metadata is invalid.
    """
    text = json_object(job.get("metadata")).get(LAYOUTS_KEY)
    if given is not None:
        if len(given) != circuits:
            raise NoSuchResultError(f"it has {circuits} circuits, but the program has {len(given)}")
        if text is not None and text != encode_layouts(given):
            raise NoSuchResultError("the program is not the one that it ran: the registers differ")
        return given
    if text is None:
        return [None] * circuits
    layouts = decode_layouts(str(text), circuits)
    if layouts is None:
        raise NoSuchResultError(
            "the registers of its circuits were too long for its metadata: read its results with `program`, the program"
            " that it ran"
        )
    return layouts


def layout_of_child(parent: Job, job_id: str, given: Sequence[CircuitLayout | None] | None) -> CircuitLayout | None:
    """
    Return the layout of one circuit of a multi-circuit job.

    :param parent: JSON of that job.
    :param job_id: id of the job of the circuit.
    :param given: the layouts of all its circuits; None if the caller does not have them.
    :raises ValueError: see :func:`layouts_of_job`.
    """
    ids = parent.get("child_job_ids")
    if not isinstance(ids, list) or job_id not in ids:
        # A job of another type, such as an optimization, whose circuits are the service's own.
        return None
    return layouts_of_job(parent, len(ids), given)[ids.index(job_id)]
