"""The values that a loop tracks, such as the energy of each iteration."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from airflow_provider_ionq.exceptions import IonQFailException
from airflow_provider_ionq.results.curve import curve_text


class Tracks:
    """
    The values of a loop, by name.

    :param log: the task's logger.
    """

    def __init__(self, log: Any) -> None:
        self._log = log
        self._values: dict[str, list[float]] = {}

    def add(self, name: str, value: float, run: int) -> None:
        """
        Add a value, and log it.

        :param name: name of the value.
        :param value: the value.
        :param run: number of the last run of the loop.
        :raises ValueError: if the value is not a number.
        """
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"the value of {name!r} must be a number, not {value!r}") from None
        self._values.setdefault(name, []).append(number)
        self._log.info("Run %s: %s = %.6g", run, name, number)

    def end(self, path: str | None) -> None:
        """
        Log a curve of each name, and draw the curves into a file. Never raises, so that no result of the loop is lost.

        :param path: the file; None for none.
        """
        if not self._values:
            return
        with suppress(Exception):
            for name, values in self._values.items():
                self._log.info("%s", curve_text(values, name))
        if path is None:
            return
        try:
            from airflow_provider_ionq.results.pictures import save_curves
            from airflow_provider_ionq.utils.result_store import write_bytes

            save_curves(self._values, path, write=write_bytes)
        except Exception as error:
            with suppress(Exception):
                self._log.error("The curves cannot be written to %s: %s", path, error)


def check_can_draw(path: str) -> None:
    """
    Check, before any job is submitted, that a picture can be drawn and written here.

    :param path: the file.
    :raises IonQFailException: naming the problem, such as the extra that is not installed.
    """
    from airflow_provider_ionq.results.pictures import check_matplotlib
    from airflow_provider_ionq.utils.result_store import check_store

    try:
        check_matplotlib()
        check_store(path)
    except Exception as error:  # a store of another provider may raise anything
        text = f"The picture of the loop could not be written to {path}, so no job was submitted: {error}"
        raise IonQFailException(text, reason=error) from None
