"""
Print the API's JSON in the formats of Airflow's commands.

`json` and `yaml` have every field of the response, unchanged. A cell of `table` and `plain` is one line of printable
text: names and metadata are free text, which must not reach the terminal as control characters or as markup.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.cli.simple_table import AirflowConsole
from airflow.utils import yaml
from tabulate import tabulate

from airflow_provider_ionq.api.json_text import json_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NO_VALUE = "-"


def print_list(
    items: Sequence[Mapping[str, Any]], columns: Sequence[str], output: str, *, stderr: bool = False
) -> None:
    """
    Print objects, one a row.

    :param items: the objects from the API.
    :param columns: fields to print with `table` and `plain`.
    :param output: `table`, `plain`, `json` or `yaml`.
    :param stderr: print to stderr.
    """
    _print(items, ({name: json_object(item).get(name) for name in columns} for item in items), output, stderr=stderr)


def print_object(item: Mapping[str, Any], output: str) -> None:
    """
    Print one object, a field a row.

    :param item: the object from the API.
    :param output: `table`, `plain`, `json` or `yaml`.
    """
    _print(item, ({"field": name, "value": value} for name, value in item.items()), output)


def _print(data: Any, rows: Iterable[Mapping[str, Any]], output: str, *, stderr: bool = False) -> None:
    # `AirflowConsole` has all four formats, but turns every number and boolean of JSON and YAML into text, takes 9 s to
    # colour the JSON of 20,000 sessions, and turns text that looks like a number in a plain table into a number.
    if output == "json":
        print(json.dumps(data))
        return
    if output == "yaml":
        # YAML has no lone surrogates, which JSON may have.
        data = json.loads(json.dumps(data, ensure_ascii=False).encode(errors="replace"))
        print(yaml.dump(data), end="")
        return
    cells = [{name: cell(value) for name, value in row.items()} for row in rows]
    if output == "plain" and cells:
        print(tabulate(cells, headers="keys", tablefmt="plain", disable_numparse=True))
        return
    AirflowConsole(markup=False, emoji=False, highlight=False, stderr=stderr).print_as_table(cells)


def cell(value: object) -> str:
    """Return a JSON value as one line of printable text."""
    if value is None:
        return NO_VALUE
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value)
