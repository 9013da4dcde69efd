"""The arguments of a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopArguments:
    """
    The arguments of a loop; see :func:`~airflow_provider_ionq.loops.ionq_jobs`.

    :param job: the arguments that all its jobs share.
    """

    backend: str
    job: Mapping[str, Any]
    session_id: Any
    max_cost_usd: float | None
    session_max_cost_usd: float | None
    cost_check: str | None
    reuse_on_clear: bool
    cancel_on_kill: bool
    poke_interval: float
    timeout: float
    name: str | None
    curve_path: str | None
    ionq_conn_id: str
