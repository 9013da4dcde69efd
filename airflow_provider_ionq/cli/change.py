"""Act on sessions or jobs by their ids: show them, ask, act, and report the outcome of each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_ionq.api.errors import IonQError
from airflow_provider_ionq.cli.output import print_list
from airflow_provider_ionq.waiting.connection import naming_connection

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True)
class Change:
    """
    An action on one kind of object.

    :param noun: the kind, such as `session`.
    :param verb: the action, such as `end`.
    :param done: its past participle, such as `ended`.
    :param already: says that an object is final, such as `has already ended`.
    :param columns: the fields to show.
    :param read: return the object with an id.
    :param is_final: tell whether there is nothing left to act on.
    :param apply: act on the object with an id, and return it as read afterwards.
    """

    noun: str
    verb: str
    done: str
    already: str
    columns: Sequence[str]
    read: Callable[[str], Mapping[str, Any]]
    is_final: Callable[[Mapping[str, Any]], bool]
    apply: Callable[[str], Mapping[str, Any]]


def change_each(change: Change, ids: Sequence[str], args: Namespace) -> None:
    """
    Act on each object, and print each as read afterwards. A failure does not prevent the next action.

    :param ids: ids of the objects.
    :param args: arguments of the command: `yes`, `output` and `conn_id`.
    :raises SystemExit: with status 2 if there is no terminal to ask at; with status 1 if the answer is not yes, or if
        the outcome is not confirmed for every object.
    """
    wanted = list(dict.fromkeys(ids))
    final: list[Mapping[str, Any]] = []
    failed = False
    if not args.yes:
        if not sys.stdin.isatty():
            _refuse_without_terminal(change)
        items, failed = _read_each(change, wanted, args)
        final = [item for item in items.values() if change.is_final(item)]
        wanted = [each for each, item in items.items() if not change.is_final(item)]
        _confirm(change, items, wanted, args)
    changed, failed_later = _apply_each(change, wanted, args)
    print_list([*final, *changed], change.columns, args.output)
    if failed or failed_later:
        raise SystemExit(1)


def _refuse_without_terminal(change: Change) -> NoReturn:
    _say(f"There is no terminal to confirm at: add --yes to {change.verb} without confirmation.")
    raise SystemExit(2)


def _read_each(change: Change, ids: Sequence[str], args: Namespace) -> tuple[dict[str, Mapping[str, Any]], bool]:
    items, failed = {}, False
    for each in ids:
        try:
            items[each] = change.read(each)
        except IonQError as error:
            failed = True
            _say(naming_connection(error, args.conn_id))
    return items, failed


def _confirm(change: Change, items: Mapping[str, Mapping[str, Any]], wanted: Sequence[str], args: Namespace) -> None:
    """
    Show the objects, and ask whether to act on those that are not final.

    :raises SystemExit: if the answer is not yes.
    """
    for each in items:
        if each not in wanted:
            _say(f"{change.noun.capitalize()} {each} {change.already}.")
    if not wanted:
        return
    print_list([items[each] for each in wanted], change.columns, "table", stderr=True)
    count = f"this {change.noun}" if len(wanted) == 1 else f"these {len(wanted)} {change.noun}s"
    # input() would write the question to stdout, where the outcome goes.
    print(f"{change.verb.capitalize()} {count} ({args.conn_id})? [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        answer = input()
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise SystemExit(f"No {change.noun} was {change.done}.")


def _apply_each(change: Change, ids: Sequence[str], args: Namespace) -> tuple[list[Mapping[str, Any]], bool]:
    changed = []
    failed = False
    for each in ids:
        try:
            changed.append(change.apply(each))
        except IonQError as error:
            failed = True
            _say(naming_connection(error, args.conn_id))
        except KeyboardInterrupt:
            failed = True
            _say(f"Interrupted: it is not confirmed that {change.noun} {each} was {change.done}.")
            break
    return changed, failed


def _say(text: str) -> None:
    print(text, file=sys.stderr)
