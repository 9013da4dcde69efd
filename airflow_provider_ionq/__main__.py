"""The commands of `airflow ionq` as `python -m airflow_provider_ionq`, for every version of Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.cli.cli_config import ActionCommand, DefaultHelpParser, GroupCommand

from airflow_provider_ionq.cli.definition import get_cli_commands

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def _fill(parser: argparse.ArgumentParser, command: ActionCommand | GroupCommand) -> None:
    if isinstance(command, ActionCommand):
        for arg in command.args:
            arg.add_to_parser(parser)
        parser.set_defaults(func=command.func)
        return
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for each in command.subcommands:
        _fill(commands.add_parser(each.name, help=each.help, description=each.description or each.help), each)


def ionq_parser() -> argparse.ArgumentParser:
    """Return the parser of the commands."""
    (group,) = get_cli_commands()
    parser = DefaultHelpParser(prog="python -m airflow_provider_ionq", description=group.help)
    _fill(parser, group)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """
    Run a command.

    :param argv: command-line arguments; None for those of the process.
    """
    args = ionq_parser().parse_args(argv)
    args.func(args)


if __name__ == "__main__":
    main()
