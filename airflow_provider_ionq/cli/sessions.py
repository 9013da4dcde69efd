"""The commands on sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ionq.cli.change import Change, change_each
from airflow_provider_ionq.cli.command import ionq_command
from airflow_provider_ionq.cli.output import print_list, print_object
from airflow_provider_ionq.sessions.target import SessionTarget, is_ended, is_selected

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_ionq.hooks.ionq import IonQHook

COLUMNS = ("id", "status", "backend", "created_at", "started_at", "ended_at")


@ionq_command
def list_sessions(hook: IonQHook, args: Namespace) -> None:
    """Print the sessions that match every given filter."""
    target = SessionTarget.of(args.status, None) if args.status else None
    sessions = [session for session in hook.list_sessions() if is_selected(session, target, args.backend)]
    print_list(sessions, COLUMNS, args.output)


@ionq_command
def show_session(hook: IonQHook, args: Namespace) -> None:
    """Print a session."""
    print_object(hook.get_session(args.session_id), args.output)


@ionq_command
def end_sessions(hook: IonQHook, args: Namespace) -> None:
    """End sessions, and print them as read afterwards."""
    change = Change(
        noun="session",
        verb="end",
        done="ended",
        already="has already ended",
        columns=COLUMNS,
        read=hook.get_session,
        is_final=is_ended,
        apply=hook.end_session,
    )
    change_each(change, args.session_ids, args)
