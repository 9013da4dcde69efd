"""The query of ``GET /jobs`` and ``GET /sessions/{session_id}/jobs``. No I/O and no lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.payload import BadRequest
from airflow_provider_ionq.emulator.state import JOB_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_ionq.emulator.job import Job

PAGE_LIMIT = 25
_CURSOR = "job-"
_DIGITS = 9
_INT32_MAX = 2**31 - 1
# Each filter, and the job field that it applies to.
_FILTERS = {
    "ids": "id",
    "parent_job_id": "parent_job_id",
    "session_id": "session_id",
    "status": "status",
    "submitter_id": "submitter_id",
    "target": "backend",
}
JOB_PARAMETERS = frozenset({*_FILTERS, "limit", "next"})


@dataclass(frozen=True)
class JobQuery:
    """
    The query for a page of jobs.

    :param wanted: allowed values by field of a job; any value is allowed for a field without an entry.
    :param limit: maximum number of jobs on the page.
    :param begin: lowest serial number of a job on the page.
    """

    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)
    limit: int = PAGE_LIMIT
    begin: int = 0

    @classmethod
    def of(cls, parameters: Mapping[str, list[str]]) -> JobQuery:
        """
        Parse a query.

        IonQ documents that ``submitter_id`` applies to members of the project only. The emulated key is a member.

        :param parameters: the values of each query parameter.
        :raises BadRequest: a value is invalid.
        """
        values = dict(parameters)
        if not set(values.get("status", [])) <= set(JOB_STATUSES):
            raise BadRequest(f'"status" must be one of {", ".join(JOB_STATUSES)}', "query", "status")
        if "target" in values:
            values["target"] = values["target"][0].split(",")
            if not all(values["target"]):
                raise BadRequest('"target" must be a backend, or backends separated by commas', "query", "target")
        limit = _limit(values["limit"][0]) if "limit" in values else PAGE_LIMIT
        begin = _begin(values["next"][0]) if "next" in values else 0
        wanted = {_FILTERS[name]: frozenset(allowed) for name, allowed in values.items() if name in _FILTERS}
        return cls(wanted, min(limit, PAGE_LIMIT), begin)

    def page(self, jobs: Iterable[Job]) -> tuple[list[Job], str | None]:
        """
        Return the jobs on the page, and the cursor of the next page; None on the last one.

        :param jobs: all jobs, ordered by serial number.
        """
        page: list[Job] = []
        for job in jobs:
            if job.serial >= self.begin and self._matches(job.fields):
                if len(page) == self.limit:
                    return page, f"{_CURSOR}{job.serial}"
                page.append(job)
        return page, None

    def _matches(self, fields: Mapping[str, Any]) -> bool:
        return all(fields[name] in allowed for name, allowed in self.wanted.items())


def _limit(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS + 1 and 1 <= int(text) <= _INT32_MAX:
        return int(text)
    raise BadRequest('"limit" must be a whole number from 1', "query", "limit")


def _begin(cursor: str) -> int:
    digits = cursor.removeprefix(_CURSOR)
    if digits == cursor or not digits.isascii() or not digits.isdecimal() or len(digits) > _DIGITS:
        raise BadRequest('"next" must be the cursor of an earlier answer', "query", "next")
    return int(digits)
