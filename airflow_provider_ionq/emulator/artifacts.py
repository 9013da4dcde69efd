"""The results of a job that can be downloaded, and their descriptors. No I/O and no lock."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ResultStyle = Literal["both", "artifacts", "urls"]
Kind = Literal["probabilities", "histogram", "shots"]

AGGREGATE = "ionq.result.probabilities-aggregate.json.v1"
AGGREGATIONS = ("average", "voting", "dnl", "majority")
VARIANTS = 4
KINDS: tuple[Kind, ...] = get_args(Kind)


class Artifact(NamedTuple):
    """
    One result of a job that can be downloaded.

    :param kind: the quantity.
    :param version: 1 or 2.
    :param variant: index of the variant of a debiased job; None for the whole job.
    :param aggregation: how the variants are combined; None for no mitigation.
    """

    kind: Kind
    version: int = 1
    variant: int | None = None
    aggregation: str | None = None

    @property
    def format(self) -> str:
        """IonQ's name of the format."""
        return f"ionq.result.{self.kind}.json.v{self.version}"

    @property
    def of_whole_job(self) -> bool:
        """Whether the artifact is one of the results of the job, not of its mitigation."""
        return self.variant is None and self.aggregation is None

    def id(self, job_id: str) -> str:
        """Return the id of the artifact of a job."""
        return _id(job_id, self.format, self.variant, self.aggregation)


def descriptors(job_id: str, artifacts: Iterable[Artifact], style: ResultStyle) -> dict[str, Any]:
    """
    Return where the results of a job are.

    :param job_id: id of the job.
    :param artifacts: artifacts of the whole job, or of one variant.
    :param style: ``artifacts`` for the descriptors of October 2026, ``urls`` for those of May 2026, or ``both``.
    """
    found: dict[str, Any] = {}
    for artifact in artifacts:
        if style != "urls":
            found[artifact.format] = descriptor(artifact.id(job_id), artifact.format)
        if style != "artifacts" and artifact.version == 1:
            variant = "" if artifact.variant is None else f"/variants/{variant_id(job_id, artifact.variant)}"
            found[artifact.kind] = {"url": f"{_path(job_id)}{variant}/results/{artifact.kind}"}
    return found


def aggregate_descriptors(job_id: str, style: ResultStyle) -> dict[str, Any]:
    """Return where the results of a job with several circuits are."""
    found: dict[str, Any] = {}
    if style != "urls":
        found[AGGREGATE] = descriptor(aggregate_id(job_id), AGGREGATE)
    if style != "artifacts":
        found["probabilities"] = {"url": f"{_path(job_id)}/results/probabilities/aggregated"}
    return found


def error_mitigation(
    job_id: str, artifacts: Sequence[Artifact], size: tuple[int, int], style: ResultStyle
) -> dict[str, Any]:
    """
    Return the output of a debiased job: its variants, and the aggregations of them.

    :param job_id: id of the job.
    :param artifacts: all artifacts of the job.
    :param size: numbers of qubits and of shots.
    :param style: style of the descriptors of the variants; aggregations have only that of October 2026.
    """
    qubits, shots = size
    variants = [
        {
            "variant_id": variant_id(job_id, variant),
            "qubit_map": [(qubit + variant) % qubits for qubit in range(qubits)],
            "shots": len(range(variant, shots, VARIANTS)),
            "results": descriptors(job_id, [one for one in artifacts if one.variant == variant], style),
        }
        for variant in range(VARIANTS)
    ]
    aggregations = {
        one.aggregation: descriptor(one.id(job_id), one.format) for one in artifacts if one.aggregation is not None
    }
    return {"debiasing": {"variants": variants}, "aggregations": aggregations}


def descriptor(artifact_id: str, name: str) -> dict[str, str]:
    """Return the descriptor of an artifact."""
    return {"id": artifact_id, "format": name, "media_type": "application/json"}


def aggregate_id(job_id: str) -> str:
    """Return the id of the artifact of a job with several circuits."""
    return _id(job_id, AGGREGATE)


def variant_id(job_id: str, variant: int) -> str:
    """Return the id of a variant of a job."""
    return _id(job_id, "variant", variant)


def _path(job_id: str) -> str:
    # The id of a test may hold any character.
    return f"/v0.4/jobs/{quote(job_id, safe='', errors='surrogatepass')}"


def _id(*parts: object) -> str:
    # Not uuid5, which takes three times as long: a job may have 5,000 circuits.
    text = hashlib.sha256("/".join(map(str, parts)).encode(errors="surrogatepass")).hexdigest()
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:32]])
