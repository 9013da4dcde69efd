"""End an item within the few seconds that a killed task has left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.waiting.creation import Wording

KILLED_WITHIN_SECONDS = 4.0
"""Airflow kills a task for good 5 s after the request to terminate."""

PAUSE_OF_KILLED_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Stopped:
    """
    What was done about an item.

    :param outcome: a clause for an error.
    :param done: whether its end was requested, or it had ended.
    """

    outcome: str
    done: bool


def end_in_time(item_id: str, words: Wording, request_end: Callable[[str, float], bool], log: Any) -> Stopped:
    """
    Request the end of an item until a request succeeds or the time is up; log the outcome.

    :param item_id: id of the item.
    :param words: names in messages.
    :param request_end: requests the end within a number of seconds; returns False if the item had ended.
    :param log: the task's logger.
    """
    item = words.named(item_id)
    deadline = time.monotonic() + KILLED_WITHIN_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        try:
            requested = request_end(item_id, left)
        except Exception as error:  # after any error the item may still be there
            log.warning("Could not %s %s: %s", words.end, item, error)
            time.sleep(PAUSE_OF_KILLED_SECONDS)
        else:
            if requested:
                log.warning("Requested to %s %s.", words.end, item)
                return Stopped(f"requested to {words.end} {item}", done=True)
            log.info("%s had ended.", words.titled(item_id))
            return Stopped(f"{item} had ended", done=True)
    log.error("%s may still cost money: %s it.", words.titled(item_id), words.end)
    return Stopped(f"{item} may still cost money", done=False)
