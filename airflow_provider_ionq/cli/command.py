"""The common part of all commands: read the connection, and report errors without a traceback."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_provider_ionq.api.errors import IonQError
from airflow_provider_ionq.waiting.connection import naming_connection

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from airflow_provider_ionq.hooks.ionq import IonQHook


def ionq_command(run: Callable[[IonQHook, Namespace], None]) -> Callable[[Namespace], None]:
    """
    Make a command of a function that takes the hook and the arguments.

    The command exits with status 1 and a message on stderr if the API or the connection refuses. Log lines are shown
    with `--verbose` only, because some versions of Airflow write them to stdout.
    """

    @suppress_logs_and_warning
    @providers_configuration_loaded
    @functools.wraps(run)
    def command(args: Namespace) -> None:
        try:
            run(_connected_hook(args.conn_id), args)
        except IonQError as error:
            raise SystemExit(naming_connection(error, args.conn_id)) from None
        except KeyboardInterrupt:
            raise SystemExit("Interrupted.") from None

    return command


def _connected_hook(ionq_conn_id: str) -> IonQHook:
    """
    Return a hook that has read its connection.

    :raises SystemExit: with the reason why the connection cannot be read.
    """
    # Imported here, where Airflow's warnings and log lines about its own imports are suppressed.
    from airflow.providers.common.compat.sdk import AirflowNotFoundException

    from airflow_provider_ionq.hooks.ionq import IonQHook, unreadable_connection

    # Airflow 3 reads a connection from its database only in a process that it calls a server. Its own commands that
    # read connections set this as well.
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    hook = IonQHook(ionq_conn_id)
    try:
        hook.get_conn()
    except (IonQError, AirflowNotFoundException) as error:
        raise SystemExit(naming_connection(error, ionq_conn_id)) from None
    except Exception as error:
        raise SystemExit(unreadable_connection(ionq_conn_id, error)) from None
    return hook
