"""
The arguments of a create request, and the meaning of a session's limits.

Pure: no I/O, no clock, no Airflow.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.json_text import is_number, json_object, json_text

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
        if _is_none_as_text(backend):
            raise ValueError(_none_as_text_error("backend", backend, "Give the name of a device."))
        if not isinstance(backend, str) or not backend.strip():
            raise ValueError(f"backend must be the name of a device, such as 'qpu.forte-1', not {backend!r}")
        request = cls(
            backend=backend,
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
    number = _number(name, value)
    if number is None:
        return None
    if number != int(number) or not 1 <= number <= _WHOLE_AT_MOST:
        raise ValueError(f"{name} must be a whole number of {_UNITS[name]} from 1, not {value!r}")
    return int(number)


def checked_amount(name: str, value: object) -> float | None:
    """
    Return a limit that is a number above 0, or None.

    :raises ValueError: naming it.
    """
    number = _number(name, value)
    if number is not None and number <= 0:
        raise ValueError(f"{name} must be an amount of {_UNITS[name]} above 0, not {value!r}")
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
    at = _time(session.get("created_at"))
    # A time without an offset would be interpreted in the time zone of this machine.
    return None if at is None or at.tzinfo is None else at.timestamp()


def _time(text: object) -> datetime | None:
    """Return a time in UTC, a time without an offset unchanged, and None for an invalid time."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
        return at if at is None or at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _closing_time(created_at: object, minutes: object) -> str:
    at = _time(created_at)
    if at is None or not is_number(minutes):
        return ""
    try:
        at += timedelta(minutes=minutes)
    except OverflowError:
        return ""
    zone = " UTC" if at.tzinfo is not None else ", time zone unknown"
    return f" (at {at:%Y-%m-%d %H:%M:%S}{zone})"


def _number(name: str, value: object) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if _is_none_as_text(value):
        advice = "For no such limit let the template render to empty text, such as {{ params.limit or '' }}."
        raise ValueError(_none_as_text_error(name, value, advice))
    try:
        # A template renders to text.
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a number of {_UNITS[name]} above 0, or None for no such limit, not {value!r}")
    return number


def _is_none_as_text(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower() in ("none", "null")


def _none_as_text_error(name: str, value: object, advice: str) -> str:
    return (
        f"{name} is the text {value!r}: a template renders to text, so a missing value becomes that. {advice} Or make"
        " the DAG with render_template_as_native_obj=True."
    )


def _same(one: object, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    try:
        return is_number(one) and math.isclose(one, other)
    except OverflowError:
        return False
