"""What Airflow prints of a failed task."""

from __future__ import annotations

import traceback


def assert_one_traceback(error: BaseException) -> None:
    """Check that the log of a task with this error has one traceback, not also those of its causes."""
    printed = "".join(traceback.format_exception(error))
    assert printed.count("Traceback (most recent call last)") == 1, printed
