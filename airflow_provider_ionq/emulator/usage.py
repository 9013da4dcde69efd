"""The answer of ``GET /organizations/{organization_id}/usage``. No I/O and no lock."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.emulator.account_data import ORGANIZATION_ID, PROJECT_ID, USER_ID
from airflow_provider_ionq.emulator.payload import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_ionq.emulator.job import Job

USAGE_PARAMETERS = frozenset({"start_date", "end_date", "group_by", "modality"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_GROUPS_SHOWN = 5
_UNITS = {"usd": "USD", "credit": "credit"}
_TOTALS = {"amount": "amount_total", "amounts": "amount_totals", "job_count": "job_count", "time_us": "time_us_total"}
# The first day of the period of a day.
_PERIODS: dict[str, Callable[[date], date]] = {
    "daily": lambda day: day,
    "weekly": lambda day: day - timedelta(days=day.weekday()),
    "monthly": lambda day: day.replace(day=1),
}
# Id and name of the group of a job.
_GROUPS: dict[str, Callable[[Job], tuple[str, str]]] = {
    "job": lambda job: (job.fields["id"], job.fields.get("name") or ""),
    "project": lambda _job: (PROJECT_ID, "Emulated project"),
    "user": lambda _job: (USER_ID, "Emulated user"),
}


def usage(jobs: Iterable[Job], query: Mapping[str, list[str]]) -> dict[str, Any]:
    """
    Return what the jobs have cost that ended between two dates.

    A credit counts as a dollar where an account has used both: IonQ does not document the rate.

    :param jobs: all jobs; the jobs of single circuits are left out, because their parents have the costs.
    :param query: the values of each query parameter.
    :raises BadRequest: a parameter is missing or invalid.
    """
    start, end = (_day(query, name) for name in ("start_date", "end_date"))
    if end < start:
        raise BadRequest('"end_date" must not be before "start_date"', "query", "end_date")
    group_of = _GROUPS[_choice(query, "group_by", _GROUPS)]
    modality = _choice(query, "modality", _PERIODS)
    used = [job for job in jobs if job.parent is None and job.cost is not None and start <= _ended_on(job) <= end]
    used.sort(key=_ended_on, reverse=True)
    unit = _UNITS["credit" if any(job.cost and job.cost.unit == "credit" for job in used) else "usd"]
    grouped = groupby(used, key=lambda job: _PERIODS[modality](_ended_on(job)))
    periods = [(first, list(found)) for first, found in grouped]
    return {
        "start_date": start.isoformat(),
        "end_date": end.isoformat(),
        "group_type": query["group_by"][0],
        "modality": modality,
        "organization": ORGANIZATION_ID,
        "usage_from": f"{start.isoformat()}T00:00:00Z",
        "usage_to": f"{end.isoformat()}T23:59:59Z",
        "usage_unit": unit,
        "usage_data": [
            {"from": first.isoformat(), **_sums(found, unit), "group_usages": _groups(found, group_of, unit)}
            for first, found in periods
        ],
        **{_TOTALS[name]: value for name, value in _sums(used, unit).items() if name in _TOTALS},
    }


def _groups(jobs: Sequence[Job], group_of: Callable[[Job], tuple[str, str]], unit: str) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        groups.setdefault(group_of(job), []).append(job)
    shown = [{"group_id": group[0], "group_name": group[1], **_sums(found, unit)} for group, found in groups.items()]
    return sorted(shown, key=lambda group: -group["amount"])[:_GROUPS_SHOWN]


def _sums(jobs: Sequence[Job], unit: str) -> dict[str, Any]:
    amounts: dict[str, float] = {}
    for job in jobs:
        if job.cost is not None:
            amounts[_UNITS[job.cost.unit]] = amounts.get(_UNITS[job.cost.unit], 0.0) + job.cost.value
    return {
        "amount": round(sum(amounts.values()), 6),
        "amount_unit": unit,
        "amounts": [{"amount": round(amount, 6), "unit": name} for name, amount in amounts.items()],
        "job_count": len(jobs),
        "time_us": sum(job.billed_us or 0 for job in jobs),
    }


def _ended_on(job: Job) -> date:
    return datetime.fromtimestamp(job.ended_at or 0.0, UTC).date()


def _day(query: Mapping[str, list[str]], name: str) -> date:
    try:
        (text,) = query[name]
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except (KeyError, ValueError):
        raise BadRequest(f'"{name}" is required and must be a date such as 2026-01-31', "query", name) from None


def _choice(query: Mapping[str, list[str]], name: str, choices: Iterable[str]) -> str:
    (value,) = query.get(name, [""])
    if value not in choices:
        raise BadRequest(f'"{name}" is required and must be one of {", ".join(choices)}', "query", name)
    return value
