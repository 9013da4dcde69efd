"""Arguments of tasks as they arrive: a template renders them to text. Pure: no I/O, no Airflow."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from airflow_provider_ionq.api.json_text import json_text


def backend_of(value: object) -> str:
    """
    Return the name of a backend.

    :raises ValueError: if it is not a name.
    """
    refuse_none_as_text("backend", value, "Give the name of a device.")
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"backend must be the name of a device, such as 'qpu.forte-1', not {value!r}")
    return value


def number_of(name: str, value: object, wanted: str) -> float | None:
    """
    Return a finite number, or None for None and for empty text.

    :param name: name of the argument, for the error.
    :param value: a number, or its text.
    :param wanted: what the argument must be, for the error.
    :raises ValueError: if it is anything else.
    """
    if is_absent(value):
        return None
    advice = "For no such value let the template render to empty text, such as {{ params.value or '' }}."
    refuse_none_as_text(name, value, advice)
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
    return number


def whole_of(name: str, value: object, wanted: str, highest: int) -> int | None:
    """
    Return a whole number from 1, or None for None and for empty text.

    :param name: name of the argument, for the error.
    :param value: a number, or its text.
    :param wanted: what the argument must be, for the error.
    :param highest: the highest allowed number.
    :raises ValueError: if it is anything else.
    """
    number = number_of(name, value, wanted)
    if number is None:
        return None
    if number != int(number) or not 1 <= number <= highest:
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
    return int(number)


def flag_of(name: str, value: object) -> bool:
    """
    Return true or false.

    :param name: name of the argument, for the error.
    :param value: a bool, or its text, as a template renders it.
    :raises ValueError: if it is anything else; so is empty text, to which a template renders a missing value.
    """
    flag = {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(flag, bool):
        raise ValueError(f"{name} must be True or False, not {value!r}")
    return flag


def json_of(name: str, value: object) -> object:
    """
    Return the JSON that a text holds; any other value unchanged.

    :param name: name of the argument, for the error.
    :param value: a JSON value, or its text as JSON or as a Python literal, to which a template renders an object.
    :raises ValueError: if the text is neither.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        problem = error
    try:
        return ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(f"{name} is not JSON ({problem}): {json_text(value)}") from None


def plain_numbers(value: Any) -> Any:
    """Return a JSON value with the numbers of NumPy as those of Python; anything else unchanged."""
    if isinstance(value, Mapping):
        return {key: plain_numbers(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_numbers(one) for one in value]
    if isinstance(value, (bool, int, float)):
        return value
    return int(value) if isinstance(value, Integral) else float(value) if isinstance(value, Real) else value


def is_absent(value: object) -> bool:
    """Return whether an argument is None or empty text, to which a template renders a missing value."""
    return value is None or (isinstance(value, str) and not value.strip())


def refuse_none_as_text(name: str, value: object, advice: str) -> None:
    """
    Refuse the text `None` or `null`, to which a template renders a missing value.

    :param name: name of the argument.
    :param value: its value.
    :param advice: what to do instead; one sentence.
    :raises ValueError: if it is that text.
    """
    if isinstance(value, str) and value.strip().lower() in ("none", "null"):
        raise ValueError(
            f"{name} is the text {value!r}: a template renders to text, so a missing value becomes that. {advice} Or"
            " make the DAG with render_template_as_native_obj=True."
        )
