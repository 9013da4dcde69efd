"""
The token in the metadata of a job: the task that submitted it, and the work. Pure: no I/O, no Airflow.

The value is `1:<identity>:<generation>:<number>:<fingerprint>`. Text of any other form is not a token of this provider.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.json_text import json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_KEY = "airflow_task"
"""The key of the metadata by which a task finds the jobs that it submitted."""

_HEX = "[0-9a-f]{32}"
_VALUE = re.compile(rf"1:({_HEX}):(\d{{1,9}}):(\d{{1,9}}|dry):({_HEX})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """
    The task that submitted a job, and the work.

    :param identity: 32 hexadecimal digits that name the task instance, or the place in its loop; see
        :func:`task_identity` and :func:`place_identity`.
    :param generation: changes when the task is cleared.
    :param number: number of the submission within the generation, from 1; None for a dry run that only asks the price.
    :param fingerprint: fingerprint of the work, see :meth:`~airflow_provider_ionq.jobs.request.JobRequest.fingerprint`.
    """

    identity: str
    generation: int
    number: int | None
    fingerprint: str

    def __str__(self) -> str:
        number = "dry" if self.number is None else self.number
        return f"1:{self.identity}:{self.generation}:{number}:{self.fingerprint}"

    @classmethod
    def of_text(cls, value: object) -> Token | None:
        """Return the token of a text; None if it is not a token."""
        found = _VALUE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            return None
        identity, generation, number, fingerprint = found.groups()
        return cls(identity, int(generation), None if number == "dry" else int(number), fingerprint)

    @classmethod
    def of_job(cls, job: Mapping[str, Any]) -> Token | None:
        """Return the token of a job; None if it has none."""
        return cls.of_text(json_object(job.get("metadata")).get(TOKEN_KEY))

    def numbered(self, number: int | None) -> Token:
        """Return the token of another submission for the same work."""
        return dataclasses.replace(self, number=number)


def task_identity(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """Return 32 hexadecimal digits that are the same in every try of a task instance, and differ from all others."""
    return _digest([dag_id, run_id, task_id, map_index])


def place_identity(task: str, loop: str | int, place: int) -> str:
    """
    Return the identity of one place in a loop of a task, which submits a job for each place.

    :param task: identity of the task instance; see :func:`task_identity`.
    :param loop: name of the loop, or its number among the loops of the task that have no name.
    :param place: number of the job in the loop, from 1.
    """
    return _digest([task, "loop", loop, place])


def _digest(parts: list[str | int]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def unique_identity() -> str:
    """Return a unique identity, for a caller that is not a task instance."""
    return uuid.uuid4().hex


def metadata_without_token(job: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata of a job without the token, for a copy that the task must not take for its own job."""
    return {key: text for key, text in json_object(job.get("metadata")).items() if key != TOKEN_KEY}
