"""
The commands, in the terms of Airflow's command line.

Airflow imports this module whenever `airflow` starts, so it loads neither an HTTP library nor the hook: a command is
imported when it runs.
"""

from __future__ import annotations

from airflow.cli.cli_config import (
    ARG_OUTPUT,
    ARG_VERBOSE,
    ARG_YES,
    ActionCommand,
    Arg,
    GroupCommand,
    lazy_load_command,
    positive_int,
)

from airflow_provider_ionq.jobs.failure import STATUSES as JOB_STATUSES
from airflow_provider_ionq.sessions.target import STATUSES as SESSION_STATUSES

ARG_CONN_ID = Arg(
    ("--conn-id",),
    help="Id of the Airflow connection of type ionq (default: ionq_default)",
    metavar="CONN_ID",
    default="ionq_default",
)
ARG_SESSION_ID = Arg(("session_id",), help="Id of the session", metavar="SESSION_ID")
ARG_SESSION_IDS = Arg(("session_ids",), help="Ids of the sessions", metavar="SESSION_ID", nargs="+")
ARG_SESSION_STATUS = Arg(
    ("--status",),
    help="List only sessions with this status; repeat the option for several statuses",
    metavar=f"({', '.join(SESSION_STATUSES)})",
    choices=SESSION_STATUSES,
    action="append",
)
ARG_BACKEND = Arg(("--backend",), help="List only items on this device, such as qpu.forte-1", metavar="BACKEND")
ARG_JOB_ID = Arg(("job_id",), help="Id of the job", metavar="JOB_ID")
ARG_JOB_IDS = Arg(("job_ids",), help="Ids of the jobs", metavar="JOB_ID", nargs="+")
ARG_JOB_STATUS = Arg(
    ("--status",),
    help="List only jobs with this status",
    metavar=f"({', '.join(JOB_STATUSES)})",
    choices=JOB_STATUSES,
)
ARG_JOB_SESSION_ID = Arg(("--session-id",), help="List only jobs of this session", metavar="SESSION_ID")
ARG_LIMIT = Arg(
    ("--limit",),
    help="List at most this many jobs; the API returns 25 per request (default: 100)",
    metavar="NUMBER",
    type=positive_int(allow_zero=False),
    default=100,
)

SESSION_COMMANDS = (
    ActionCommand(
        name="list",
        help="List the sessions of the organisation, including ended ones",
        func=lazy_load_command("airflow_provider_ionq.cli.sessions.list_sessions"),
        args=(ARG_SESSION_STATUS, ARG_BACKEND, ARG_CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="show",
        help="Show a session",
        func=lazy_load_command("airflow_provider_ionq.cli.sessions.show_session"),
        args=(ARG_SESSION_ID, ARG_CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="end",
        help="End sessions, and confirm that they have ended",
        description="End sessions, and confirm that they have ended. Asks for confirmation unless --yes is given.",
        func=lazy_load_command("airflow_provider_ionq.cli.sessions.end_sessions"),
        args=(ARG_SESSION_IDS, ARG_YES, ARG_CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
    ),
)

JOB_COMMANDS = (
    ActionCommand(
        name="list",
        help="List the jobs of the project",
        func=lazy_load_command("airflow_provider_ionq.cli.jobs.list_jobs"),
        args=(ARG_JOB_STATUS, ARG_BACKEND, ARG_JOB_SESSION_ID, ARG_LIMIT, ARG_CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="show",
        help="Show a job",
        func=lazy_load_command("airflow_provider_ionq.cli.jobs.show_job"),
        args=(ARG_JOB_ID, ARG_CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
    ),
    ActionCommand(
        name="cancel",
        help="Cancel jobs, and read them again",
        description="Cancel jobs that are not final, and read them again. Asks for confirmation unless --yes is given.",
        func=lazy_load_command("airflow_provider_ionq.cli.jobs.cancel_jobs"),
        args=(ARG_JOB_IDS, ARG_YES, ARG_CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
    ),
)

IONQ_COMMANDS = (
    GroupCommand(name="sessions", help="List, show and end sessions", subcommands=SESSION_COMMANDS),
    GroupCommand(name="jobs", help="List, show and cancel jobs", subcommands=JOB_COMMANDS),
)


def get_cli_commands() -> list[GroupCommand]:
    """Return the group `ionq` for Airflow's command line. Airflow 3.2 and later call this."""
    return [
        GroupCommand(
            name="ionq",
            help="List, show and end sessions, and list, show and cancel jobs, in the IonQ Quantum Cloud",
            subcommands=IONQ_COMMANDS,
        )
    ]
