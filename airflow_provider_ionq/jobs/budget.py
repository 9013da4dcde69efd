"""The budget of a task, without Airflow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import IonQBudgetError, IonQError
from airflow_provider_ionq.jobs.price import cost_check_of, dry_run_price, estimated_price, in_usd
from airflow_provider_ionq.jobs.spent import JobCosts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_ionq.api.client import IonQClient
    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.jobs.request import JobRequest
    from airflow_provider_ionq.jobs.session_budget import SessionSpending
    from airflow_provider_ionq.jobs.token import Token

_NAMES = {"estimate": "estimate", "dry_run": "dry run"}
_ROUNDING_USD = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """
    The limits of what a task may spend.

    :param max_cost_usd: limit of all jobs of the task, in US dollars; None for no limit.
    :param session_max_cost_usd: limit of all jobs of the session, in US dollars; None for no limit.
    :param cost_check: how to learn the price; see :func:`~airflow_provider_ionq.jobs.price.cost_check_of`.
    """

    max_cost_usd: float | None = None
    session_max_cost_usd: float | None = None
    cost_check: str | None = None

    def check(
        self,
        client: IonQClient,
        request: JobRequest,
        token: Token,
        earlier: Iterable[Job],
        log: Any,
        *,
        costs: JobCosts | None = None,
        session: SessionSpending | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> float | None:
        """
        Check that a job may be submitted; return its price in US dollars, or None if none was needed.

        :param client: client for the price and the costs.
        :param request: the job.
        :param token: token of the job.
        :param earlier: the jobs that earlier tries of the task submitted.
        :param log: the task's logger.
        :param costs: the costs that are known already; None for none.
        :param session: the costs of the session of the job; None without a session.
        :param sleep: function that waits a number of seconds.
        :raises IonQBudgetError: if the job would exceed a limit, or its price cannot be compared with it.
        :raises IonQJobFailedError: if a dry run shows that the job would fail.
        :raises IonQError: if a price or cost cannot be read.
        """
        if request.dry_run or request.rehearsal_of is not None:
            return None
        if self.is_unlimited:
            if not request.is_free:
                log.warning("The job has no budget: set max_cost_usd to limit what this task may spend.")
            return None
        how = cost_check_of(request, self.cost_check)
        costs = costs or JobCosts()
        spent = sum(costs.of(client, job) for job in earlier)
        price = self._price(client, request, how, token, log, sleep)
        log.info(
            "The %s of the job is %.2f US dollars; earlier jobs of this task cost %.2f.", _NAMES[how], price, spent
        )
        limits = [("max_cost_usd", self.max_cost_usd, spent, "earlier jobs of this task")]
        if self.session_max_cost_usd is not None and session is not None:
            in_session = session.total(client)
            limits += [("the budget of the session", self.session_max_cost_usd, in_session, "the jobs of the session")]
        for name, limit, already, whose in limits:
            if limit is not None and price + already > limit + _ROUNDING_USD:
                raise IonQBudgetError(
                    f"The job was not submitted: its price is {price:.2f} US dollars by {_NAMES[how]}, {whose} cost"
                    f" {already:.2f}, and {name} is {limit:.2f}."
                )
        return price

    def confirm(
        self,
        client: IonQClient,
        job: Job,
        price: float | None,
        session: SessionSpending,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """
        Check that a submitted job fits in the budget of the session with the jobs that IonQ received before it.

        :meth:`check` does not see a job that another task submits at the same moment.

        :param client: client for repeated polls.
        :param job: the job.
        :param price: its price in US dollars; None to read it.
        :param session: the costs of its session.
        :param sleep: function that waits a number of seconds.
        :raises IonQBudgetError: if it does not fit, or that is unknown; the caller must then cancel the job, which the
            error reports as cancelled.
        """
        limit = self.session_max_cost_usd
        if limit is None or job.get("dry_run") is True:
            return
        try:
            before, own = session.up_to(client, job["id"], price, sleep=sleep)
        except IonQError as error:
            raise IonQBudgetError(
                f"Job {job['id']} was cancelled, because it is unknown whether it fits in the budget of session"
                f" {session.session_id}: {error}",
                retryable=error.retryable,
            ) from None
        if before + own > limit + _ROUNDING_USD:
            raise IonQBudgetError(
                f"Job {job['id']} was cancelled: its price is {own:.2f} US dollars, the jobs that were submitted to"
                f" session {session.session_id} before it cost {before:.2f}, and the budget of the session is"
                f" {limit:.2f}."
            )

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no limit."""
        return self.max_cost_usd is None and self.session_max_cost_usd is None

    def _price(
        self,
        client: IonQClient,
        request: JobRequest,
        how: str,
        token: Token,
        log: Any,
        sleep: Callable[[float], None],
    ) -> float:
        """Return the price in US dollars."""
        price = None
        if how == "estimate":
            price = estimated_price(client, request)
        elif self.cost_check is not None or not request.is_free:
            price = dry_run_price(client, request, token, log, sleep=sleep)
        if price is not None:
            return in_usd(price, "the job")
        if request.is_free:
            return 0.0
        raise IonQBudgetError(
            f"The job was not submitted: the {_NAMES[how]} gives no price on {request.backend}, so its cost is unknown."
            " Without max_cost_usd it is submitted without a check."
        )
