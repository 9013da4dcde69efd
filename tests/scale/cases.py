"""The cases at scale; the benchmark runs the same cases at full length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.churn import ChurnPlan, churn
from benchmarks.contestants import JOBS, OURS
from benchmarks.history import HistoryPlan, watch
from benchmarks.limits import LimitPlan, limit
from benchmarks.waiting import Plan, wait

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = Plan(waiting=5000, interval=2.0, intervals=4)
MANY_JOBS = Plan(waiting=1000, interval=2.0, intervals=4)
LIMIT = LimitPlan(interval=1.0, limited_seconds=10.0, retry_after=2)
HISTORY = HistoryPlan(interval=2.0, intervals=4)
CHURN = ChurnPlan(seconds=8.0, intervals=(1.5, 2.0, 3.0), group=20, busy_seconds=6.0)
PATIENCE_SECONDS = 300

CASES: dict[str, Callable[[], object]] = {
    "many": lambda: wait(OURS, MANY),
    "jobs": lambda: wait(JOBS, MANY_JOBS),
    "churn": lambda: churn(CHURN),
    "limit": lambda: limit(LIMIT, with_retry_after=False),
    "retry-after": lambda: limit(LIMIT, with_retry_after=True),
    "history": lambda: watch(HISTORY),
}
