"""The command ``ionq-emulator``: run the emulator until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn, get_args

from airflow_provider_ionq.emulator import Emulator, Step
from airflow_provider_ionq.emulator.control_endpoints import CONTROL_PREFIX
from airflow_provider_ionq.emulator.settings import JOB_SECONDS
from airflow_provider_ionq.emulator.state import ActiveMeaning

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _capacity(text: str) -> tuple[str, int]:
    backend, separator, number = text.partition("=")
    if not separator or not backend or not number.isascii() or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not BACKEND=N")
    return backend, int(number)


def _seconds(text: str) -> float | None:
    try:
        return None if text == "never" else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of seconds nor 'never'") from None


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="ionq-emulator", description="A local IonQ API, on 127.0.0.1 only.")
    parser.add_argument("--port", type=int, default=8642, help="TCP port, 0 for any free one (default: 8642)")
    parser.add_argument("--api-key", default="emulator-key", help="API key to accept (default: emulator-key)")
    parser.add_argument(
        "--active",
        choices=get_args(ActiveMeaning),
        default="not_ended",
        help="when the field 'active' of a session is true (default: not_ended)",
    )
    parser.add_argument(
        "--start-after", type=float, metavar="SECONDS", help="start each session this long after its creation"
    )
    parser.add_argument(
        "--end-after",
        type=float,
        metavar="SECONDS",
        help="end each session this long after its start if --start-after is given, else after its creation",
    )
    parser.add_argument(
        "--capacity",
        action="append",
        default=[],
        type=_capacity,
        metavar="BACKEND=N",
        help="answer 409 to POST /sessions while N sessions of this backend are open (repeatable; default: no limit)",
    )
    parser.add_argument(
        "--job-seconds",
        type=_seconds,
        default=JOB_SECONDS,
        metavar="SECONDS",
        help=f"complete each job this long after its submission; 'never' leaves it open until it is ended "
        f"(default: {JOB_SECONDS})",
    )
    parser.add_argument(
        "--job-reads",
        type=int,
        metavar="N",
        help="complete each job after N reads instead",
    )
    parser.add_argument(
        "--no-sessions", action="store_true", help="answer 404 under /sessions, as for an account without sessions"
    )
    return parser


def _emulator(arguments: argparse.Namespace) -> Emulator:
    steps = (("started", arguments.start_after), ("ended", arguments.end_after))
    return Emulator(
        api_key=arguments.api_key,
        port=arguments.port,
        active=arguments.active,
        sessions_enabled=not arguments.no_sessions,
        capacity=dict(arguments.capacity) or None,
        job_seconds=arguments.job_seconds,
        job_reads=arguments.job_reads,
        plan=[Step(status, after_seconds=seconds) for status, seconds in steps if seconds is not None],
    )


def _greeting(emulator: Emulator) -> str:
    control = emulator.url.rsplit("/", 1)[0] + CONTROL_PREFIX
    return f"""\
IonQ emulator at {emulator.url} (Ctrl-C stops it)

Connect Airflow to it:
  export AIRFLOW_CONN_IONQ_DEFAULT={shlex.quote(emulator.airflow_connection)}

Create a session, start it with its first job, end it:
  curl -X POST {control}/sessions -d '{{"backend": "qpu.forte-1", "session_id": "demo"}}'
  curl -X POST {control}/jobs -d '{{"session_id": "demo"}}'
  curl -X PATCH {control}/sessions/demo -d '{{"status": "ended"}}'
"""


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the emulator until SIGINT or SIGTERM.

    :param argv: command-line arguments; None for those of the process.
    :return: exit status.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        emulator = _emulator(arguments)
        emulator.start()
    except OSError as error:
        parser.error(str(error.strerror))
    except (ImportError, ValueError) as error:
        parser.error(str(error))
    try:
        print(_greeting(emulator), flush=True)
        stopping.wait()
    finally:
        emulator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
