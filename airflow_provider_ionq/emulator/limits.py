"""The limits at which a session ends. No I/O and no lock; the time is always passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MINUTE_SECONDS = 60.0


@dataclass(frozen=True)
class Limits:
    """
    The limits at which a session ends; None for no limit.

    :param duration_limit_min: minutes from the creation of the session.
    :param job_count_limit: number of jobs of the session that are completed, failed or canceled.
    :param cost_limit_usd: total cost of its completed jobs in US dollars.
    """

    duration_limit_min: float | None = None
    job_count_limit: float | None = None
    cost_limit_usd: float | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any] | None) -> Self:
        """
        Read the limits from the field ``settings`` of a session.

        0, a negative number, and a cost in a unit other than ``usd`` are no limit: IonQ does not document them.
        """
        settings = settings or {}
        cost = settings.get("cost_limit", {})
        return cls(
            _positive(settings.get("duration_limit_min")),
            _positive(settings.get("job_count_limit")),
            _positive(cost.get("value")) if cost.get("unit") == "usd" else None,
        )

    def reached(self, created: float, ended: Iterable[tuple[float, float]]) -> Iterator[float]:
        """
        Yield the known times, past or future, at which a limit ends the session.

        :param created: epoch seconds, the creation of the session.
        :param ended: the ended jobs of the session: the epoch seconds of the end, and the charge in US dollars.
        """
        if self.duration_limit_min is not None:
            yield created + self.duration_limit_min * _MINUTE_SECONDS
        if self.job_count_limit is None and self.cost_limit_usd is None:
            return
        total_usd = 0.0
        for count, (ended_at, charged_usd) in enumerate(sorted(ended), 1):
            total_usd += charged_usd
            if count == self.job_count_limit or (self.cost_limit_usd is not None and total_usd >= self.cost_limit_usd):
                yield ended_at
                return


def _positive(limit: float | None) -> float | None:
    return limit if limit is not None and limit > 0 else None
