"""Two triggerers in one Airflow."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.stack import AirflowStack

SECOND = "second-triggerer"
STOPS_WITHIN_SECONDS = 40.0
HEALTHY_WITHIN_SECONDS = 90.0


@contextmanager
def two_triggerers(stack: AirflowStack, capacity: int) -> Iterator[None]:
    """
    Run two triggerers for as long as the context is open, and then one as before.

    :param capacity: how many triggers each of them takes.
    """
    environment = capacity_of(capacity)
    stack.components["triggerer"].stop(STOPS_WITHIN_SECONDS)
    try:
        stack.start_component("triggerer", environment=environment)
        stack.start_component(SECOND, "triggerer", environment)
        yield
    finally:
        for name in ("triggerer", SECOND):
            stack.components[name].stop(STOPS_WITHIN_SECONDS)
        del stack.components[SECOND]
        stack.start_component("triggerer")
        stack.wait_until(stack.is_healthy, HEALTHY_WITHIN_SECONDS, "every component to be healthy again")


def capacity_of(capacity: int) -> dict[str, str]:
    """Return the variables of a triggerer that takes so many triggers."""
    return {"AIRFLOW__TRIGGERER__CAPACITY": str(capacity)}


def share(stack: AirflowStack, triggers: int) -> bool:
    """
    Tell whether each of two triggerers has its share.

    :param triggers: that of each.
    """
    return stack.query("SELECT count(*) AS n FROM trigger GROUP BY triggerer_id") == [{"n": triggers}] * 2
