"""
The arguments of a create request, and the meaning of a session's limits.

Pure: no I/O, no clock, no Airflow.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.arguments import backend_of, number_of, whole_of
from airflow_provider_ionq.api.json_text import is_number, json_object, json_text, json_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ionq.api.models import Session

_WHOLE_AT_MOST = 2**31 - 1
LIMITS = ("duration_limit_min", "job_count_limit", "cost_limit_usd")
_UNITS = {"duration_limit_min": "minutes", "job_count_limit": "jobs", "cost_limit_usd": "US dollars"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """
    The backend and limits of a session to create. Validated by :meth:`of`.

    :param backend: name of the device.
    :param duration_limit_min: minutes from its creation after which IonQ ends it; None for no such limit.
    :param job_count_limit: jobs after which IonQ ends it; None for no such limit.
    :param cost_limit_usd: cost of its jobs, in US dollars, at which IonQ ends it; None for no such limit.
    """

    backend: str
    duration_limit_min: int | None = None
    job_count_limit: int | None = None
    cost_limit_usd: float | None = None

    @classmethod
    def of(
        cls,
        backend: object,
        *,
        duration_limit_min: object = None,
        job_count_limit: object = None,
        cost_limit_usd: object = None,
        allow_unlimited: bool = False,
    ) -> SessionRequest:
        """
        Validate the arguments of a create request.

        A limit may be text, as a template renders it; None and empty text mean no such limit.

        :param allow_unlimited: allow a session without any limit.
        :raises ValueError: naming the argument, its value and the allowed values.
        """
        request = cls(
            backend=backend_of(backend),
            duration_limit_min=checked_whole("duration_limit_min", duration_limit_min),
            job_count_limit=checked_whole("job_count_limit", job_count_limit),
            cost_limit_usd=checked_amount("cost_limit_usd", cost_limit_usd),
        )
        if not request.settings and not allow_unlimited:
            raise ValueError(
                f"one of {', '.join(LIMITS)} must be given: without a limit nothing at IonQ closes the session,"
                " which costs money while it is open; if that is intended, set allow_unlimited=True"
            )
        return request

    @property
    def settings(self) -> dict[str, Any]:
        """The limits under the names of the API; empty without limits."""
        settings: dict[str, Any] = {name: value for name in LIMITS[:2] if (value := getattr(self, name)) is not None}
        if self.cost_limit_usd is not None:
            settings["cost_limit"] = {"unit": "usd", "value": self.cost_limit_usd}
        return settings

    def as_json(self) -> dict[str, Any]:
        """Return the arguments of :meth:`of`, as JSON."""
        return asdict(self)

    def is_answered_by(self, session: Mapping[str, Any]) -> bool:
        """Tell whether a session has this backend and exactly these limits."""
        settings = json_object(session.get("settings"))
        return (
            session.get("backend") == self.backend
            and _same(settings.get("duration_limit_min"), self.duration_limit_min)
            and _same(settings.get("job_count_limit"), self.job_count_limit)
            and _same(json_object(settings.get("cost_limit")).get("value"), self.cost_limit_usd)
        )

    def __str__(self) -> str:
        limits = [f"{name}={getattr(self, name):g}" for name in LIMITS if getattr(self, name) is not None]
        return f"{self.backend} with {', '.join(limits)}" if limits else f"{self.backend} without limits"


def checked_whole(name: str, value: object) -> int | None:
    """
    Return a limit that is a whole number from 1, or None.

    :raises ValueError: naming it.
    """
    return whole_of(name, value, f"a whole number of {_UNITS[name]} from 1, or None for no such limit", _WHOLE_AT_MOST)


def checked_amount(name: str, value: object) -> float | None:
    """
    Return a limit that is a number above 0, or None.

    :raises ValueError: naming it.
    """
    wanted = f"an amount of {_UNITS[name]} above 0, or None for no such limit"
    number = number_of(name, value, wanted)
    if number is not None and number <= 0:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
    return number


def describe_limits(session: Mapping[str, Any] | None) -> str:
    """
    Describe the limits that end a session without a request.

    :param session: its JSON; None if it was never read.
    """
    session = json_object(session)
    settings = json_object(session.get("settings"))
    cost = json_object(settings.get("cost_limit"))
    ways = []
    if (minutes := settings.get("duration_limit_min")) is not None:
        ways.append(
            f"{json_text(minutes)} minutes after its creation{_closing_time(session.get('created_at'), minutes)}"
        )
    if (jobs := settings.get("job_count_limit")) is not None:
        ways.append(f"after {json_text(jobs)} jobs")
    if cost.get("value") is not None:
        ways.append(f"when its jobs have cost {json_text(cost['value'])} {json_text(cost.get('unit', 'usd'))}")
    if not ways:
        return "it has no known limit that would end it"
    return f"its limits end it {', or '.join(ways)}"


def created_epoch(session: Session) -> float | None:
    """Return when a session was created, in epoch seconds of the server's clock; None if unknown."""
    at = json_time(session.get("created_at"))
    # A time without an offset would be interpreted in the time zone of this machine.
    return None if at is None or at.tzinfo is None else at.timestamp()


def _closing_time(created_at: object, minutes: object) -> str:
    at = json_time(created_at)
    if at is None or not is_number(minutes):
        return ""
    try:
        at += timedelta(minutes=minutes)
    except OverflowError:
        return ""
    zone = " UTC" if at.tzinfo is not None else ", time zone unknown"
    return f" (at {at:%Y-%m-%d %H:%M:%S}{zone})"


def _same(one: object, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    try:
        return is_number(one) and math.isclose(one, other)
    except OverflowError:
        return False
