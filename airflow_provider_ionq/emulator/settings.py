"""The parameters of the emulator; each is checked whenever it is set."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_ionq.emulator.account_data import BACKENDS
from airflow_provider_ionq.emulator.artifacts import ResultStyle
from airflow_provider_ionq.emulator.prices import DEFAULT_PRICES, Price
from airflow_provider_ionq.emulator.state import ActiveMeaning, checked_job_plan, checked_plan, is_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_ionq.emulator.state import Step


# Long enough to see an open job, short enough to wait for its completion.
JOB_SECONDS = 0.1


@dataclass(kw_only=True, eq=False, repr=False)
class Settings:
    """
    The parameters of an emulator. All except ``port`` and ``clock`` may be set at any time, for later requests.

    :param api_key: the only accepted key; a test may set it to rotate it.
    :param port: TCP port; 0 for any free one.
    :param active: meaning of the field ``active``, which IonQ does not document: ``not_ended`` (true until the session
        has ended) or ``started`` (true only while it is started).
    :param sessions_enabled: False answers 404 under ``/sessions``, as for an account without sessions.
    :param plan: plan of sessions that are created without their own plan, for instance by ``POST /sessions``.
    :param capacity: maximum number of open sessions of a backend, such as ``{"qpu.forte-1": 1}``. ``POST /sessions``
        answers 409 while this many sessions have not ended, whoever created them. A backend without an entry has no
        limit; with None, no backend has one. Lowering a limit ends no session.
    :param job_seconds: a job starts at once and is completed this many seconds after its submission; None leaves it
        ``submitted`` until the test or its session ends it.
    :param job_plan: plan of jobs that are submitted without their own plan, whatever ``job_seconds`` and ``job_reads``
        are; None leaves the jobs to these.
    :param prices: price of a job on each backend. A job on a backend without an entry has no cost, as on the simulator;
        with None, no backend has a price.
    :param compiled_gates: number of gates after compilation for each gate of a circuit. A job or dry run is charged for
        its compiled gates; an estimate is only for the gates in its request.
    :param job_reads: a job starts at once and is completed after this many reads, whatever ``job_seconds`` is; None
        leaves the completion to ``job_seconds``. A read is the job served by ``GET /jobs/{job_id}`` or within a list.
    :param read_after_write_seconds: seconds for which a session or job that was created by a request cannot be read:
        every other request for it gets 404 and no list shows it, but a session takes up capacity.
    :param seed: number that all shots depend on. They also depend on the circuit, but not on the id, name, metadata or
        time of the job: a workflow that submits the same jobs again sees the same results. A job with a seed of its own
        does not depend on this one.
    :param result_style: how jobs describe their results: ``artifacts``, as in October 2026; ``urls``, as in May 2026;
        or ``both``, as the service does.
    :param clock: returns the time in epoch seconds; a test may pass its own clock instead of waiting.
    """

    api_key: str = "emulator-key"
    port: int = 0
    active: ActiveMeaning = "not_ended"
    sessions_enabled: bool = True
    plan: Sequence[Step] = ()
    capacity: Mapping[str, int] | None = None
    job_seconds: float | None = JOB_SECONDS
    job_reads: int | None = None
    job_plan: Sequence[Step] | None = None
    prices: Mapping[str, Price] | None = field(default_factory=lambda: DEFAULT_PRICES)
    compiled_gates: float = 1.0
    read_after_write_seconds: float = 0.0
    seed: int = 0
    result_style: ResultStyle = "both"
    clock: Callable[[], float] = time.time

    if not TYPE_CHECKING:  # A type checker that sees __setattr__ accepts attributes of any name.

        def __setattr__(self, name: str, value: Any) -> None:
            """Set an attribute; a parameter is checked first."""
            super().__setattr__(name, _CHECKS[name](value) if name in _CHECKS else value)


def checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the values of parameters as they are stored.

    :param settings: values by the names of parameters.
    :raises ValueError: a value is invalid.
    """
    return {name: _CHECKS[name](value) if name in _CHECKS else value for name, value in settings.items()}


def _api_key(key: Any) -> str:
    if not isinstance(key, str) or not key.isascii() or not key.isprintable() or not key or " " in key:
        raise ValueError("api_key must be printable ASCII without spaces")
    return key


def _port(port: Any) -> int:
    if type(port) is not int or not 0 <= port <= 65535:
        raise ValueError(f"port must be a whole number from 0 to 65535, not {port!r}")
    return port


def _active(meaning: Any) -> Any:
    if meaning not in get_args(ActiveMeaning):
        raise ValueError(f"active must be one of {', '.join(get_args(ActiveMeaning))}, not {meaning!r}")
    return meaning


def _capacity(capacity: Any) -> dict[str, int] | None:
    if capacity is None:
        return None
    limits = dict(capacity)
    for backend, limit in limits.items():
        if backend not in BACKENDS:
            raise ValueError(f"capacity: {backend!r} must be one of {', '.join(BACKENDS)}")
        if type(limit) is not int or limit < 0:
            raise ValueError(f"capacity of {backend} must be a whole number from 0, not {limit!r}")
    return limits


def _job_seconds(seconds: Any) -> Any:
    return None if seconds is None else _duration("job_seconds", seconds)


def _job_reads(reads: Any) -> int | None:
    if reads is not None and (type(reads) is not int or reads < 0):
        raise ValueError(f"job_reads must be a whole number from 0, not {reads!r}")
    return reads


def _job_plan(plan: Any) -> tuple[Step, ...] | None:
    return None if plan is None else checked_job_plan(plan)


def _prices(prices: Any) -> dict[str, Price] | None:
    if prices is None:
        return None
    for backend, price in dict(prices).items():
        if backend not in BACKENDS:
            raise ValueError(f"prices: {backend!r} must be one of {', '.join(BACKENDS)}")
        if not isinstance(price, Price):
            raise ValueError(f"the price of {backend} must be a Price, not {price!r}")
    return dict(prices)


def _compiled_gates(factor: Any) -> Any:
    if not is_duration(factor):
        raise ValueError(f"compiled_gates must be a number from 0, not {factor!r}")
    return factor


def _seed(seed: Any) -> int:
    if type(seed) is not int or seed < 0:
        raise ValueError(f"seed must be a whole number from 0, not {seed!r}")
    return seed


def _result_style(style: Any) -> Any:
    if style not in get_args(ResultStyle):
        raise ValueError(f"result_style must be one of {', '.join(get_args(ResultStyle))}, not {style!r}")
    return style


def _read_after_write_seconds(seconds: Any) -> Any:
    return _duration("read_after_write_seconds", seconds)


def _duration(name: str, seconds: Any) -> Any:
    if not is_duration(seconds):
        raise ValueError(f"{name} must be a number from 0, not {seconds!r}")
    return seconds


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "api_key": _api_key,
    "port": _port,
    "active": _active,
    "plan": checked_plan,
    "capacity": _capacity,
    "job_seconds": _job_seconds,
    "job_reads": _job_reads,
    "job_plan": _job_plan,
    "prices": _prices,
    "compiled_gates": _compiled_gates,
    "read_after_write_seconds": _read_after_write_seconds,
    "seed": _seed,
    "result_style": _result_style,
}
