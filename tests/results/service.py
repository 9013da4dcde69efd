"""Prepared answers of the API for jobs and their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.circuits.layout import LAYOUTS_KEY, CircuitLayout, encode_layouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requests_mock import Mocker

URL = "https://api.ionq.co/v0.4"

FORMATS = {
    "probabilities": "ionq.result.probabilities.json.v1",
    "histogram": "ionq.result.histogram.json.v1",
    "shots": "ionq.result.shots.json.v1",
    "register_shots": "ionq.result.shots.json.v2",
    "aggregation": "ionq.result.histogram.json.v2",
    "aggregate": "ionq.result.probabilities-aggregate.json.v1",
}
STYLES = ("artifacts", "urls", "both")


class Service:
    """
    The API, with jobs that are added.

    :param mocker: takes the requests.
    :param style: how jobs describe their results: `artifacts`, `urls` or `both`.
    """

    def __init__(self, mocker: Mocker, style: str = "artifacts") -> None:
        self.mocker = mocker
        self.style = style
        self.jobs: dict[str, dict[str, Any]] = {}
        mocker.get(f"{URL}/jobs", json=self._list)

    def add(self, job_id: str = "j-1", *, results: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """
        Add a job.

        :param results: its contents, by the names of FORMATS.
        """
        job: dict[str, Any] = {
            "id": job_id,
            "status": "completed",
            "type": "ionq.circuit.v1",
            "metadata": None,
            "results": None,
        }
        job |= {"failure": None, "name": None, **fields}
        if results is not None:
            job["results"] = self.described(job_id, results)
        self.jobs[job_id] = job
        self.mocker.get(f"{URL}/jobs/{job_id}", json=job)
        return job

    def add_several(self, circuits: Sequence[dict[str, Any]], **fields: Any) -> dict[str, Any]:
        """
        Add a multi-circuit job `p-1` with the jobs `c-0`, `c-1`, ... of its circuits.

        :param circuits: fields of each circuit's job; `probabilities` are its part of the aggregate.
        """
        aggregate = {}
        for at, circuit in enumerate(circuits):
            child = {"parent_job_id": "p-1", **circuit}
            if (probabilities := child.pop("probabilities", None)) is not None:
                aggregate[f"c-{at}"] = probabilities
            self.add(f"c-{at}", **child)
        given = {"results": {"aggregate": dict(sorted(aggregate.items(), reverse=True))}, **fields}
        ids = [f"c-{at}" for at in range(len(circuits))]
        return self.add("p-1", type="ionq.multi-circuit.v1", child_job_ids=ids, **given)

    def described(self, job_id: str, results: dict[str, Any], under: str = "results") -> dict[str, Any]:
        """Serve contents of a job, and return their descriptors."""
        described: dict[str, Any] = {}
        for name, content in results.items():
            if self.style != "urls" or name in ("register_shots", "aggregation"):
                artifact_id = f"{under.replace('/', '-')}-{name}"
                descriptor = {"id": artifact_id, "format": FORMATS[name], "media_type": "application/json"}
                described[FORMATS[name]] = descriptor
                self.mocker.get(f"{URL}/jobs/{job_id}/artifacts/{artifact_id}", json=content)
            if self.style != "artifacts" and name not in ("register_shots", "aggregation"):
                path = f"{under}/probabilities/aggregated" if name == "aggregate" else f"{under}/{name}"
                described["probabilities" if name == "aggregate" else name] = {"url": f"/v0.4/jobs/{job_id}/{path}"}
                self.mocker.get(f"{URL}/jobs/{job_id}/{path}", json=content)
        return described

    @property
    def requests(self) -> list[str]:
        """The paths that were requested."""
        return [request.path.removeprefix("/v0.4") for request in self.mocker.request_history]

    def _list(self, request: Any, context: Any) -> Any:
        ids = request.qs["ids"]
        # In another order than requested: the order of the API is undocumented.
        return {"jobs": [self.jobs[one] for one in reversed(ids) if one in self.jobs], "next": None}


def with_layouts(*layouts: CircuitLayout | None) -> dict[str, str]:
    """Return the metadata of a job with these layouts."""
    text = encode_layouts(layouts)
    assert text is not None
    return {LAYOUTS_KEY: text}
