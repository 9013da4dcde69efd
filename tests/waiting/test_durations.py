"""Durations in readable units."""

from __future__ import annotations

import math

import pytest

from airflow_provider_ionq.waiting.durations import duration_text

pytestmark = pytest.mark.one_airflow


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.5, "0.5 s"),
        (7.04, "7 s"),
        (50, "50 s"),
        (49.9996, "50 s"),
        (60, "1 min"),
        (90, "90 s"),
        (125, "2 min 5 s"),
        (300, "5 min"),
        (3600, "1 h"),
        (5400, "90 min"),
        (7260, "2 h 1 min"),
        (12345, "3 h 26 min"),
        (21600, "6 h"),
        (21599.98, "6 h"),
        (86399.97, "1 day"),
        (86400, "1 day"),
        (90000, "25 h"),
        (172800, "2 days"),
        (176400, "2 days 1 h"),
        (180123, "2 days 2 h"),
        (-300, "-300 s"),
        (math.inf, "inf s"),
    ],
)
def test_duration_is_formatted_in_readable_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
