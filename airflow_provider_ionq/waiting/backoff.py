"""Repeat a request for a limited time."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ionq.api.errors import IonQError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ionq.api.settings import ClientSettings

LONGEST_POLL_SECONDS = 10.0

T = TypeVar("T")


def single_attempt_settings(settings: ClientSettings) -> ClientSettings:
    """Return settings for repeated polls: the retries of one poll would take longer than all polls may."""
    return dataclasses.replace(
        settings, max_retries=0, timeout_seconds=min(settings.timeout_seconds, LONGEST_POLL_SECONDS)
    )


def backoff(seconds: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """
    Pace repeated polls: the first at once, the next after growing pauses, the last when the time is up.

    :param seconds: the time; 0 paces one poll.
    :param sleep: function that waits a number of seconds.
    """
    deadline = time.monotonic() + seconds
    pause = 1.0
    while True:
        yield
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return
        sleep(min(pause, remaining))
        pause = min(pause * 2, LONGEST_POLL_SECONDS)


def poll_until(
    poll: Callable[[], T],
    seconds: float,
    *,
    accept: Callable[[T], object] = lambda _: True,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """
    Poll until the result is accepted or the time is up; return the last result.

    :param poll: reads from the API, with :func:`single_attempt_settings`. The next poll retries any error.
    :param seconds: how long to try; 0 polls once.
    :param accept: whether to stop with a result.
    :param sleep: function that waits a number of seconds.
    :raises IonQError: when the last poll failed.
    """
    failure: IonQError | None = None
    for _ in backoff(seconds, sleep):
        try:
            result = poll()
        except IonQError as error:
            failure = error
        else:
            failure = None
            if accept(result):
                break
    if failure is not None:
        raise failure
    return result
