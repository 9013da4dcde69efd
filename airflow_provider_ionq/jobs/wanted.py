"""What a task wants of the results of its own job. Pure: no I/O, no Airflow."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_ionq.circuits.layout import CircuitLayout
from airflow_provider_ionq.jobs.request import DEFAULT_SHOTS
from airflow_provider_ionq.results.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_ionq.jobs.request import JobRequest


def wanted_of(request: JobRequest, content: Collection[str], *, fail_on_partial_error: bool) -> Wanted:
    """
    Return what to read of a job, with what its request tells of the circuits.

    :param request: the job.
    :param content: what to read: `probabilities`, `counts` and `shots`.
    :param fail_on_partial_error: raise an error if a circuit has no result.
    """
    circuits = request.input.get("circuits")
    return Wanted(
        content=content,
        fail_on_partial_error=fail_on_partial_error,
        layouts=request.layouts or [None] * (1 if circuits is None else len(circuits)),
        is_own=True,
        qubits=None if request.sizes is None else [size.qubits for size in request.sizes],
        names=None if circuits is None else [circuit.get("name") for circuit in circuits],
        shots=request.shots or DEFAULT_SHOTS,
    )


def text_of_wanted(wanted: Wanted) -> str:
    """
    Return what a task knows of the circuits of its job as short text, for a later process that does not know them.

    :param wanted: what to read of the job.
    """
    layouts = [None if layout is None else layout.as_json() for layout in wanted.layouts or ()]
    known = {"layouts": layouts, "qubits": wanted.qubits, "names": wanted.names}
    return base64.b64encode(zlib.compress(json.dumps(known).encode())).decode()


def wanted_of_text(text: str, wanted: Wanted) -> Wanted:
    """
    Return what to read of a job, with what an earlier process knew of its circuits.

    :param text: the text of :func:`text_of_wanted`.
    :param wanted: what to read, without that.
    """
    known = json.loads(zlib.decompress(base64.b64decode(text)))
    layouts = [None if layout is None else CircuitLayout.of_json(layout) for layout in known["layouts"]]
    return replace(wanted, layouts=layouts, qubits=known["qubits"], names=known["names"], is_own=True)
