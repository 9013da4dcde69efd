"""
The endpoints of the results of jobs; see the rules in :mod:`~airflow_provider_ionq.api.client`.

The content of a result is returned as it is: :mod:`airflow_provider_ionq.results` checks it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from airflow_provider_ionq.api.errors import IonQResponseError
from airflow_provider_ionq.api.json_stream import items_of
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.api.paths import path_segment
from airflow_provider_ionq.api.settings import API_VERSION_PATH
from airflow_provider_ionq.api.transport import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.api.transport import Response, Transport

LARGEST_RESULT = 256 * MIB
"""Largest result, in bytes. 1,000,000 shots of 36 qubits by register are about 180 MB."""

_SEGMENT = re.compile(r"[\w.~-]+", re.ASCII)


class ResultEndpoints:
    """The endpoints of results, as a part of :class:`~airflow_provider_ionq.api.client.IonQClient`."""

    _transport: Transport
    settings: ClientSettings

    def get_artifact(self, job_id: str, artifact_id: str) -> Any:
        """
        Return the content of an artifact of a job.

        :param job_id: id of the job.
        :param artifact_id: `id` of the artifact's descriptor.
        :raises IonQInvalidIdError: before any request.
        :raises IonQNotFoundError: if there is no such job or artifact, or the artifact is not there yet.
        :raises IonQGoneError: if the artifact no longer exists.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-job-artifact
        """
        return self._transport.decoded(self._get(_artifact_path(job_id, artifact_id)))

    def iter_artifact(self, job_id: str, artifact_id: str, name: str) -> Iterator[Any]:
        """
        Request an artifact that is an object, and decode one of its lists item by item.

        For many items, which take several times the memory of their JSON. An error in the response may be raised after
        some items.

        :param job_id: id of the job.
        :param artifact_id: `id` of the artifact's descriptor.
        :param name: key of the list.
        :raises IonQError: see :meth:`get_artifact`.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-job-artifact
        """
        answer = self._get(_artifact_path(job_id, artifact_id))
        try:
            yield from items_of(answer.body, name)
        except KeyError:
            raise self._transport.unreadable(answer, f"has no list of {name}") from None
        except ValueError:
            raise self._transport.unreadable(answer, f"is not JSON with {name}") from None

    def get_result_at(self, job_id: str, url: str) -> Any:
        """
        Return the result to which a URL in the JSON of a job points.

        :param job_id: id of the job.
        :param url: the URL, usually without a host, such as `/v0.4/jobs/j-1/results/probabilities`. Only a result of
            this job at the address of the connection is requested, because the request has the API key.
        :raises IonQResponseError: before any request, for any other URL.
        :raises IonQError: see :meth:`get_artifact`.
        """
        own_path = f"/jobs/{path_segment(job_id, 'job_id')}/"
        base, given = urlsplit(self.settings.base_url), _split(url)
        path = None
        if given is not None and (given.scheme, given.netloc) in (("", ""), (base.scheme, base.netloc)):
            path = _without_prefix(given.path, (API_VERSION_PATH, base.path))
        if given is None or path is None or not path.startswith(own_path) or not _is_plain(path.removeprefix(own_path)):
            raise IonQResponseError(
                f"The URL of a result of job {job_id} is not one of this job at {self.settings.base_url}, and was not"
                f" requested: {json_text(url)}"
            )
        return self._transport.decoded(self._get(path, parse_qs(given.query) or None))

    def get_probabilities(self, job_id: str) -> Any:
        """
        Return the probability of each state of a completed job with one circuit, by its number as text.

        :param job_id: id of the job.
        :raises IonQError: see :meth:`get_artifact`.

        https://docs.ionq.com/api-reference/v0.4/jobs/get-job-probabilities
        """
        path = f"/jobs/{path_segment(job_id, 'job_id')}/results/probabilities"
        return self._transport.decoded(self._get(path))

    def _get(self, path: str, params: dict[str, list[str]] | None = None) -> Response:
        return self._transport.get(path, params, limit=LARGEST_RESULT)


def _artifact_path(job_id: object, artifact_id: object) -> str:
    return f"/jobs/{path_segment(job_id, 'job_id')}/artifacts/{path_segment(artifact_id, 'artifact_id')}"


def _split(url: object) -> Any:
    try:
        return urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        return None


def _without_prefix(path: str, prefixes: tuple[str, ...]) -> str | None:
    """Return a path of the API without that of its address; IonQ's own path begins with the version."""
    return next((path.removeprefix(prefix) for prefix in prefixes if path.startswith(f"{prefix}/")), None)


def _is_plain(path: str) -> bool:
    """Return whether a path leads downwards only, however it is decoded."""
    return all(_SEGMENT.fullmatch(segment) and segment.strip(".") for segment in path.split("/"))
