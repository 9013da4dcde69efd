"""
The submission of a job by :class:`~airflow_provider_ionq.waiting.create_once.CreateOnce`.

A job carries a token of its task in its metadata. After a lost response or a crash the token identifies the jobs of the
task with certainty, so the task continues with its own job and submits none twice.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.api.errors import (
    IonQAddressError,
    IonQChangedInputError,
    IonQError,
    IonQNotFoundError,
    IonQNotReadableError,
)
from airflow_provider_ionq.api.json_text import json_text
from airflow_provider_ionq.jobs.cancel import cancel_job, request_cancellation
from airflow_provider_ionq.jobs.checks import check_backend, check_session
from airflow_provider_ionq.jobs.earlier import OwnJob, choose, own_jobs
from airflow_provider_ionq.jobs.failure import is_final
from airflow_provider_ionq.jobs.intent import History, JobIntent
from airflow_provider_ionq.jobs.search import find_own
from airflow_provider_ionq.jobs.session_budget import SessionSpending
from airflow_provider_ionq.jobs.spent import JobCosts, earlier_jobs
from airflow_provider_ionq.jobs.token import Token
from airflow_provider_ionq.waiting.creation import Creation, Reuse, Wording
from airflow_provider_ionq.waiting.request_clients import RequestClients
from airflow_provider_ionq.waiting.safe_log import SafeLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.api.settings import ClientSettings
    from airflow_provider_ionq.jobs.intent import JobMemory, JobTask
    from airflow_provider_ionq.jobs.request import JobRequest
    from airflow_provider_ionq.jobs.submit_options import SubmitOptions

DELETED = "deleted"

JOB_WORDING = Wording("job", "cancel", "cancelling", "cancelled")

KEPT = "cancel_on_kill is not set"
"""Why a job goes on when its task ends."""


class JobCreation(Creation["Job", JobIntent]):
    """
    The submission of one job.

    :param settings: settings of the client.
    :param request: the job.
    :param identity: identity of the task; see :mod:`~airflow_provider_ionq.jobs.token`.
    :param generation: number that changes when the task is cleared.
    :param options: how the task submits it.
    :param memory: storage that outlives this process.
    :param task: the Airflow task.
    :param log: the task's logger.
    :param clients: clients with these settings; None for new ones.
    :param costs: the costs that are known already; None for none.
    :param sleep: function that waits a number of seconds.
    """

    wording = JOB_WORDING
    needs_hand_on = False

    def __init__(
        self,
        settings: ClientSettings,
        request: JobRequest,
        identity: str,
        generation: int,
        options: SubmitOptions,
        memory: JobMemory,
        task: JobTask,
        log: Any,
        *,
        clients: RequestClients | None = None,
        costs: JobCosts | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._request = request
        self._token = Token(identity, generation, 0, request.fingerprint())
        self._options = options
        self._memory = memory
        self._task = task
        self._log = SafeLog(log)
        self._sleep = sleep
        self._clients = clients or RequestClients(settings, task)
        self._costs = costs or JobCosts()
        self._session = None if request.session_id is None else SessionSpending(request.session_id, self._costs)
        self._price_usd: float | None = None
        history = memory.history() or History(generation=generation)
        self._history = history if history.generation == generation else History(generation=generation)

    def describe(self, intent: JobIntent | None = None) -> str:
        """Return the backend and the size, or the Airflow connection of an earlier request if it differs."""
        if intent is None:
            return str(self._request)
        return f"{intent.backend or 'an unknown backend'}{self._clients.describe(intent.connection)}"

    def next_intent(self) -> JobIntent:
        """
        Check that the job may be submitted, and give it the next number.

        :raises IonQBudgetError: if it would exceed the budget, or its price is unknown.
        :raises IonQError: if its session has ended or has another backend, or the job is too large for the backend.
        """
        self._check_target()
        token = self._token.numbered(self._history.number + 1)
        self._memory.store_history(self._history)
        self._price_usd = self._check_budget(token)
        return JobIntent(
            token=token,
            backend=self._request.backend,
            session_id=self._request.session_id,
            connection=self._task.connection,
        )

    def send(self, intent: JobIntent) -> Job:
        """Submit the job."""
        body = self._request.body(str(intent.token))
        created = self._clients.create(lambda: self._clients.current.create_job(body), self._request.backend)
        return {"id": created["id"], "status": created["status"]}

    def read(self, item_id: str, intent: JobIntent | None = None) -> Job:
        """Read a job with the connection of its request; a job submitted before the task was cleared may be deleted."""
        try:
            return self._clients.single_attempt_of(_connection_of(intent)).get_job(item_id)
        except IonQAddressError:
            raise
        except IonQNotFoundError:
            token = None if intent is None else intent.token
            if token is None or token.generation == self._token.generation:
                raise
            return {"id": item_id, "status": DELETED}

    def search(self, intent: JobIntent) -> list[Job]:
        """
        Return the task's own jobs.

        If a request is known to have been sent, its job is searched for 30 s; otherwise the jobs are listed once.
        """
        client = self._clients.current if intent.token is None else self._clients.single_attempt_of(intent.connection)
        try:
            found = find_own(client, intent, self._token.identity, sleep=self._sleep)
        except IonQError as error:
            raise IonQNotReadableError(
                f"An earlier request on {self.describe(intent)} may have submitted a job. The jobs cannot be listed, so"
                f" no other job was submitted: {error}",
                retryable=error.retryable,
            ) from None
        return [one.job for one in found]

    def choose(self, found: list[Job], intent: JobIntent, lost: IonQError | None) -> Job | None:
        """
        Return the job to continue with, and cancel the others.

        :raises IonQChangedInputError: if an earlier try submitted a job for another input.
        """
        own = own_jobs(found, self._token.identity)
        if intent.token is not None:
            self._history = self._history.with_job(intent.token, None)
        for one in own:
            self._history = self._history.with_job(one.token, one.job_id)
        elsewhere = not self._clients.is_current(intent.connection)
        changed = f"with Airflow connection {intent.connection!r}" if elsewhere else "for another input"
        choice = choose(own, self._token, reuse_on_clear=self._options.reuse_on_clear, elsewhere=elsewhere)
        refused = choice.changed if self._options.on_changed_input == "fail" else ()
        for one, reason in choice.cancel:
            if one not in refused:
                self._log.warning("Cancelling job %s of an earlier try: %s.", one.job_id, reason)
                self.end(one.job_id, intent)
        if refused:
            raise _changed_input(refused[-1].job, changed)
        for one in choice.changed:
            if not one.is_open:
                self._log.info("Job %s of an earlier try is completed, but was submitted %s.", one.job_id, changed)
        return None if choice.keep is None else choice.keep.job

    def judge(self, item: Job, intent: JobIntent | None) -> tuple[Reuse, str]:
        """Continue with a job of this generation for the same input, unless it failed; cancel any other open job."""
        token = Token.of_job(item) or (None if intent is None else intent.token)
        if item["status"] == DELETED or token is None:
            return Reuse.REPLACE, "cannot be found" if token is None else "was deleted"
        self._history = self._history.with_job(token, item["id"])
        one = OwnJob(item, token)
        if not one.is_good:
            return Reuse.REPLACE, f"has the status {json_text(item['status'])}"
        drop = Reuse.END_AND_REPLACE if one.is_open else Reuse.REPLACE
        same_input = token.fingerprint == self._token.fingerprint
        connection = _connection_of(intent)
        same_connection = self._clients.is_current(connection)
        if token.generation != self._token.generation:
            if self._options.reuse_on_clear and same_input and same_connection:
                return Reuse.CONTINUE, ""
            reason = "was submitted before the task was cleared"
            return drop, f"it {reason}" if one.is_open else reason
        if same_input and same_connection:
            return Reuse.CONTINUE, ""
        changed = "for another input" if not same_input else f"with Airflow connection {connection!r}"
        if self._options.on_changed_input == "fail":
            raise _changed_input(item, changed)
        return drop, f"it was submitted {changed}" if one.is_open else f"was submitted {changed}"

    def end(self, item_id: str, intent: JobIntent | None = None) -> None:
        """Cancel a job with the connection of its request, unless it is final, and confirm that."""
        cancel_job(self._clients.client_of(_connection_of(intent)), item_id, self._log, sleep=self._sleep)

    def reason_to_keep(self) -> str | None:
        """Keep the job unless `cancel_on_kill` is set."""
        return None if self._options.cancel_on_kill else KEPT

    def request_end(self, item_id: str, seconds: float) -> bool:
        """Read the job, and request its cancellation unless it is final."""
        return request_cancellation(self._clients.within(seconds / 2), item_id)

    def confirm(self, item: Job) -> None:
        """
        Check again, unless the job is final, that it fits in the budget of its session.

        :raises IonQBudgetError: if it does not, or that is unknown.
        """
        if self._session is not None and not is_final(item):
            client = self._clients.single_attempt
            self._options.budget.confirm(client, item, self._price_usd, self._session, sleep=self._sleep)

    def hand_on(self, item: Job) -> None:
        """Show the job in Airflow."""
        self._task.hand_on(item)

    def _check_target(self) -> None:
        """Check that the session and the backend take the job."""
        if self._request.rehearsal_of is not None:
            self._log.info(
                "Rehearsal: the job runs on the simulator in place of %s, without a session and free of charge.",
                self._request.rehearsal_of,
            )
        check_session(self._clients.current, self._request)
        check_backend(self._clients.current, self._request, self._log)

    def _check_budget(self, token: Token) -> float | None:
        """Check that the job fits in the budget; return its price in US dollars, or None if none was needed."""
        budget = self._options.budget
        earlier = self._earlier_jobs() if budget.max_cost_usd is not None else []
        return budget.check(
            self._clients.current,
            self._request,
            token,
            earlier,
            self._log,
            costs=self._costs,
            session=self._session,
            sleep=self._sleep,
        )

    def _earlier_jobs(self) -> list[Job]:
        """Return the jobs of this generation, whose costs count."""
        return earlier_jobs(self._clients.current, self._history.job_ids)


def _changed_input(job: Job, changed: str) -> IonQChangedInputError:
    return IonQChangedInputError(
        f"Job {job['id']} with the status {json_text(job['status'])} was submitted {changed} by an earlier try of this"
        " task; no other job was submitted. Clear the task to submit a new job, or set on_changed_input='resubmit'.",
        job["id"],
    )


def _connection_of(intent: JobIntent | None) -> str | None:
    return None if intent is None else intent.connection
