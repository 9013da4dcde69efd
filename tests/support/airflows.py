"""Which rows of a table run on every Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Container, Iterable


def marks(name: str, on_every_airflow: Container[str]) -> list[pytest.MarkDecorator]:
    """
    Return the marks of a row, which other Airflows may leave out.

    :param name: name of the row.
    :param on_every_airflow: names of the rows that run on every Airflow.
    """
    return [] if name in on_every_airflow else [pytest.mark.one_airflow]


def rows(names: Iterable[str], on_every_airflow: Container[str]) -> list[Any]:
    """
    Return the rows of a table for `pytest.mark.parametrize`, with their marks.

    :param names: names of the rows.
    :param on_every_airflow: names of the rows that run on every Airflow.
    """
    return [pytest.param(name, marks=marks(name, on_every_airflow)) for name in names]
