"""The submission of one job of a loop. The submissions share what they have read, so that it is not read again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ionq.jobs.checks import check_session
from airflow_provider_ionq.jobs.spent import JobCosts, check_listed
from airflow_provider_ionq.jobs.submit import JobCreation

if TYPE_CHECKING:
    from airflow_provider_ionq.api.models import Job
    from airflow_provider_ionq.jobs.token import Token


@dataclass(slots=True)
class LoopKnowledge:
    """
    What the submissions of a loop share.

    :param jobs: the jobs since the task was cleared, by id.
    :param costs: their costs.
    :param checked_qubits: number of qubits that the backend is known to have; None if none was checked.
    """

    jobs: dict[str, Job] = field(default_factory=dict)
    costs: JobCosts = field(default_factory=JobCosts)
    checked_qubits: int | None = None


class LoopCreation(JobCreation):
    """
    The submission of one job of a loop.

    :param knowledge: what the submissions of the loop share.
    :param place: number of the job in the loop.
    :param job_ids: ids of all jobs of the loop since the task was cleared.
    :param arguments: those of :class:`~airflow_provider_ionq.jobs.submit.JobCreation`.
    """

    def __init__(
        self, knowledge: LoopKnowledge, place: int, job_ids: set[str], *arguments: Any, **options: Any
    ) -> None:
        super().__init__(*arguments, costs=knowledge.costs, **options)
        self._knowledge = knowledge
        self._place = place
        self._job_ids = job_ids

    def details(self, item: Job) -> str:
        """Return the place of the job."""
        return f", as run {self._place} of the loop"

    def _check_target(self) -> None:
        checked, qubits = self._knowledge.checked_qubits, self._request.qubits or 0
        if checked is not None and qubits <= checked:
            check_session(self._clients.current, self._request)
            return
        super()._check_target()
        self._knowledge.checked_qubits = qubits

    def _check_budget(self, token: Token) -> float | None:
        if self._options.budget.is_unlimited and self._knowledge.jobs:
            return None  # The warning that there is no limit has been logged.
        return super()._check_budget(token)

    def _earlier_jobs(self) -> list[Job]:
        check_listed(self._job_ids, self._knowledge.jobs)
        return list(self._knowledge.jobs.values())
