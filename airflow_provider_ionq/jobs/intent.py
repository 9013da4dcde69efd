"""What a task stores about its jobs. Pure: no I/O, no clock, no Airflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ionq.jobs.token import Token
from airflow_provider_ionq.waiting.creation import Memory
from airflow_provider_ionq.waiting.request_clients import Connections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_ionq.api.models import Job, JobFilters


@dataclass(frozen=True, slots=True, kw_only=True)
class JobIntent:
    """
    A request that may have submitted a job, as far as it is known.

    :param token: token of the job; None if nothing is stored about the request, not even whether it was sent.
    :param backend: its backend; None if unknown.
    :param session_id: its session; None without one, or if unknown.
    :param connection: id of the Airflow connection of the request; None if unknown.
    """

    token: Token | None = None
    backend: str | None = None
    session_id: str | None = None
    connection: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the intent as JSON."""
        return {
            "token": None if self.token is None else str(self.token),
            "backend": self.backend,
            "session_id": self.session_id,
            "connection": self.connection,
        }

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> JobIntent:
        """Return the intent from the JSON of :meth:`as_json`."""
        return cls(
            token=Token.of_text(value.get("token")),
            backend=value.get("backend"),
            session_id=value.get("session_id"),
            connection=value.get("connection"),
        )

    @property
    def filters(self) -> JobFilters:
        """The filters of a list of jobs that has the job; none if it is unknown where it was sent."""
        return {"target": self.backend, "session_id": self.session_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """
    The jobs that a task has submitted since it was last cleared.

    :param generation: the generation of their tokens.
    :param number: the highest number of a submission.
    :param job_ids: their ids, as far as they are known.
    """

    generation: int
    number: int = 0
    job_ids: tuple[str, ...] = ()

    def with_job(self, token: Token, job_id: str | None) -> History:
        """
        Return the history with one more job; a job of another generation does not belong to it.

        :param token: token of the job.
        :param job_id: its id; None if it is unknown.
        """
        if token.generation != self.generation:
            return self
        ids = dict.fromkeys((*self.job_ids, *([] if job_id is None else [job_id])))
        return History(generation=self.generation, number=max(self.number, token.number or 0), job_ids=tuple(ids))

    def as_json(self) -> dict[str, Any]:
        """Return the history as JSON."""
        return {"generation": self.generation, "number": self.number, "job_ids": list(self.job_ids)}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> History:
        """Return the history from the JSON of :meth:`as_json`."""
        return cls(generation=value["generation"], number=value["number"], job_ids=tuple(value["job_ids"]))


class JobMemory(Memory[JobIntent], Protocol):
    """Storage that outlives the process of a task."""

    def history(self) -> History | None:
        """Return the stored history; None without one."""

    def store_history(self, history: History) -> None:
        """Store the history, before the request; a job whose id is stored later belongs to it."""


class JobTask(Connections, Protocol):
    """Access of a submission to the task that makes it."""

    def hand_on(self, job: Job) -> None:
        """Show the job in Airflow. May be called more than once."""


class ProcessMemory:
    """A :class:`JobMemory` for a caller that is not a task instance: nothing outlives its process."""

    def item_id(self) -> None:
        """Return None."""

    def intent(self) -> None:
        """Return None."""

    def history(self) -> None:
        """Return None."""

    def store_history(self, history: History) -> None:
        """Do nothing."""

    def publish_id(self, item_id: str) -> None:
        """Do nothing."""

    def store_id(self, item_id: str) -> None:
        """Do nothing."""

    def store_intent(self, intent: JobIntent) -> None:
        """Do nothing."""

    def forget(self) -> None:
        """Do nothing."""
