"""
Where the results of a job are: in artifacts, or at URLs.

A job has descriptors of artifacts by format, `{"ionq.result.histogram.json.v1": {"id": ...}}`, or, in earlier versions
of the API, URLs by content, `{"histogram": {"url": ...}}`, or both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.json_text import json_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.api.client import IonQClient

PROBABILITIES = "ionq.result.probabilities.json.v1"
HISTOGRAM = "ionq.result.histogram.json.v1"
SHOTS = "ionq.result.shots.json.v1"
REGISTER_SHOTS = "ionq.result.shots.json.v2"
AGGREGATION = "ionq.result.histogram.json.v2"
AGGREGATE = "ionq.result.probabilities-aggregate.json.v1"

_CONTENT = {PROBABILITIES: "probabilities", AGGREGATE: "probabilities", HISTOGRAM: "histogram", SHOTS: "shots"}
"""The key of each format's URL in older descriptors. Other formats have no URL."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """
    A result that can be requested.

    :param format: its format.
    :param artifact_id: id of the artifact; None if it is at a URL.
    :param url: the URL; None for an artifact.
    """

    format: str
    artifact_id: str | None = None
    url: str | None = None

    def read(self, client: IonQClient, job_id: str) -> Any:
        """Request the result."""
        if self.artifact_id is None:
            return client.get_result_at(job_id, self.url or "")
        return client.get_artifact(job_id, self.artifact_id)

    def iterate(self, client: IonQClient, job_id: str, name: str) -> Iterator[Any]:
        """Request the result, and decode the list under a name item by item."""
        return client.iter_artifact(job_id, self.artifact_id or "", name)


def find(results: object, *formats: str) -> Artifact | None:
    """
    Return the first result that a job has; None if it has none of them.

    :param results: `results` of the job or variant.
    :param formats: the wanted formats, the best one first.
    """
    found = json_object(results)
    for name in formats:
        if (artifact_id := _text(found.get(name), "id")) is not None:
            return Artifact(name, artifact_id=artifact_id)
        if (url := _text(found.get(_CONTENT.get(name, "")), "url")) is not None:
            return Artifact(name, url=url)
    return None


def _text(descriptor: object, key: str) -> str | None:
    value = descriptor.get(key) if isinstance(descriptor, Mapping) else None
    return value if isinstance(value, str) and value else None
