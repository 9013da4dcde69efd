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
    from airflow_provider_ionq.results.wanted import Wanted


def layouts_of_job(job: Job, circuits: int, wanted: Wanted) -> Sequence[CircuitLayout | None]:
    """
    Return the layout of each circuit of a job, None for one without.

    :param job: JSON of the job.
    :param circuits: number of its circuits.
    :param wanted: what the caller wants, optionally with the layouts of the program.
    :raises NoSuchResultError: if the program is not that of the job, or the metadata has only the hash of the layouts.
    :raises ValueError: if the metadata is invalid.
    """
    text, given = json_object(job.get("metadata")).get(LAYOUTS_KEY), wanted.layouts
    if given is not None:
        if len(given) != circuits:
            raise NoSuchResultError(f"it has {circuits} circuits, but the program has {len(given)}")
        if text is not None and text != encode_layouts(given) and not wanted.is_own:
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


def layout_of_child(parent: Job, job_id: str, wanted: Wanted) -> CircuitLayout | None:
    """
    Return the layout of one circuit of a multi-circuit job.

    :param parent: JSON of that job.
    :param job_id: id of the job of the circuit.
    :param wanted: what the caller wants, optionally with the layouts of all circuits.
    :raises ValueError: see :func:`layouts_of_job`.
    """
    ids = parent.get("child_job_ids")
    if not isinstance(ids, list) or job_id not in ids:
        # A job of another type, such as an optimization, has circuits that the service generates.
        return None
    return layouts_of_job(parent, len(ids), wanted)[ids.index(job_id)]
