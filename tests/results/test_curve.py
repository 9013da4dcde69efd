"""Curves as text."""

from __future__ import annotations

import math
from typing import Any

import pytest

from airflow_provider_ionq.results.curve import curve_text

pytestmark = pytest.mark.one_airflow


def test_a_curve_goes_from_the_first_value_to_the_last() -> None:
    assert curve_text([0, -0.5, -0.75, -0.9, -1.0, -0.9], "energy").splitlines() == [
        "energy: 6 values, first 0, last -0.9, lowest -1 (number 5)",
        "   0.00 ┤•───╮",
        "  -0.11 ┤    │",
        "  -0.22 ┤    │",
        "  -0.33 ┤    │",
        "  -0.44 ┤    │",
        "  -0.56 ┤    ╰───╮",
        "  -0.67 ┤        │",
        "  -0.78 ┤        ╰───╮",
        "  -0.89 ┤            ╰───╮   ╭───",
        "  -1.00 ┤                ╰───╯",
        "        └────────────────────────",
        "         1                      6",
    ]


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ([], ["energy: 0 values"]),
        ([math.nan, math.inf], ["energy: 2 values, none of them finite"]),
        (
            [-1.5],
            [
                "energy: 1 value, first -1.5, last -1.5, lowest -1.5 (number 1)",
                "  -1.500 ┤•───",
                "         └────",
                "          1",
            ],
        ),
        (
            [2, 2],
            [
                "energy: 2 values, first 2, last 2, lowest 2 (number 1)",
                "  2.000 ┤•───────",
                "        └────────",
                "         1      2",
            ],
        ),
    ],
)
def test_few_or_equal_values_have_a_small_chart(values: list[float], lines: list[str]) -> None:
    assert curve_text(values, "energy").splitlines() == lines


@pytest.mark.parametrize("gap", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_leave_a_gap(gap: float) -> None:
    chart = curve_text([1, gap, 1, gap, 3]).splitlines()
    assert chart[1].endswith("┤                •───")
    assert chart[10].endswith("┤•───    •───")
    assert chart[0].endswith("lowest 1 (number 1)")


def test_of_many_values_each_column_is_the_mean_of_neighbours() -> None:
    values = [0.0, 10.0] * 500 + [math.nan] * 200
    chart = curve_text(values).splitlines()
    assert chart[0] == "value: 1,200 values, first 0, last nan, lowest 0 (number 1)"
    assert chart[1] == f"  5.000 ┤•{'─' * 49}"
    assert chart[-1].split() == ["1", "1,200"]


@pytest.mark.parametrize(
    ("values", "bottom", "top"),
    [
        ([-1e308, 1e308], "-1e+308", "1e+308"),
        ([1e9, 1e9 + 1], "1000000000.00", "1000000001.00"),
        ([1e-12, 3e-12], "1e-12", "3e-12"),
        ([0.12345, 0.12385], "0.123450", "0.123850"),
        ([-40, 60], "-40", "60"),
        ([5e-324, 1e-323], "4.94e-324", "9.88e-324"),
        ([1e300, 1e300], "1e+300", "1e+300"),
        ([1e13, 1e13 + 2], "10000000000000", "10000000000002"),
    ],
)
def test_the_scale_tells_values_apart_however_large_or_small(values: list[float], bottom: str, top: str) -> None:
    scale = [line.split("┤")[0].strip() for line in curve_text(values).splitlines() if "┤" in line]
    assert [scale[-1], scale[0]] == [bottom, top]


@pytest.mark.parametrize("count", [1, 2, 14, 15, 16, 30, 31, 59, 60, 61, 119, 120, 121, 5000])
def test_a_chart_is_never_wider_than_sixty_columns(count: int) -> None:
    chart = curve_text([math.sin(number) for number in range(count)]).splitlines()
    columns = len(chart[-2].split("└")[1])
    assert min(count, 31) <= columns <= 60
    assert all(len(line.split("┤")[1]) <= columns for line in chart if "┤" in line)


@pytest.mark.parametrize("value", ["1.5", True, 3])
def test_anything_that_is_a_number_is_drawn(value: Any) -> None:
    assert curve_text([value, 0]).splitlines()[0].startswith(f"value: 2 values, first {float(value):g}")
