"""What a caller wants of the results of a job. Pure: no I/O, no Airflow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.results.models import CONTENT

if TYPE_CHECKING:
    from airflow_provider_ionq.circuits.layout import CircuitLayout

AGGREGATIONS = ("average", "voting", "dnl", "majority")
"""How IonQ aggregates the variants of debiasing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    What to read, and what the caller knows of the job.

    :param content: `probabilities`, `counts` and `shots`.
    :param aggregation: the aggregation of the variants of debiasing; None for the result of the job itself.
    :param variant: id of one of these variants; None for the result of the job itself.
    :param fail_on_partial_error: raise an error if a circuit of the job has no result.
    :param layouts: layout of each circuit, None for one without; None altogether takes those in the job's metadata.
    :param qubits: number of qubits of each circuit; None takes those in the job.
    :param names: name of each circuit; None if they are unknown.
    :param is_own: whether the caller submitted the job, whose layouts are then not compared with those in its metadata.
    :param shots: number of shots of a job on the ideal simulator, whose JSON does not have it.
    """

    content: Collection[str] = ("probabilities", "counts")
    aggregation: str | None = None
    variant: str | None = None
    fail_on_partial_error: bool = True
    layouts: Sequence[CircuitLayout | None] | None = None
    qubits: Sequence[int] | None = None
    names: Sequence[str | None] | None = None
    is_own: bool = False
    shots: int | None = None

    def __post_init__(self) -> None:
        check_content("content", self.content)
        if self.aggregation is not None and self.aggregation not in AGGREGATIONS:
            raise ValueError(f"aggregation must be one of {', '.join(AGGREGATIONS)}, not {json_text(self.aggregation)}")
        if self.aggregation is not None and self.variant is not None:
            raise ValueError("aggregation and variant exclude each other: give one of them")


def check_content(name: str, content: object) -> None:
    """
    Check the names of what to read.

    :param name: name of the argument, for the error.
    :param content: a collection of names.
    :raises ValueError: if it is anything else, or empty.
    """
    is_collection = isinstance(content, Collection) and not isinstance(content, str)
    if not is_collection or not content or not all(one in CONTENT for one in content):  # type: ignore[attr-defined]
        raise ValueError(f"{name} must be a list of {', '.join(CONTENT)}, not {content!r}")
